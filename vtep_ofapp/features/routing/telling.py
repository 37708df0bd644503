"""What operators are told of routers: owners by name, and what flows do to packets."""

from collections.abc import Iterator, Mapping

from ...engine.desired import Key
from ...engine.operator_view import ADDRESS, STATION, Concerned, Passage, Verdict
from ...engine.view import View
from ...pipeline.layout import FROM_TUNNEL, ORIGIN, ROUTER, Priority, Table
from ..logical_switches.rows import LogicalSwitches
from ..presence import Presence
from ..routers.feature import Router
from ..routers.here import Interface, Route, RoutersHere
from ..routers.rows import Routers
from .keys import FirstRouter, RouterTables, WholeRouter

_ADDRESSES = (
    "ipv4_dst",
    "ipv6_dst",
    "ipv4_src",
    "ipv6_src",
    "arp_tpa",
    "arp_spa",
    "ipv6_nd_target",
)
"""The fields by which flows match an address of a router, or a broadcast address."""
_UDP = 17

# Names


def _of_name(name: str, view: View) -> Iterator[Key]:
    """Yield the owners of a router: its faults, its interfaces, and its routes."""
    here = view[RoutersHere]
    for router in list(here.routers()):
        row = view[Routers].row(router)
        if row is None or name not in (row.name, str(router)):
            continue
        yield Router(router)
        yield WholeRouter(router)
        yield from [Interface(router, each.logical_switch) for each in here.interfaces(router)]
        yield from [Route(router, each.prefix) for each in here.routes(router)]


def _of_address(ip: str, view: View) -> Iterator[Key]:
    """Yield the interfaces that have an address, and the static routes whose next hop it is."""
    here = view[RoutersHere]
    for logical_switch in list(view[Presence].all()):
        found = here.owner_of(logical_switch, ip)
        if found is not None:
            yield Interface(found.router, logical_switch)
    for router in list(here.routers()):
        yield from [
            Route(router, each.prefix) for each in here.routes(router) if each.next_hop == ip
        ]


def _of_station(mac: str, view: View) -> Iterator[Key]:
    for logical_switch in list(view[Presence].all()):
        found = view[RoutersHere].with_mac(logical_switch, mac)
        if found is not None:
            yield Interface(found.router, logical_switch)


# What flows do to a packet


def _interface(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, Interface)
    name, flow = view[RoutersHere].name(owner.router), passage.flow
    if flow.table == Table.ROUTER:
        return _at_router(passage, name)
    if flow.table == Table.TERMINATION:
        return _at_own_address(passage, name)
    ip = _address(passage)
    if flow.table == Table.RESOLUTION:
        return _asked(passage, f"{ip}, an address of {name}")
    if flow.table == Table.SNOOPING:
        return f"its sender claims {ip}, an address of {name}"
    if flow.table == Table.LEARNING:
        return f"its source is the MAC address of {name}"
    return None


def _at_router(passage: Passage, name: str) -> str:
    if passage.flow.priority != Priority.LIMIT:
        return f"taken by {name}"
    if passage.fields.get(ORIGIN) == FROM_TUNNEL:
        return f"it is for the MAC address of {name}, by a tunnel: see gateway_for_tunnels"
    return f"it is for the MAC address of {name}, and no IP packet"


def _at_own_address(passage: Passage, name: str) -> str:
    """Return what becomes of a packet for, or from, an address of the router that it came to."""
    ip, flow = _address(passage), passage.flow
    if flow.priority == Priority.FORBIDDEN:
        return f"its source is {ip}, an address of {name}"
    if flow.priority == Priority.DEFAULT:
        return f"{ip} is an address of {name}, which answers pings alone"
    if dict(flow.match).get("ip_proto") == _UDP:
        return f"{ip} is an address of {name}: the controller answers with an ICMP error"
    return f"{name} answers the ping to its address {ip}"


def _asked(passage: Passage, what: str) -> str:
    if passage.flow.priority == Priority.FORBIDDEN:
        return f"it asks by a tunnel for {what}: see gateway_for_tunnels"
    if passage.flow.priority == Priority.QUERY:
        return f"the controller answers the host that is about to take {what}"
    return f"answered with the MAC address of {what}"


def _whole(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, WholeRouter)
    name = view[RoutersHere].name(owner.router)
    if passage.flow.table == Table.ROUTES:
        return f"{_address(passage)} is the broadcast address of a subnet of {name}"
    return _at_own_address(passage, name)


def _first(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, FirstRouter)
    interface = next(iter(view[RoutersHere].on(owner.logical_switch)), None)
    if interface is None:
        return None
    name = view[RoutersHere].name(interface.router)
    return f"taken by {name}, as it is for the MAC address of a VTEP that routes"


def _tables(passage: Passage, view: View) -> str | None:
    """Return what becomes of a packet that no flow of a router or a route matches."""
    flow, router = passage.flow, view[Routers].key(passage.fields.get(ROUTER, 0))
    name = view[RoutersHere].name(router) if router is not None else "a router"
    answers = "the controller answers with an ICMP error"
    if flow.table == Table.ROUTES and flow.priority == Priority.MISS:
        return f"{name} has no route for it: {answers}"
    if flow.table == Table.TERMINATION and dict(flow.match).get("nw_ttl") == 1:
        return f"its TTL ends at {name}: {answers}"
    if flow.table == Table.NEXT_HOPS and flow.priority == Priority.MISS:
        return "the MAC address of its next hop is not known: the controller asks for it"
    return None


def _route(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, Route)
    route = view[RoutersHere].route_of(owner)
    if route is None:
        return None
    name, where = view[RoutersHere].name(owner.router), view[LogicalSwitches].name
    way = f"by {route.next_hop}" if route.next_hop else "which is connected"
    return f"routed by {name} to {owner.prefix}, {way}, in {where(route.logical_switch)}"


def _address(passage: Passage) -> str:
    """Return the address that a flow matches."""
    fields = dict(passage.flow.match)
    return next((str(fields[name]) for name in _ADDRESSES if name in fields), "an address")


SUBJECTS: Mapping[str, Concerned] = {
    "router": _of_name,
    ADDRESS: _of_address,
    STATION: _of_station,
}
VERDICTS: Mapping[type, Verdict] = {
    Interface: _interface,
    WholeRouter: _whole,
    FirstRouter: _first,
    RouterTables: _tables,
    Route: _route,
}
