"""Faults of logical routers: of a row by itself, of what others have as well, and of limits."""

import json
import re
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from itertools import chain

from ...engine.view import View
from ...values.faults import Fault, FaultRow, FaultTable, FaultWord
from ...values.routers import LogicalRouter, RefusedKey, derived_mac, prefix_order
from ..logical_switches.rows import LogicalSwitches
from .here import RoutersHere
from .rows import Routers

MOST = 10
"""Keys of one column that are listed; a router may have very many that cannot be used."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def of_router(row: LogicalRouter, view: View) -> Iterator[Fault]:
    """Yield the faults of a router that is present at a switch, in the switch's column."""
    kinds = (
        (FaultWord.LR_CREATION, _of_creation(row, view)),
        (FaultWord.LR_SWITCH_BINDINGS, chain(_of_bindings(row, view), _of_conflicts(row, view))),
        (FaultWord.LR_STATIC_ROUTES, _of_routes(row, view)),
    )
    for word, reasons in kinds:
        for reason in reasons:
            yield view.switch_fault(reason, view[Routers].name(row.uuid), word)


def shown_at_router(row: LogicalRouter, faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield the first of a router's faults once more, for the column of the router itself.

    So the NVC learns which router the words in the switch's column are about.
    """
    shown = FaultRow(FaultTable.LOGICAL_ROUTER, row.uuid).shows(FaultWord.UNSPECIFIED)
    for fault in faults:
        yield Fault(fault.subject, fault.reason, shown)
        return


def _of_creation(row: LogicalRouter, view: View) -> Iterator[str]:
    if row.refused_mac:
        repair = f"vtep-ctl remove Logical_Router {_record(row)} other_config router_mac"
        yield (
            f"other_config router_mac: {row.refused_mac}; nothing is routed by it until that is "
            f"mended; to have {derived_mac(row.name)}: {repair}"
        )
    room = view[RoutersHere].limits.room(row.uuid)
    if room is not None and room.is_refused:
        yield _no_room("it", view, "max_routers", view.settings.max_routers)


def _of_bindings(row: LogicalRouter, view: View) -> Iterator[str]:
    yield from _refused("switch_binding", row, row.refused_bindings)
    room, has = view[RoutersHere].limits.room(row.uuid), view[Routers].resolved(row.uuid).interfaces
    if room is not None and not room.is_refused and room.interfaces < len(has):
        most = view.settings.max_interfaces
        yield _no_room("all of its interfaces", view, "max_interfaces", most)


def _of_conflicts(row: LogicalRouter, view: View) -> Iterator[str]:
    """Yield the addresses of a router that another one has in the same logical switch."""
    claims, name = view[Routers].claims, view[Routers].name
    for where, addresses in row.interfaces.items() if row.mac else ():
        there = view[LogicalSwitches].name(where)
        other = claims.mac_owner(row, where)
        if other is not None:
            yield (
                f"{name(other)} has its MAC {row.mac} in {there} as well, where it has no "
                f"interface until that is mended: vtep-ctl set Logical_Router {_record(row)} "
                "'other_config:router_mac=\"MAC\"'"
            )
            continue
        for address in addresses:
            other = claims.ip_owner(row, where, address.ip) if address.ip else None
            if other is not None:
                key = row.spellings.get(address, str(address))
                reason = f"{name(other)} has {address.ip} in {there} as well"
                yield _key_of("switch_binding", row, RefusedKey(key, reason))


def _of_routes(row: LogicalRouter, view: View) -> Iterator[str]:
    resolved = view[Routers].resolved(row.uuid)
    yield from _refused("static_routes", row, row.refused_routes)
    if resolved.interfaces:
        first = nsmallest(MOST + 1, resolved.unreachable, key=prefix_order)
        for prefix in first[:MOST]:
            next_hop = next(resolved.next_hops(prefix))
            why = f"its next hop {next_hop} {resolved.why_unreachable(next_hop)}"
            key = row.route_keys[prefix][0].key if prefix in row.route_keys else str(prefix)
            pair = f'static_routes:{_quoted(key)}="NEXT_HOP"'
            repair = f"to mend it: vtep-ctl set Logical_Router {_record(row)} '{pair}'"
            yield f"static_routes {key}: {why}; {repair}"
        if len(first) > MOST:
            yield f"static_routes: the next hops of more keys than {MOST} lie elsewhere"
    yield from _of_rivals(row, view)
    room = view[RoutersHere].limits.room(row.uuid)
    if room is not None and not room.is_refused and room.routes < len(row.routes):
        yield _no_room("all of its static routes", view, "max_routes", view.settings.max_routes)


def _of_rivals(row: LogicalRouter, view: View) -> Iterator[str]:
    """Yield the prefixes that several keys have, with different next hops."""
    rivals = (
        prefix
        for prefix, keys in row.route_keys.items()
        if len({each.next_hop for each in keys}) > 1
    )
    for prefix in nsmallest(MOST, rivals, key=prefix_order):
        keys = row.route_keys[prefix]
        written = " and ".join(each.key for each in keys)
        route = view[Routers].resolved(row.uuid).routes.get(prefix)
        effect = f"{route.next_hop} is used" if route and route.next_hop else "none is used"
        repair = f"to remove one: {_removal('static_routes', row, keys[-1].key)}"
        yield f"static_routes {written}: they are one prefix, {prefix}; {effect}; {repair}"


def _refused(column: str, row: LogicalRouter, keys: tuple[RefusedKey, ...]) -> Iterator[str]:
    for key in keys[:MOST]:
        yield _key_of(column, row, key)
    if len(keys) > MOST:
        yield f"{column}: more keys than {MOST} cannot be used"


def _key_of(column: str, row: LogicalRouter, refused: RefusedKey) -> str:
    removal = _removal(column, row, refused.key)
    return f"{column} {refused.key}: {refused.reason}; to remove it: {removal}"


def _no_room(what: str, view: View, option: str, most: int) -> str:
    return f"{view.name} has no room for {what} within {option} ({most})"


def _removal(column: str, row: LogicalRouter, key: str) -> str:
    return f"vtep-ctl remove Logical_Router {_record(row)} {column} '{_quoted(key)}'"


def _quoted(key: str) -> str:
    """Return a key as vtep-ctl takes it: with slashes and colons in quotes alone."""
    return json.dumps(key).replace("'", "\\u0027")


def _record(row: LogicalRouter) -> str:
    """Return what names a row in a command: its name if a shell takes it as it is."""
    return row.name if _PLAIN_NAME.fullmatch(row.name) else str(row.uuid)
