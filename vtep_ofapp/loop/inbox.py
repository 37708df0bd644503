"""The queue of events for the loop, with a queue of packet-ins for each binding."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from eventlet.event import Event as Signal

from ..pipeline.layout import SOURCE_BINDING
from ..pipeline.shown import MOST_WAITING
from ..values.counters import PacketIns
from ..values.events import Connection, Event, PacketIn
from ..values.flows import MatchValue

MAX_EVENTS = 200
"""Events in one turn, so that a flood of events does not delay the answer to the first."""
MAX_PACKET_INS = 200
"""Packet-ins in one turn, in addition to the other events."""
MAX_READINGS = 3
"""How often other green threads run between two turns while they post packet-ins: each time about
128, as many as os-ken queues for an application, in 10 ms."""
MAX_GATHERED = 2000
"""Waiting packet-ins for which no further ones are read before the next turn."""
MAX_PER_QUEUE = 10_000
"""Packet-ins in the queue of one binding. Further ones are dropped; the next frame of an unknown
source causes another one."""
MAX_WAITING = 50_000
"""Packet-ins in all queues."""
MAX_WAITING_BYTES = 1 << 25
"""Bytes of frames in all queued packet-ins."""

QueueKey: TypeAlias = "tuple[Connection, MatchValue | None]"
"""A connection, and the number of a binding, or of a port for frames without a binding."""


class Waiting(NamedTuple):
    """What waits in an inbox: events other than packet-ins, packet-ins, and their bytes."""

    events: int
    packet_ins: int
    octets: int


class _Queue:
    """The packet-ins of one binding, in their order."""

    __slots__ = ("_events", "_of_producer")

    def __init__(self) -> None:
        self._events: deque[PacketIn] = deque()
        self._of_producer: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._events)

    def has_room(self, producer: int) -> bool:
        """Whether another packet-in of a producer may wait."""
        most = MOST_WAITING.get(producer, MAX_PER_QUEUE)
        return len(self._events) < MAX_PER_QUEUE and self._of_producer[producer] < most

    def append(self, event: PacketIn) -> None:
        self._events.append(event)
        self._of_producer[event.producer] += 1

    def popleft(self) -> PacketIn:
        event = self._events.popleft()
        self._of_producer[event.producer] -= 1
        return event


class Inbox:
    """Holds events until the loop takes them. Posting an event never blocks.

    A binding with very many packet-ins fills its own queue only. Packet-ins are taken round robin,
    so that those of the other bindings are not delayed.
    """

    def __init__(self, packet_ins: PacketIns) -> None:
        """Make an empty inbox that counts its packet-ins in ``packet_ins``."""
        self._counts = packet_ins
        self._events: deque[Event] = deque()
        self._queues: dict[QueueKey, _Queue] = {}
        self._waiting: set[PacketIn] = set()
        self._bytes = 0
        self._signal: Any = Signal()

    def post(self, event: Event) -> None:
        """Add an event; drop a packet-in that is queued already, or whose queue is full."""
        if isinstance(event, PacketIn):
            self._enqueue(event)
        else:
            self._events.append(event)
        if not self._signal.ready():
            self._signal.send()

    @property
    def has_events(self) -> bool:
        """Whether events other than packet-ins are waiting."""
        return bool(self._events)

    @property
    def waiting(self) -> Waiting:
        """What is waiting."""
        return Waiting(len(self._events), len(self._waiting), self._bytes)

    def gather(self, let_run: Callable[[], None]) -> None:
        """Let other green threads run, and again while they post packet-ins, up to a limit.

        In the stream of a switch a packet-in is behind earlier ones of other bindings: only those
        that are read can be taken in turn.
        """
        for _ in range(MAX_READINGS):
            before = len(self._waiting)
            let_run()
            if not before < len(self._waiting) < MAX_GATHERED:
                return

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

    def _enqueue(self, event: PacketIn) -> None:
        is_full = len(self._waiting) >= MAX_WAITING or self._bytes >= MAX_WAITING_BYTES
        if event in self._waiting:
            self._counts.repeated += 1
            return
        queue = self._queues.get(key := _queue_key(event)) or _Queue()
        if is_full or not queue.has_room(event.producer):
            self._counts.dropped += 1
            return
        queue.append(event)
        self._queues[key] = queue
        self._waiting.add(event)
        self._bytes += len(event.header)

    def _next_packet_in(self) -> PacketIn:
        """Take a packet-in from the first queue, and move that queue to the end."""
        key = next(iter(self._queues))
        queue = self._queues.pop(key)
        event = queue.popleft()
        self._waiting.discard(event)
        self._bytes -= len(event.header)
        self._counts.taken += 1
        if queue:
            self._queues[key] = queue
        return event


def _queue_key(event: PacketIn) -> QueueKey:
    fields = dict(event.fields)
    return event.connection, fields.get(SOURCE_BINDING, fields.get("in_port"))
