"""What a layer-2 VXLAN VTEP does with a frame, from the rows alone and without any flows.

This is the judge of the flows: it is written from vtep(5) and from what the project promises,
and shares no code with what it judges.
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.arp_sources import ArpSource
from vtep_ofapp.values.routers import LogicalRouter
from vtep_ofapp.values.rows import (
    Bridge,
    BridgePort,
    Locator,
    LogicalSwitch,
    PhysicalSwitch,
    RemoteMac,
    RemoteMcastMac,
    VtepRow,
)


class Wire(NamedTuple):
    """A port of a switch and the tag that a frame has there, None for no tag at all."""

    port: str
    tag: int | None


class Tunnel(NamedTuple):
    """The address of another VTEP, and the VNI of a frame from or to it."""

    address: str
    vni: int


Place = Wire | Tunnel


@dataclass
class Expected:
    """Where copies of a frame have to arrive: at each of some places, and at one of others."""

    each: set[Place] = field(default_factory=set)
    one_of: set[Place] = field(default_factory=set)
    may_be_lost: bool = False
    """Whether the one of others may be a VTEP for which there is no key."""

    def is_met_by(self, places: list[Place]) -> bool:
        rest = Counter(places)
        rest.subtract(self.each)
        if not any(rest.values()):
            return not self.one_of or self.may_be_lost
        left = [place for place, count in rest.items() if count]
        return len(left) == 1 and left[0] in self.one_of and rest[left[0]] == 1


class KnownSwitch(Protocol):
    """What is told of a switch."""

    @property
    def bridge(self) -> Bridge | None: ...

    @property
    def physical(self) -> PhysicalSwitch | None: ...


class Known(Protocol):
    """What the reference has to know: a World does."""

    @property
    def rows(self) -> Mapping[UUID, VtepRow]: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def switches(self) -> Mapping[str, KnownSwitch]: ...

    def tunnel_ports(self, name: str) -> list[BridgePort]: ...

    def ports_to_anyone(self, name: str) -> list[BridgePort]: ...


class Reference:
    """A VTEP for each switch of a World, which sees the same frames."""

    def __init__(self, world: Known) -> None:
        self._world = world
        self._seen: dict[tuple[UUID, str], tuple[str, str, int, int]] = {}

    # What there is

    def logical_switch(self, row: UUID) -> LogicalSwitch | None:
        found = self._world.rows.get(row)
        return found if isinstance(found, LogicalSwitch) else None

    def ports(self, name: str) -> dict[str, BridgePort]:
        """Return the ports of a switch that bindings can use."""
        bridge = self._world.switches[name].bridge
        ports = bridge.ports.values() if bridge else ()
        return {
            port.name: port
            for port in ports
            if port.number is not None and not port.is_ours and not port.has_vlans
        }

    def bindings(self, name: str) -> dict[tuple[str, int], UUID]:
        """Return for each (port, VLAN) of a switch its logical switch."""
        physical = self._world.switches[name].physical
        ports = self.ports(name)
        return {
            (row.name, vlan): logical_switch
            for row in (physical.ports if physical else ())
            for vlan, logical_switch in row.vlan_bindings.items()
            if row.name in ports
        }

    def is_present(self, name: str, logical_switch: UUID) -> bool:
        """Whether a logical switch is bound at a switch, or joined to such a one by routers."""
        return logical_switch in present(self._world, name)

    def own(self, name: str) -> tuple[str, ...]:
        physical = self._world.switches[name].physical
        return tuple(physical.tunnel_ips) if physical else ()

    def is_key_of_one(self, name: str, row: UUID) -> bool:
        """Whether no other logical switch that is bound at a switch has the same tunnel key."""
        mine = self.logical_switch(row)
        there = [self.logical_switch(each) for each in present(self._world, name)]
        return (
            sum(bool(mine and each and each.tunnel_key == mine.tunnel_key) for each in there) == 1
        )

    def locators(self, logical_switch: UUID) -> set[Locator]:
        """Return all locators that rows name for a logical switch."""
        found: set[Locator] = set()
        for row in self._world.rows.values():
            if isinstance(row, RemoteMac) and row.logical_switch == logical_switch:
                found.add(row.locator)
            elif isinstance(row, RemoteMcastMac) and row.logical_switch == logical_switch:
                found |= row.locators
        return found

    def key(self, logical_switch: UUID, address: str) -> int | None:
        """Return the key that holds towards an address, even if others have it as well."""
        row = self.logical_switch(logical_switch)
        named = self.locators(logical_switch) | sources(self._world, logical_switch)
        there = [each for each in named if each.address == address]
        if row is None or not there:
            return None
        if row.tunnel_key is not None:
            return row.tunnel_key
        return min((each.tunnel_key for each in there if each.tunnel_key), default=None)

    def vni(self, name: str, logical_switch: UUID, address: str) -> int | None:
        """Return the key that holds at a switch towards an address.

        That is so while the logical switch is bound at the switch, and no other one that is bound
        there has the same key at the address.
        """
        row = self.logical_switch(logical_switch)
        key = self.key(logical_switch, address)
        if row is None or key is None or not self.is_present(name, logical_switch):
            return None
        if row.tunnel_key is not None and not self.is_key_of_one(name, logical_switch):
            return None
        others = present(self._world, name) - {logical_switch}
        return None if any(self.key(each, address) == key for each in others) else key

    def targets(self, logical_switch: UUID, dst: str) -> tuple[set[str], bool]:
        """Return the addresses that a frame is replicated to, and whether it is to all of them."""
        row = self.logical_switch(logical_switch)
        by_mac: dict[str, set[str]] = {}
        for group in self._world.rows.values():
            if isinstance(group, RemoteMcastMac) and group.logical_switch == logical_switch:
                addresses = {each.address for each in group.locators}
                by_mac.setdefault(group.mac, set()).update(addresses)
        to_all = row is not None and row.source_node_replication
        if dst in by_mac:
            return by_mac[dst], to_all
        addresses = by_mac.get("unknown-dst", set())
        if not addresses and self._world.settings.flood_without_unknown_dst:
            return {each.address for each in self.locators(logical_switch)}, True
        return addresses, to_all

    def ways_in(self, name: str) -> dict[str, list[int]]:
        """Return for each remote address the OpenFlow ports that its frames come in by."""
        found: dict[str, list[int]] = {}
        for port in self._world.tunnel_ports(name):
            if port.remote and port.local in self.own(name) and port.number is not None:
                found.setdefault(port.remote, []).append(port.number)
        return found

    def ways_in_of_anyone(self, name: str) -> list[int]:
        """Return the ports that frames come in by from an address that has no port of its own."""
        ports = self._world.ports_to_anyone(name)
        return [each.number for each in ports if each.local in self.own(name) and each.number]

    def ways_out(self, name: str) -> dict[str, int]:
        """Return for each remote address the OpenFlow port that frames for it leave by.

        That is the port from the first of our addresses from which there is one.
        """
        own = self.own(name)
        ports = [each for each in self._world.tunnel_ports(name) if each.local in own]
        found: dict[str, int] = {}
        for port in sorted(ports, key=lambda port: own.index(port.local or "")):
            if port.remote and port.number is not None:
                found.setdefault(port.remote, port.number)
        return found

    def placed(self, logical_switch: UUID, mac: str) -> str | None:
        """Return the address that the first row for a station has, if there is one."""
        rows = [
            row
            for row in self._world.rows.values()
            if isinstance(row, RemoteMac) and (row.logical_switch, row.mac) == (logical_switch, mac)
        ]
        return min(rows, key=lambda row: row.uuid).locator.address if rows else None

    # What was seen

    def forget_what_moved(self) -> None:
        """Forget the stations whose binding is not what it was, or whose link is down."""
        now = {
            (name, port, vlan, self.ports(name)[port].number, logical_switch)
            for name in self._world.switches
            for (port, vlan), logical_switch in self.bindings(name).items()
            if self.ports(name)[port].is_up
        }
        self._seen = {
            (logical_switch, mac): place
            for (logical_switch, mac), place in self._seen.items()
            if (*place, logical_switch) in now
        }

    def forget(self, logical_switch: UUID, mac: str) -> None:
        self._seen.pop((logical_switch, mac), None)

    def sees(self, name: str, wire: Wire, src: str, dst: str) -> bool:
        """Learn from a frame; return whether there was something to learn."""
        vlan = wire.tag or 0
        logical_switch = self.bindings(name).get((wire.port, vlan))
        if logical_switch is None or self.logical_switch(logical_switch) is None:
            return False
        if is_link_local(dst) or not is_station(src):
            return False
        number = self.ports(name)[wire.port].number
        assert number is not None
        place = name, wire.port, vlan, number
        is_news = self._seen.get((logical_switch, src)) != place
        self._seen[logical_switch, src] = place
        return is_news

    # What becomes of a frame

    def expected(
        self,
        name: str,
        place: Place,
        src: str,
        dst: str,
        dead: Set[str],
        has_tag_inside: bool = False,
    ) -> Expected:
        """Return where a frame arrives; ``dead`` tunnels do not work at the moment.

        A frame with a tag inside its own tag, or inside VXLAN, leaves by tagged bindings only.
        """
        if is_link_local(dst):
            return Expected()
        if isinstance(place, Tunnel):
            return Expected() if has_tag_inside else self._from_tunnel(name, place, dst)
        found = self._from_wire(name, place, src, dst, dead)
        if has_tag_inside:
            tagged: set[Place] = {
                each for each in found.each if isinstance(each, Wire) and each.tag is not None
            }
            return Expected(tagged)
        return found

    def routed(self, name: str, logical_switch: UUID, dst: str) -> Expected:
        """Return where a frame of a router arrives: perhaps where the packet came in."""
        return self._in(name, logical_switch, dst, set())

    def _from_tunnel(self, name: str, tunnel: Tunnel, dst: str) -> Expected:
        """A frame from a tunnel reaches bindings only."""
        logical_switch = self.let_in(name, tunnel)
        return Expected(self._local(name, logical_switch, dst) if logical_switch else set())

    def let_in(self, name: str, tunnel: Tunnel) -> UUID | None:
        """Return the logical switch that a frame from a tunnel gets into, if it gets in."""
        is_foreign = tunnel.address not in self.own(name)
        for logical_switch in present(self._world, name):
            if is_foreign and self.vni(name, logical_switch, tunnel.address) == tunnel.vni:
                return logical_switch
        return self._let_in_by_vni(name, tunnel) if self.accepts_any else None

    def _let_in_by_vni(self, name: str, tunnel: Tunnel) -> UUID | None:
        """Return the one logical switch with a VNI, unless others claim it at the sender."""
        for row in self._world.rows.values():
            if (
                isinstance(row, LogicalSwitch)
                and row.tunnel_key == tunnel.vni
                and self.is_key_of_one(name, row.uuid)
                and self.is_present(name, row.uuid)
            ):
                is_named = self.key(row.uuid, tunnel.address) is not None
                is_contested = is_named and tunnel.address not in self.own(name)
                return None if is_contested else row.uuid
        return None

    @property
    def accepts_any(self) -> bool:
        return self._world.settings.accept_from == "any"

    def is_named(self, name: str, address: str) -> bool:
        """Whether a row of a logical switch that is bound at a switch names an address."""
        rows = present(self._world, name)
        named = [self.locators(row) | sources(self._world, row) for row in rows]
        return any(address == each.address for locators in named for each in locators)

    def _from_wire(self, name: str, wire: Wire, src: str, dst: str, dead: Set[str]) -> Expected:
        source = wire.port, wire.tag or 0
        logical_switch = self.bindings(name).get(source)
        if logical_switch is None or not is_station(src):
            return Expected()
        if self.logical_switch(logical_switch) is None:
            return Expected()
        return self._in(name, logical_switch, dst, dead, but=_as_sent(*source))

    def _in(
        self, name: str, logical_switch: UUID, dst: str, dead: Set[str], but: Wire | None = None
    ) -> Expected:
        """Return where a frame arrives that may enter tunnels, and all bindings but one."""
        up = self.ways_out(name).keys() - {*self.own(name)}
        address = self.placed(logical_switch, dst)
        if address is not None and address not in self.own(name):
            return Expected(self._through(name, logical_switch, {address} & up))
        local = self._local(name, logical_switch, dst) - {but}
        if self._station_is_here(name, logical_switch, dst):
            return Expected(local)
        addresses, to_all = self.targets(logical_switch, dst)
        if to_all:
            return Expected(local | self._through(name, logical_switch, addresses & up))
        alive = (addresses & up) - dead or addresses & up
        one_of = self._through(name, logical_switch, alive)
        return Expected(local, one_of, may_be_lost=len(one_of) < len(alive))

    def _through(self, name: str, logical_switch: UUID, addresses: set[str]) -> set[Place]:
        found = {address: self.vni(name, logical_switch, address) for address in addresses}
        return {Tunnel(address, vni) for address, vni in found.items() if vni is not None}

    def _local(self, name: str, logical_switch: UUID, dst: str) -> set[Place]:
        """Return the bindings that a frame goes to: that of its station, or all."""
        if self.logical_switch(logical_switch) is None:
            return set()
        if self._station_is_here(name, logical_switch, dst):
            _, port, vlan, _ = self._seen[logical_switch, dst]
            return {_as_sent(port, vlan)}
        return {
            _as_sent(*binding)
            for binding, each in self.bindings(name).items()
            if each == logical_switch
        }

    def _station_is_here(self, name: str, logical_switch: UUID, mac: str) -> bool:
        place = self._seen.get((logical_switch, mac))
        return place is not None and place[0] == name


def _as_sent(port: str, vlan: int) -> Wire:
    """Return how a binding's frames look on the wire: VLAN 0 is no tag."""
    return Wire(port, vlan or None)


def is_link_local(dst: str) -> bool:
    return dst.startswith("01:80:c2:00:00:0")


def is_station(src: str) -> bool:
    return int(src[:2], 16) % 2 == 0 and src != "00:00:00:00:00:00"


def present(world: Known, name: str) -> set[UUID]:
    """Return the logical switches that are bound at a switch, and all that routers reach."""
    physical = world.switches[name].physical
    rows = physical.ports if physical else ()
    found = {of for row in rows for of in row.vlan_bindings.values()}
    routers = [row for row in world.rows.values() if isinstance(row, LogicalRouter)]
    for row in routers * len(routers):
        if found & row.logical_switches:
            found |= row.logical_switches
    return found


def sources(world: Known, logical_switch: UUID) -> set[Locator]:
    """Return the locators of VTEPs that route as well, if a router joins a logical switch."""
    rows = list(world.rows.values())
    routers = [row for row in rows if isinstance(row, LogicalRouter)]
    is_routed = any(logical_switch in row.logical_switches for row in routers)
    found = {row.locator for row in rows if isinstance(row, ArpSource) and is_routed}
    return {each for each in found if each is not None}
