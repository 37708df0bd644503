"""The stations learned from the bindings of all managed switches."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID

from ...values.rows import Binding, vlan_of
from .damping import Damping, Station


@dataclass(frozen=True, slots=True)
class Place:
    """A binding of a switch: the name of the bridge and of the port, and the binding's number."""

    switch: str
    port: str
    binding: int
    logical_switch: UUID

    @classmethod
    def of(cls, switch: str, binding: Binding) -> "Place":
        """Return the place of a binding of a switch."""
        return cls(switch, binding.port, binding.number, binding.logical_switch)

    @property
    def vlan(self) -> int:
        """The binding's VLAN, 0 for untagged: the lowest bits of its number, see Binding."""
        return vlan_of(self.binding)


class Stay(NamedTuple):
    """How long a station has been at its place, by the clock, and how it came there.

    ``since`` is when it was learned or moved last, None if that was before this process read it
    from the flows of the switch. ``moves`` are those since it was learned. It stays at its place
    until ``held_until``, None if it may move.
    """

    since: float | None
    moves: int
    held_until: float | None


class LearnedMacs:
    """The place of each learned station, one for a MAC address in a logical switch."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty table; the clock, in seconds, measures how often stations move."""
        self._clock = clock
        self._damping = Damping(clock)
        self._places: dict[Station, Place] = {}
        self._same: dict[Place, Place] = {}  # one object for all stations of a place saves memory
        self._since: dict[Station, float] = {}
        self._moves: dict[Station, int] = {}
        self._at: defaultdict[Place, set[str]] = defaultdict(set)
        self._in: defaultdict[UUID, set[str]] = defaultdict(set)
        self._changed: set[Station] = set()
        self._counts: Counter[tuple[str, str]] = Counter()

    def take_changed(self) -> set[Station]:
        """Return, once, the stations that were learned, moved, held, released or forgotten."""
        changed, self._changed = self._changed, set()
        return changed

    def place(self, logical_switch: UUID, mac: str) -> Place | None:
        """Return the place of a station, None if it is not learned."""
        return self._places.get((logical_switch, mac))

    def stay(self, logical_switch: UUID, mac: str) -> Stay:
        """Return how long a learned station has been at its place."""
        station = logical_switch, mac
        held_until = self._damping.held_until(station)
        return Stay(self._since.get(station), self._moves.get(station, 0), held_until)

    def all(self) -> Collection[Station]:
        """Return every station as its logical switch and MAC address."""
        return self._places.keys()

    def stations(self, logical_switch: UUID) -> Collection[str]:
        """Return the MAC addresses learned in a logical switch."""
        return self._in.get(logical_switch, ())

    def at(self, place: Place) -> Collection[str]:
        """Return the MAC addresses learned at a place."""
        return self._at.get(place, ())

    def count_at(self, switch: str, port: str) -> int:
        """Return how many stations were learned at a port of a switch."""
        return self._counts[switch, port]

    def learn(self, mac: str, place: Place) -> bool:
        """Learn or move a station by a frame that came in at a place; return whether it did.

        A station that moves too often is held at its place for a while, see Damping.
        """
        logical_switch = place.logical_switch
        station = logical_switch, mac
        former = self._places.get(station)
        if former == place:
            return False
        if former is not None:
            if self._damping.is_held(station):
                return False
            self._changed.add(station)
            if not self._damping.may_move(station):
                return False
            self._leave(station, former)
            self._moves[station] = self._moves.get(station, 0) + 1
        place = self._same.setdefault(place, place)
        self._places[station] = place
        self._since[station] = self._clock()
        self._at[place].add(mac)
        self._in[logical_switch].add(mac)
        self._counts[place.switch, place.port] += 1
        self._changed.add(station)
        return True

    def find(self, mac: str, place: Place) -> None:
        """Learn a station by a flow of an earlier process, which does not say since when."""
        if self.learn(mac, place):
            del self._since[place.logical_switch, mac]

    def forget(self, logical_switch: UUID, mac: str) -> bool:
        """Forget a station; return whether it was learned."""
        station = logical_switch, mac
        place = self._places.pop(station, None)
        if place is None:
            return False
        self._leave(station, place)
        self._damping.forget(station)
        self._since.pop(station, None)
        self._moves.pop(station, None)
        return True

    def forget_at(self, switch: str, logical_switch: UUID, mac: str) -> None:
        """Forget a station if it was learned at a binding of a switch."""
        place = self.place(logical_switch, mac)
        if place is not None and place.switch == switch:
            self.forget(logical_switch, mac)

    def is_held(self, logical_switch: UUID, mac: str) -> bool:
        """Whether a station moved too often and is held at its place."""
        return self._damping.is_held((logical_switch, mac))

    def next_release(self) -> float | None:
        """Return the seconds until the first station that is held may move, None if none is."""
        return self._damping.next_release()

    def release(self) -> None:
        """Release the stations whose hold has ended."""
        self._changed.update(self._damping.release())

    def forget_place(self, place: Place) -> None:
        """Forget every station that was learned at a place."""
        for mac in list(self.at(place)):
            self.forget(place.logical_switch, mac)

    def _leave(self, station: Station, place: Place) -> None:
        logical_switch, mac = station
        _discard(self._at, place, mac)
        if place not in self._at:
            del self._same[place]
        _discard(self._in, logical_switch, mac)
        self._counts[place.switch, place.port] -= 1
        self._changed.add(station)


A = TypeVar("A")


def _discard(index: dict[A, set[str]], key: A, mac: str) -> None:
    """Remove a MAC address from an index, and the entry that it leaves empty."""
    index[key].discard(mac)
    if not index[key]:
        del index[key]
