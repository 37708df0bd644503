"""``router/show``: logical routers, whether each bridge uses them, and their interfaces."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from ..engine.switch_state import SwitchState
from ..features.acls.interfaces import InterfaceAcls, RouterAcls
from ..features.acls.rows import Acls
from ..features.arp_sources.serving import serves_tunnels
from ..features.logical_switches.rows import LogicalSwitches
from ..features.presence import Presence
from ..features.routers.feature import Router
from ..features.routers.here import Interface, RouterPackets, RoutersHere
from ..features.routers.rows import Routers
from ..values.routers import LogicalRouter
from .answer import Answer, Row, Table, joined
from .checks.routers import without_address
from .command import Command, Running
from .scope import ROUTER, Scope, scope

_USAGE = "[BRIDGE] [ROUTER]"
_ROUTERS = (
    "bridge",
    "router",
    "mac",
    "interfaces",
    "routes",
    "serves_tunnels",
    "is_used",
    "problem",
)
_INTERFACES = (
    "bridge",
    "router",
    "logical_switch",
    "addresses",
    "link_local",
    "access_lists",
    "is_used",
)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running, {"[ROUTER]": ROUTER})
    return Answer(
        {
            "routers": Table(_ROUTERS, _routers(asked, running)),
            "interfaces": Table(_INTERFACES, _interfaces(asked, running)),
        }
    )


def asked_routers(asked: Scope, running: Running) -> list[LogicalRouter]:
    """Return the rows of the routers that are asked about, by their names."""
    row = asked.more.get("[ROUTER]")
    rows = [row] if row else running.components.model[Routers].all()
    return sorted(rows, key=lambda row: (row.name, row.uuid))


def _routers(asked: Scope, running: Running) -> Iterator[Row | None]:
    """Yield a row for each router at each bridge; None for a pause."""
    for switch in asked.switches:
        for row in asked_routers(asked, running):
            yield _router(row, switch)
            yield None


def _router(row: LogicalRouter, switch: SwitchState) -> Row:
    here = switch.view[RoutersHere]
    interfaces, routes = len(here.interfaces(row.uuid)), len(here.routes(row.uuid))
    where = (switch.name, row.name, row.mac or None, interfaces, routes)
    serves = serves_tunnels(switch.view) if interfaces else None
    problem = joined(dict.fromkeys(_problems(row, switch)))
    return (*where, serves, interfaces > 0, problem)


def _problems(row: LogicalRouter, switch: SwitchState) -> Iterator[str]:
    owners = Router(row.uuid), RouterAcls(row.uuid)
    yield from (fault.reason for fault in switch.owned.faults(*owners))
    presence = switch.view[Presence]
    if not row.logical_switches:
        yield "switch_binding is empty: it joins no logical switch"
    elif not any(each in presence for each in row.logical_switches):
        yield "no logical switch that it joins is bound here, or joined to one that is"
    for interface in switch.view[RoutersHere].interfaces(row.uuid):
        for family in without_address(interface):
            yield f"no {family} address in {name_of(interface.logical_switch, switch)}"


def _interfaces(asked: Scope, running: Running) -> Iterator[Row | None]:
    """Yield a row for each interface of routers that are present; None for a pause."""
    for switch in asked.switches:
        here = switch.view[RoutersHere]
        for row in asked_routers(asked, running):
            yield None
            if row.uuid in here.routers():
                for where in sorted(row.interfaces, key=lambda each: name_of(each, switch)):
                    yield _interface(row, where, switch)


def _interface(row: LogicalRouter, where: UUID, switch: SwitchState) -> Row:
    used = switch.view[RoutersHere].interface(Interface(row.uuid, where))
    addresses = used.addresses if used else row.interfaces[where]
    link_local = used.link_local if used else None
    lists = [*dict.fromkeys(_access_lists(row, where, switch))]
    at = (switch.name, row.name, name_of(where, switch))
    return (*at, [*map(str, addresses)], link_local, lists, used is not None)


def _access_lists(row: LogicalRouter, where: UUID, switch: SwitchState) -> Iterator[str]:
    """Yield the names of the access lists of an interface: that of IPv4, and that of IPv6."""
    judging = switch.view[InterfaceAcls].binding(row.uuid).judging
    for is_ipv6 in (False, True):
        acl = judging.get(RouterPackets(row.uuid, where, is_ipv6))
        found = None if acl is None else switch.view[Acls].get(acl)
        if found is not None:
            yield found.name


def name_of(logical_switch: UUID, switch: SwitchState) -> str:
    """Return the name of a logical switch, its UUID if it has no row."""
    row = switch.view[LogicalSwitches].get(logical_switch)
    return row.name if row else str(logical_switch)


COMMANDS = (
    Command(
        "router/show",
        _USAGE,
        "Print logical routers: their interfaces and routes that are used, or why not.",
        _show,
    ),
)
