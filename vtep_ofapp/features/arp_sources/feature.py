"""Arp_Sources_Remote and Arp_Sources_Local: the VTEPs that route as we do.

All routers have the same MAC address at all VTEPs. So what a VTEP sends into tunnels for a router
comes from its own MAC, that of its row in Arp_Sources_Local, if an answer has to come back to it.
"""

from collections.abc import Iterator
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Feature, Owner
from ...engine.topics import StationsChanged, SwitchReplaced, Topic
from ...engine.view import View
from ...pipeline import arp_sources, tunnels
from ...values.addresses import ip_order
from ...values.arp_sources import source_mac
from ...values.faults import Fault
from ...values.flows import Flow
from ..local_macs import LocalGateway
from ..logical_switches.feature import Vni
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from ..logical_switches.vni_mapping import VniMapping
from ..next_hops.owners import place_name
from ..next_hops.places import QuietPlace
from ..next_hops.state import NextHops
from ..peers import Peer, PeerChanged
from ..routers.here import Interface, RoutersHere
from ..routers.routed import Routed, RoutedTurned, RoutingTurned
from ..routers.rows import Routers
from . import serving, stations, telling
from .keys import OwnSource, QuietAnswers, RoutedSwitch, TunnelSide
from .report import OwnRow, OwnRows
from .rows import ArpSources, Source, SourcesAt
from .serving import Serving, ServingChanged
from .stations import OfVtep

# Our own ARP source


def _own_source(key: OwnSource, view: View) -> Desired:
    address = view.tunnel_ip
    if address is None or not view[Routed]:
        return NOTHING
    mac = source_mac(address)
    return Desired(arp_sources.own(mac), rows=((OwnRow(address), mac),))


def _why_own(key: OwnSource, view: View) -> Iterator[Cause]:
    if view[Routed]:
        routers = sorted(view[RoutersHere].routers())
        names = ", ".join(map(view[RoutersHere].name, routers))
        rows = tuple(RowOf("Logical_Router", each) for each in routers)
        yield Cause(f"{names} is present here", rows)


def _quiet(key: QuietAnswers, view: View) -> Desired:
    if not view[NextHops].limits.is_quiet(key.place) or not view[Routed]:
        return NOTHING
    binding, remote = (key.place, "") if isinstance(key.place, int) else (0, key.place)
    return Desired((arp_sources.quiet(binding, remote),))


def _why_quiet(key: QuietAnswers, view: View) -> Iterator[Cause]:
    where = place_name(QuietPlace(key.place), view)
    yield Cause(f"too many answers that nobody asked for came in by {where}")


# Those of other VTEPs


def _source(key: Source, view: View) -> Desired:
    if not view[Routed]:
        return NOTHING
    place = view[ArpSources].place(key.mac)
    flows: tuple[Flow, ...] = ()
    if place is not None and not view.tunnels.is_own(place.address):
        flows = arp_sources.of_other(key.mac, place.address)
    return Desired(flows, faults=tuple(_faults(key, view)))


def _faults(key: Source, view: View) -> Iterator[Fault]:
    for row in view[ArpSources].rows(key.mac):
        reason = view[ArpSources].reason(row)
        if reason is not None and not view.tunnels.is_own(row.address):
            remedy = f"it is not used; to remove it: vtep-ctl destroy {row.table} {row.uuid}"
            yield view.switch_fault(f"{reason}; {remedy}", row.subject)


def _why_source(key: Source, view: View) -> Iterator[Cause]:
    for row in view[ArpSources].rows(key.mac):
        reason = view[ArpSources].reason(row)
        is_at = f"{row.address} sends from {row.mac} for routers"
        yield Cause(f"{row.subject}: {reason}" if reason else is_at, (RowOf(row.table, row.uuid),))


def _routed(key: RoutedSwitch, view: View) -> Desired:
    number = view[LogicalSwitches].number(key.logical_switch)
    if number is None or key.logical_switch not in view[Routed] or serving.is_alone(view):
        return NOTHING
    flows = arp_sources.for_others(number)
    vni = view[VniMapping].vni(key.logical_switch)
    if vni is not None:
        flows += (tunnels.decapsulation_from_arp_sources(vni, number),)
    return Desired(flows)


