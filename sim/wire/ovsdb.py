"""OVSDB (RFC 7047) as bytes: where messages end, and a client that keeps answers and times."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sim.waiting import WaitFailed
from sim.wire.framing import Framer, Messages

PATIENCE = 30.0
"""Seconds after which an answer counts as missing."""

Operation = Mapping[str, Any]
"""An operation of a transaction, as RFC 7047 writes it."""

Update = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What a monitor sends for one transaction: by table and row, {"old": columns, "new": columns}."""

AnyConnection = TypeVar("AnyConnection", bound="OvsdbConnection")

_AT_A_TIME = 1 << 20


class OvsdbFramer(Framer):
    """Ends by the braces: a message is a JSON object, and the next one begins behind it."""

    _ESCAPED = re.compile(rb"\\.", re.DOTALL)
    # Within a message, a closing brace is followed by a comma, a bracket or another closing brace.
    _PERHAPS_LAST = re.compile(rb"}(?=\s*(?:{|\Z))")

    def __init__(self) -> None:
        """Begin at the start of a message."""
        self._depth = 0
        self._is_in_string = False
        self._is_escaped = False

    def ends(self, data: bytes) -> list[int]:
        """Return the places behind whole messages."""
        # Large messages have very many strings: they are cut off and counted in a few calls.
        parts = self._without_escapes(data).split(b'"')
        first = int(self._is_in_string)
        bare = b"".join(parts[first::2])
        if len(parts) % 2 == 0:
            self._is_in_string = not self._is_in_string
        found = []
        at = 0
        for brace in self._PERHAPS_LAST.finditer(bare):
            self._count(bare, at, brace.end())
            at = brace.end()
            if not self._depth:
                found.append(at)
        self._count(bare, at, len(bare))
        return _places(parts, first, found) if found else []

    def _count(self, bare: bytes, begin: int, end: int) -> None:
        self._depth += bare.count(b"{", begin, end) - bare.count(b"}", begin, end)

    def _without_escapes(self, data: bytes) -> bytes:
        """Return the data with other characters in the place of escape sequences."""
        if self._is_escaped and data:
            self._is_escaped = False
            data = b"." + data[1:]
        if b"\\" in data:
            data = self._ESCAPED.sub(b"..", data)
            self._is_escaped = data.endswith(b"\\")
        return data


def _places(parts: Sequence[bytes], first: int, found: Sequence[int]) -> list[int]:
    """Return places in the whole text of places in what is outside of strings.

    The text is cut into parts at its quotes; from the first one, every second part is outside.
    """
    places = []
    left = deque(found)
    before = bare = 0
    for number, part in enumerate(parts):
        if number % 2 == first:
            while left and left[0] <= bare + len(part):
                places.append(before + left.popleft() - bare)
            bare += len(part)
        before += len(part) + 1
    return places


