"""A database server at the other end of a session, in place of a connection: it answers at once."""

import errno
from collections import deque
from typing import Any

import ovs.timeval
from ovs.jsonrpc import Message

from vtep_ofapp.ovsdb.session import Session

from .builders import uuid

LOCATION = "unix:/nonexistent"
TRANSACTION = str(uuid(0x7A))
"""The last transaction that the newest servers say that they tell of."""
LEADER = {"name": "hardware_vtep", "model": "clustered", "connected": True, "leader": True}
"""The row by which a server says that it leads its cluster."""
_TEXT, _TEXTS, _FLAG = (
    {"type": "string"},
    {"type": {"key": "string", "min": 0}},
    {"type": "boolean"},
)
_NUMBERS, _UUIDS = {"type": {"key": "integer", "min": 0}}, {"type": {"key": "uuid", "min": 0}}
_SERVER_SCHEMA = {
    "name": "_Server",
    "version": "1.2.0",
    "tables": {
        "Database": {
            "columns": {
                "name": _TEXT,
                "model": _TEXT,
                "connected": _FLAG,
                "leader": _FLAG,
                "schema": _TEXTS,
                "cid": _UUIDS,
                "sid": _UUIDS,
                "index": _NUMBERS,
            }
        }
    },
}
_UPDATES = {"monitor": "update", "monitor_cond_since": "update3"}


class ServerDouble:
    """What ovs.jsonrpc.Connection is, and the server behind it.

    It knows one of the ways to ask for rows: ``monitor`` of RFC 7047, or ``monitor_cond_since``.
    ``rows`` are the table updates that answer it. ``about`` is its own row in the database _Server,
    if it has that. Requests by a method that is in ``refuses`` are refused; all are in ``asked``.
    ``error_number`` is that of the error with which sending fails from now on.
    """

    name = LOCATION

    def __init__(
        self, session: Session, monitor: str = "monitor", about: dict[str, Any] | None = None
    ) -> None:
        self.rows: Any = {}
        self.knows_what_was_told = False
        self.error_number = 0
        self.refuses: set[str] = set()
        self.asked: list[Message] = []
        self.parser: object = None
        self._monitor, self._about = monitor, about
        self._monitored = self._server_monitored = self._way_to_itself = ""
        self._messages: deque[Message] = deque()
        self._session = session
        self.connect()

    @property
    def has_more(self) -> bool:
        """Whether messages wait to be received."""
        return bool(self._messages)

    def connect(self) -> None:
        """Let the session have a new connection, with nothing of the former one on its way."""
        self._messages.clear()
        self._session.rpc = self
        self._session.reconnect.connected(ovs.timeval.msec())
        self._session.seqno += 1

    def tell(self, updates: Any) -> None:
        """Tell of changes."""
        since = [TRANSACTION] if self._monitor == "monitor_cond_since" else []
        self.notify(_UPDATES[self._monitor], self._monitored, *since, updates)

    def tell_of_itself(self, about: dict[str, Any]) -> None:
        """Tell that something in its own row changed."""
        former, self._about = self._about, {**(self._about or {}), **about}
        if self._way_to_itself == "monitor":
            method, row = "update", {"old": former, "new": self._about}
        else:
            method, row = "update2", {"modify": about}
        self.notify(method, self._server_monitored, {"Database": {str(uuid(1)): row}})

    def notify(self, method: str, *params: Any) -> None:
        """Send a notification."""
        self._messages.append(Message.create_notify(method, list(params)))

    def reply(self, request: Message, result: Any) -> None:
        """Answer a request."""
        self._messages.append(Message.create_reply(result, request.id))

    def refuse(self, request: Message, error: Any) -> None:
        """Refuse a request."""
        self._messages.append(Message.create_error(error, request.id))

    def _answer(self, request: Message) -> None:
        match request.method, request.params:
            case method, _ if method in self.refuses:
                self.refuse(request, {"error": "no"})
            case "get_schema", _ if self._about is not None:
                self.reply(request, _SERVER_SCHEMA)
            case ("monitor" | "monitor_cond") as method, ["_Server", name, {"Database": [told]}]:
                self._server_monitored, self._way_to_itself = name, method
                about = self._about or {}
                row = {key: about[key] for key in about if key in told["columns"]}
                kind = "new" if method == "monitor" else "initial"
                self.reply(request, {"Database": {str(uuid(1)): {kind: row}}})
            case self._monitor, [_, name, *_]:
                self._monitored = name
                since = self._monitor == "monitor_cond_since"
                found = [self.knows_what_was_told, TRANSACTION, self.rows]
                self.reply(request, found if since else self.rows)
            case "get_schema" | "monitor" | "monitor_cond" | "monitor_cond_since", _:
                self.refuse(request, "unknown method")

    # As ovs.jsonrpc.Connection

    def send(self, message: Message) -> int:
        if not self.error_number:
            self.asked.append(message)
            self._answer(message)
        return self.error_number

    def recv(self) -> tuple[int, Message | None]:
        return (0, self._messages.popleft()) if self._messages else (errno.EAGAIN, None)

    def run(self) -> None: ...

    def close(self) -> None: ...

    def error(self, error: int) -> None: ...

    def get_status(self) -> int:
        return self.error_number

    def get_backlog(self) -> int:
        return 0

    def get_received_bytes(self) -> int:
        return 0
