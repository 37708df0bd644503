"""Append what reaches the loop to a file, and go on without it if that fails."""

import errno
import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from ..process.host import Host
from ..values.events import Applied, Connection, Event, ServerConnection, Writer
from .codec import Encoder, classes, names_of
from .contents import FORMAT, HEADER, UNIONS, BundleAnswered, Header, Question, sort_of

LOG = logging.getLogger("vtep_ofapp.recording")

_MODE = 0o600
"""A record has the addresses of tenants."""


class NoRecord:
    """Where nothing is recorded, and the base of a record."""

    @contextmanager
    def turn(self, events: Sequence[Event]) -> Iterator[None]:
        """Return the context of a turn with these events."""
        self.begin_turn(events)
        yield

    def begin_turn(self, events: Sequence[Event]) -> None:
        """Note the events of a turn that begins."""

    def host(self, host: Host) -> Host:
        """Return the host, with its answers noted."""
        return host

    def writer(self, name: str, writer: Writer) -> Writer:
        """Return the writer of a database, with its answers noted."""
        return writer


class Recorder(NoRecord):
    """Appends to the record ``path``, whose session begins with ``header``.

    The file never blocks the loop, and ``pause`` lets other green threads run while a long line is
    encoded. When it cannot be written, this is logged once and the record ends there.
    """

    def __init__(
        self,
        path: str,
        header: Header,
        clock: Callable[[], float],
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._file: FileIO | None = None
        self._turns = count(1)
        self._numbers: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()
        self._connections = count(1)
        self._answers: dict[Question, Any] = {}
        self._encode = Encoder(self._number, pause).line
        try:
            self._file = FileIO(path, "ab", opener=_opened)
            has_more = os.fstat(self._file.fileno()).st_size > 0
        except OSError as error:
            LOG.error("nothing is recorded: %s", error)
            return
        if has_more:
            self._write("")  # the last line may be cut
        self._note({HEADER: header.version, "format": FORMAT, **_described(header)})

    def begin_turn(self, events: Sequence[Event]) -> None:
        """Append the time and the events of a turn that begins."""
        recorded = [BundleAnswered.of(e) if isinstance(e, Applied) else e for e in events]
        self._note({"turn": next(self._turns), "at": self._clock(), "events": recorded})

    def host(self, host: Host) -> Host:
        """Return the host, with its answers noted."""
        return _Host(host, self)

    def writer(self, name: str, writer: Writer) -> Writer:
        """Return the writer of a database, with its answers noted."""
        return _Writer(name, writer, self)

    def answered(self, *question: Any, answer: bool) -> bool:
        """Note an answer that differs from the last one; return it."""
        if self._answers.get(question) is not answer:
            self._answers[question] = answer
            self._note({"asked": question, "answer": answer})
        return answer

    def end(self) -> None:
        """Close the file; nothing more is noted."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _number(self, connection: Connection) -> int:
        """Return the number of a connection; note the peer of a new one."""
        number = self._numbers.get(connection)
        if number is None:
            number = self._numbers[connection] = next(self._connections)
            self._note({"asked": ("peer", number), "answer": connection.peer})
        return number

    def _note(self, entry: dict[str, Any]) -> None:
        if self._file is None:
            return
        try:
            line = self._encode(entry)
        except Exception:
            LOG.exception("the record %s ends here, because of a bug", self._path)
            self.end()
            return
        self._write(line)

    def _write(self, line: str) -> None:
        """Append a line, or a part of it if there is no room for more."""
        left = memoryview(f"{line}\n".encode())
        try:
            while left and self._file is not None:
                # os.write() of eventlet waits for what is no regular file.
                written: int | None = self._file.write(left)
                if written is None:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                left = left[written:]
        except OSError as error:
            LOG.error("the record %s ends here: %s", self._path, error.strerror)
            self.end()


def _opened(path: str, flags: int) -> int:
    """Return the descriptor of a file that no other process records into."""
    descriptor = os.open(path, flags | os.O_NONBLOCK, _MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OSError(error.errno, "another process records into it", path) from None
    return descriptor


def _described(header: Header) -> dict[str, Any]:
    """Return the other entries of the header's line."""
    kinds = classes(Event, UNIONS) | classes(Header, UNIONS)
    types = {kind.__name__: names_of(kind) for kind in kinds}
    return {"types": dict(sorted(types.items())), "header": header}


@dataclass(frozen=True, slots=True)
class _Host:
    """The host as before, with its answers noted."""

    host: Host
    record: Recorder

    def has_interface(self, name: str, number: int, mac: str) -> bool:
        answer = self.host.has_interface(name, number, mac)
        return self.record.answered("has_interface", name, number, mac, answer=answer)

    def has_address(self, address: str) -> bool:
        answer = self.host.has_address(address)
        return self.record.answered("has_address", address, answer=answer)


@dataclass(frozen=True, slots=True)
class _Writer:
    """The writer of a database as before, with its answers noted."""

    name: str
    writer: Writer
    record: Recorder

    @property
    def connection(self) -> ServerConnection | None:
        return self.writer.connection

    @property
    def unusable(self) -> Mapping[str, str]:
        return self.writer.unusable

    def takes(self, write: Any) -> bool:
        answer = self.writer.takes(write)
        return self.record.answered("takes", self.name, sort_of(write), answer=answer)

    def commit(self, writes: Sequence[Any]) -> None:
        self.writer.commit(writes)
