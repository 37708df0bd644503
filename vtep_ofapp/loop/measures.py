"""What the loop measures of its own work, for operators and monitoring systems.

The clock is not that of timers, which may stand still during a turn.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from ..values.counters import PacketIns
from ..values.histogram import Histogram


@dataclass(slots=True)
class Work:
    """A kind of work: how long each piece took, also one that failed, and how many failed."""

    seconds: Histogram = field(default_factory=Histogram)
    failed: int = 0


class Measures:
    """Counters and durations since this process started.

    ``turns`` are those of the loop. ``bundles`` last from the first message to the switch's answer,
    and ``changes`` is how many changes of flows and groups they had. ``read_backs`` last from the
    request until flows and groups are known. ``transactions``, by database, last from the commit to
    the answer. ``row_to_flow`` is from the arrival of a change of hardware_vtep until a switch has
    confirmed the flows that it caused, see Reaction. ``connections`` counts, by switch, how often
    it connected.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.turns = Work()
        self.bundles = Work()
        self.changes = 0
        self.read_backs = Histogram()
        self.transactions: defaultdict[str, Work] = defaultdict(Work)
        self.row_to_flow = Histogram()
        self.packet_ins = PacketIns()
        self.connections: Counter[str] = Counter()

    def stopwatch(self, histogram: Histogram) -> "Stopwatch":
        """Return a stopwatch for one piece of work at a time."""
        return Stopwatch(histogram, self.clock)


class Stopwatch:
    """Adds the time from start() to stop() to a histogram."""

    __slots__ = ("_begin", "_clock", "_histogram")

    def __init__(self, histogram: Histogram, clock: Callable[[], float]) -> None:
        self._histogram = histogram
        self._clock = clock
        self._begin: float | None = None

    def start(self) -> None:
        """Start it, again from zero if it is running."""
        self._begin = self._clock()

    def stop(self) -> None:
        """Stop it and add the time, if it is running."""
        if self._begin is not None:
            self._histogram.add(self._clock() - self._begin)
            self._begin = None

    def reset(self) -> None:
        """Stop it and add nothing: the work has no end."""
        self._begin = None
