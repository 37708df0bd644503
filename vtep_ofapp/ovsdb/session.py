"""The library's JSON-RPC session with a database server, one connection at a time.

The library's IDL reads messages through this session. The session removes rows in bulk from each
message before the IDL sees it. So the order of messages still marks the end of each transaction.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import ovs.jsonrpc
import ovs.reconnect
import ovs.stream
import ovs.timeval

from . import json_stream
from .errors import Malformed, Unusable

_SERVER_DATABASE, _INDEX = "_Server", "index"
"""The database with a server's own status, and the column that grows with each change of its
cluster (ovsdb-server(5)). The library refuses a server with a lower index than it has seen. So it
would never read a cluster again that was restored from a backup."""
_MONITORS = ("monitor", "monitor_cond", "monitor_cond_since")
"""The IDL's monitor requests, the newest last."""


class Rows(Protocol):
    """A table whose rows the IDL does not see."""

    def add(self, updates: Any) -> None:
        """Queue the row updates of one message; raises Malformed if they are invalid."""


class Session(ovs.jsonrpc.Session):  # type: ignore[misc]
    """A session that connects only on request, once each time.

    ``address`` is that of the server. ``bulk`` has the tables whose rows the IDL does not see.
    ``begin_again`` is called before a message with all rows is processed. ``is_receiving`` means
    that a message is being received: that may take long, and other green threads run meanwhile.
    """

    stream: Any

    def __init__(
        self,
        address: str,
        probe_interval: int,
        bulk: Mapping[str, Rows],
        begin_again: Callable[[], None],
    ) -> None:
        super().__init__(ovs.reconnect.Reconnect(ovs.timeval.msec()), None, [address])
        self.is_receiving = False
        self._probe_interval = probe_interval
        self._bulk = bulk
        self._begin_again = begin_again
        self._monitor: Any = None
        self._lock: Any = None
        self.connect(address)

    def connect(self, address: str) -> None:
        """Begin to connect to a server; if that fails, the session is over.

        A server at a Unix socket may hang as well, so it is probed like any other.
        """
        now = ovs.timeval.msec()
        self.close()
        self.address = address
        self.remotes, self.next_remote = [address], 0
        self.reconnect = ovs.reconnect.Reconnect(now)
        self.pick_remote()
        self.reconnect.enable(now)
        self.reconnect.set_backoff_free_tries(1)
        self.reconnect.set_probe_interval(self._probe_interval)
        self.reconnect.set_max_tries(1)
        self._monitor = self._lock = None

    @property
    def has_failed(self) -> bool:
        """Whether the connection failed; the library ends it the next time that it runs."""
        return self.rpc is not None and self.rpc.get_status() != 0

    def run(self) -> None:
        """Run the library's session, with a stream of whole characters."""
        super().run()
        if isinstance(self.stream, ovs.stream.Stream):
            self.stream = json_stream.WholeCharacters(self.stream)

    def send(self, message: Any) -> Any:
        """Send a message, and remember requests whose replies this class handles."""
        if message.method in _MONITORS and message.params[0] == _SERVER_DATABASE:
            _ask_for_no_index(message.params[2])
        elif message.method in _MONITORS:
            self._monitor = message
        elif message.method == "lock":
            self._lock = message
        return super().send(message)

    def recv(self) -> Any:
        """Return the next message without rows in bulk, None if none is there yet.

        Raises Unusable if the server refuses a request for which the library would wait without
        end, and Malformed for invalid rows.
        """
        if self.rpc is not None:
            json_stream.prepare(self.rpc)
        self.is_receiving = True
        try:
            message = super().recv()
        finally:
            self.is_receiving = False
        if message is not None:
            self._take_bulk(message)
        return message

    def _take_bulk(self, message: Any) -> None:
        match message.type, message.method, message.params:
            case message.T_NOTIFY, "update" | "update2", [_, dict(updates)]:
                self._add(updates)
            case message.T_NOTIFY, "update3", [_, _, dict(updates)]:
                self._add(updates)
            case message.T_REPLY, _, _ if self._answers(message, self._monitor):
                self._begin_monitoring(message.result)
            case message.T_ERROR, _, _:
                self._check_refusal(message)

    def _begin_monitoring(self, result: Any) -> None:
        """Handle the monitor reply: all rows, or the changes since the last connection."""
        is_new = True
        match self._monitor.method, result:
            case "monitor_cond_since", [bool(is_known), str(), dict(updates)]:
                is_new = not is_known
            case "monitor" | "monitor_cond", dict(updates):
                pass
            case _:
                raise Malformed("the answer to a request for rows has none")
        self._monitor = None
        if is_new:
            self._begin_again()
        self._add(updates)

    def _add(self, updates: dict[str, Any]) -> None:
        """Remove rows in bulk from table updates of any version, and queue them."""
        for name, rows in self._bulk.items():
            if name in updates:
                rows.add(updates.pop(name))

    def _check_refusal(self, message: Any) -> None:
        is_unknown = message.error == "unknown method"  # then the library sends an older request
        if self._answers(message, self._monitor) and not is_unknown:
            raise Unusable(f"it does not show its rows: {message.error}")
        if self._answers(message, self._lock):
            raise Unusable(f"it grants no locks: {message.error}")

    @staticmethod
    def _answers(message: Any, request: Any) -> bool:
        return request is not None and message.id == request.id


def _ask_for_no_index(tables: dict[str, Any]) -> None:
    """Remove the column from the monitor request for _Server."""
    for requests in tables.values():
        for request in requests:
            request["columns"] = [name for name in request["columns"] if name != _INDEX]
