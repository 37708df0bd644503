"""What the NVC says of the logical switches, indexed so that a change tells what it touches."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar
from uuid import UUID, uuid5

from ..values.addresses import UNKNOWN_DST
from ..values.rows import (
    Gone,
    Locator,
    LogicalRouter,
    LogicalSwitch,
    PhysicalSwitch,
    Refused,
    RemoteMac,
    RemoteMcastMac,
)
from .stable_ids import StableIds


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


Row: TypeAlias = LogicalSwitch | RemoteMac | RemoteMcastMac | LogicalRouter | Refused
Topic: TypeAlias = "OfLogicalSwitch | OfStation | OfGroup | OfPeer | OfRouter | OfAll | OfRefused"


class Network:
    """The NVC's tables of hardware_vtep. Each update returns the topics that it touches."""

    def __init__(self) -> None:
        self.logical_switches: dict[UUID, LogicalSwitch] = {}
        self.numbering = StableIds()
        self._rows: dict[UUID, Row] = {}
        self._refused_in: defaultdict[UUID | None, dict[UUID, Refused]] = defaultdict(dict)
        self._stations: defaultdict[UUID, dict[OfStation, RemoteMac]] = defaultdict(dict)
        self._rivals: defaultdict[OfStation, set[UUID]] = defaultdict(set)
        self._groups: defaultdict[UUID, dict[UUID, RemoteMcastMac]] = defaultdict(dict)
        self._group_numbering = StableIds()
        self._numbered_groups: dict[UUID, OfGroup] = {}
        self._routers_of: defaultdict[UUID, dict[UUID, LogicalRouter]] = defaultdict(dict)
        self._mentions: defaultdict[UUID, dict[str, Counter[Locator]]] = defaultdict(dict)
        self._switches: dict[UUID, PhysicalSwitch] = {}
        self._bound_at: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._mentioning: defaultdict[str, set[UUID]] = defaultdict(set)

    # What it answers

    def rows(self) -> Iterable[UUID]:
        """Return every row that it was told of and that is not gone."""
        return self._rows.keys()

    def row(self, row: UUID) -> Row | None:
        """Return a row as it is, None if there is none."""
        return self._rows.get(row)

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

    def source_node_replication(self, logical_switch: UUID) -> bool:
        """Whether flooded frames go to every target and not to one service node."""
        row = self.logical_switches.get(logical_switch)
        return row is not None and row.source_node_replication

    def key(self, peer: OfPeer) -> int | None:
        """Return the key towards a remote VTEP, even if others have the same one there.

        It is the logical switch's, or else that of the locator, the least of several (vtep(5),
        "Per Logical-Switch Tunnel Key"); None if there is neither or no row names the VTEP.
        """
        row = self.logical_switches.get(peer.logical_switch)
        locators = self.locators(peer)
        if row is None or not locators:
            return None
        keys = [each.tunnel_key for each in locators if each.tunnel_key is not None]
        return row.tunnel_key if row.tunnel_key is not None else min(keys, default=None)

    def replication(self, logical_switch: UUID, mac: str = UNKNOWN_DST) -> frozenset[str]:
        """Return the addresses that frames for unknown destinations, or for a group, go to."""
        rows = self._groups.get(logical_switch, {}).values()
        return frozenset(
            locator.address for row in rows if row.mac == mac for locator in row.locators
        )

    def has_unknown_dst(self, logical_switch: UUID) -> bool:
        """Whether a row says where frames for unknown destinations go."""
        rows = self._groups.get(logical_switch, {}).values()
        return any(row.mac == UNKNOWN_DST for row in rows)

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

    def are_rivals_elsewhere(self, station: OfStation) -> bool:
        """Whether one of the rivals() places the station behind another VTEP than place()."""
        rows = (self._rows[each] for each in self._rivals.get(station, ()))
        return any(
            row.locator.address != self.place(station) for row in rows if isinstance(row, RemoteMac)
        )

    def is_bound_elsewhere(self, logical_switch: UUID, switch: UUID) -> bool:
        """Whether a Physical_Switch row other than this one binds a logical switch."""
        return bool(self._bound_at.get(logical_switch, set()) - {switch})

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
        if isinstance(new, RemoteMac | RemoteMcastMac):
            for locator in _locators(new):
                self._mention(new.logical_switch, locator, touched)
        if former is not None:
            self._unlist(former, touched)
        if new is not None:
            self._list(new, touched)
        if isinstance(former, RemoteMac | RemoteMcastMac):
            for locator in _locators(former):
                self._unmention(former.logical_switch, locator, touched)
        return touched

    def update_switch(self, uuid: UUID, row: PhysicalSwitch | None) -> set[Topic]:
        """Take a Physical_Switch row of the database, of any process, or its end.

        What touches others is what it binds: a row for a station behind one of the switches is
        of use while another one has its logical switch.
        """
        former = self._switches.pop(uuid, None)
        if row is not None:
            self._switches[uuid] = row
        before, after = _bindings(former), _bindings(row)
        if before == after:
            return set()
        for logical_switch in _bound(before):
            self._bound_at[logical_switch].discard(uuid)
            if not self._bound_at[logical_switch]:
                del self._bound_at[logical_switch]
        for logical_switch in _bound(after):
            self._bound_at[logical_switch].add(uuid)
        addresses = {each for switch in self._switches.values() for each in switch.tunnel_ips}
        return {
            station
            for logical_switch in _bound(before) ^ _bound(after)
            if not addresses.isdisjoint(self.peers(logical_switch))
            for station, placed in self.stations(logical_switch).items()
            if placed.locator.address in addresses
        }

    def _update_logical_switch(
        self, uuid: UUID, row: LogicalSwitch | None, touched: set[Topic]
    ) -> None:
        former = self.logical_switches.pop(uuid, None)
        renumbered: set[UUID] = set()
        if row is not None:
            self.logical_switches[uuid] = row
        if former is None and row is not None:
            renumbered = self.numbering.add(uuid)
        elif row is None and former is not None:
            renumbered = self.numbering.remove(uuid) | {uuid}
        elif row is not None and former is not None and row.name != former.name:
            touched.add(OfAll(uuid))  # the name is in what is said about its stations
        touched.add(OfLogicalSwitch(uuid))
        touched.update(OfPeer(uuid, address) for address in self.peers(uuid))
        touched.update(OfGroup(uuid, mac) for mac in self.groups(uuid))
        touched.update(OfAll(each) for each in renumbered)

    def _list(self, row: Row, touched: set[Topic]) -> None:
        if isinstance(row, RemoteMac):
            self._list_station(row, touched)
        elif isinstance(row, RemoteMcastMac):
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
        elif isinstance(row, RemoteMcastMac):
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

    def _number_group(self, row: RemoteMcastMac, touched: set[Topic]) -> None:
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
            touched.add(OfPeer(logical_switch, address))

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
        touched.add(OfPeer(logical_switch, address))


def _bindings(row: PhysicalSwitch | None) -> list[Mapping[int, UUID]]:
    """Return what a row binds; what did not change is the same object and compares fast."""
    return [port.vlan_bindings for port in row.ports] if row else []


def _bound(bindings: Iterable[Mapping[int, UUID]]) -> set[UUID]:
    return {logical_switch for each in bindings for logical_switch in each.values()}


def _group_key(group: OfGroup) -> UUID:
    return uuid5(group.logical_switch, group.mac)


def _locators(row: RemoteMac | RemoteMcastMac) -> Iterable[Locator]:
    return (row.locator,) if isinstance(row, RemoteMac) else row.locators


def _topic(row: RemoteMcastMac) -> Topic:
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
