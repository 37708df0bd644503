"""One managed switch: what its bridge should hold, kept up to date change by change.

Everything is pure: rows, ports and learned stations go in; wanted flows, groups, tunnel ports and
Tunnel rows come out. Each cause (a binding, a station, a remote VTEP, ...) owns the program that
it asks for. A change touches causes, and only touched causes are worked out again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from . import bfd
from .causes import NOTHING, Cause, OfBinding, OfSwitch, OfTunnel, Program
from .flows import Flow, FlowKey, Group, Match
from .macs import LearnedMacs, Place
from .model import Binding, Bridge, Fault, PhysicalSwitch, TunnelReport, TunnelRow
from .network import (
    Network,
    OfAll,
    OfGroup,
    OfLogicalSwitch,
    OfPeer,
    OfRefused,
    OfRouter,
    OfStation,
    Topic,
)
from .pipeline import admission, egress, flooding, learning, tunnels, unicast
from .policy import Policy
from .ports import Ports
from .reconciliation import Reconciliation
from .statistics import Statistics
from .tunneling import Tunnels


class ManagedSwitch:
    """A Physical_Switch and the bridge of the same name.

    ``flows``, ``groups``, ``tunnels.ports``, ``tunnel_rows`` and ``statistics.rows`` hold what is
    wanted and what is there.
    """

    def __init__(self, name: str, network: Network, macs: LearnedMacs, policy: Policy) -> None:
        self.name = name
        self.flows: Reconciliation[FlowKey, Flow] = Reconciliation()
        self.groups: Reconciliation[int, Group] = Reconciliation()
        self.tunnel_rows: Reconciliation[UUID, TunnelReport] = Reconciliation()
        self.tunnels = Tunnels(name, policy.max_tunnels)
        self.ports = Ports()
        self.statistics = Statistics()
        self.physical: PhysicalSwitch | None = None
        self.bridge: Bridge | None = None
        self._network = network
        self._macs = macs
        self._policy = policy
        self._programs: dict[Cause, Program] = {}
        self._touched: set[Cause] = {OfSwitch()}
        self._targets: dict[Cause, set[str]] = {}
        self._rows_to: dict[str, list[TunnelRow]] = {}
        self._full_ports: set[str] = set()
        self._full_logical_switches: set[UUID] = set()

    # What it answers

    @property
    def tunnel_ip(self) -> str | None:
        """The address that tunnels start from: the first of tunnel_ips, as OVN reads it."""
        if self.physical is None or not self.physical.tunnel_ips:
            return None
        return self.physical.tunnel_ips[0]

    def physical_ports(self) -> set[str]:
        """Return the names that Physical_Port rows should have: the ports that are no tunnels."""
        if self.bridge is None:
            return set()
        return {port.name for port in self.bridge.ports.values() if not port.is_ours}

    def faulty(self) -> list[Cause]:
        """Return the causes that have faults."""
        return [cause for cause, program in self._programs.items() if program.faults]

    # What it is told of rows and ports

    def set_physical(self, physical: PhysicalSwitch | None) -> None:
        """Take the Physical_Switch row with its ports and tunnels, or its end."""
        former, self.physical = self.physical, physical
        self._touched.add(OfSwitch())
        if (
            former is None
            or physical is None
            or (former.uuid, former.tunnel_ips) != (physical.uuid, physical.tunnel_ips)
        ):
            self.tunnels.set_locals(physical.tunnel_ips if physical else ())
            self._touched.update(self._programs)
            for logical_switch in self.ports.bound():
                self._touch_all(logical_switch)
        self._read_tunnel_rows(physical.tunnels if physical else ())
        self._match_ports()

    def set_bridge(self, bridge: Bridge | None) -> None:
        """Take the bridge with its ports, or its end."""
        self.bridge = bridge
        for address in self.tunnels.set_ports(bridge.ports.values() if bridge else ()):
            self._touch_tunnel(address)
        self._match_ports()

    def touch(self, topic: Topic) -> None:
        """Note that something changed which may concern this switch."""
        if isinstance(topic, OfAll):
            self._touch_all(topic.logical_switch)
            return
        self._touched.add(topic)
        if isinstance(topic, OfPeer):
            self._touched.add(OfTunnel(topic.address))
            row = self._network.logical_switches.get(topic.logical_switch)
            if self._policy.flood_without_unknown_dst or (row and row.tunnel_key is None):
                self._touched.add(OfLogicalSwitch(topic.logical_switch))
                self._touch_groups(topic.logical_switch)

    # What it is told of stations

    def touch_stations(self, stations: Iterable[tuple[UUID, str]]) -> None:
        """Note that stations, by logical switch and MAC, were learned, moved or forgotten."""
        changed = [OfStation(*station) for station in stations]
        self._touched.update(changed)
        for logical_switch in {station.logical_switch for station in changed}:
            is_full = self._is_full_logical_switch(logical_switch)
            if is_full != (logical_switch in self._full_logical_switches):
                self._full_logical_switches ^= {logical_switch}
                self._touched.add(OfLogicalSwitch(logical_switch))
        if changed:
            self._find_full_ports()

    def _find_full_ports(self) -> None:
        full = {row.name for row in self.ports.rows() if self._is_full(row.name)}
        for port in full ^ self._full_ports:
            self._touched.update(self.ports.causes_at(port))
        self._full_ports = full

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
            if station is not None:
                place, mac = station
                if self._macs.place(place.logical_switch, mac) is None:
                    self._macs.learn(mac, place)

    def learn(self, fields: Match, mac: str) -> None:
        """Learn the station whose frame the pipeline showed us with these fields.

        A port, or a logical switch, that has its share of stations learns no further ones.
        """
        numbers = learning.source_binding(fields)
        place = self._place(*numbers) if numbers else None
        if place is None:
            return
        former = self._macs.place(place.logical_switch, mac)
        is_news = former is None or (former.switch, former.port) != (place.switch, place.port)
        if is_news and self._is_full(place.port):
            return
        if former is None and self._is_full_logical_switch(place.logical_switch):
            return
        self._macs.learn(mac, place)

    def forget(self, key: FlowKey) -> None:
        """Forget the station of a flow that was idle, if the flow says where it still is."""
        station = self._known_station(key)
        if station is not None:
            place, mac = station
            if self._macs.place(place.logical_switch, mac) == place:
                self._macs.forget(place.logical_switch, mac)

    def count(self, by_cookie: Mapping[int, tuple[int, int]]) -> None:
        """Take packets and bytes by cookie of the flows that count for bindings."""
        self.statistics.count(by_cookie, self.ports)

    # What it decides

    def settle(self) -> Iterator[tuple[Cause, tuple[Fault, ...]]]:
        """Work out every touched cause again; yield the faults of those that have new ones."""
        changed: dict[Cause, Program] = {}
        for cause in self._take_touched():
            former = changed.get(cause) or self._programs.get(cause, NOTHING)
            program = self._program(cause)
            if program == former:
                continue
            changed[cause] = program
            self._want(former, False)
            if program.faults != former.faults:
                yield cause, program.faults
        for cause, program in changed.items():
            self._want(program, True)
            if program == NOTHING:
                self._programs.pop(cause, None)
            else:
                self._programs[cause] = program

    def _want(self, program: Program, is_wanted: bool) -> None:
        for flow in program.flows:
            self.flows.want(flow.key, flow if is_wanted else None)
        for group in program.groups:
            self.groups.want(group.id, group if is_wanted else None)
        for locator, report in program.tunnels:
            self.tunnel_rows.want(locator, report if is_wanted else None)

    def _take_touched(self) -> Iterator[Cause]:
        """Yield every touched cause; tunnels last, because the others decide on them.

        Tunnels come in an order of their own, for when there can be no more of them.
        """
        while self._touched:
            causes = {cause for cause in self._touched if not isinstance(cause, OfTunnel)}
            self._touched -= causes
            if causes:
                yield from causes
                continue
            addresses = {cause.address for cause in self._touched if isinstance(cause, OfTunnel)}
            self._touched = set()
            yield from map(OfTunnel, sorted(addresses, key=self.tunnels.precedence))

    # What is touched by what

    def _match_ports(self) -> None:
        rematch = self.ports.match(
            self.physical.ports if self.physical else (),
            self.bridge.ports if self.bridge else {},
        )
        for binding in rematch.gone:
            self._macs.forget_place(self._place_of(binding))
        self._find_full_ports()
        self._touched.update(rematch.bindings)
        self._touched.update(map(OfLogicalSwitch, rematch.logical_switches))
        for logical_switch in rematch.turned:
            self._touch_all(logical_switch)
        self.statistics.read_rows(self.ports)

    def _touch_all(self, logical_switch: UUID) -> None:
        network, touched = self._network, self._touched
        touched.add(OfLogicalSwitch(logical_switch))
        touched.update(self.ports.causes_of(logical_switch))
        touched.update(map(OfRefused, network.refused_in(logical_switch)))
        touched.update(map(OfRouter, network.routers_of(logical_switch)))
        self._touch_groups(logical_switch)
        touched.update(OfStation(logical_switch, mac) for mac in network.stations(logical_switch))
        touched.update(
            OfStation(logical_switch, mac) for mac in self._macs.stations(logical_switch)
        )
        for address in network.peers(logical_switch):
            self.touch(OfPeer(logical_switch, address))

    def _touch_tunnel(self, address: str) -> None:
        self._touched.add(OfTunnel(address))
        self._touched.update(self.tunnels.take_waiting(address))
        for logical_switch in self._network.mentioning(address):
            self._touched.add(OfLogicalSwitch(logical_switch))
            self._touch_groups(logical_switch)

    def _touch_groups(self, logical_switch: UUID) -> None:
        self._touched.update(
            OfGroup(logical_switch, mac) for mac in self._network.groups(logical_switch)
        )

    def _read_tunnel_rows(self, rows: Iterable[TunnelRow]) -> None:
        former, to = self._rows_to, defaultdict(list)
        for row in rows:
            to[row.address].append(row)
        self._rows_to = dict(to)
        self._touched.update(
            OfTunnel(address)
            for address in former.keys() | to.keys()
            if former.get(address) != to.get(address)
        )
        self.tunnel_rows.have_only({row.locator: row.report for row in rows})

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
        if isinstance(cause, OfGroup):
            return self._group(cause)
        if isinstance(cause, OfBinding):
            return self._binding(cause)
        if isinstance(cause, OfTunnel):
            return self._tunnel(cause)
        if isinstance(cause, OfRouter):
            return self._router(cause)
        if isinstance(cause, OfRefused):
            return self._refused(cause)
        return self._switch(self.physical)

    def _unmanaged(self, cause: Cause) -> Program:
        if isinstance(cause, OfTunnel):
            self.tunnels.drop(cause.address)
        else:
            self._target(cause, ())
        return NOTHING

    def _switch(self, physical: PhysicalSwitch) -> Program:
        reasons = list(physical.refused)
        if not physical.tunnel_ips:
            reasons.append("it has no usable tunnel_ips, so there are no tunnels")
        faults = [self._fault(reason) for reason in reasons]
        for port in physical.ports:
            subject = self._port_subject(port.name)
            faults += [
                Fault(subject, reason, port.uuid, "invalid_vlan_map") for reason in port.refused
            ]
            if port.has_acls:
                reason = "its acl_bindings have no effect: access lists are not supported"
                faults.append(Fault(subject, reason, port.uuid, "invalid_ACL_binding"))
        flows = (
            admission.link_local(),
            *learning.unlearnable(),
            learning.unknown(),
            unicast.elsewhere(),
        )
        return Program(flows, (flooding.alive(),), tuple(faults))

    def _binding(self, cause: OfBinding) -> Program:
        row = self.ports.row(cause.port)
        if row is None or cause.vlan not in row.vlan_bindings:
            return NOTHING
        subject = self._port_subject(cause.port)
        binding = self.ports.binding(cause)
        if binding is None:
            reason, entry = self.ports.why_unusable(cause.port)
            return Program(faults=(Fault(subject, reason, row.uuid, entry),))
        number = self._network.number(binding.logical_switch)
        if number is None:
            return NOTHING
        flows = (*admission.bound(binding, number), *egress.bound(binding, number))
        if cause.port not in self._full_ports:
            return Program(flows)
        reason = f"{self._policy.max_local_macs_per_port} MACs were learned, and no more can be"
        fault = self._fault(reason, subject, "mac_table_exhaustion")
        return Program((*flows, learning.full_binding(binding.number)), faults=(fault,))

    def _logical_switch(self, cause: OfLogicalSwitch) -> Program:
        logical_switch = cause.logical_switch
        number = self._network.number(logical_switch)
        if number is None or not self.ports.is_bound(logical_switch):
            self._target(cause, ())
            return NOTHING
        addresses = self._network.replication(logical_switch)
        source_node = self._network.source_node_replication(logical_switch)
        if not addresses and self._policy.flood_without_unknown_dst:
            addresses, source_node = frozenset(self._network.peers(logical_switch)), True
        targets = self._target(cause, self._with_key(logical_switch, addresses))
        bindings = self.ports.bindings_of(logical_switch)
        flows, groups = flooding.flood(number, bindings, targets, source_node)
        faults = [
            *self._key_faults(logical_switch),
            *self._health_faults(logical_switch, targets, source_node),
        ]
        vni = self._network.vni(logical_switch)
        if vni is not None:
            flows = (*flows, tunnels.encapsulation(number, vni))
        if self._is_full_logical_switch(logical_switch):
            flows = (*flows, learning.full_logical_switch(number))
            reason = f"{self._policy.max_local_macs} MACs were learned, and no more can be"
            subject = self._network.name(logical_switch)
            faults.append(self._fault(reason, subject, "mac_table_exhaustion"))
        return Program(flows, groups, tuple(faults))

    def _group(self, cause: OfGroup) -> Program:
        logical_switch = cause.logical_switch
        number = self._network.number(logical_switch)
        group = self._network.group_number(cause)
        if number is None or group is None or not self.ports.is_bound(logical_switch):
            self._target(cause, ())
            return NOTHING
        addresses = self._network.replication(logical_switch, cause.mac)
        targets = self._target(cause, self._with_key(logical_switch, addresses))
        source_node = self._network.source_node_replication(logical_switch)
        flows, groups = flooding.multicast(number, group, cause.mac, targets, source_node)
        return Program(flows, groups)

    def _station(self, cause: OfStation) -> Program:
        logical_switch, mac = cause.logical_switch, cause.mac
        number = self._network.number(logical_switch)
        if number is None or not self.ports.is_bound(logical_switch):
            self._wait(cause)
            return NOTHING
        flows: list[Flow] = []
        learned = self._macs.place(logical_switch, mac)
        if learned is not None and learned.switch == self.name:
            flows.append(learning.known(learned.binding, number, mac, self._policy.mac_aging))
            flows.append(unicast.local(learned.binding, number, mac))
        address = self._network.place(logical_switch, mac)
        if address is None:
            self._wait(cause)
            return Program(tuple(flows))
        if self._foreign((address,)):
            flows.extend(self._to_remote(cause, number, address))
        else:
            self._wait(cause)
        return Program(tuple(flows), faults=self._station_faults(cause, address))

    def _to_remote(self, cause: OfStation, number: int, address: str) -> tuple[Flow, ...]:
        """Return the flow towards the address, or until its tunnel is up the one from before."""
        remote = unicast.remote(number, cause.mac, address)
        if not self.tunnels.is_pending(address):
            self._wait(cause)
            return (remote,)
        former = self._programs.get(cause, NOTHING).flows
        kept = tuple(flow for flow in former if flow.key == remote.key)
        self._wait(cause, (address,), {unicast.target(flow) for flow in kept})
        return kept

    def _peer(self, cause: OfPeer) -> Program:
        number = self._network.number(cause.logical_switch)
        if number is None or not self._is_peer(cause):
            return NOTHING
        flows: list[Flow] = []
        vni, common = self._network.vni_towards(cause), self._network.vni(cause.logical_switch)
        if vni is not None:
            flows.append(tunnels.decapsulation(cause.address, vni, number))
        if vni != common:
            flows.append(tunnels.encapsulation_towards(number, cause.address, vni))
        return Program(tuple(flows), faults=self._peer_faults(cause))

    def _tunnel(self, cause: OfTunnel) -> Program:
        address, local = cause.address, self.tunnel_ip
        users = [
            OfPeer(logical_switch, address)
            for logical_switch in self._network.mentioning(address)
            if self._is_peer(OfPeer(logical_switch, address))
        ]
        if local is None or not (users or self.tunnels.is_held(address)):
            self._touched.update(map(OfTunnel, self.tunnels.drop(address)))
            return NOTHING
        settings, problems = self._bfd_settings(address)
        if not self.tunnels.want(address, settings):
            self._touched.update(self.tunnels.take_waiting(address))
            reason = f"no tunnel to {address}: there are {self._policy.max_tunnels} already"
            return Program(faults=(self._fault(reason, entry="tunnel_exhaustion"),))
        faults = [self._fault(f"tunnel to {address}: {problem}") for problem in problems]
        flows = [tunnels.incoming(address, number) for number in self.tunnels.numbers(address)]
        number = self.tunnels.number(address)
        if number is not None:
            flows.append(tunnels.outgoing(address, number))
        port = self.tunnels.port(address)
        if port is not None and port.error:
            reason = f"Open vSwitch cannot make the tunnel to {address}: {port.error}"
            faults.append(self._fault(reason))
        status: Mapping[str, str] = {}
        if settings and port is not None:
            status = bfd.failed(port.error) if port.error else bfd.status(port.bfd_status)
        report = TunnelReport(local, bfd.CONFIG_LOCAL, status)
        locators = {locator.uuid for user in users for locator in self._network.locators(user)}
        rows = tuple((locator, report) for locator in sorted(locators))
        return Program(tuple(flows), faults=tuple(faults), tunnels=rows)

    def _router(self, cause: OfRouter) -> Program:
        row = self._network.router(cause.router)
        if row is None or not any(map(self.ports.is_bound, row.logical_switches)):
            return NOTHING
        reason = "logical routers are not supported"
        return Program(
            faults=(self._fault(reason, f"Logical_Router {row.name}", "lr_support_fault"),)
        )

    def _refused(self, cause: OfRefused) -> Program:
        refused = self._network.refused(cause.row)
        if refused is None or refused.logical_switch not in set(self.ports.bound()):
            return NOTHING
        return Program(faults=(self._fault(refused.reason, refused.subject),))

    # Where to, until what is wanted can be had

    def _target(self, cause: Cause, addresses: Iterable[str]) -> dict[str, int]:
        """Return where replication goes, with the numbers of the tunnel ports.

        It goes to the tunnels that are up; while none is and some are to come, it stays where
        it was.
        """
        wanted = self._foreign(addresses)
        up = {address for address in wanted if self.tunnels.number(address) is not None}
        pending = {address for address in wanted if self.tunnels.is_pending(address)}
        targets = up if up or not pending else self._foreign(self._targets.get(cause, ()))
        if targets:
            self._targets[cause] = targets
        else:
            self._targets.pop(cause, None)
        self._wait(cause, pending, targets - wanted)
        numbers = ((address, self.tunnels.number(address)) for address in targets)
        return {address: number for address, number in numbers if number is not None}

    def _with_key(self, logical_switch: UUID, addresses: Iterable[str]) -> list[str]:
        """Leave out remote VTEPs without a key, where keys are those of locators."""
        if self._network.logical_switches[logical_switch].tunnel_key is not None:
            return list(addresses)
        peers = (OfPeer(logical_switch, address) for address in addresses)
        return [peer.address for peer in peers if self._network.vni_towards(peer) is not None]

    def _wait(self, cause: Cause, pending: Iterable[str] = (), held: Iterable[str] = ()) -> None:
        self._touched.update(map(OfTunnel, self.tunnels.wait(cause, pending, held)))

    def _bfd_settings(self, address: str) -> tuple[dict[str, str], list[str]]:
        """Return the bfd column for a tunnel: of several rows, the first that enables BFD."""
        best: tuple[dict[str, str], list[str]] = {}, []
        for row in self._rows_to.get(address, ()):
            settings, problems = bfd.settings(row.bfd_params, row.bfd_config_remote)
            if settings:
                return settings, problems
            best = {}, [*best[1], *problems]
        return best

    # What is wrong

    def _fault(self, reason: str, subject: str = "", entry: str = "unspecified_fault") -> Fault:
        assert self.physical is not None
        return Fault(subject or f"Physical_Switch {self.name}", reason, self.physical.uuid, entry)

    def _port_subject(self, port: str) -> str:
        return f"Physical_Port {port} of {self.name}"

    def _key_faults(self, logical_switch: UUID) -> list[Fault]:
        subject = self._network.name(logical_switch)
        row = self._network.logical_switches[logical_switch]
        if row.refused:
            return [self._fault(reason, subject) for reason in row.refused]
        others = self._network.sharing_key(logical_switch)
        if others:
            reason = f"its tunnel key is also that of {', '.join(others)}; none of them uses it"
            return [self._fault(reason, subject)]
        peers = [OfPeer(logical_switch, each) for each in self._network.peers(logical_switch)]
        if row.tunnel_key is None and not (
            peers and all(self._network.has_key(peer) for peer in peers)
        ):
            return [Fault(subject, "it has no tunnel key yet; it switches locally only")]
        return []

    def _health_faults(
        self, logical_switch: UUID, targets: Iterable[str], source_node: bool
    ) -> list[Fault]:
        states = [
            port.bfd_status.get("forwarding") == "false"
            for port in map(self.tunnels.port, targets)
            if port is not None
        ]
        if source_node or not states or not all(states):
            return []
        reason = "all its service nodes are down by BFD; frames still go to one of them"
        return [Fault(self._network.name(logical_switch), reason)]

    def _peer_faults(self, cause: OfPeer) -> tuple[Fault, ...]:
        subject = self._network.name(cause.logical_switch)
        row = self._network.logical_switches[cause.logical_switch]
        others = self._network.sharing_key_at(cause)
        reasons = []
        if others and not self._network.sharing_key(cause.logical_switch):
            reasons.append(
                f"its key at {cause.address} is also that of {', '.join(others)}; "
                "none of them uses it there"
            )
        keys = {locator.tunnel_key for locator in self._network.locators(cause)} - {None}
        if row.tunnel_key is None and len(keys) > 1:
            reasons.append(
                f"its locators for {cause.address} have several keys; only the least is used"
            )
        return tuple(self._fault(reason, subject) for reason in reasons)

    def _station_faults(self, cause: OfStation, address: str) -> tuple[Fault, ...]:
        subject = f"Ucast_Macs_Remote {cause.mac} in {self._network.name(cause.logical_switch)}"
        rivals = self._network.rivals(cause.logical_switch, cause.mac)
        reasons = []
        if rivals:
            rows = ", ".join(map(str, rivals))
            reasons.append(f"it is placed more than once; {address} is used and not row {rows}")
        if not self._foreign((address,)):
            reasons.append(f"its locator {address} is an address of this switch")
        return tuple(self._fault(reason, subject) for reason in reasons)

    # Small questions

    def _foreign(self, addresses: Iterable[str]) -> set[str]:
        """Return the addresses that are not our own; NVCs list all members of a set."""
        own = self.physical.tunnel_ips if self.physical else ()
        return {address for address in addresses if address not in own}

    def _is_peer(self, cause: OfPeer) -> bool:
        """Whether the NVC names the address for a logical switch that is bound here."""
        return (
            self.ports.is_bound(cause.logical_switch)
            and cause.address in self._network.peers(cause.logical_switch)
            and bool(self._foreign((cause.address,)))
        )

    def _is_full(self, port: str) -> bool:
        return self._macs.count_at(self.name, port) >= self._policy.max_local_macs_per_port

    def _is_full_logical_switch(self, logical_switch: UUID) -> bool:
        return len(self._macs.stations(logical_switch)) >= self._policy.max_local_macs

    def _place_of(self, binding: Binding) -> Place:
        return Place(self.name, binding.port, binding.number, binding.logical_switch)

    def _place(self, logical_switch: int, number: int) -> Place | None:
        """Return the place of the binding with this number, if it is of the logical switch's."""
        binding = self.ports.numbered(number)
        if binding and self._network.number(binding.logical_switch) == logical_switch:
            return self._place_of(binding)
        return None

    def _known_station(self, key: FlowKey) -> tuple[Place, str] | None:
        station = learning.station(key)
        place = self._place(station[0], station[1]) if station else None
        return (place, station[2]) if station and place else None
