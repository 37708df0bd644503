"""Neighbours: addresses that local stations state, and answers for those of remote ones."""

from collections.abc import Iterable, Iterator, Mapping

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.dirty import Pace
from ...engine.feature import Feature, FlowWatcher, Owner, Timer
from ...engine.topics import StationsChanged, SwitchReplaced, Topic
from ...engine.view import View
from ...pipeline import learning, resolution, snooping
from ...pipeline.layout import Cookie
from ...values.events import PacketIn
from ...values.flows import Flow, FlowKey
from ..bindings.ports import Ports, VlanBinding
from ..learning.feature import place_of
from ..learning.stations import LearnedMacs, Place
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from ..routers.routed import Routed, RoutingTurned
from ..unicast import Placed, PlacedMacs
from . import telling
from .claims import claim, states_address
from .idle import IdlePairs
from .limits import QuietPort, QuietStation, StatementLimits
from .pairs import AddressesChanged, Pair, Pairs, Station
from .responders import (
    AddressedRows,
    InvalidIp,
    NeighbourFlows,
    Responder,
    because,
    invalid_ip,
    responder,
    why_invalid,
)


def is_snooping(view: View) -> bool:
    """Whether the addresses of local stations are of use.

    They are reported, or senders are to be known, or routers send packets to them.
    """
    settings = view.settings
    if settings.report_ip or (settings.suppress_arp and bool(view[AddressedRows])):
        return True
    return bool(view[Routed])


