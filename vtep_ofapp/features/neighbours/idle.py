"""Pairs of addresses that were idle: routers ask the station before its address is forgotten.

A logical switch with a router is one where packets are routed to its stations.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.topics import Topic
from ...engine.view import View
from ..multicast.deadlines import Deadlines
from ..routers.routed import Routed
from .pairs import Pair, Pairs

PATIENCE = 3.0
"""Seconds for which the answer is waited for."""


@dataclass(frozen=True, slots=True)
class PairIsIdle:
    """A pair is to be asked for: the station has this MAC address."""

    pair: Pair
    mac: str


class IdlePairs:
    """The pairs of one switch that are asked for; their flows are gone meanwhile.

    So the answer is shown, as that of an unknown sender is.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._new: dict[Pair, None] = {}
        self._macs: dict[Pair, str] = {}
        self._ends: Deadlines[Pair] = Deadlines()

    def asked(self, pair: Pair) -> str | None:
        """Return the MAC address that is asked whether it still has an IP address, if any is."""
        return self._macs.get(pair)

    def ask(self, pair: Pair, mac: str) -> bool:
        """Ask for a pair if packets are routed to it; return whether it is asked for."""
        if pair.logical_switch not in self._view[Routed]:
            return False
        self._new[pair] = None
        self._macs[pair] = mac
        self._ends.set(pair, self._view.clock() + PATIENCE)
        self._view[Pairs].touch(pair)
        return True

    def answered(self, pair: Pair, mac: str) -> bool:
        """Note that a station stated the address again; return whether it was asked for it."""
        if self._macs.get(pair) != mac:
            return False
        self.forget(pair)
        return True

    def forget(self, pair: Pair) -> None:
        """Ask no longer for a pair, because it is gone or has another MAC address."""
        self._new.pop(pair, None)
        self._macs.pop(pair, None)
        self._ends.remove(pair)

    def next_end(self) -> float | None:
        """Return when due() has something to do, by the clock, None for never."""
        return self._view.clock() if self._new else self._ends.next()

    def due(self) -> Iterator[Topic]:
        """Yield the pairs to be asked for now; forget those that did not answer."""
        new, self._new = self._new, {}
        for pair in new:
            yield PairIsIdle(pair, self._macs[pair])
        for pair in self._ends.take(self._view.clock()):
            mac = self._macs.pop(pair)
            if self._view[Pairs].mac(pair) == mac:
                self._view[Pairs].forget(pair)
