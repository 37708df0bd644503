"""One managed switch: what its bridge should hold, kept up to date change by change.

Everything is pure: rows, ports and learned stations go in; wanted flows, groups and tunnel
ports come out. Each cause (a binding, a station, a remote VTEP, ...) owns the flows that it
asks for. A change touches causes, and only touched causes are worked out again.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from .flows import Flow, FlowKey, Group, Match
from .macs import LearnedMacs, Place
from .model import Binding, Bridge, BridgePort, Fault, PhysicalPort, PhysicalSwitch
from .network import Network, OfAll, OfLogicalSwitch, OfPeer, OfRefused, OfStation, Topic
from .pipeline import admission, egress, flooding, learning, tunnels, unicast
from .reconciliation import Reconciliation
from .values import ipv4_number


@dataclass(frozen=True, slots=True)
class OfSwitch:
    """What every managed switch has, whatever its rows say."""


@dataclass(frozen=True, slots=True)
class OfBinding:
    """What a VLAN of a port causes."""

    port: str
    vlan: int


@dataclass(frozen=True, slots=True)
class OfTunnel:
    """What the tunnel to a remote VTEP causes."""

    address: str


Cause: TypeAlias = (
    "OfSwitch | OfBinding | OfTunnel | OfLogicalSwitch | OfStation | OfPeer | OfRefused"
)


class Tunnel(NamedTuple):
    """The two ends of a tunnel port, as IPv4 addresses."""

    remote: str
    local: str


@dataclass(frozen=True, slots=True)
class Program:
    """What one cause asks for, and what is wrong with it."""

    flows: tuple[Flow, ...] = ()
    groups: tuple[Group, ...] = ()
    faults: tuple[Fault, ...] = ()


NOTHING = Program()


class ManagedSwitch:
    """A Physical_Switch and the bridge of the same name.

    ``flows``, ``groups`` and ``tunnel_ports`` hold what is wanted and what is there.
    """

    def __init__(self, name: str, network: Network, macs: LearnedMacs, mac_aging: int) -> None:
        self.name = name
        self.flows: Reconciliation[FlowKey, Flow] = Reconciliation()
        self.groups: Reconciliation[int, Group] = Reconciliation()
        self.tunnel_ports: Reconciliation[str, Tunnel] = Reconciliation()
        self.physical: PhysicalSwitch | None = None
        self.bridge: Bridge | None = None
        self._network = network
        self._macs = macs
        self._mac_aging = mac_aging
        self._bound: dict[UUID, dict[OfBinding, Binding | None]] = {}
        self._bindings: dict[OfBinding, Binding] = {}
        self._numbered: dict[int, Binding] = {}
        self._ports: dict[str, PhysicalPort] = {}
        self._tunnels: dict[str, BridgePort] = {}
        self._programs: dict[Cause, Program] = {}
        self._touched: set[Cause] = {OfSwitch()}
        self._targets: dict[UUID, set[str]] = {}
        self._waiting: defaultdict[str, set[Cause]] = defaultdict(set)
        self._held: defaultdict[str, set[Cause]] = defaultdict(set)
        self._holding: dict[Cause, set[str]] = {}

    # What it answers

    @property
    def tunnel_ip(self) -> str | None:
        """The address that tunnels start from: the first of tunnel_ips, as OVN reads it."""
        if self.physical is None or not self.physical.tunnel_ips:
            return None
        return self.physical.tunnel_ips[0]

    def bound(self) -> Iterable[UUID]:
        """Return the logical switches with a binding here, whether its port is there or not."""
        return self._bound.keys()

    def physical_ports(self) -> set[str]:
        """Return the names that Physical_Port rows should have: the ports that are no tunnels."""
        if self.bridge is None:
            return set()
        return {port.name for port in self.bridge.ports.values() if not port.is_ours}

    def tunnels_are_up(self) -> bool:
        """Whether Open vSwitch has made, or given up on, every tunnel port that is wanted."""
        return not any(
            self._is_pending(tunnel.remote) for tunnel in self.tunnel_ports.wanted.values()
        )

    # What it is told

    def set_physical(self, physical: PhysicalSwitch | None) -> None:
        """Take the Physical_Switch row with its ports, or its end."""
        former, self.physical = self.physical, physical
        self._touched.add(OfSwitch())
        if (
            former is None
            or physical is None
            or (former.uuid, former.tunnel_ips) != (physical.uuid, physical.tunnel_ips)
        ):
            self._touched.update(self._programs)
            for logical_switch in self._bound:
                self._touch_all(logical_switch)
        self._bind()

    def set_bridge(self, bridge: Bridge | None) -> None:
        """Take the bridge with its ports, or its end."""
        self.bridge = bridge
        ports = bridge.ports if bridge else {}
        self.tunnel_ports.have_only(
            {
                port.name: Tunnel(port.remote or "", port.local or "")
                for port in ports.values()
                if port.is_ours
            }
        )
        former, self._tunnels = (
            self._tunnels,
            {
                port.remote: port
                for port in ports.values()
                if port.remote is not None and port.name == self._port_name(port.remote)
            },
        )
        for address in former.keys() | self._tunnels.keys():
            if former.get(address) != self._tunnels.get(address):
                self._touch_tunnel(address)
        self._bind()

    def touch(self, topic: Topic) -> None:
        """Note that something changed which may concern this switch."""
        if isinstance(topic, OfAll):
            self._touch_all(topic.logical_switch)
            return
        self._touched.add(topic)
        if isinstance(topic, OfPeer):
            self._touched.add(OfTunnel(topic.address))

    def touch_stations(self, stations: Iterable[tuple[UUID, str]]) -> None:
        """Note that stations, by logical switch and MAC, were learned, moved or forgotten."""
        self._touched.update(OfStation(*station) for station in stations)

    def read_back(self, flows: dict[FlowKey, Flow], groups: dict[int, Group]) -> None:
        """Take what the switch really has, and learn from it which stations it knows.

        It remembers stations from before this process; those that it forgot while nobody
        listened were idle, unless it has lost everything.
        """
        if learning.unknown().key in flows:
            for key in self.flows.actual:
                if key not in flows:
                    self.forget(key)
        self.flows.have_only(flows)
        self.groups.have_only(groups)
        for key in flows:
            station = self._known_station(key)
            if station is None:
                continue
            binding, mac = station
            if self._macs.place(binding.logical_switch, mac) is None:
                self._macs.learn(mac, Place(self.name, binding))

    def learn(self, fields: Match, mac: str) -> None:
        """Learn the station whose frame the pipeline showed us with these fields."""
        numbers = learning.source_binding(fields)
        binding = self._binding_of(*numbers) if numbers else None
        if binding is not None:
            self._macs.learn(mac, Place(self.name, binding))

    def forget(self, key: FlowKey) -> None:
        """Forget the station of a flow that was idle, if the flow says where it still is."""
        station = self._known_station(key)
        if station is None:
            return
        binding, mac = station
        if self._macs.place(binding.logical_switch, mac) == Place(self.name, binding):
            self._macs.forget(binding.logical_switch, mac)

    def _known_station(self, key: FlowKey) -> tuple[Binding, str] | None:
        station = learning.station(key)
        if station is None:
            return None
        logical_switch, number, mac = station
        binding = self._binding_of(logical_switch, number)
        return (binding, mac) if binding else None

    def _binding_of(self, logical_switch: int, number: int) -> Binding | None:
        """Return the binding with this number if it belongs to the logical switch's number."""
        binding = self._numbered.get(number)
        if binding and self._network.number(binding.logical_switch) == logical_switch:
            return binding
        return None

    def settle(self) -> Iterator[tuple[Cause, tuple[Fault, ...]]]:
        """Work out every touched cause again; yield the faults of those that have new ones."""
        programs = []
        for cause in self._take_touched():
            program = self._program(cause)
            former = self._programs.get(cause, NOTHING)
            if program == former:
                continue
            programs.append((cause, program))
            for flow in former.flows:
                self.flows.want(flow.key, None)
            for group in former.groups:
                self.groups.want(group.id, None)
            if program.faults != former.faults:
                yield cause, program.faults
        for cause, program in programs:
            for flow in program.flows:
                self.flows.want(flow.key, flow)
            for group in program.groups:
                self.groups.want(group.id, group)
            if program == NOTHING:
                del self._programs[cause]
            else:
                self._programs[cause] = program

    def faulty(self) -> list[Cause]:
        """Return the causes that have faults."""
        return [cause for cause, program in self._programs.items() if program.faults]

    # What is touched by a change of ports or bindings

    def _bind(self) -> None:
        """Match the rows of Physical_Port with the ports of the bridge."""
        former_bound, former_bindings = self._bound, self._bindings
        self._bound, self._bindings, self._ports = {}, {}, {}
        ports = self.bridge.ports if self.bridge else {}
        rows = self.physical.ports if self.physical else ()
        for row in sorted(rows, key=lambda row: row.uuid, reverse=True):
            self._ports[row.name] = row
        for row in self._ports.values():
            ofport = _usable_ofport(ports.get(row.name))
            for vlan, logical_switch in row.vlan_bindings.items():
                cause = OfBinding(row.name, vlan)
                binding = None
                if ofport is not None:
                    binding = Binding(row.name, ofport, vlan, logical_switch)
                    self._bindings[cause] = binding
                self._bound.setdefault(logical_switch, {})[cause] = binding
        self._numbered = {binding.number: binding for binding in self._bindings.values()}
        for cause, binding in former_bindings.items():
            if self._bindings.get(cause) != binding:
                self._macs.forget_place(Place(self.name, binding))
        for logical_switch in former_bound.keys() | self._bound.keys():
            before = former_bound.get(logical_switch, {})
            after = self._bound.get(logical_switch, {})
            self._touched.update(
                cause
                for cause in before.keys() | after.keys()
                if after.get(cause) is None or before.get(cause) != after[cause]
            )
            if before != after:
                self._touched.add(OfLogicalSwitch(logical_switch))
            if not before or not after:
                self._touch_all(logical_switch)

    def _touch_all(self, logical_switch: UUID) -> None:
        self._touched.add(OfLogicalSwitch(logical_switch))
        self._touched.update(self._bound.get(logical_switch, ()))
        self._touched.update(map(OfRefused, self._network.refused_in(logical_switch)))
        for mac in (
            *self._network.stations(logical_switch),
            *self._macs.stations(logical_switch),
        ):
            self._touched.add(OfStation(logical_switch, mac))
        for address in self._network.peers(logical_switch):
            self.touch(OfPeer(logical_switch, address))

    def _touch_tunnel(self, address: str) -> None:
        self._touched.add(OfTunnel(address))
        self._touched.update(self._waiting.pop(address, ()))
        self._touched.update(
            OfLogicalSwitch(logical_switch)
            for logical_switch in self._network.mentioning(address)
            if address in self._network.unknown_dst(logical_switch)
        )

    # What each cause asks for

    def _program(self, cause: Cause) -> Program:
        """Return what a cause asks for now."""
        if self.physical is None:
            return self._unmanaged(cause)
        if isinstance(cause, OfStation):
            return self._station(cause)
        if isinstance(cause, OfPeer):
            return self._peer(cause)
        if isinstance(cause, OfLogicalSwitch):
            return self._logical_switch(cause)
        if isinstance(cause, OfBinding):
            return self._binding(cause)
        if isinstance(cause, OfTunnel):
            return self._tunnel(cause)
        if isinstance(cause, OfRefused):
            return self._refused(cause)
        return self._switch(self.physical)

    def _unmanaged(self, cause: Cause) -> Program:
        if isinstance(cause, OfTunnel):
            self.tunnel_ports.want(self._port_name(cause.address), None)
        return NOTHING

    def _switch(self, physical: PhysicalSwitch) -> Program:
        reasons = list(physical.refused)
        if not physical.tunnel_ips:
            reasons.append("it has no usable tunnel_ips, so there are no tunnels")
        return Program(
            flows=(
                admission.link_local(),
                *learning.unlearnable(),
                learning.unknown(),
                unicast.elsewhere(),
            ),
            faults=tuple(self._fault(reason) for reason in reasons)
            + tuple(
                Fault(self._port_subject(port.name), reason, port.uuid, "invalid_vlan_map")
                for port in physical.ports
                for reason in port.refused
            ),
        )

    def _binding(self, cause: OfBinding) -> Program:
        row = self._ports.get(cause.port)
        if row is None or cause.vlan not in row.vlan_bindings:
            return NOTHING
        binding = self._bindings.get(cause)
        if binding is None:
            port = self.bridge.ports.get(cause.port) if self.bridge else None
            reason = _why_unusable(port)
            fault = Fault(self._port_subject(cause.port), reason, row.uuid, "unspecified_fault")
            return Program(faults=(fault,))
        number = self._network.number(binding.logical_switch)
        if number is None:
            return NOTHING
        return Program(flows=(*admission.bound(binding, number), *egress.bound(binding)))

    def _logical_switch(self, cause: OfLogicalSwitch) -> Program:
        logical_switch = cause.logical_switch
        number = self._network.number(logical_switch)
        if number is None or logical_switch not in self._bound:
            self._targets.pop(logical_switch, None)
            self._wait(cause, (), ())
            return NOTHING
        addresses = self._remote(self._network.unknown_dst(logical_switch))
        up = {address for address in addresses if self._ofport(address) is not None}
        pending = {address for address in addresses if self._is_pending(address)}
        former = self._targets.get(logical_switch, set())
        targets = up if up or not pending else former
        self._targets[logical_switch] = targets
        self._wait(cause, pending, targets - addresses)
        flows, groups = flooding.flood(
            number,
            [binding for binding in self._bound[logical_switch].values() if binding],
            {address: self._ofport(address) for address in targets},
            self._network.source_node_replication(logical_switch),
        )
        vni = self._network.vni(logical_switch)
        if vni is not None:
            flows = (*flows, tunnels.encapsulation(number, vni))
        return Program(flows, groups, self._key_faults(logical_switch))

    def _station(self, cause: OfStation) -> Program:
        logical_switch, mac = cause.logical_switch, cause.mac
        number = self._network.number(logical_switch)
        if number is None or logical_switch not in self._bound:
            self._wait(cause, (), ())
            return NOTHING
        flows: list[Flow] = []
        learned = self._macs.place(logical_switch, mac)
        if learned is not None and learned.switch == self.name:
            flows.append(learning.known(learned.binding, number, mac, self._mac_aging))
            flows.append(unicast.local(learned.binding, number, mac))
        address = self._network.place(logical_switch, mac)
        if address is None:
            self._wait(cause, (), ())
            return Program(tuple(flows))
        if self._remote((address,)):
            flows.extend(self._to_remote(cause, number, address))
        return Program(tuple(flows), faults=self._station_faults(cause, address))

    def _to_remote(self, cause: OfStation, number: int, address: str) -> tuple[Flow, ...]:
        """Return the flow towards the address, or until its tunnel is up the one from before."""
        remote = unicast.remote(number, cause.mac, address)
        if not self._is_pending(address):
            self._wait(cause, (), ())
            return (remote,)
        former = self._programs.get(cause, NOTHING).flows
        kept = tuple(flow for flow in former if flow.key == remote.key)
        self._wait(cause, (address,), {unicast.target(flow) for flow in kept})
        return kept

    def _peer(self, cause: OfPeer) -> Program:
        number = self._network.number(cause.logical_switch)
        vni = self._network.vni(cause.logical_switch)
        if number is None or vni is None or not self._is_peer(cause):
            return NOTHING
        return Program(flows=(tunnels.decapsulation(cause.address, vni, number),))

    def _tunnel(self, cause: OfTunnel) -> Program:
        name = self._port_name(cause.address)
        local = self.tunnel_ip
        if local is None or not self._is_used(cause.address):
            self.tunnel_ports.want(name, None)
            return NOTHING
        self.tunnel_ports.want(name, Tunnel(cause.address, local))
        port = self._tunnels.get(cause.address)
        if port is None or port.ofport is None:
            error = port.error if port else None
            reason = f"Open vSwitch cannot make the tunnel to {cause.address}: {error}"
            return Program(faults=(self._fault(reason),) if error else ())
        return Program(flows=tunnels.port(cause.address, port.ofport))

    def _refused(self, cause: OfRefused) -> Program:
        refused = self._network.refused(cause.row)
        if refused is None or refused.logical_switch not in self._bound:
            return NOTHING
        return Program(faults=(self._fault(refused.reason, refused.subject),))

    # What is wrong

    def _fault(self, reason: str, subject: str = "") -> Fault:
        assert self.physical is not None
        return Fault(
            subject or f"Physical_Switch {self.name}",
            reason,
            self.physical.uuid,
            "unspecified_fault",
        )

    def _port_subject(self, port: str) -> str:
        return f"Physical_Port {port} of {self.name}"

    def _key_faults(self, logical_switch: UUID) -> tuple[Fault, ...]:
        subject = self._network.name(logical_switch)
        refused = self._network.logical_switches[logical_switch].refused
        if refused:
            return tuple(self._fault(reason, subject) for reason in refused)
        others = self._network.sharing_key(logical_switch)
        if others:
            reason = f"its tunnel key is also that of {', '.join(others)}; none of them uses it"
            return (self._fault(reason, subject),)
        if self._network.vni(logical_switch) is None:
            return (Fault(subject, "it has no tunnel key yet; it switches locally only"),)
        return ()

    def _station_faults(self, cause: OfStation, address: str) -> tuple[Fault, ...]:
        subject = f"Ucast_Macs_Remote {cause.mac} in {self._network.name(cause.logical_switch)}"
        rivals = self._network.rivals(cause.logical_switch, cause.mac)
        reasons = []
        if rivals:
            rows = ", ".join(map(str, rivals))
            reasons.append(f"it is placed more than once; {address} is used and not row {rows}")
        if not self._remote((address,)):
            reasons.append(f"its locator {address} is an address of this switch")
        return tuple(self._fault(reason, subject) for reason in reasons)

    # What waits for a tunnel, and holds on to another one until then

    def _wait(self, cause: Cause, pending: Iterable[str], held: Iterable[str]) -> None:
        """Work the cause out again when a pending tunnel is up; keep the held ones until then."""
        for address in pending:
            self._waiting[address].add(cause)
        before, now = self._holding.pop(cause, set()), set(held)
        if now:
            self._holding[cause] = now
        for address in before - now:
            self._held[address].discard(cause)
            if not self._held[address]:
                del self._held[address]
            self._touched.add(OfTunnel(address))
        for address in now - before:
            self._held[address].add(cause)
            self._touched.add(OfTunnel(address))

    def _is_used(self, address: str) -> bool:
        """Whether frames go there, or are to go there."""
        return address in self._held or any(
            self._is_peer(OfPeer(logical_switch, address))
            for logical_switch in self._network.mentioning(address)
        )

    def _take_touched(self) -> Iterator[Cause]:
        """Yield every touched cause; tunnels last, because the others decide on them."""
        touched, self._touched = self._touched, set()
        last: set[Cause] = {cause for cause in touched if isinstance(cause, OfTunnel)}
        yield from touched - last
        last, self._touched = last | self._touched, set()
        yield from last

    # Small questions

    def _remote(self, addresses: Iterable[str]) -> set[str]:
        """Return the addresses that are not our own; NVCs list all members of a set."""
        own = self.physical.tunnel_ips if self.physical else ()
        return {address for address in addresses if address not in own}

    def _is_peer(self, cause: OfPeer) -> bool:
        """Whether the NVC names the address for a logical switch that is bound here."""
        return (
            cause.logical_switch in self._bound
            and cause.address in self._network.peers(cause.logical_switch)
            and bool(self._remote((cause.address,)))
        )

    def _ofport(self, address: str) -> int | None:
        port = self._tunnels.get(address)
        return port.ofport if port else None

    def _is_pending(self, address: str) -> bool:
        """Whether a tunnel is still to come: Open vSwitch neither made it nor gave up."""
        if self.tunnel_ip is None:
            return False
        port = self._tunnels.get(address)
        return port is None or (port.ofport is None and port.error is None)

    def _port_name(self, address: str) -> str:
        """Return the name of the tunnel port to an address, within Linux's 15 characters.

        It is made of the address and of the bridge's name, so that no two bridges clash.
        """
        bridge = zlib.crc32(self.name.encode()) & 0xFFFFF
        return f"vx{ipv4_number(address):08x}{bridge:05x}"


def _usable_ofport(port: BridgePort | None) -> int | None:
    if port is None or port.bond or port.is_ours:
        return None
    return port.ofport


def _why_unusable(port: BridgePort | None) -> str:
    if port is None:
        return "it is not a port of the bridge"
    if port.bond:
        return "it is a bond, which OpenFlow cannot address as one port"
    if port.is_ours:
        return "it is a tunnel port"
    return f"Open vSwitch has no port number for it: {port.error or 'not yet'}"