class KnownPairs(FlowWatcher):
    """The pairs of addresses that the switch's flows know.

    The switch has flows of pairs from before this process. Flows that ended while the switch was
    not connected were idle, unless the switch has lost all flows.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._has_lost_all = False
        self._withdrawn: frozenset[FlowKey] = frozenset()

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """Begin a read-back; a switch without the flow others() has lost all its flows.

        Without report_ip the rows of pairs that a former process reported must not keep them.
        """
        self._has_lost_all = snooping.others().key not in flows
        if not self._view.settings.report_ip:
            self._withdrawn = frozenset(
                key
                for key, flow in flows.items()
                if snooping.pair(key) and snooping.says_reported(flow)
            )

    def found(self, key: FlowKey) -> None:
        """Learn the pair of a flow, unless its IP address has a MAC already.

        Without the options its flow goes, and nothing would ever end the pair.
        """
        settings, found = self._view.settings, self._pair(key)
        if found is None:
            return
        if settings.report_ip or settings.suppress_arp or self._view[Routed]:
            self._view[Pairs].find(found[0], found[1])
        if key in self._withdrawn:
            self._view[Pairs].withdraw(found[0], found[1])

    def lost(self, key: FlowKey) -> None:
        """Forget the pair of a flow that ended while the switch was not connected."""
        if not self._has_lost_all:
            self.ended(key)

    def ended(self, key: FlowKey) -> None:
        """Forget the pair of an idle flow, if the station has not moved elsewhere.

        A pair to which routers send packets is asked for first.
        """
        found = self._pair(key)
        if found is None:
            return
        pair, mac, place = found
        is_there = self._view[Pairs].mac(pair) == mac and _place(pair, mac, self._view) == place
        if is_there and not self._view[IdlePairs].ask(pair, mac):
            self._view[Pairs].forget(pair)

    def _pair(self, key: FlowKey) -> tuple[Pair, str, Place] | None:
        pair = snooping.pair(key)
        place = place_of(pair[0], pair[1], self._view) if pair else None
        return (Pair(place.logical_switch, pair[3]), pair[2], place) if pair and place else None


def _place(pair: Pair, mac: str, view: View) -> Place | None:
    return view[LearnedMacs].place(pair.logical_switch, mac)


# Desired states of owners


def _neighbour_flows(key: NeighbourFlows, view: View) -> Desired:
    flows: list[Flow] = []
    if is_snooping(view):
        flows += [*snooping.statements(), *snooping.no_statements()]
    has_responders = view.settings.suppress_arp and bool(view[AddressedRows])
    if has_responders or view[Routed]:
        flows += resolution.answers()
    return Desired(tuple(flows))


def _pair(key: Pair, view: View) -> Desired:
    mac, number = view[Pairs].mac(key), view[LogicalSwitches].number(key.logical_switch)
    if mac is None or number is None or not is_snooping(view):
        return NOTHING
    if not view[Ports].is_bound(key.logical_switch):
        return NOTHING
    held = snooping.held(number, key.ip) if view[StatementLimits].is_held(key) else ()
    place = _place(key, mac, view)
    if place is None or place.switch != view.name or view[IdlePairs].asked(key) == mac:
        return Desired(held) if held else NOTHING
    aging, is_reported = view.settings.ip_aging, view.settings.report_ip
    known = snooping.known(place.binding, number, mac, key.ip, aging, is_reported)
    return Desired((known, *held))


def _is_full(station: Station, view: View) -> bool:
    return len(view[Pairs].ips(station)) >= view.settings.max_ips_per_mac


def _quiet_station(key: QuietStation, view: View) -> Desired:
    number = view[LogicalSwitches].number(key.logical_switch)
    place = view[LearnedMacs].place(key.logical_switch, key.mac)
    is_quiet = view[StatementLimits].is_quiet(key) or _is_full((key.logical_switch, key.mac), view)
    if not is_quiet or number is None or place is None or place.switch != view.name:
        return NOTHING
    return Desired((snooping.quiet(number, key.mac),)) if is_snooping(view) else NOTHING


def _quiet_port(key: QuietPort, view: View) -> Desired:
    row = view[Ports].row(key.port)
    if row is None or not view[StatementLimits].is_quiet(key) or not is_snooping(view):
        return NOTHING
    bindings = [view[Ports].binding(VlanBinding(key.port, vlan)) for vlan in row.vlan_bindings]
    return Desired(tuple(snooping.quiet_binding(each.number) for each in bindings if each))


# Why they are there


def _why_neighbour_flows(key: NeighbourFlows, view: View) -> Iterator[Cause]:
    if view.settings.report_ip:
        yield Cause("report_ip is true: the addresses of local stations are learned")
    elif view[Routed]:
        yield Cause("a logical router is used here: the addresses of local stations are learned")
    if view.settings.suppress_arp and view[AddressedRows]:
        yield Cause("suppress_arp is true, and rows of Ucast_Macs_Remote have an ipaddr")
    if view[Routed]:
        yield Cause("routers answer for their addresses")


def _why_pair(key: Pair, view: View) -> Iterator[Cause]:
    mac = view[Pairs].mac(key)
    if mac is None:
        return
    name = view[LogicalSwitches].name(key.logical_switch)
    row = RowOf("Logical_Switch", key.logical_switch)
    yield Cause(f"{mac} stated in {name} that its address is {key.ip}", (row,))
    if view[StatementLimits].is_held(key):
        yield Cause("other MACs state it as well: it moved too often, and is held for a while")


def _why_quiet_station(key: QuietStation, view: View) -> Iterator[Cause]:
    if _is_full((key.logical_switch, key.mac), view):
        most = view.settings.max_ips_per_mac
        yield Cause(f"{key.mac} has {most} addresses, as many as max_ips_per_mac allows")
    if view[StatementLimits].is_quiet(key):
        yield Cause(f"{key.mac} sends ARP packets or neighbor messages that are forged")


def _why_quiet_port(key: QuietPort, view: View) -> Iterator[Cause]:
    if view[StatementLimits].is_quiet(key):
        yield Cause(f"at {key.port} come in too many forged ARP packets and neighbor messages")


# Topics that invalidate the owners


def _neighbour_flows_changed(topic: NeighbourFlows, view: View) -> Iterator[Topic]:
    """Forget all addresses if no flow knows them from now on.

    If they are of use from now on, some may be known already: they were read back before.
    """
    if view.settings.report_ip:
        return  # they are always of use
    for pair in list(view[Pairs].all()):
        if is_snooping(view):
            yield pair
        else:
            view[Pairs].forget(pair)


def _pair_changed(pair: Pair, view: View) -> Iterator[Topic]:
    """Withhold or restore the answer for an address; a pair goes with its station."""
    mac = view[Pairs].mac(pair)
    if mac is not None and _place(pair, mac, view) is None:
        view[Pairs].forget(pair)
        mac = None
    if mac is None:
        view[StatementLimits].forget(pair)
        view[IdlePairs].forget(pair)
    yield Responder(*pair)


def _addresses_changed(topic: AddressesChanged, view: View) -> Iterator[Topic]:
    """Invalidate stations that are full, or were before they lost an address."""
    for station, most in topic.stations.items():
        if most + 1 >= view.settings.max_ips_per_mac:
            yield QuietStation(*station)


def _stations_changed(topic: StationsChanged, view: View) -> Iterator[Topic]:
    pairs, macs, placed = view[Pairs], view[LearnedMacs], view[PlacedMacs]
    limits, most = view[StatementLimits], view.settings.max_ips_per_mac
    for station in topic.stations:
        ips = pairs.ips(station)
        if ips:
            if macs.place(*station) is None:
                has_moved = placed.row(Placed(*station)) is not None
                pairs.forget_station(station, has_moved)
            for ip in ips:
                yield Pair(station[0], ip)
        if len(ips) >= most or limits.is_quiet_station(station):
            yield QuietStation(*station)
        for row in (*placed.rows(Placed(*station)), *placed.rivals(Placed(*station))):
            if row.ip:
                yield Responder(row.logical_switch, row.ip)


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    logical_switch = topic.logical_switch
    for mac in view[LearnedMacs].stations(logical_switch):
        station = logical_switch, mac
        for ip in view[Pairs].ips(station):
            yield Pair(logical_switch, ip)
        if _is_full(station, view) or view[StatementLimits].is_quiet_station(station):
            yield QuietStation(*station)
    yield from view[AddressedRows].addresses(logical_switch)
    for row in view[AddressedRows].invalid_in(logical_switch):
        yield InvalidIp(row)
    for binding in view[Ports].keys_of(logical_switch):
        yield QuietPort(binding.port)


def _packet_in(packet: PacketIn, view: View) -> Iterable[Topic]:
    """Learn the address that a learned station states, up to the limits."""
    if not states_address(packet.header) or not is_snooping(view):
        return ()
    numbers = learning.source_binding(packet.fields)
    place = place_of(*numbers, view) if numbers else None
    mac = learning.source(packet.header)
    if place is None or view[LearnedMacs].place(place.logical_switch, mac) != place:
        return ()
    limits, pairs, station = view[StatementLimits], view[Pairs], (place.logical_switch, mac)
    found = claim(packet.header)
    pair = Pair(place.logical_switch, found.ip) if found else None
    if pair and view[IdlePairs].answered(pair, mac):
        return (pair,)
    if found is None or pair is None or _is_full(station, view):
        return limits.useless(station, place.port)
    former = pairs.mac(pair)
    if former == mac:
        return () if found.is_from_it else limits.useless(station, place.port)
    if limits.is_held(pair):
        return ()
    if former is not None and not limits.may_move(pair):
        return (pair,)
    pairs.learn(pair, mac)
    return ()


FEATURE = Feature(
    indices=(AddressedRows,),
    shared=(Pairs,),
    states=(lambda view: StatementLimits(view.clock), IdlePairs, KnownPairs),
    owners=(
        Owner(NeighbourFlows, _neighbour_flows, _why_neighbour_flows),
        Owner(Pair, _pair, _why_pair, Pace.IN_PARTS),
        Owner(Responder, responder, because, Pace.IN_PARTS),
        Owner(InvalidIp, invalid_ip, why_invalid),
        Owner(QuietStation, _quiet_station, _why_quiet_station),
        Owner(QuietPort, _quiet_port, _why_quiet_port),
    ),
    invalidated_by={
        SwitchReplaced: lambda topic, view: [NeighbourFlows()],
        RoutingTurned: lambda topic, view: [NeighbourFlows()],
        NeighbourFlows: _neighbour_flows_changed,
        Pair: _pair_changed,
        AddressesChanged: _addresses_changed,
        StationsChanged: _stations_changed,
        WholeLogicalSwitch: _whole,
        VlanBinding: lambda binding, view: [QuietPort(binding.port)],
    },
    packets={Cookie.LEARNING: _packet_in},
    timers=(
        Timer(
            lambda view: view[StatementLimits].end(), lambda view: view[StatementLimits].release()
        ),
        Timer(lambda view: view[IdlePairs].next_end(), lambda view: view[IdlePairs].due()),
    ),
    figures=telling.FIGURES,
    subjects=telling.SUBJECTS,
    verdicts=telling.VERDICTS,
)
