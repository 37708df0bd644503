"""Log lines about frames that are dropped because no row names their sender."""

import logging
from collections.abc import Callable, Iterator, Mapping

from ...pipeline.tunnels import unnamed_vni
from ...values.counters import Counter
from ...values.flows import FlowKey

LOG = logging.getLogger("vtep_ofapp.unnamed")

QUIET = 600.0
"""Seconds without such frames after which new ones are logged again."""


class Unnamed:
    """The number of frames that each flow dropped, and the time of the last ones.

    ``switch`` is the name of the switch; ``name`` returns the logical switch of a VNI. Continuous
    frames are logged once; the flow's counter has their number.
    """

    def __init__(self, switch: str, name: Callable[[int], str], clock: Callable[[], float]) -> None:
        self._switch = switch
        self._name = name
        self._clock = clock
        self._counts: dict[FlowKey, int] = {}
        self._last: dict[FlowKey, float] = {}

    def recent(self) -> Iterator[tuple[int, int]]:
        """Yield the VNIs of such frames that came lately, and how many each flow has counted."""
        now = self._clock()
        for key, last in self._last.items():
            vni = dict(key.match).get("tunnel_id")
            if isinstance(vni, int) and now - last < QUIET:
                yield vni, self._counts[key]

    def count(self, counters: Mapping[FlowKey, Counter]) -> None:
        """Handle the counters of flows; log the flows that began to drop frames."""
        now = self._clock()
        counts: dict[FlowKey, int] = {}
        last: dict[FlowKey, float] = {}
        for key, counter in counters.items():
            vni = unnamed_vni(key, counter.cookie)
            if vni is None:
                continue
            counts[key] = counter.packets
            before = self._counts.get(key, 0)
            news = counter.packets - before if counter.packets >= before else counter.packets
            if key in self._last:
                last[key] = self._last[key]
            if not news:
                continue
            if key not in last or now - last[key] >= QUIET:
                LOG.warning(
                    "%s: %d frames with VNI %d were dropped: no row of %s names their sender; "
                    "accept_from = any would accept them",
                    self._switch,
                    news,
                    vni,
                    self._name(vni),
                )
            last[key] = now
        self._counts, self._last = counts, last
