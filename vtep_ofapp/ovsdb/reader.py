"""Rows of a database to events: what whole transactions changed, and nothing of half a one."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import eventlet

from ..values.events import Event
from .bulk import RemoteMacs
from .replica import Replica
from .tables import Tables

ROWS_AT_A_TIME = 250
"""Rows handled before other green threads get their turn: some ten milliseconds of work."""
MAX_CHANGE = 5.0
"""Seconds for which transactions join those whose rows wait; then what waits is told first."""


class Reader:
    """Reads a replica on and posts the events that its rows amount to.

    ``is_in_sync`` says that all rows were told since the connection stands.
    """

    def __init__(self, tables: Tables, post: Callable[[Event], None]) -> None:
        self.is_in_sync = False
        self._tables = tables
        self._post = post
        self._work = 0
        self._behind_since: float | None = None

    # What a replica tells

    @property
    def bulk(self) -> Mapping[str, RemoteMacs]:
        """The tables whose rows the replica does not keep."""
        return self._tables.bulk

    def noticed(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""
        self._tables.notice(table, row, gone)
        self.worked()

    def cleared(self) -> None:
        """Take note that all rows were forgotten."""
        self._tables.forget()

    def worked(self) -> None:
        """Let other green threads have their turn every now and then during a large update.

        It is in the middle of a transaction, of which nothing is told before all of it is read.
        """
        self._work += 1
        if self._work % ROWS_AT_A_TIME == 0:
            eventlet.sleep(0)

    # What is done with it

    @property
    def is_behind(self) -> bool:
        """Whether rows in bulk wait; they are taken some at a time, between everything else."""
        return any(table.is_behind for table in self.bulk.values())

    def read_on(self, replica: Replica) -> bool:
        """Read what came in, and tell what whole transactions changed.

        Return whether this was the end of a full reading: all rows are told.
        """
        if self.may_read_on():
            replica.run()
        if replica.is_damaged:
            return False
        is_read = not self.is_in_sync and replica.is_monitoring
        self._post_all(self._tables.take(is_read))
        if not is_read or self.is_behind:
            return False
        self.is_in_sync = True
        self._post(self._tables.in_sync())
        return True

    def may_read_on(self) -> bool:
        """Return whether there is time for more transactions: they join those whose rows wait.

        That is so for a while, because all that we write waits for its answer.
        """
        if not self.is_behind:
            self._behind_since = None
            return True
        now = time.monotonic()
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since < MAX_CHANGE

    def finish(self) -> bool:
        """Tell the rest of what was read, after the connection; return whether all was told.

        The rows stay as they are until there is another connection.
        """
        was_in_sync, self.is_in_sync = self.is_in_sync, False
        while self.is_behind:
            self._post_all(self._tables.take(more=False))
            eventlet.sleep(0)
        return was_in_sync

    def _post_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._post(event)
