"""Routing: interfaces and routes of the routers that are present, to flows."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.dirty import Pace
from ...engine.feature import Feature, Owner
from ...engine.topics import StationsChanged, SwitchReplaced, Topic
from ...engine.view import View
from ...pipeline import acls, next_hops, resolution, routing, snooping
from ...pipeline.ways import Step
from ...values.addresses import is_link_local
from ...values.flows import Flow
from ..arp_sources.serving import ServingChanged, serves_tunnels
from ..learning.stations import LearnedMacs
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from ..routers.here import Interface, Route, RouterPackets, RoutersHere
from ..routers.resolved import UsedInterface
from ..routers.routed import Routed, RoutingTurned
from . import telling
from .claims import Claims
from .keys import FirstRouter, RouterTables, WholeRouter


class Passed:
    """The access lists of interfaces as they are in the flows of routes."""

    def __init__(self) -> None:
        self.steps: dict[RouterPackets, tuple[Step, ...]] = {}


def _steps(key: Interface, view: View, is_ipv6: bool) -> tuple[Step, ...]:
    """Return the access lists that packets of a family pass at an interface."""
    return view.steps(RouterPackets(*key, is_ipv6))


# Desired states of owners


def _tables(key: RouterTables, view: View) -> Desired:
    if not view[Routed]:
        return NOTHING
    return Desired(
        (
            *routing.tables(),
            *next_hops.tables(),
            *acls.misses_of_routers(),
            *resolution.answers_to_tunnels(),
        )
    )


def _whole(key: WholeRouter, view: View) -> Desired:
    """Serve what several interfaces may have: link-local addresses, and ends of their subnets."""
    interfaces = view[RoutersHere].interfaces(key.router)
    router = next(iter(interfaces), None)
    if router is None:
        return NOTHING
    served = {ip for each in interfaces for ip in filter(is_link_local, each.ips(is_ipv6=True))}
    ends = {ip for each in interfaces for address in each.addresses for ip in address.subnet.ends()}
    flows = list(routing.broadcasts(router.number, sorted(ends)))
    for ip in sorted({router.link_local} | served):
        flows += routing.own_address(router.number, router.mac, ip)
    return Desired(tuple(flows))


def _first(key: FirstRouter, view: View) -> Desired:
    interfaces = view[RoutersHere].on(key.logical_switch)
    number = view[LogicalSwitches].number(key.logical_switch)
    if not interfaces or number is None:
        return NOTHING
    at = Interface(interfaces[0].router, key.logical_switch)
    lists = _steps(at, view, is_ipv6=False), _steps(at, view, is_ipv6=True)
    return Desired(routing.for_any_router(interfaces[0].number, number, *lists))


def _interface(key: Interface, view: View) -> Desired:
    interface = view[RoutersHere].interface(key)
    number = view[LogicalSwitches].number(key.logical_switch)
    if interface is None or number is None:
        return NOTHING
    serves = serves_tunnels(view)
    router, mac = interface.number, interface.mac
    lists = _steps(key, view, is_ipv6=False), _steps(key, view, is_ipv6=True)
    flows = [
        *routing.interface(router, number, mac, serves, *lists),
        routing.imitation(number, mac),
        *_reached(number, interface.link_local, mac, serves),
    ]
    for address in interface.addresses:
        if address.ip:
            flows += _reached(number, address.ip, mac, serves)
        if address.ip and not is_link_local(address.ip):
            flows += routing.own_address(router, mac, address.ip)
    return Desired(tuple(flows))


def _reached(number: int, ip: str, mac: str, serves: bool) -> Iterator[Flow]:
    """Yield flows that tell hosts the MAC of an address, and no other."""
    yield from resolution.own_address(number, ip, mac, serves)
    yield from snooping.claims(number, ip)


def _route(key: Route, view: View) -> Desired:
    route = view[RoutersHere].route_of(key)
    interface = route and view[RoutersHere].interface(Interface(key.router, route.logical_switch))
    if route is None or interface is None:
        return NOTHING
    number = view[LogicalSwitches].number(route.logical_switch)
    if number is None:
        return NOTHING
    leaving = RouterPackets(key.router, route.logical_switch, key.prefix.is_ipv6)
    lists = view[Passed].steps.get(leaving, ())
    made = routing.route(interface.number, interface.mac, key.prefix, number, route.next_hop, lists)
    return Desired((made,))


# Why they are there


def _why_tables(key: RouterTables, view: View) -> Iterator[Cause]:
    if view[Routed]:
        routers = sorted(view[RoutersHere].routers())
        names = ", ".join(sorted(map(view[RoutersHere].name, routers)))
        yield Cause(f"{names} join logical switches that are bound here", _rows(routers))


def _rows(routers: Iterable[UUID]) -> tuple[RowOf, ...]:
    return tuple(RowOf("Logical_Router", each) for each in routers)


def _why_whole(key: WholeRouter, view: View) -> Iterator[Cause]:
    for interface in view[RoutersHere].interfaces(key.router):
        yield from _why_interface(Interface(key.router, interface.logical_switch), view)


def _why_first(key: FirstRouter, view: View) -> Iterator[Cause]:
    for interface in view[RoutersHere].on(key.logical_switch)[:1]:
        name = view[LogicalSwitches].name(key.logical_switch)
        text = f"{view[RoutersHere].name(interface.router)} has the least name of those in {name}"
        yield Cause(text, _rows([interface.router]))


def _why_interface(key: Interface, view: View) -> Iterator[Cause]:
    interface = view[RoutersHere].interface(key)
    if interface is not None:
        yield Cause(_described(interface, view), _rows([key.router]))


def _described(interface: UsedInterface, view: View) -> str:
    name = view[RoutersHere].name(interface.router)
    where = view[LogicalSwitches].name(interface.logical_switch)
    addresses = ", ".join(map(str, interface.addresses))
    return f"{name} has {addresses} in {where}, and the MAC {interface.mac}"


def _why_route(key: Route, view: View) -> Iterator[Cause]:
    route = view[RoutersHere].route_of(key)
    if route is not None:
        name = view[RoutersHere].name(key.router)
        way = f"by {route.next_hop}" if route.next_hop else "which is connected"
        where = view[LogicalSwitches].name(route.logical_switch)
        yield Cause(f"{name} has a route to {key.prefix}, {way}, in {where}", _rows([key.router]))


# Topics that invalidate the owners


def _interface_changed(key: Interface, view: View) -> Iterator[Topic]:
    interface = view[RoutersHere].interface(key)
    if interface is not None:
        view[LearnedMacs].forget_at(view.name, key.logical_switch, interface.mac)
    yield WholeRouter(key.router)
    yield FirstRouter(key.logical_switch)
    if _lists_changed(key, view):
        yield from _routes_by(key, view)


def _stations_changed(topic: StationsChanged, view: View) -> tuple[()]:
    """Forget stations that have a router's MAC address: their frames are dropped from now on."""
    for logical_switch, mac in topic.stations:
        if view[RoutersHere].with_mac(logical_switch, mac) is not None:
            view[LearnedMacs].forget_at(view.name, logical_switch, mac)
    return ()


