"""Writes to a database: one transaction at a time."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ovs.db import idl

from .replica import Replica
from .tables import Tables

LOG = logging.getLogger("vtep_ofapp.databases")


class Writer:
    """Performs writes in one transaction, and reports its result.

    ``name`` is the database's name in the log. ``ended`` is called with None after success, and
    with the reason after a failure.
    """

    def __init__(self, name: str, tables: Tables, ended: Callable[[str | None], None]) -> None:
        self._name = name
        self._tables = tables
        self._ended = ended
        self._writes: Sequence[Any] = ()
        self._transaction: Any = None

    @property
    def is_busy(self) -> bool:
        """Whether writes are queued, or their transaction is in flight."""
        return bool(self._writes)

    def put(self, writes: Sequence[Any]) -> None:
        """Queue the writes of the next transaction."""
        assert not self._writes
        self._writes = writes

    def advance(self, replica: Replica) -> None:
        """Begin the transaction, or check whether it has ended.

        A transaction that ends with its connection stays in flight: `give_up` ends it.
        """
        if self._transaction is None and not self._begin(replica):
            return
        status = self._transaction.commit()
        lost = status == idl.Transaction.TRY_AGAIN and replica.is_over
        if status == idl.Transaction.INCOMPLETE or lost:
            return
        error = None
        if status not in (idl.Transaction.SUCCESS, idl.Transaction.UNCHANGED):
            error = self._transaction.get_error() or status
        self._end(error)

    def give_up(self, reason: str) -> None:
        """Abort the transaction and report the reason."""
        if self._transaction is not None:
            self._transaction.abort()
        if self._writes:
            self._end(reason)

    def _begin(self, replica: Replica) -> bool:
        """Begin a transaction for the queued writes; return whether there are any."""
        if not self._writes:
            return False
        self._transaction = idl.Transaction(replica)
        try:
            self._tables.perform(self._transaction, self._writes)
        except Exception as bug:
            LOG.exception("%s: a bug in these writes: %.2000s", self._name, self._writes)
            self.give_up(str(bug))
            return False
        return True

    def _end(self, error: str | None) -> None:
        self._transaction, self._writes = None, ()
        self._ended(error)
