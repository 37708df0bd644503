"""Log lines about frames that are dropped because no row names their sender."""

import logging
from collections.abc import Callable, Iterator, Mapping

from ...pipeline.tunnels import unnamed_vni
from ...values.counters import Counter
from ...values.flows import FlowKey
from ..bursts import Bursts

LOG = logging.getLogger("vtep_ofapp.unnamed")


class Unnamed:
    """The number of frames with each VNI that were dropped, and the time of the last ones.

    ``switch`` is the name of the switch; ``name`` returns the logical switch of a VNI. Continuous
    frames are logged once; the flow's counter has their number.
    """

    def __init__(self, switch: str, name: Callable[[int], str], clock: Callable[[], float]) -> None:
        self._switch = switch
        self._name = name
        self._bursts: Bursts[int] = Bursts(clock)

    def recent(self) -> Iterator[tuple[int, int]]:
        """Yield the VNIs of such frames that came lately, and how many each flow has counted."""
        return self._bursts.recent()

    def count(self, counters: Mapping[FlowKey, Counter]) -> None:
        """Handle the counters of flows; log the flows that began to drop frames."""
        counts = {
            vni: counter.packets
            for key, counter in counters.items()
            if (vni := unnamed_vni(key, counter.cookie)) is not None
        }
        for vni, news in self._bursts.begun(counts):
            LOG.warning(
                "%s: %d frames with VNI %d were dropped: no row of %s names their sender; "
                "accept_from = any would accept them",
                self._switch,
                news,
                vni,
                self._name(vni),
            )
