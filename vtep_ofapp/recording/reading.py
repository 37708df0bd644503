"""Read a record: its sessions, and the turns of each."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ..values.events import Connection, Event
from .codec import Decoder, Names, Unreadable
from .contents import FORMAT, HEADER, UNIONS, Header, Question

_BEGINS_SESSION = f'{{"{HEADER}":'.encode()


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the loop: its number, its time by the clock of the loop, and its events.

    ``answers`` are those that were noted from its beginning to its end.
    """

    number: int
    at: float
    events: Sequence[Any]
    answers: Mapping[Question, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """The life of one process in a record, which is on its lines ``first`` to ``last``."""

    path: Path
    first: int
    last: int
    header: Header
    names: Names

    def turns(
        self, connection: Callable[[int], Connection], note: Callable[[str], None]
    ) -> Iterator[Turn]:
        """Yield the turns.

        ``connection`` returns the connection of a number. ``note`` is called with what there is to
        say about the record. Raises Unreadable for a line that cannot be read; only the last line
        may be cut.
        """
        decode = Decoder(UNIONS, connection, self.names).of(tuple[Event, ...])
        turn: Turn | None = None
        answers: dict[Question, Any] = {}
        for number, line in self._lines():
            entry = _json(line)
            if entry is None and number == self.last:
                note(f"line {number} of {self.path}, the last one, is cut; it is left out")
                break
            with _in_line(self.path, number):
                match entry:
                    case {"asked": [*question], "answer": answer} if _are_scalars(question):
                        answers[tuple(question)] = answer
                        continue
                    case {"turn": int() as count, "at": int() | float() as at, "events": events}:
                        following = Turn(count, at, decode(events), {})
                    case _:
                        raise Unreadable("it is damaged")
            if turn is not None:
                yield replace(turn, answers=answers)
                answers = {}
            turn = following
        if turn is not None:
            yield replace(turn, answers=answers)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines after the header, with their numbers."""
        with self.path.open("rb") as file:
            for number, line in enumerate(islice(file, self.first, self.last), self.first + 1):
                if line.strip():
                    yield number, line


def sessions(path: Path) -> list[Session]:
    """Return the sessions of a record, in their order.

    Raises OSError, and Unreadable if it has none or the header of one cannot be read. A record is
    read twice, so that it has to be a file.
    """
    if path.exists() and not path.is_file():
        raise Unreadable(f"{path}: it is no regular file")
    found: list[Session] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.startswith(_BEGINS_SESSION):
                with _in_line(path, number):
                    found.append(_session(path, number, line))
            elif line.strip() and found:
                found[-1] = replace(found[-1], last=number)
    if not found:
        raise Unreadable(f"{path}: no line of it begins a record")
    return found


def _session(path: Path, number: int, line: bytes) -> Session:
    """Return a session that has only its header yet."""
    match _json(line):
        case {"format": int() as form} if form != FORMAT:
            raise Unreadable(f"a record of the form {form}, and this version reads {FORMAT}")
        case {"types": dict() as types, "header": header} if all(map(_are_names, types.values())):
            decode = Decoder(UNIONS, _no_connection, types).of(Header)
            return Session(path, number, number, decode(header), types)
    raise Unreadable("the header of a record, but damaged")


def _json(line: bytes) -> Any:
    """Return what a line has, None if it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _are_names(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _are_scalars(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str | int) for value in values)


def _no_connection(number: int) -> Connection:
    raise Unreadable("a header has no connection")


@contextmanager
def _in_line(path: Path, number: int) -> Iterator[None]:
    """Add the place to what is wrong there."""
    try:
        yield
    except (Unreadable, RecursionError) as error:
        raise Unreadable(f"line {number} of {path}: {error}") from None