class OvsdbConnection:
    """A connection to a database server, without an IDL. A context manager.

    A thread reads, answers echo requests, and notes when each message came. Any thread may ask.
    """

    def __init__(
        self,
        path: Path | str,
        database: str = "hardware_vtep",
        on_update: Callable[[Update, float], None] = lambda update, at: None,
        patience: float = PATIENCE,
    ) -> None:
        """Connect to a server's Unix socket; transactions and monitors are for one database.

        The reading thread calls `on_update` with each update of a monitor and the time at which it
        came, in seconds since 1970. An answer counts as missing after `patience` seconds.
        Raises OSError.
        """
        self._database = database
        self._patience = patience
        self._on_update = on_update
        self._socket = _connected(path)
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._replies: dict[int, tuple[Mapping[str, Any], float]] = {}
        self._is_closed = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="OVSDB", daemon=True)
        self._reader.start()

    def __enter__(self: AnyConnection) -> AnyConnection:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):  # the server has closed it already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def transact(self, *operations: Operation) -> list[Any]:
        """Return the results of a transaction when it is committed. Raises as `result` does."""
        return self.result(self.post(*operations))[0]

    def post(self, *operations: Operation) -> int:
        """Send a transaction, do not wait for it, and return its number for `result`."""
        return self._send("transact", [self._database, *operations])

    def result(self, number: int) -> tuple[list[Any], float]:
        """Return the results of a posted transaction, and when they came, in seconds since 1970.

        Raises RuntimeError if it was refused, and WaitFailed if there is no answer.
        """
        results, at = self._answer(number, "a transaction")
        for result in results:
            if result and "error" in result:
                raise RuntimeError(f"the transaction was refused: {result}")
        return results, at

    def call(self, method: str, *parameters: Any) -> Any:
        """Return what the server answers to any method. Raises RuntimeError or WaitFailed."""
        return self._answer(self._send(method, parameters), method)[0]

    def monitor(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Monitor these columns, by table, from now on; each change calls `on_update`."""
        select = {"initial": False, "insert": True, "delete": True, "modify": True}
        requests = {table: {"columns": names, "select": select} for table, names in columns.items()}
        self.call("monitor", self._database, None, requests)

    def monitor_all(self) -> None:
        """Monitor all columns of all tables from now on."""
        schema = self.call("get_schema", self._database)
        self.monitor({name: list(table["columns"]) for name, table in schema["tables"].items()})

    def _send(self, method: str, parameters: Sequence[Any]) -> int:
        number = next(self._numbers)
        self._write({"method": method, "params": parameters, "id": number})
        return number

    def _write(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message).encode()
        with self._sending:  # both threads send, and a large message takes several calls
            self._socket.sendall(text)

    def _answer(self, number: int, what: str) -> tuple[Any, float]:
        with self._news:
            answered = self._news.wait_for(
                lambda: number in self._replies or self._is_closed, self._patience
            )
            if not answered:
                raise WaitFailed(f"waited {self._patience:g} s in vain for the answer to {what}")
            if number not in self._replies:
                raise RuntimeError(f"the server closed the connection before it answered {what}")
            reply, at = self._replies.pop(number)
        if reply["error"]:
            raise RuntimeError(f"{what}: {reply['error']}")
        return reply["result"], at

    def _read(self) -> None:
        try:
            with contextlib.suppress(OSError):  # the end of the connection, in another way
                for message, at in _received(self._socket):
                    self._take(json.loads(message), at)
        finally:
            with self._news:
                self._is_closed = True
                self._news.notify_all()

    def _take(self, message: Mapping[str, Any], at: float) -> None:
        method = message.get("method")
        if method == "echo":
            self._write({"id": message["id"], "result": message["params"], "error": None})
        elif method == "update":
            self._on_update(message["params"][1], at)
        elif isinstance(message.get("id"), int):
            with self._news:
                self._replies[message["id"]] = message, at
                self._news.notify_all()


def to_python(value: Any) -> Any:
    """Return a value of a column as Python's: sets as lists, maps as dicts, UUIDs as strings."""
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "map":
        return {to_python(key): to_python(each) for key, each in content}
    return content if kind == "uuid" else [to_python(each) for each in content]


def as_text(*operations: Operation) -> bytes:
    """Return a transaction of hardware_vtep as `transact_text` takes it."""
    message = {"method": "transact", "params": ["hardware_vtep", *operations], "id": 0}
    return json.dumps(message).encode()


def transact_text(path: Path, text: bytes) -> None:
    """Send a transaction that is JSON already; return when it is committed. Raises RuntimeError.

    Where time is measured, neither the writing nor the reading of a large JSON is to be part of it.
    """
    with _connected(path) as bare:
        bare.sendall(text)
        for answer, _ in _received(bare):
            if b'"result":' in answer:
                if b'"error":"' in answer:
                    raise RuntimeError(answer[-1000:].decode())
                return
    raise RuntimeError("ovsdb-server closed the connection")


def _connected(path: Path | str) -> socket.socket:
    """Return a socket that is connected to a Unix socket. Raises OSError."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.connect(str(path))
    except OSError:
        connected.close()
        raise
    return connected


def _received(connected: socket.socket) -> Iterator[tuple[bytes, float]]:
    """Yield each message until the end of the connection, and when the last part of it came."""
    messages = Messages(OvsdbFramer())
    while data := connected.recv(_AT_A_TIME):
        at = time.time()
        for message in messages.feed(data):
            yield message, at
