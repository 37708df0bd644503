"""What the NVC says of the logical switches, indexed so that a change tells what it touches."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar
from uuid import UUID, uuid5

from .model import (
    Gone,
    Locator,
    LogicalRouter,
    LogicalSwitch,
    Refused,
    RemoteGroup,
    RemoteMac,
)
from .numbering import Numbering
from .values import UNKNOWN_DST


@dataclass(frozen=True, slots=True)
class OfLogicalSwitch:
    """Everything that a logical switch causes besides its stations and remote VTEPs."""

    logical_switch: UUID


class OfStation(NamedTuple):
    """What is wanted for a MAC address in a logical switch, learned or placed by the NVC.

    There may be very many, and a tuple costs the least.
    """

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


@dataclass(frozen=True, slots=True)
class OfGroup:
    """What is wanted for a multicast address that the NVC names in a logical switch."""

    logical_switch: UUID
    mac: str


@dataclass(frozen=True, slots=True)
class OfRouter:
    """What is wanted for a logical router."""

    router: UUID


Row: TypeAlias = LogicalSwitch | RemoteMac | RemoteGroup | LogicalRouter | Refused
Topic: TypeAlias = "OfLogicalSwitch | OfStation | OfGroup | OfPeer | OfRouter | OfAll | OfRefused"


class Network:
    """The NVC's tables of hardware_vtep. Each update returns the topics that it touches."""

    def __init__(self) -> None:
        self.logical_switches: dict[UUID, LogicalSwitch] = {}
        self.numbering = Numbering()
        self._rows: dict[UUID, Row] = {}
        self._refused_in: defaultdict[UUID | None, dict[UUID, Refused]] = defaultdict(dict)
        self._with_key: defaultdict[int, set[UUID]] = defaultdict(set)
        self._stations: defaultdict[UUID, dict[OfStation, RemoteMac]] = defaultdict(dict)
        self._rivals: defaultdict[OfStation, set[UUID]] = defaultdict(set)
        self._groups: defaultdict[UUID, dict[UUID, RemoteGroup]] = defaultdict(dict)
        self._group_numbering = Numbering()
        self._numbered_groups: dict[UUID, OfGroup] = {}
        self._routers_of: defaultdict[UUID, dict[UUID, LogicalRouter]] = defaultdict(dict)
        self._mentions: defaultdict[UUID, dict[str, Counter[Locator]]] = defaultdict(dict)
        self._keys: dict[OfPeer, int] = {}
        self._claims: defaultdict[tuple[str, int], set[UUID]] = defaultdict(set)
        self._mentioning: defaultdict[str, set[UUID]] = defaultdict(set)

    # What it answers

    def rows(self) -> Iterable[UUID]:
        """Return every row that it was told of and that is not gone."""
        return self._rows.keys()

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

    def vni_towards(self, peer: OfPeer) -> int | None:
        """Return the VNI between a logical switch and a remote VTEP, None while it has none.

        It is the logical switch's, or else that of the locator (vtep(5), "Per Logical-Switch
        Tunnel Key"); and it must not be that of another logical switch at the same VTEP.
        """
        key = self._keys.get(peer)
        if key is None or len(self._claims[peer.address, key]) > 1:
            return None
        row = self.logical_switches[peer.logical_switch]
        return key if row.tunnel_key is None else self.vni(peer.logical_switch)

    def replication(self, logical_switch: UUID, mac: str = UNKNOWN_DST) -> frozenset[str]:
        """Return the addresses that frames for unknown destinations, or for a group, go to."""
        rows = self._groups.get(logical_switch, {}).values()
        return frozenset(
            locator.address for row in rows if row.mac == mac for locator in row.locators
        )

    def left_out(self, logical_switch: UUID, mac: str = UNKNOWN_DST) -> list[str]:
        """Return why locators of replication() are left out."""
        rows = self._groups.get(logical_switch, {}).values()
        return sorted(reason for row in rows if row.mac == mac for reason in row.refused)

    def groups(self, logical_switch: UUID) -> set[str]:
        """Return the multicast addresses that the NVC names in a logical switch."""
        rows = self._groups.get(logical_switch, {}).values()
        return {row.mac for row in rows} - {UNKNOWN_DST}

    def group_number(self, group: OfGroup) -> int | None:
        """Return the number of a multicast address in its logical switch, None if it has no row."""
        key = _group_key(group)
        return self._group_numbering.number(key) if key in self._numbered_groups else None

    def place(self, station: OfStation) -> str | None:
        """Return the address of the VTEP behind which the NVC placed a station, if it did."""
        rows = self._stations.get(station.logical_switch)
        row = rows.get(station) if rows else None
        return row.locator.address if row else None

    def stations(self, logical_switch: UUID) -> Mapping[OfStation, RemoteMac]:
        """Return the stations that the NVC placed in a logical switch, and the rows that count."""
        return self._stations.get(logical_switch, {})

    def peers(self, logical_switch: UUID) -> Iterable[str]:
        """Return the addresses that any row names for a logical switch."""
        return self._mentions.get(logical_switch, {}).keys()

    def locators(self, peer: OfPeer) -> Iterable[Locator]:
        """Return the locators by which rows name a remote VTEP for a logical switch."""
        return self._mentions.get(peer.logical_switch, {}).get(peer.address, ())

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

    def sharing_key_at(self, peer: OfPeer) -> list[str]:
        """Return the names of the other logical switches with the same key at a remote VTEP."""
        key = self._keys.get(peer)
        if key is None:
            return []
        others = self._claims[peer.address, key] - {peer.logical_switch}
        return sorted(self.logical_switches[other].name for other in others)

    def has_key(self, peer: OfPeer) -> bool:
        """Whether there is a key towards a remote VTEP, shared with others or not."""
        return peer in self._keys

    def routers_of(self, logical_switch: UUID) -> Iterable[UUID]:
        """Return the logical routers that join a logical switch."""
        return self._routers_of.get(logical_switch, {}).keys()

    def router(self, router: UUID) -> LogicalRouter | None:
        """Return the row of a logical router."""
        row = self._rows.get(router)
        return row if isinstance(row, LogicalRouter) else None

    def rivals(self, station: OfStation) -> list[UUID]:
        """Return the further rows that place the same station, which are not used."""
        return sorted(self._rivals.get(station, ()))

    def refused(self, row: UUID) -> Refused | None:
        """Return why a row is not used, None if it is."""
        refused = self._rows.get(row)
        return refused if isinstance(refused, Refused) else None

    def refused_in(self, logical_switch: UUID) -> Iterable[UUID]:
        """Return the rows of a logical switch that cannot be used."""
        return self._refused_in.get(logical_switch, {}).keys()

    # What it is told

    def update(self, row: Row | Gone) -> set[Topic]:
        """Take a row as it is now, or its end; return what that touches."""
        touched: set[Topic] = set()
        uuid, former = row.uuid, self._rows.get(row.uuid)
        new = None if isinstance(row, Gone) else row
        if former == new:
            return touched
        if new is None:
            del self._rows[uuid]
        else:
            self._rows[uuid] = new
        if isinstance(former, LogicalSwitch) or isinstance(new, LogicalSwitch):
            self._update_logical_switch(
                uuid, new if isinstance(new, LogicalSwitch) else None, touched
            )
            return touched
        # New mentions come first and former ones go last: what both rows name is not touched.
        if isinstance(new, RemoteMac | RemoteGroup):
            for locator in _locators(new):
                self._mention(new.logical_switch, locator, touched)
        if former is not None:
            self._unlist(former, touched)
        if new is not None:
            self._list(new, touched)
        if isinstance(former, RemoteMac | RemoteGroup):
            for locator in _locators(former):
                self._unmention(former.logical_switch, locator, touched)
        return touched

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
            for address in self.peers(each):
                self._claim(OfPeer(each, address), touched)
        touched.update(OfGroup(uuid, mac) for mac in self.groups(uuid))
        touched.update(OfAll(each) for each in renumbered)

    def _list(self, row: Row, touched: set[Topic]) -> None:
        if isinstance(row, RemoteMac):
            self._list_station(row, touched)
        elif isinstance(row, RemoteGroup):
            self._groups[row.logical_switch][row.uuid] = row
            touched.add(_topic(row))
            self._number_group(row, touched)
        elif isinstance(row, LogicalRouter):
            for logical_switch in row.logical_switches:
                self._routers_of[logical_switch][row.uuid] = row
            touched.add(OfRouter(row.uuid))
        elif isinstance(row, Refused):
            self._refused_in[row.logical_switch][row.uuid] = row
            touched.add(OfRefused(row.uuid))

    def _unlist(self, row: Row, touched: set[Topic]) -> None:
        if isinstance(row, RemoteMac):
            self._unlist_station(row, touched)
        elif isinstance(row, RemoteGroup):
            _drop(self._groups, row.logical_switch, row.uuid)
            touched.add(_topic(row))
            self._number_group(row, touched)
        elif isinstance(row, LogicalRouter):
            for logical_switch in row.logical_switches:
                _drop(self._routers_of, logical_switch, row.uuid)
            touched.add(OfRouter(row.uuid))
        elif isinstance(row, Refused):
            _drop(self._refused_in, row.logical_switch, row.uuid)
            touched.add(OfRefused(row.uuid))

    def _list_station(self, row: RemoteMac, touched: set[Topic]) -> None:
        station = OfStation(row.logical_switch, row.mac)
        touched.add(station)
        rows = self._stations[row.logical_switch]
        winner = rows.setdefault(station, row)
        if winner is row:
            return
        self._rivals[station].add(max(winner.uuid, row.uuid))
        if row.uuid < winner.uuid:
            rows[station] = row

    def _unlist_station(self, row: RemoteMac, touched: set[Topic]) -> None:
        station = OfStation(row.logical_switch, row.mac)
        touched.add(station)
        rivals = self._rivals.get(station)
        if rivals is None:
            _drop(self._stations, row.logical_switch, station)
            return
        if row.uuid in rivals:
            rivals.discard(row.uuid)
        else:
            heir = min(rivals)
            rivals.discard(heir)
            promoted = self._rows[heir]
            assert isinstance(promoted, RemoteMac)
            self._stations[row.logical_switch][station] = promoted
        if not rivals:
            del self._rivals[station]

    def _number_group(self, row: RemoteGroup, touched: set[Topic]) -> None:
        """Give a multicast address a number while it has rows."""
        if row.mac == UNKNOWN_DST:
            return
        group = OfGroup(row.logical_switch, row.mac)
        key, is_named = _group_key(group), row.mac in self.groups(row.logical_switch)
        if is_named == (key in self._numbered_groups):
            return
        if is_named:
            self._numbered_groups[key] = group
            changed = self._group_numbering.add(key)
        else:
            del self._numbered_groups[key]
            changed = self._group_numbering.remove(key)
        touched.update(self._numbered_groups[each] for each in changed)

    def _mention(self, logical_switch: UUID, locator: Locator, touched: set[Topic]) -> None:
        address = locator.address
        addresses = self._mentions[logical_switch]
        locators = addresses.get(address)
        if locators is None:
            locators = addresses[address] = Counter()
            self._mentioning[address].add(logical_switch)
        locators[locator] += 1
        if locators[locator] == 1:
            self._claim(OfPeer(logical_switch, address), touched)

    def _unmention(self, logical_switch: UUID, locator: Locator, touched: set[Topic]) -> None:
        address = locator.address
        locators = self._mentions[logical_switch][address]
        locators[locator] -= 1
        if locators[locator]:
            return
        del locators[locator]
        if not locators:
            _drop(self._mentions, logical_switch, address)
            self._mentioning[address].discard(logical_switch)
            if not self._mentioning[address]:
                del self._mentioning[address]
        self._claim(OfPeer(logical_switch, address), touched)

    def _claim(self, peer: OfPeer, touched: set[Topic]) -> None:
        """Find the key for a remote VTEP anew; touch whoever has, or had, the same one there."""
        touched.add(peer)
        former, key = self._keys.pop(peer, None), self._key(peer)
        if former is not None:
            claim = self._claims[peer.address, former]
            claim.discard(peer.logical_switch)
            touched.update(OfPeer(each, peer.address) for each in claim)
            if not claim:
                del self._claims[peer.address, former]
        if key is not None:
            claim = self._claims[peer.address, key]
            touched.update(OfPeer(each, peer.address) for each in claim)
            claim.add(peer.logical_switch)
            self._keys[peer] = key

    def _key(self, peer: OfPeer) -> int | None:
        row = self.logical_switches.get(peer.logical_switch)
        locators = self.locators(peer)
        if row is None or not locators:
            return None
        keys = [each.tunnel_key for each in locators if each.tunnel_key is not None]
        return row.tunnel_key if row.tunnel_key is not None else min(keys, default=None)


def _group_key(group: OfGroup) -> UUID:
    return uuid5(group.logical_switch, group.mac)


def _locators(row: RemoteMac | RemoteGroup) -> Iterable[Locator]:
    return (row.locator,) if isinstance(row, RemoteMac) else row.locators


def _topic(row: RemoteGroup) -> Topic:
    if row.mac == UNKNOWN_DST:
        return OfLogicalSwitch(row.logical_switch)
    return OfGroup(row.logical_switch, row.mac)


A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


def _drop(index: dict[A, dict[B, C]], outer: A, inner: B) -> None:
    """Remove an entry of a two-level index, and the level that it leaves empty."""
    del index[outer][inner]
    if not index[outer]:
        del index[outer]
