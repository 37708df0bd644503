"""The pairs of addresses that stations stated: which MAC has an IP address."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ...engine.feature import Announcer

Station: TypeAlias = tuple[UUID, str]
"""A logical switch and a MAC address."""
NONE: tuple[str, ...] = ()


class Pair(NamedTuple):
    """The owner of the flows of an IP address that a station stated.

    A tuple takes the least memory; there may be very many.
    """

    logical_switch: UUID
    ip: str


@dataclass(frozen=True, slots=True)
class AddressesChanged:
    """Stations whose IP addresses changed, each with the most that it had after a change."""

    stations: Mapping[Station, int]


@dataclass(frozen=True, slots=True)
class PairMoved:
    """A row places a station behind a remote VTEP, and no binding here has it since then."""

    pair: Pair
    mac: str


class Pairs(Announcer):
    """The MAC of each IP address, one for an address in a logical switch.

    The addresses of a station are in the order in which they were learned, the latest last.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._macs: dict[Pair, str] = {}
        self._ips: dict[Station, tuple[str, ...]] = {}
        self._latest: dict[Station, str] = {}
        self._changed: dict[Pair, None] = {}
        self._stations: dict[Station, int] = {}
        self._withdrawn: dict[Station, tuple[str, ...]] = {}
        self._moved: dict[Pair, str] = {}

    def take_topics(self) -> Iterator[object]:
        """Yield, once, the pairs and the stations that changed."""
        changed, self._changed = self._changed, {}
        stations, self._stations = self._stations, {}
        moved, self._moved = self._moved, {}
        yield from changed
        yield from itertools.starmap(PairMoved, moved.items())
        if stations:
            yield AddressesChanged(stations)

    def mac(self, pair: Pair) -> str | None:
        """Return the MAC that has an IP address, None if no station stated the address."""
        return self._macs.get(pair)

    def ips(self, station: Station) -> tuple[str, ...]:
        """Return the IP addresses of a station."""
        return self._ips.get(station, NONE)

    def all(self) -> Collection[Pair]:
        """Return every IP address with its logical switch."""
        return self._macs.keys()

    def reported(self, station: Station) -> tuple[str, ...]:
        """Return the addresses of which one is to be reported, the preferred one last.

        It is the latest IPv4 address, or without one the latest IPv6 address. Which of several is
        the latest is not known after they were read back from the switch: any of them will do.
        """
        ips = self.ips(station)
        if len(ips) < 2:
            return ips
        of_family = tuple(filter(_is_ipv4, ips)) or ips
        latest = self._latest.get(station)
        return (latest,) if latest in of_family else of_family

    def learn(self, pair: Pair, mac: str) -> bool:
        """Learn that a station has an IP address, which moves to it; return whether that is new."""
        if self._macs.get(pair) == mac:
            return False
        self.forget(pair)
        station = pair.logical_switch, mac
        before = self.ips(station)
        self._add(pair, mac, (*before, pair.ip))
        if before and (_is_ipv4(pair.ip) or not any(map(_is_ipv4, before))):
            self._latest[station] = pair.ip
        return True

    def find(self, pair: Pair, mac: str) -> None:
        """Learn a pair by a flow of an earlier process, unless the IP address has a MAC already."""
        if pair not in self._macs:
            self._add(pair, mac, (pair.ip, *self.ips((pair.logical_switch, mac))))

    def withdraw(self, pair: Pair, mac: str) -> None:
        """Note that a station's row may have an address that is not to be reported any more."""
        station = pair.logical_switch, mac
        self._withdrawn[station] = (*self._withdrawn.get(station, NONE), pair.ip)
        self._stations.setdefault(station, len(self.ips(station)))

    def take_withdrawn(self, station: Station) -> tuple[str, ...]:
        """Return, once, the addresses of a station that are not to be reported any more."""
        return self._withdrawn.pop(station, NONE)

    def forget(self, pair: Pair) -> None:
        """Forget the MAC of an IP address."""
        mac = self._macs.pop(pair, None)
        if mac is None:
            return
        station = pair.logical_switch, mac
        left = tuple(ip for ip in self._ips[station] if ip != pair.ip)
        if left:
            self._ips[station] = left
        else:
            del self._ips[station]
        if self._latest.get(station) == pair.ip:
            del self._latest[station]
        self._note(pair, station)

    def touch(self, pair: Pair) -> None:
        """Note that the flows of a pair are to be recomputed on all switches."""
        self._changed[pair] = None

    def forget_station(self, station: Station, has_moved: bool = False) -> None:
        """Forget all IP addresses of a station, which ``has_moved`` behind a remote VTEP or not."""
        for ip in self.ips(station):
            pair = Pair(station[0], ip)
            if has_moved:
                self._moved[pair] = station[1]
            self.forget(pair)

    def _add(self, pair: Pair, mac: str, ips: tuple[str, ...]) -> None:
        station = pair.logical_switch, mac
        self._macs[pair] = mac
        self._ips[station] = ips
        self._note(pair, station)

    def _note(self, pair: Pair, station: Station) -> None:
        self._changed[pair] = None
        self._stations[station] = max(self._stations.get(station, 0), len(self.ips(station)))


def _is_ipv4(ip: str) -> bool:
    return ":" not in ip
