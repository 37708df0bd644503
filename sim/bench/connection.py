"""A bare connection to a daemon of Open vSwitch, with the time at which each message came."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.waiting import WaitFailed

PATIENCE = 30.0
"""Seconds after which something that takes milliseconds counts as missing."""

Operation = Mapping[str, Any]

_CHUNK = 1 << 20


class Connection:
    """JSON-RPC with a server, without an IDL: nothing is kept but answers and times."""

    def __init__(self, path: Path, database: str = "hardware_vtep") -> None:
        """Connect to a daemon's Unix socket; transactions and watches are for one database."""
        self._database = database
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._ids = itertools.count(1)
        self._replies: dict[int, Any] = {}
        self._replied: dict[int, float] = {}
        self._appeared: dict[str, float] = {}
        self._updates = 0
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="connection", daemon=True)
        self._reader.start()

    def __enter__(self) -> Connection:
        """Return the connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def transact(self, *operations: Operation) -> list[Any]:
        """Return the results of a transaction when it is committed. Raises RuntimeError."""
        results: list[Any] = self.call("transact", [self._database, *operations])
        for result in results:
            if result and "error" in result:
                raise RuntimeError(f"{operations}: {result}")
        return results

    def post(self, *operations: Operation) -> int:
        """Send a transaction, do not wait for it, and return its number for `replied`."""
        number = next(self._ids)
        self._send("transact", [self._database, *operations], number)
        return number

    def replied(self, number: int) -> float:
        """Return when a posted transaction was answered, in seconds since 1970. Raises WaitFailed.

        Raises RuntimeError if it was refused.
        """
        self._wait_for(lambda: number in self._replied, f"the answer to transaction {number}")
        for result in self._replies.pop(number)["result"]:
            if result and "error" in result:
                raise RuntimeError(str(result))
        return self._replied[number]

    def watch_stations(self, table: str) -> None:
        """Note from now on when a row with a MAC appears in a table."""
        self.watch({table: ["MAC"]})

    def watch(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Count from now on the transactions that change these columns, by table."""
        select = {"initial": False, "insert": True, "delete": True, "modify": True}
        requests = {table: {"columns": names, "select": select} for table, names in columns.items()}
        self.call("monitor", [self._database, None, requests])

    def watch_all(self) -> None:
        """Count from now on every transaction that changes anything."""
        schema = self.call("get_schema", [self._database])
        self.watch({name: list(table["columns"]) for name, table in schema["tables"].items()})

    @property
    def updates(self) -> int:
        """How many transactions changed something that is watched."""
        with self._news:
            return self._updates

    def appeared(self, mac: str) -> float:
        """Return when the row of an address came, in seconds since 1970. Raises WaitFailed."""
        self._wait_for(lambda: mac in self._appeared, f"the row of {mac}")
        return self._appeared[mac]

    def stations(self) -> dict[str, float]:
        """Return the addresses whose rows have come, with their times."""
        with self._news:
            return dict(self._appeared)

    def call(self, method: str, parameters: Sequence[Any]) -> Any:
        """Return what the server answers to any method. Raises RuntimeError or WaitFailed."""
        number = next(self._ids)
        self._send(method, parameters, number)
        self._wait_for(lambda: number in self._replies, f"the answer to {method}")
        reply = self._replies.pop(number)
        if reply["error"]:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def _send(self, method: str, parameters: Sequence[Any], number: int) -> None:
        self._socket.sendall(
            json.dumps({"method": method, "params": parameters, "id": number}).encode()
        )

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        with self._news:
            if not self._news.wait_for(condition, PATIENCE):
                raise WaitFailed(f"waited {PATIENCE:g} s in vain for {what}")

    def _read(self) -> None:
        decoder = json.JSONDecoder()
        for chunk, now in _whole_messages(self._socket):
            text, end = chunk.decode(), 0
            while end < len(text):
                message, end = decoder.raw_decode(text, end)
                self._take(message, now)

    def _take(self, message: Mapping[str, Any], now: float) -> None:
        if message.get("method") == "echo":
            answer = {"id": message["id"], "result": message["params"], "error": None}
            self._socket.sendall(json.dumps(answer).encode())
            return
        with self._news:
            if message.get("method") == "update":
                self._updates += 1
                for table in message["params"][1].values():
                    for change in table.values():
                        if "old" not in change and "MAC" in change.get("new", ()):
                            self._appeared.setdefault(change["new"]["MAC"], now)
            elif isinstance(message.get("id"), int):
                self._replies[message["id"]] = message
                self._replied[message["id"]] = now
            self._news.notify_all()


def transact_text(path: Path, text: bytes) -> None:
    """Send a transaction that is JSON already; return when it is committed. Raises RuntimeError.

    Of a large one, neither the writing nor the reading of JSON is to be in the figures.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bare:
        bare.connect(str(path))
        bare.sendall(text)
        for answer, _ in _whole_messages(bare):
            if b'"result":' in answer:
                if b'"error":"' in answer:
                    raise RuntimeError(answer[-1000:].decode())
                return
    raise RuntimeError("ovsdb-server closed the connection")


def as_text(*operations: Operation) -> bytes:
    """Return a transaction of hardware_vtep as `transact_text` takes it."""
    message = {"method": "transact", "params": ["hardware_vtep", *operations], "id": 0}
    return json.dumps(message).encode()


def _whole_messages(connected: socket.socket) -> Iterator[tuple[bytes, float]]:
    """Yield what comes, one or more whole messages at a time, and when the last part of it came.

    A message ends where its braces are even: no string that we read or write has any. So a large
    one is not parsed again with each part of it.
    """
    parts: list[bytes] = []
    depth = 0
    while part := connected.recv(_CHUNK):
        now = time.time()
        parts.append(part)
        depth += part.count(b"{") - part.count(b"}")
        if depth == 0:
            yield b"".join(parts), now
            parts.clear()
