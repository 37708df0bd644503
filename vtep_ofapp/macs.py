"""The stations learned from the bindings of all managed switches."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """A binding of a switch: the name of the bridge and of the port, and the binding's number."""

    switch: str
    port: str
    binding: int
    logical_switch: UUID


class LearnedMacs:
    """Where each station was last seen: one place for a MAC address in a logical switch."""

    def __init__(self) -> None:
        self._places: dict[tuple[UUID, str], Place] = {}
        self._at: defaultdict[Place, set[str]] = defaultdict(set)
        self._in: defaultdict[UUID, set[str]] = defaultdict(set)
        self._changed: set[tuple[UUID, str]] = set()
        self._counts: Counter[tuple[str, str]] = Counter()

    def take_changed(self) -> set[tuple[UUID, str]]:
        """Return the (logical switch, MAC) pairs that changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def place(self, logical_switch: UUID, mac: str) -> Place | None:
        """Return where a station is, None if it is not known."""
        return self._places.get((logical_switch, mac))

    def all(self) -> Collection[tuple[UUID, str]]:
        """Return every station as its logical switch and MAC address."""
        return self._places.keys()

    def stations(self, logical_switch: UUID) -> Collection[str]:
        """Return the MAC addresses learned in a logical switch."""
        return self._in.get(logical_switch, ())

    def count_at(self, switch: str, port: str) -> int:
        """Return how many stations were learned at a port of a switch."""
        return self._counts[switch, port]

    def learn(self, mac: str, place: Place) -> bool:
        """Note that a frame of the station came in there; return whether that is news."""
        logical_switch = place.logical_switch
        if self._places.get((logical_switch, mac)) == place:
            return False
        self.forget(logical_switch, mac)
        self._places[logical_switch, mac] = place
        self._at[place].add(mac)
        self._in[logical_switch].add(mac)
        self._counts[place.switch, place.port] += 1
        self._changed.add((logical_switch, mac))
        return True

    def forget(self, logical_switch: UUID, mac: str) -> bool:
        """Forget a station; return whether it was known."""
        place = self._places.pop((logical_switch, mac), None)
        if place is None:
            return False
        _discard(self._at, place, mac)
        _discard(self._in, logical_switch, mac)
        self._counts[place.switch, place.port] -= 1
        self._changed.add((logical_switch, mac))
        return True

    def forget_place(self, place: Place) -> None:
        """Forget every station that was last seen at the place."""
        for mac in list(self._at.get(place, ())):
            self.forget(place.logical_switch, mac)


A = TypeVar("A")


def _discard(index: dict[A, set[str]], key: A, mac: str) -> None:
    """Remove a MAC address from an index, and the entry that it leaves empty."""
    index[key].discard(mac)
    if not index[key]:
        del index[key]
