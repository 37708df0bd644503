"""Dropped frames: how many there were of a switch for each reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.feature import Feature, FlowWatcher
from ..pipeline.drops import Reason, reason
from ..values.counters import Counter
from ..values.flows import FlowKey


@dataclass(frozen=True, slots=True)
class Dropped:
    """Frames that were dropped for a reason, and their bytes as they came in."""

    packets: int
    octets: int


class Drops(FlowWatcher):
    """The dropped frames of one switch by their reason, as of the last reading of the counters.

    The sums begin with what the flows have counted before this process started, and never
    decrease: the flows of a VNI end with it, and counters begin at zero when a switch restarts.
    """

    def __init__(self) -> None:
        self.by_reason: dict[Reason, Dropped] = dict.fromkeys(Reason, Dropped(0, 0))
        self._last: dict[FlowKey, Counter] = {}

    def put(self, key: FlowKey) -> None:
        """Handle a flow that was added or replaced, and counts from zero."""
        self._last.pop(key, None)

    def count(self, counters: Mapping[FlowKey, Counter]) -> None:
        """Add what the flows have counted since the last reading."""
        last, self._last = self._last, {}
        for key, counter in counters.items():
            why = reason(key, counter.cookie)
            if why is None:
                continue
            self._last[key] = counter
            former = last.get(key)
            packets, octets = counter.packets, counter.octets
            if former is not None and former.packets <= packets:
                packets, octets = packets - former.packets, octets - former.octets
            total = self.by_reason[why]
            self.by_reason[why] = Dropped(total.packets + packets, total.octets + octets)


FEATURE = Feature(
    states=(lambda view: Drops(),),
    counters=(lambda counters, view: view[Drops].count(counters),),
)
