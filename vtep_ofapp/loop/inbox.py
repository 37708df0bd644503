"""Where events wait for the loop; the sources of unknown frames wait in a line for each binding."""

from collections import deque
from typing import Any, TypeAlias

from eventlet.event import Event as Signal

from ..pipeline.layout import SOURCE_BINDING
from ..values.events import Connection, Event, UnknownSource
from ..values.flows import MatchValue

MAX_EVENTS = 200
"""Events in one turn, so that a flood of them does not keep the switch waiting for the first."""
MAX_SOURCES = 200
"""Unknown sources in one turn, beside the other events."""
LONGEST_LINE = 10_000
"""Unknown sources that wait at one binding. Those beyond are left out: unless they stay silent
they are shown again."""
MAX_WAITING = 50_000
"""Unknown sources that wait in all."""

Line: TypeAlias = "tuple[Connection, MatchValue | None]"


class Inbox:
    """Holds events until the loop takes them. Putting one in never waits.

    A binding that shows very many sources fills its own line. One is taken from each line in
    turn, so that the others are heard at once.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._lines: dict[Line, deque[UnknownSource]] = {}
        self._waiting: set[UnknownSource] = set()
        self._signal: Any = Signal()

    def post(self, event: Event) -> None:
        """Add an event; a source that waits already, or finds its line full, is left out."""
        if isinstance(event, UnknownSource):
            self._line_up(event)
        else:
            self._events.append(event)
        if not self._signal.ready():
            self._signal.send()

    def take(self) -> list[Event]:
        """Return the next events, in their order, and then sources; wait while there is nothing."""
        if not self._events and not self._waiting:
            self._signal = Signal()
            self._signal.wait()
        count = min(len(self._events), MAX_EVENTS)
        events = [self._events.popleft() for _ in range(count)]
        sources = min(len(self._waiting), MAX_SOURCES)
        events.extend(self._next_source() for _ in range(sources))
        return events

    def _line_up(self, event: UnknownSource) -> None:
        if event in self._waiting or len(self._waiting) >= MAX_WAITING:
            return
        line = self._lines.setdefault(
            (event.connection, dict(event.fields).get(SOURCE_BINDING)), deque()
        )
        if len(line) < LONGEST_LINE:
            line.append(event)
            self._waiting.add(event)

    def _next_source(self) -> UnknownSource:
        """Take the first source of the line whose turn it is, which then is the last line."""
        key = next(iter(self._lines))
        line = self._lines.pop(key)
        event = line.popleft()
        self._waiting.discard(event)
        if line:
            self._lines[key] = line
        return event
