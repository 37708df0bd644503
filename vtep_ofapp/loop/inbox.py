"""Where events wait for the loop; packet-ins wait in a line for each binding."""

from collections import deque
from typing import Any, TypeAlias

from eventlet.event import Event as Signal

from ..pipeline.layout import SOURCE_BINDING
from ..values.events import Connection, Event, PacketIn
from ..values.flows import MatchValue

MAX_EVENTS = 200
"""Events in one turn, so that a flood of them does not keep the switch waiting for the first."""
MAX_PACKET_INS = 200
"""Packet-ins in one turn, beside the other events."""
LONGEST_LINE = 10_000
"""Packet-ins that wait at one binding. Those beyond are dropped; an unknown source is shown again
with its next frame."""
MAX_WAITING = 50_000
"""Packet-ins that wait in all."""
MAX_WAITING_BYTES = 1 << 25
"""Bytes of frames in all packet-ins that wait."""

Line: TypeAlias = "tuple[Connection, MatchValue | None]"
"""A connection, with a binding's number; or with a port's, for frames that no binding let in."""


class Inbox:
    """Holds events until the loop takes them. Putting one in never waits.

    A binding with very many packet-ins fills its own line. One is taken from each line in turn,
    so that the others are heard at once.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._lines: dict[Line, deque[PacketIn]] = {}
        self._waiting: set[PacketIn] = set()
        self._bytes = 0
        self._signal: Any = Signal()

    def post(self, event: Event) -> None:
        """Add an event; a packet-in that waits already, or finds its line full, is dropped."""
        if isinstance(event, PacketIn):
            self._line_up(event)
        else:
            self._events.append(event)
        if not self._signal.ready():
            self._signal.send()

    @property
    def has_events(self) -> bool:
        """Whether events wait, besides packet-ins."""
        return bool(self._events)

    def take(self) -> list[Event]:
        """Return the next events, in their order, and then packet-ins; wait if there are none."""
        if not self._events and not self._waiting:
            self._signal = Signal()
            self._signal.wait()
        count = min(len(self._events), MAX_EVENTS)
        events = [self._events.popleft() for _ in range(count)]
        packet_ins = min(len(self._waiting), MAX_PACKET_INS)
        events.extend(self._next_packet_in() for _ in range(packet_ins))
        return events

    def _line_up(self, event: PacketIn) -> None:
        is_full = len(self._waiting) >= MAX_WAITING or self._bytes >= MAX_WAITING_BYTES
        if is_full or event in self._waiting:
            return
        line = self._lines.setdefault(_line_of(event), deque())
        if len(line) < LONGEST_LINE:
            line.append(event)
            self._waiting.add(event)
            self._bytes += len(event.header)

    def _next_packet_in(self) -> PacketIn:
        """Take the first packet-in of the line whose turn it is, which then is the last line."""
        key = next(iter(self._lines))
        line = self._lines.pop(key)
        event = line.popleft()
        self._waiting.discard(event)
        self._bytes -= len(event.header)
        if line:
            self._lines[key] = line
        return event


def _line_of(event: PacketIn) -> Line:
    fields = dict(event.fields)
    return event.connection, fields.get(SOURCE_BINDING, fields.get("in_port"))