def _why_routed(key: RoutedSwitch, view: View) -> Iterator[Cause]:
    name, routers = view[LogicalSwitches].name(key.logical_switch), view[RoutersHere]
    rows = (each.router for each in routers.on(key.logical_switch))
    what = f"{name} has a router, and other VTEPs route as well"
    yield Cause(what, tuple(RowOf("Logical_Router", each) for each in rows))


# Routers as other VTEPs see them


def _tunnel_side(key: TunnelSide, view: View) -> Desired:
    interface, address = view[RoutersHere].interface(Interface(*key)), view.tunnel_ip
    number = view[LogicalSwitches].number(key.logical_switch)
    if interface is None or number is None or address is None:
        return NOTHING
    serves, mac = serving.serves_tunnels(view), source_mac(address)
    flows: tuple[Flow, ...] = ()
    if interface.mac != mac:  # else Open vSwitch would put it in its own place again and again
        flows = arp_sources.departures(number, interface.mac, mac, are_all=not serves)
    if not serves:
        return Desired(flows)
    ip = min(interface.ips(is_ipv6=False), key=ip_order, default="")
    return Desired(flows, rows=((LocalGateway(key.logical_switch, interface.mac), ip),))


def _why_tunnel_side(key: TunnelSide, view: View) -> Iterator[Cause]:
    name, where = view[RoutersHere].name(key.router), view[LogicalSwitches].name(key.logical_switch)
    yield Cause(f"{name} is in {where}", (RowOf("Logical_Router", key.router),))


# Topics that invalidate the owners


def _routed_turned(topic: RoutedTurned, view: View) -> Iterator[Topic]:
    yield RoutedSwitch(topic.logical_switch)
    for address in view[ArpSources].addresses():
        yield PeerChanged(Peer(topic.logical_switch, address))


def _routing_turned(topic: RoutingTurned, view: View) -> Iterator[Topic]:
    yield OwnSource()
    yield from map(Source, view[ArpSources].macs())


def _sources_at(topic: SourcesAt, view: View) -> Iterator[Topic]:
    yield from serving.note(topic, view)
    for logical_switch in view[Routed]:
        yield PeerChanged(Peer(logical_switch, topic.address))


def _serving(topic: ServingChanged, view: View) -> Iterator[Topic]:
    for logical_switch in view[Routed]:
        yield from _in(logical_switch, view)


def _in(logical_switch: UUID, view: View) -> Iterator[Topic]:
    yield RoutedSwitch(logical_switch)
    for router in view[Routers].joining(logical_switch):
        yield TunnelSide(router, logical_switch)


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    return _in(topic.logical_switch, view)


def _replaced(topic: SwitchReplaced, view: View) -> Iterator[Topic]:
    yield from serving.note(topic, view)
    yield from _routing_turned(RoutingTurned(), view)


FEATURE = Feature(
    indices=(ArpSources,),
    states=(lambda view: Serving(),),
    owners=(
        Owner(OwnSource, _own_source, _why_own),
        Owner(QuietAnswers, _quiet, _why_quiet),
        Owner(Source, _source, _why_source),
        Owner(RoutedSwitch, _routed, _why_routed),
        Owner(TunnelSide, _tunnel_side, _why_tunnel_side),
    ),
    invalidated_by={
        Interface: lambda key, view: [TunnelSide(*key)],
        RoutedTurned: _routed_turned,
        RoutingTurned: _routing_turned,
        SourcesAt: _sources_at,
        SwitchReplaced: _replaced,
        WholeLogicalSwitch: _whole,
        Vni: lambda vni, view: [RoutedSwitch(vni.logical_switch)],
        ServingChanged: _serving,
        OwnSource: stations.turned,
        Source: stations.turned,
        OfVtep: stations.forget,
        StationsChanged: stations.forget_new,
        QuietPlace: lambda topic, view: [QuietAnswers(topic.place)],
    },
    rows=(OwnRow,),
    reports=(lambda known, settings, clock: OwnRows(),),
    subjects=telling.SUBJECTS,
    verdicts=telling.VERDICTS,
)
