"""The rows of one database as the ovs library keeps them, from one connection to the next."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import ovs.ovsuuid
from ovs.db import idl

from .session import Rows, Session

_NOTHING_READ = str(UUID(int=0))
"""What the library says of the last change that it has, where it has none."""


class Listener(Protocol):
    """What a replica tells of its rows."""

    @property
    def bulk(self) -> Mapping[str, Rows]:
        """The tables whose rows the replica does not keep, by name."""

    def noticed(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""

    def cleared(self) -> None:
        """Take note that all rows were forgotten: those that there are will be told again."""

    def worked(self) -> None:
        """Let other green threads have their turn every now and then during a large update."""


class Replica(idl.Idl):  # type: ignore[misc]
    """An IDL that tells a listener about rows, and makes one connection each time it is asked to.

    Of the library it uses the constructor, the hooks for subclasses and the attributes that the
    library documents, and puts its own session in ``_session``.
    """

    last_id: str

    def __init__(
        self, address: str, helper: Any, listener: Listener, probe_interval: int = 0
    ) -> None:
        super().__init__(address, helper)
        self.is_damaged = False
        self._listener = listener
        self.session = Session(address, probe_interval, listener.bulk, self._begin_again)
        self._session = self.session

    def connect(self, address: str) -> None:
        """Begin to connect to a server.

        What another one said of itself and of the lock is not believed: the database may be an
        older one, restored or made again.
        """
        self.session.connect(address)
        self.state = self.IDL_S_INITIAL
        self.lock_name, self.has_lock, self.is_lock_contended = None, False, False

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return bool(self.session.is_connected())

    @property
    def is_over(self) -> bool:
        """Whether the connection ended, or did not come about."""
        return not self.session.is_alive()

    @property
    def is_monitoring(self) -> bool:
        """Whether the server has told all rows, and tells of changes from now on."""
        return bool(self.state == self.IDL_S_MONITORING)

    def forget(self) -> None:
        """Read all rows again with the next connection, whatever is known of them.

        Until then what is known may be half of a transaction, and is not told.
        """
        self.is_damaged = True
        self.last_id = _NOTHING_READ
        self._listener.cleared()

    def _begin_again(self) -> None:
        self._listener.cleared()
        self.is_damaged = False

    # Hooks of the library

    def restart_fsm(self) -> None:
        """Begin the conversation on a new connection."""
        if not ovs.ovsuuid.is_valid_string(str(self.last_id)):
            self.last_id = _NOTHING_READ  # a server would refuse it, and the library wait
        super().restart_fsm()

    def notify(self, event: str, row: Any, updates: Any = None) -> None:
        """Tell of a row that is new, changed or gone; of the server's own the library does, too."""
        table = row._table.name
        if table in self.tables:
            self._listener.noticed(table, row, event == idl.ROW_DELETE)

    def cooperative_yield(self) -> None:
        """Take note of the work on one row more."""
        self._listener.worked()

    def handle_monitor_canceled(self, msg: Any) -> bool:
        """End the connection when the server stops to show rows: the schema was converted.

        It is read again with the next connection.
        """
        if msg.type != msg.T_NOTIFY or msg.method != "monitor_canceled":
            return False
        self.force_reconnect()
        return True
