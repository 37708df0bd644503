"""One managed switch: what its bridge should hold, kept up to date change by change.

Everything is pure: rows, ports and learned stations go in; wanted flows, groups, tunnel ports and
Tunnel rows come out. Each cause (a binding, a station, a remote VTEP, ...) owns the program that
it asks for. A change touches causes, and only touched causes are worked out again.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from uuid import UUID

from ..features.bindings.ports import Ports
from ..features.bindings.statistics import Statistics
from ..features.learning.limits import Limits
from ..features.learning.stations import LearnedMacs, Place
from ..features.tunnels.ports import Tunnels
from ..features.tunnels.unnamed_senders import Unnamed
from ..features.tunnels.unused_rows import UnusedTunnelRows
from ..features.vni_mapping import Keys
from ..pipeline import learning
from ..pipeline.layout import Cookie
from ..process.settings import Settings
from ..values.counters import Counter
from ..values.events import PacketIn
from ..values.faults import Fault
from ..values.flows import Flow, FlowKey, Group, Match
from ..values.rows import (
    ANYONE,
    Binding,
    Bridge,
    PhysicalSwitch,
    TunnelReport,
    TunnelRow,
    VxlanPort,
)
from .desired import NOTHING, Cause, OfAnyone, OfSwitch, OfTunnel, Program
from .desired_actual import DesiredActual
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
from .programs import Planner

LOG = logging.getLogger("vtep_ofapp.managed")

MAX_STATIONS = 1000
"""Stations worked out in one turn; the rest waits for the next one, so that none takes long."""
MAX_FLOWS = 2000
"""Flows read back in one go, likewise."""


class SwitchState:
    """A Physical_Switch and the bridge of the same name.

    ``flows``, ``groups``, ``tunnels.ports``, ``tunnel_rows`` and ``statistics.rows`` hold what is
    wanted and what is there.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        macs: LearnedMacs,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.flows: DesiredActual[FlowKey, Flow] = DesiredActual()
        self.groups: DesiredActual[int, Group] = DesiredActual()
        self.tunnel_rows: DesiredActual[UUID, TunnelReport] = DesiredActual()
        self.tunnels = Tunnels(name, settings.max_tunnels, clock)
        self.unused_tunnel_rows = UnusedTunnelRows(name, clock)
        self.ports = Ports()
        self.statistics = Statistics(is_on=settings.stats_interval > 0)
        self.physical: PhysicalSwitch | None = None
        self.bridge: Bridge | None = None
        self._network = network
        self._macs = macs
        self._settings = settings
        self._keys = Keys(network, self.ports)
        self._limits = Limits(name, macs, settings)
        self._unnamed = Unnamed(name, self._keys.names_with, clock)
        self._planner = Planner(name, network, self._keys, macs, self.ports, self.tunnels, settings)
        self._programs: dict[Cause, Program] = {}
        self._touched: set[Cause] = {OfSwitch()}
        self._touched_stations: dict[OfStation, None] = {}
        self._touched_tunnels: set[str] = set()
        self._missing: set[str] = set()
        self._vxlan_ports: frozenset[VxlanPort] = frozenset()
        self._full_ports: set[str] = set()
        self._full_logical_switches: set[UUID] = set()

    # What it answers

    @property
    def tunnel_ip(self) -> str | None:
        """The tunnel_ip of the Physical_Switch row, None while there is no row."""
        return self.physical.tunnel_ip if self.physical else None

    def physical_ports(self) -> set[str]:
        """Return the names that Physical_Port rows should have: the ports that are no tunnels."""
        if self.bridge is None:
            return set()
        return {port.name for port in self.bridge.ports.values() if not port.is_ours}

    @property
    def is_behind(self) -> bool:
        """Whether stations, and the tunnels that they use, are still to be worked out."""
        return bool(self._touched_stations)

    def faulty(self) -> list[Cause]:
        """Return the causes that have faults."""
        return [cause for cause, program in self._programs.items() if program.faults]

    # What it is told of rows and ports

    def set_physical(self, physical: PhysicalSwitch | None) -> None:
        """Take the Physical_Switch row with its ports and tunnels, or its end."""
        former, self.physical = self.physical, physical
        self._planner.physical = physical
        self._touched.add(OfSwitch())
        if (
            former is None
            or physical is None
            or (former.uuid, former.tunnel_ips) != (physical.uuid, physical.tunnel_ips)
        ):
            self.tunnels.set_locals(physical.tunnel_ips if physical else ())
            self._touched.add(OfAnyone())
            self._touch(self._programs)
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

    def set_vxlan_ports(self, ports: frozenset[VxlanPort]) -> None:
        """Take the VXLAN ports of all bridges of this one's Open vSwitch."""
        if ports is self._vxlan_ports:
            return
        former, self._vxlan_ports = self._vxlan_ports, ports
        self.tunnels.reconsider()
        changed = [port for port in ports ^ former if port.key is not None]
        if changed:
            self._planner.fixed_keys = [port for port in ports if port.key is not None]
        for port in changed:
            if port.remote is None:
                self._touch(cause for cause in self._programs if isinstance(cause, OfTunnel))
            else:
                self._touched_tunnels.add(port.remote)

    def check_addresses(
        self,
        has_interface: Callable[[str, int, str], bool],
        has_address: Callable[[str], bool],
    ) -> None:
        """Find tunnel IPs that this host does not have: Open vSwitch sends nothing from them.

        Nothing is said of a bridge that is not here, by has_interface(), nor of an address that
        was there, by has_address(), when this was last called.
        """
        missing: set[str] = set()
        bridge, physical = self.bridge, self.physical
        if (
            bridge
            and physical
            and bridge.interface
            and has_interface(bridge.name, *bridge.interface)
        ):
            missing = {each for each in physical.tunnel_ips if not has_address(each)}
        certain, self._missing = missing & self._missing, missing
        if certain != self._planner.missing.keys():
            self._planner.missing = {address: self._egress(address) for address in certain}
            self._touched.add(OfSwitch())

    def _egress(self, local: str) -> str:
        """Return the interface by which tunnels from an address of ours leave, if one does."""
        ports = self.bridge.ports.values() if self.bridge else ()
        return next((each.egress for each in ports if each.local == local and each.egress), "")

    def tunnels_are_due(self) -> float | None:
        """Return when tunnels_due() is to be called next, by the clock, None for not at all."""
        ends = self.tunnels.next_retry(), self.unused_tunnel_rows.next_end()
        return min((end for end in ends if end is not None), default=None)

    def tunnels_due(self) -> None:
        """Try again to make the ports for which it is time."""
        for remote in self.tunnels.take_retries():
            self._touch([OfAnyone() if remote == ANYONE else OfTunnel(remote)])

    def touch(self, topic: Topic) -> None:
        """Note that something changed which may concern this switch."""
        if isinstance(topic, OfStation):
            self._touched_stations[topic] = None
        elif isinstance(topic, OfAll):
            self._touch_all(topic.logical_switch)
        elif isinstance(topic, OfPeer):
            self._touch_peer(topic)
            for other in self._keys.update_at(topic):
                self._touch_peer(OfPeer(other, topic.address))
        elif isinstance(topic, OfLogicalSwitch):
            self._touch_key(topic.logical_switch)
        else:
            self._touched.add(topic)

    # What it is told of stations

    def touch_stations(self, stations: Iterable[tuple[UUID, str]]) -> None:
        """Note that stations, by logical switch and MAC, were learned, moved or forgotten."""
        changed = dict.fromkeys(OfStation(*station) for station in stations)
        self._touched_stations.update(changed)
        for logical_switch in {station.logical_switch for station in changed}:
            is_full = self._limits.is_full(logical_switch)
            if is_full != (logical_switch in self._full_logical_switches):
                self._full_logical_switches ^= {logical_switch}
                self._touch_all(logical_switch)
        if changed:
            self._find_full_ports()

    def _find_full_ports(self) -> None:
        full = {row.name for row in self.ports.rows() if self._limits.is_full_port(row.name)}
        for port in full ^ self._full_ports:
            self._touched.update(self.ports.causes_at(port))
        self._full_ports = full

    def read_back(
        self, flows: Mapping[FlowKey, Flow], groups: Mapping[int, Group]
    ) -> Iterator[None]:
        """Take what the switch really has, and learn from it which stations it knows.

        It remembers stations from before this process; those that it forgot while nobody
        listened were idle, unless it has lost everything. As there may be very many flows, this
        yields now and then; nothing else may be told in between.
        """
        has_lost_all = learning.unknown().key not in flows
        if has_lost_all:
            self.statistics.begin_anew()
        self.groups.have_only(groups)
        for number, key in enumerate(list(self.flows.actual), 1):
            if key not in flows:
                self.flows.have(key, None)
                if not has_lost_all:
                    self.forget(key)
            if number % MAX_FLOWS == 0:
                yield
        for number, flow in enumerate(flows.values(), 1):
            self._find(flow)
            if number % MAX_FLOWS == 0:
                yield

    def _find(self, flow: Flow) -> None:
        """Take a flow that the switch has, and the station that it knows."""
        want = self.flows.wanted.get(flow.key)
        if want == flow:
            flow = want  # with its key, so that what was read need not be kept
        self.flows.have(flow.key, flow)
        station = self._known_station(flow.key)
        if station is not None:
            place, mac = station
            if self._macs.place(place.logical_switch, mac) is None:
                self._macs.learn(mac, place)

    def packet_in(self, packet: PacketIn) -> None:
        """Give a packet-in to what reads those of its producer."""
        if packet.producer == Cookie.LEARNING:
            self.learn(packet.fields, learning.source(packet.header))

    def learn(self, fields: Match, mac: str) -> None:
        """Learn the station whose frame the pipeline showed us with these fields.

        A port, or a logical switch, that has its share of stations learns no further ones.
        """
        numbers = learning.source_binding(fields)
        place = self._place(*numbers) if numbers else None
        if place is None or not self.ports.is_up(place.port):
            return
        former = self._macs.place(place.logical_switch, mac)
        is_news = former is None or (former.switch, former.port) != (place.switch, place.port)
        if is_news and self._limits.is_full_port(place.port):
            return
        if former is None and self._limits.is_full(place.logical_switch):
            return
        self._macs.learn(mac, place)

    def forget(self, key: FlowKey) -> None:
        """Forget the station of a flow that was idle, if the flow says where it still is."""
        station = self._known_station(key)
        if station is not None:
            place, mac = station
            if self._macs.place(place.logical_switch, mac) == place:
                self._macs.forget(place.logical_switch, mac)

    def count(self, counters: Mapping[FlowKey, Counter]) -> None:
        """Take the counters of all flows that count for bindings, or frames that they drop."""
        self.statistics.count(counters, self.ports)
        self._unnamed.count(counters)

    # What it decides

    def settle(self) -> Iterator[tuple[Cause, tuple[Fault, ...]]]:
        """Work out touched causes again; yield the faults of those that have new ones.

        These are all that are touched, but for stations if there are very many.
        """
        changed: dict[Cause, Program] = {}
        for cause in self._take_touched():
            former = changed.get(cause) or self._programs.get(cause, NOTHING)
            try:
                program = self._planner.program(cause, former)
            except Exception:
                LOG.exception("%s: a bug; this stays as it is: %s", self.name, cause)
                continue
            if program == former:
                continue
            changed[cause] = program
            self._want_no_more(former)
            if program.faults != former.faults:
                yield cause, program.faults
        for cause, program in changed.items():
            self._want(program)
            if program == NOTHING:
                self._programs.pop(cause, None)
            else:
                self._programs[cause] = program

    def _want(self, program: Program) -> None:
        for flow in program.flows:
            self.flows.want(flow.key, flow)
        for group in program.groups:
            self.groups.want(group.id, group)
        for locator, report in program.tunnels:
            self.tunnel_rows.want(locator, report)
            self.unused_tunnel_rows.use(locator)

    def _want_no_more(self, program: Program) -> None:
        for flow in program.flows:
            if self.flows.wanted.get(flow.key) is flow:  # else another cause has taken it over
                self.flows.want(flow.key, None)
        for group in program.groups:
            self.groups.want(group.id, None)
        for locator, _ in program.tunnels:
            self.tunnel_rows.want(locator, None)

    def _take_touched(self) -> Iterator[Cause]:
        """Yield every touched cause, of stations MAX_STATIONS at most, those of late first.

        Tunnels come last, because all others decide on them, and in an order of their own, for
        when there can be no more of them.
        """
        stations_left = MAX_STATIONS
        while True:
            planned, self._planner.touched = self._planner.touched, set()
            self._touch(planned)
            if self._touched:
                causes, self._touched = self._touched, set()
                yield from causes
            elif self._touched_stations and stations_left:
                stations_left -= 1
                yield self._touched_stations.popitem()[0]
            elif self._touched_tunnels and not self._touched_stations:
                addresses, self._touched_tunnels = self._touched_tunnels, set()
                yield from map(OfTunnel, sorted(addresses, key=self.tunnels.precedence))
            else:
                return

    # What is touched by what

    def _touch(self, causes: Iterable[Cause]) -> None:
        for cause in causes:
            if isinstance(cause, OfStation):
                self._touched_stations[cause] = None
            elif isinstance(cause, OfTunnel):
                self._touched_tunnels.add(cause.address)
            else:
                self._touched.add(cause)

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
        if rematch.turned:
            self._touched.add(OfAnyone())
        for logical_switch in rematch.turned:
            self._touch_all(logical_switch)
        self.statistics.read_rows(self.ports)

    def _touch_all(self, logical_switch: UUID) -> None:
        network, touched = self._network, self._touched
        self._touch_key(logical_switch)
        touched.update(self.ports.causes_of(logical_switch))
        touched.update(map(OfRefused, network.refused_in(logical_switch)))
        touched.update(map(OfRouter, network.routers_of(logical_switch)))
        self._touch_groups(logical_switch)
        self._touched_stations.update(dict.fromkeys(network.stations(logical_switch)))
        self._touched_stations.update(
            (OfStation(logical_switch, mac), None) for mac in self._macs.stations(logical_switch)
        )
        for address in network.peers(logical_switch):
            self.touch(OfPeer(logical_switch, address))

    def _touch_key(self, logical_switch: UUID) -> None:
        """Touch a logical switch, and those here that can or cannot have their key for its sake."""
        self._touched.add(OfLogicalSwitch(logical_switch))
        for other in self._keys.update(logical_switch):
            self._touched.add(OfLogicalSwitch(other))
            for address in self._network.peers(other):
                self._touch_peer(OfPeer(other, address))

    def _touch_peer(self, peer: OfPeer) -> None:
        self._touched.add(peer)
        self._touched_tunnels.add(peer.address)
        row = self._network.logical_switches.get(peer.logical_switch)
        if self._settings.flood_without_unknown_dst or (row and row.tunnel_key is None):
            self._touched.add(OfLogicalSwitch(peer.logical_switch))
            self._touch_groups(peer.logical_switch)
        elif not self._network.has_unknown_dst(peer.logical_switch):
            self._touched.add(OfLogicalSwitch(peer.logical_switch))  # which may have remotes now

    def _touch_tunnel(self, address: str) -> None:
        if address == ANYONE:
            self._touched.add(OfAnyone())
            return
        self._touched_tunnels.add(address)
        self._touch(self.tunnels.take_waiting(address))
        for logical_switch in self._network.mentioning(address):
            self._touched.add(OfLogicalSwitch(logical_switch))
            self._touch_groups(logical_switch)

    def _touch_groups(self, logical_switch: UUID) -> None:
        self._touched.update(
            OfGroup(logical_switch, mac) for mac in self._network.groups(logical_switch)
        )

    def _read_tunnel_rows(self, rows: Collection[TunnelRow]) -> None:
        self.unused_tunnel_rows.set_rows(rows)
        former, to = self._planner.tunnel_rows, defaultdict(list)
        for row in rows:
            to[row.address].append(row)
        self._planner.tunnel_rows = dict(to)
        self._touched_tunnels.update(
            address
            for address in former.keys() | to.keys()
            if former.get(address) != to.get(address)
        )
        self.tunnel_rows.have_only({row.locator: row.report for row in rows})

    # Small questions

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
