"""The ovs library's copy of one database, which outlives connections."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import ovs.ovsuuid
from ovs.db import idl

from .session import Rows, Session

_NOTHING_READ = str(UUID(int=0))
"""The library's id of the last transaction while it has received none."""


class Listener(Protocol):
    """The callbacks of a replica."""

    @property
    def bulk(self) -> Mapping[str, Rows]:
        """The tables whose rows the replica does not keep, by name."""

    def noticed(self, table: str, row: Any, gone: bool) -> None:
        """Handle a new, changed or deleted row."""

    def cleared(self) -> None:
        """Forget all rows, because the server is about to send all rows again."""

    def worked(self) -> None:
        """Let other green threads run now and then during a large update."""


class Replica(idl.Idl):  # type: ignore[misc]
    """An IDL that reports rows to a listener, and connects only on request.

    It uses the library's constructor, its hooks for subclasses and its documented attributes, and
    replaces the session in ``_session``.
    """

    last_id: str

    def __init__(
        self, address: str, helper: Any, listener: Listener, probe_interval: int = 0
    ) -> None:
        super().__init__(address, helper)
        for table in self.tables.values():
            table.name = table.name
            for column in table.columns.values():
                # The library looks these up by __getattr__ for each column of each row.
                column.name, column.type = column.name, column.type
        self.is_damaged = False
        self._listener = listener
        self.session = Session(address, probe_interval, listener.bulk, self._begin_again)
        self._session = self.session

    def connect(self, address: str) -> None:
        """Begin to connect to a server.

        It forgets what another server said of itself and of the lock: the database may have been
        restored from a backup or created again.
        """
        self.session.connect(address)
        self.state = self.IDL_S_INITIAL
        self.lock_name, self.has_lock, self.is_lock_contended = None, False, False

    @property
    def is_connected(self) -> bool:
        """Whether the connection is established."""
        return bool(self.session.is_connected())

    @property
    def is_over(self) -> bool:
        """Whether the connection ended or failed, as reading or writing showed."""
        return not self.session.is_alive() or self.session.has_failed

    @property
    def is_monitoring(self) -> bool:
        """Whether the server has sent the initial rows, and sends changes from now on."""
        return bool(self.state == self.IDL_S_MONITORING)

    def forget(self) -> None:
        """Request all rows again on the next connection.

        Until then the rows may contain half of a transaction, and are not reported.
        """
        self.is_damaged = True
        self.last_id = _NOTHING_READ
        self._listener.cleared()

    def _begin_again(self) -> None:
        self._listener.cleared()
        self.is_damaged = False

    # Hooks of the library

    def restart_fsm(self) -> None:
        """Send the first requests on a new connection."""
        if not ovs.ovsuuid.is_valid_string(str(self.last_id)):
            self.last_id = _NOTHING_READ  # a server would refuse it, and the library would wait
        super().restart_fsm()

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        """Report a new, changed or deleted row, except rows of the database _Server."""
        table = row._table.name
        if table in self.tables:
            self._listener.noticed(table, row, event == idl.ROW_DELETE)

    def cooperative_yield(self) -> None:
        """Count one more row for the listener's pauses."""
        self._listener.worked()

    def handle_monitor_canceled(self, msg: Any) -> bool:
        """End the connection if the server cancels the monitor after a schema conversion.

        The next connection reads the schema again.
        """
        if msg.type != msg.T_NOTIFY or msg.method != "monitor_canceled":
            return False
        self.force_reconnect()
        return True
