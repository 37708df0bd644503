"""What the NVC says of the logical switches, indexed so that a change tells what it touches."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar
from uuid import UUID

from .model import Gone, LogicalSwitch, Refused, RemoteGroup, RemoteMac
from .numbering import Numbering
from .values import UNKNOWN_DST


@dataclass(frozen=True, slots=True)
class OfLogicalSwitch:
    """Everything that a logical switch causes besides its stations and remote VTEPs."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class OfStation:
    """What is wanted for a MAC address in a logical switch, learned or placed by the NVC."""

    logical_switch: UUID
    mac: str


@dataclass(frozen=True, slots=True)
class OfPeer:
    """What is wanted for a remote VTEP that the NVC named for a logical switch."""

    logical_switch: UUID
    address: str


@dataclass(frozen=True, slots=True)
class OfAll:
    """Everything that belongs to a logical switch."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class OfRefused:
    """The report of a row that cannot be used."""

    row: UUID


Topic: TypeAlias = "OfLogicalSwitch | OfStation | OfPeer | OfAll | OfRefused"


class Network:
    """The NVC's tables of hardware_vtep. Each update returns the topics that it touches."""

    def __init__(self) -> None:
        self.logical_switches: dict[UUID, LogicalSwitch] = {}
        self.numbering = Numbering()
        self._rows: dict[UUID, RemoteMac | RemoteGroup] = {}
        self._refused: dict[UUID, Refused] = {}
        self._with_key: defaultdict[int, set[UUID]] = defaultdict(set)
        self._stations: defaultdict[UUID, dict[str, RemoteMac]] = defaultdict(dict)
        self._rivals: defaultdict[tuple[UUID, str], set[UUID]] = defaultdict(set)
        self._groups: defaultdict[UUID, dict[UUID, RemoteGroup]] = defaultdict(dict)
        self._mentions: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
        self._mentioning: defaultdict[str, set[UUID]] = defaultdict(set)

    # What it answers

    def rows(self) -> Iterable[UUID]:
        """Return every row that it was told of and that is not gone."""
        return (*self.logical_switches, *self._rows, *self._refused)

    def name(self, logical_switch: UUID) -> str:
        """Return the logical switch as people know it."""
        row = self.logical_switches.get(logical_switch)
        return f"Logical_Switch {row.name}" if row else f"Logical_Switch {logical_switch}"

    def number(self, logical_switch: UUID) -> int | None:
        """Return the number that frames of the logical switch carry, None if it has no row."""
        return (
            self.numbering.number(logical_switch)
            if logical_switch in self.logical_switches
            else None
        )

    def vni(self, logical_switch: UUID) -> int | None:
        """Return the VNI, or None while there is none that is its own."""
        row = self.logical_switches.get(logical_switch)
        if row is None or row.tunnel_key is None or len(self._with_key[row.tunnel_key]) > 1:
            return None
        return row.tunnel_key

    def source_node_replication(self, logical_switch: UUID) -> bool:
        """Whether flooded frames go to every target and not to one service node."""
        row = self.logical_switches.get(logical_switch)
        return row is not None and row.source_node_replication

    def unknown_dst(self, logical_switch: UUID) -> frozenset[str]:
        """Return the addresses that frames for unknown destinations go to."""
        rows = self._groups.get(logical_switch, {}).values()
        return frozenset[str]().union(*(row.addresses for row in rows if row.mac == UNKNOWN_DST))

    def place(self, logical_switch: UUID, mac: str) -> str | None:
        """Return the address of the VTEP behind which the NVC placed a station, if it did."""
        row = self._stations.get(logical_switch, {}).get(mac)
        return row.address if row else None

    def stations(self, logical_switch: UUID) -> Iterable[str]:
        """Return the MAC addresses that the NVC placed in a logical switch."""
        return self._stations.get(logical_switch, {}).keys()

    def peers(self, logical_switch: UUID) -> Iterable[str]:
        """Return the addresses that any row names for a logical switch."""
        return self._mentions.get(logical_switch, {}).keys()

    def mentioning(self, address: str) -> Iterable[UUID]:
        """Return the logical switches with a row that names the address."""
        return self._mentioning.get(address, ())

    def sharing_key(self, logical_switch: UUID) -> list[str]:
        """Return the names of the other logical switches with the same tunnel key."""
        row = self.logical_switches.get(logical_switch)
        if row is None or row.tunnel_key is None:
            return []
        others = self._with_key[row.tunnel_key] - {logical_switch}
        return sorted(self.logical_switches[other].name for other in others)

    def rivals(self, logical_switch: UUID, mac: str) -> list[UUID]:
        """Return the further rows that place the same station, which are not used."""
        return sorted(self._rivals.get((logical_switch, mac), ()))

    def refused(self, row: UUID) -> Refused | None:
        """Return why a row is not used, None if it is."""
        return self._refused.get(row)

    def refused_in(self, logical_switch: UUID) -> list[UUID]:
        """Return the rows of a logical switch that cannot be used."""
        return [row.uuid for row in self._refused.values() if row.logical_switch == logical_switch]

    # What it is told

    def update(self, row: LogicalSwitch | RemoteMac | RemoteGroup | Refused | Gone) -> set[Topic]:
        """Take a row as it is now, or its end; return what that touches."""
        touched: set[Topic] = set()
        if self._refused.pop(row.uuid, None):
            touched.add(OfRefused(row.uuid))
        if isinstance(row, Refused):
            self._refused[row.uuid] = row
            touched.add(OfRefused(row.uuid))
        if isinstance(row, LogicalSwitch):
            self._update_logical_switch(row.uuid, row, touched)
        elif row.uuid in self.logical_switches:
            self._update_logical_switch(row.uuid, None, touched)
        else:
            self._update_row(
                row.uuid, row if isinstance(row, RemoteMac | RemoteGroup) else None, touched
            )
        return touched

    def _update_row(
        self, uuid: UUID, row: RemoteMac | RemoteGroup | None, touched: set[Topic]
    ) -> None:
        former = self._rows.get(uuid)
        if former == row:
            return
        if former is not None:
            self._unlist(former, touched)
            del self._rows[uuid]
        if row is not None:
            self._rows[uuid] = row
            self._list(row, touched)

    def _update_logical_switch(
        self, uuid: UUID, row: LogicalSwitch | None, touched: set[Topic]
    ) -> None:
        former = self.logical_switches.pop(uuid, None)
        renumbered: set[UUID] = set()
        sharing: set[UUID] = set()
        if former is not None and former.tunnel_key is not None:
            with_key = self._with_key[former.tunnel_key]
            with_key.discard(uuid)
            sharing |= with_key
            if not with_key:
                del self._with_key[former.tunnel_key]
        if row is not None:
            self.logical_switches[uuid] = row
            if row.tunnel_key is not None:
                sharing |= self._with_key[row.tunnel_key]
                self._with_key[row.tunnel_key].add(uuid)
        if former is None and row is not None:
            renumbered = self.numbering.add(uuid)
        elif row is None and former is not None:
            renumbered = self.numbering.remove(uuid) | {uuid}
        elif row is not None and former is not None and row.name != former.name:
            touched.add(OfAll(uuid))  # the name is in what is said about its stations
        for each in sharing | {uuid}:
            touched.add(OfLogicalSwitch(each))
            touched.update(OfPeer(each, address) for address in self.peers(each))
        touched.update(OfAll(each) for each in renumbered)

    def _list(self, row: RemoteMac | RemoteGroup, touched: set[Topic]) -> None:
        if isinstance(row, RemoteGroup):
            self._groups[row.logical_switch][row.uuid] = row
            touched.add(OfLogicalSwitch(row.logical_switch))
            for address in row.addresses:
                self._mention(row.logical_switch, address, touched)
            return
        stations = self._stations[row.logical_switch]
        winner = stations.get(row.mac)
        touched.add(OfStation(row.logical_switch, row.mac))
        if winner is None or row.uuid < winner.uuid:
            stations[row.mac] = row
        if winner is not None:
            loser = max(winner.uuid, row.uuid)
            self._rivals[row.logical_switch, row.mac].add(loser)
        self._mention(row.logical_switch, row.address, touched)

    def _unlist(self, row: RemoteMac | RemoteGroup, touched: set[Topic]) -> None:
        if isinstance(row, RemoteGroup):
            _drop(self._groups, row.logical_switch, row.uuid)
            touched.add(OfLogicalSwitch(row.logical_switch))
            for address in row.addresses:
                self._unmention(row.logical_switch, address, touched)
            return
        place = row.logical_switch, row.mac
        touched.add(OfStation(*place))
        rivals = self._rivals.get(place, set())
        if row.uuid in rivals:
            rivals.discard(row.uuid)
        elif rivals:
            heir = min(rivals)
            rivals.discard(heir)
            promoted = self._rows[heir]
            assert isinstance(promoted, RemoteMac)
            self._stations[row.logical_switch][row.mac] = promoted
        else:
            _drop(self._stations, row.logical_switch, row.mac)
        if place in self._rivals and not rivals:
            del self._rivals[place]
        self._unmention(row.logical_switch, row.address, touched)

    def _mention(self, logical_switch: UUID, address: str, touched: set[Topic]) -> None:
        counts = self._mentions[logical_switch]
        counts[address] = counts.get(address, 0) + 1
        if counts[address] == 1:
            self._mentioning[address].add(logical_switch)
            touched.add(OfPeer(logical_switch, address))

    def _unmention(self, logical_switch: UUID, address: str, touched: set[Topic]) -> None:
        counts = self._mentions[logical_switch]
        counts[address] -= 1
        if counts[address]:
            return
        touched.add(OfPeer(logical_switch, address))
        _drop(self._mentions, logical_switch, address)
        self._mentioning[address].discard(logical_switch)
        if not self._mentioning[address]:
            del self._mentioning[address]


A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


def _drop(index: dict[A, dict[B, C]], outer: A, inner: B) -> None:
    """Remove an entry of a two-level index, and the level that it leaves empty."""
    del index[outer][inner]
    if not index[outer]:
        del index[outer]
