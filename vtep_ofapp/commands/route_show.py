"""``route/show``: routes of logical routers, connected and static, with their next hops."""

from collections.abc import Iterator, Sequence

from ..engine.switch_state import SwitchState
from ..features.next_hops.answers import NextHop
from ..features.next_hops.sources import known
from ..features.next_hops.state import NextHops
from ..features.presence import Presence
from ..features.routers.here import Route, RoutersHere
from ..features.routers.resolved import UsedRoute
from ..features.routers.rows import Routers
from ..values.routers import LogicalRouter, Prefix, prefix_order
from .answer import Answer, Row, Table, in_order
from .command import Command, Running
from .router_show import asked_routers, name_of
from .scope import IP_ADDRESS, ROUTER, Scope, scope

_USAGE = "[BRIDGE] [ROUTER] [IP]"
_ROUTES = (
    "bridge",
    "router",
    "prefix",
    "next_hop",
    "logical_switch",
    "next_hop_mac",
    "is_used",
    "problem",
)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    kinds = {"[ROUTER]": ROUTER, "[IP]": IP_ADDRESS}
    asked = scope(_USAGE, arguments, running, kinds)
    return Answer({"routes": Table(_ROUTES, _routes(asked, running))})


def _routes(asked: Scope, running: Running) -> Iterator[Row | None]:
    """Yield a row for each route of routers that are present; None for a pause.

    Of an IP address it is the one route of each router that packets for it take.
    """
    ip = asked.more.get("[IP]")
    for switch in asked.switches:
        for row in asked_routers(asked, running):
            yield None
            if not any(each in switch.view[Presence] for each in row.logical_switches):
                continue
            if ip is None:
                yield from _all(row, switch)
            elif (found := switch.view[RoutersHere].lookup(row.uuid, ip)) is not None:
                yield _used(found, row, switch)


def _all(row: LogicalRouter, switch: SwitchState) -> Iterator[Row | None]:
    """Yield the routes that are used, and those of static_routes that are not."""
    here = switch.view[RoutersHere]
    prefixes = {route.prefix for route in list(here.routes(row.uuid))} | row.routes.keys()
    for prefix in in_order(prefixes, prefix_order):
        if prefix is None:
            yield None
            continue
        route = here.route_of(Route(row.uuid, prefix))
        yield _used(route, row, switch) if route else _unused(prefix, row, switch)


def _used(route: UsedRoute, row: LogicalRouter, switch: SwitchState) -> Row:
    where = (switch.name, row.name, str(route.prefix))
    to = name_of(route.logical_switch, switch)
    if not route.next_hop:
        return (*where, None, to, None, True, None)
    key = NextHop(route.logical_switch, route.next_hop)
    found, resolver = known(key, switch.view), switch.view[NextHops].resolver
    is_silent = key in resolver and not resolver.is_asked(key)
    problem = "its next hop does not answer" if is_silent else None
    return (*where, route.next_hop, to, found.mac if found else None, True, problem)


def _unused(prefix: Prefix, row: LogicalRouter, switch: SwitchState) -> Row:
    """Return a static route that has no effect."""
    next_hop = row.routes.get(prefix, "")
    why = switch.view[Routers].resolved(row.uuid).why_unreachable(next_hop) if next_hop else ""
    problem = f"its next hop {why}" if why else "not used: router/show says why"
    return (switch.name, row.name, str(prefix), next_hop, None, None, False, problem)


COMMANDS = (
    Command(
        "route/show",
        _USAGE,
        "Print routes of logical routers, or those that packets to an IP address take.",
        _show,
    ),
)