def _lists_changed(key: Interface, view: View) -> bool:
    """Note the access lists of packets at an interface; return whether they differ from before."""
    known, has_changed = view[Passed].steps, False
    for is_ipv6 in (False, True):
        packets = RouterPackets(*key, is_ipv6)
        before, now = known.pop(packets, ()), view.steps(packets)
        if now:
            known[packets] = now
        has_changed |= now != before
    return has_changed


def _routes_by(key: Interface, view: View) -> Iterator[Route]:
    """Yield the routes of a router whose next hops are in a logical switch."""
    for route in view[RoutersHere].routes(key.router):
        if route.logical_switch == key.logical_switch:
            yield Route(key.router, route.prefix)


def _serving_changed(topic: ServingChanged, view: View) -> Iterator[Topic]:
    for router in view[RoutersHere].routers():
        for interface in view[RoutersHere].interfaces(router):
            yield Interface(router, interface.logical_switch)


def _whole_logical_switch(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    """Invalidate what has the number of the logical switch."""
    for interface in view[RoutersHere].on(topic.logical_switch):
        key = Interface(interface.router, topic.logical_switch)
        yield key
        yield from _routes_by(key, view)


FEATURE = Feature(
    states=(lambda view: Passed(), Claims),
    owners=(
        Owner(RouterTables, _tables, _why_tables),
        Owner(WholeRouter, _whole, _why_whole),
        Owner(FirstRouter, _first, _why_first),
        Owner(Interface, _interface, _why_interface, Pace.IN_PARTS),
        Owner(Route, _route, _why_route, Pace.IN_PARTS),
    ),
    invalidated_by={
        RoutingTurned: lambda topic, view: [RouterTables()],
        Interface: _interface_changed,
        StationsChanged: _stations_changed,
        ServingChanged: _serving_changed,
        WholeLogicalSwitch: _whole_logical_switch,
        SwitchReplaced: lambda topic, view: [RouterTables()],
    },
    counters=(lambda counters, view: view[Claims].count(counters),),
    subjects=telling.SUBJECTS,
    verdicts=telling.VERDICTS,
)
