"""Posts the changed rows of a database as events, only for complete transactions."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import eventlet

from ..values.events import Event
from .bulk import Bulk
from .replica import Replica
from .tables import Tables

ROWS_AT_A_TIME = 250
"""Rows handled before other green threads run: some ten milliseconds of work."""
MAX_CHANGE = 5.0
"""Seconds for which new transactions join the queued change; then the queue is posted first."""


class Reader:
    """Reads from a replica and posts events for its changed rows.

    ``is_in_sync`` means that all rows of this connection were posted.
    """

    def __init__(self, tables: Tables, post: Callable[[Event], None]) -> None:
        self.is_in_sync = False
        self._tables = tables
        self._post = post
        self._work = 0
        self._behind_since: float | None = None

    # Callbacks of the replica

    @property
    def bulk(self) -> Bulk:
        """The tables whose rows the replica does not keep."""
        return self._tables.bulk

    def noticed(self, table: str, row: Any, gone: bool) -> None:
        """Handle a new, changed or deleted row."""
        self._tables.notice(table, row, gone)
        self.worked()

    def cleared(self) -> None:
        """Forget all rows, as the replica did."""
        self._tables.forget()

    def worked(self) -> None:
        """Let other green threads run now and then during a large update.

        The transaction is not complete, and none of its rows are posted before it is.
        """
        self._work += 1
        if self._work % ROWS_AT_A_TIME == 0:
            eventlet.sleep(0)

    # Reading

    @property
    def is_behind(self) -> bool:
        """Whether rows in bulk are queued; they are posted in small parts."""
        return any(table.is_behind for table in self.bulk.values())

    def read_on(self, replica: Replica) -> bool:
        """Read received messages, and post the changes of complete transactions.

        Returns whether this posted the last of the initial rows.
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
        """Return whether to read further transactions, which join the queued change.

        It is true for MAX_CHANGE seconds, because the replies to our own writes are read as well.
        """
        if not self.is_behind:
            self._behind_since = None
            return True
        now = time.monotonic()
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since < MAX_CHANGE

    def finish(self) -> bool:
        """Post the queued rows after the end of a connection; return whether it was in sync.

        All rows stay until there is another connection.
        """
        was_in_sync, self.is_in_sync = self.is_in_sync, False
        while self.is_behind:
            self._post_all(self._tables.take(more=False))
            eventlet.sleep(0)
        return was_in_sync

    def _post_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._post(event)
