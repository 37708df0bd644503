"""Write to a database: one transaction in flight, and a pause after one that failed."""

import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from ..values.events import ServerConnection, Writer
from .measures import Measures
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.transactions")

MAX_WRITES = 1000
"""Writes in one transaction, to keep it short; the others go into the next one."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds after a failed transaction; the pause doubles with each further failure."""


class Transactions:
    """Commits writes whenever no transaction is in flight.

    One transaction has at most ``most`` writes. Writes that are the same as the last ones wait, so
    that writes without an effect are not repeated without end. If rows changed meanwhile, others
    may have undone them, and they are repeated at once, but only once.
    """

    def __init__(
        self,
        database: str,
        writer: Writer,
        timers: Timers,
        measures: Measures,
        most: int = MAX_WRITES,
    ) -> None:
        self._database = database
        self._writer = writer
        self._retry = timers.timer(f"retry of {database}", self._resume)
        self._most = most
        self.is_in_flight = False
        """Whether a transaction is committed and not answered."""
        self._is_away = False
        self._is_retry = False
        self._is_changed = False
        self._is_repeated = False
        self._pause = FIRST_PAUSE
        self._last: list[Any] = []
        self._work = measures.transactions[database]
        self._stopwatch = measures.stopwatch(self._work.seconds)
        self._transactions = 0
        self.writes = 0
        """How many writes were committed."""

    @property
    def connection(self) -> ServerConnection | None:
        """The connection to the server in use, None while the database is away."""
        return self._writer.connection

    @property
    def unusable(self) -> Mapping[str, str]:
        """Why servers cannot be used, by their remotes, while none is in use."""
        return self._writer.unusable

    def commit(self, writes: Iterable[Any]) -> None:
        """Commit the first of the writes, unless a transaction or a pause is under way."""
        if self.is_in_flight or self._retry.runs() or self._is_away:
            return
        first = list(islice(filter(self._writer.takes, writes), self._most))
        if first != self._last:
            self._pause = FIRST_PAUSE
            self._is_repeated = False
        elif first and not self._is_retry:
            if self._is_repeated or not self._is_changed:
                self._wait("what the last transaction wrote is not there")
                return
            self._is_repeated = True
        self._is_retry = self._is_changed = False
        self._last = first
        if first:
            self.is_in_flight = True
            self._transactions += 1
            self.writes += len(first)
            self._stopwatch.start()
            self._writer.commit(first)

    def committed(self, error: str | None) -> None:
        """Handle the answer to the transaction in flight; ``error`` is None if it succeeded."""
        self.is_in_flight = False
        self._stopwatch.stop()
        self._work.failed += error is not None
        if error is not None and not self._is_away:
            self._wait(error)

    def changed(self) -> None:
        """Record that rows of the database changed."""
        self._is_changed = True

    def account(self) -> str:
        """Return the number of transactions and writes, for people."""
        return f"{self._database}: transactions {self._transactions}, writes {self.writes}"

    def away(self) -> None:
        """Stop writing: the database is away."""
        self._is_away = True

    def back(self) -> None:
        """Resume writing: the database is back, and may lack what was written last."""
        self._is_away = False
        self._retry.stop()
        self._resume()

    def _resume(self) -> None:
        self._is_retry = True

    def _wait(self, error: str) -> None:
        LOG.warning("%s: %s; trying again in %g s", self._database, error, self._pause)
        self._retry.start(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
