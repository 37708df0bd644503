"""``mcast/show``: multicast groups, their members, multicast routers, and who asks the hosts."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from ..engine.switch_state import SwitchState
from ..features.bindings.ports import Ports
from ..features.multicast.membership import GroupMac
from ..features.multicast.messages import Family
from ..features.multicast.owners import Snooped, where
from ..features.multicast.snooping import Snooping
from ..values.rows import LogicalSwitch
from .answer import Answer, Row, Table
from .command import Command, Running
from .scope import Scope, scope

Tell: TypeAlias = Callable[[SwitchState, LogicalSwitch, float], Iterator[Row]]
"""Yields what is told of a logical switch at a bridge, at a time by the clock."""

_USAGE = "[BRIDGE] [LS]"
_GROUPS = ("bridge", "logical_switch", "mac", "groups", "members", "problem")
_MEMBERS = ("bridge", "logical_switch", "group", "port", "vlan", "hosts", "ends_in_s")
_ROUTERS = ("bridge", "logical_switch", "port", "vlan", "remote_vtep", "ends_in_s")
_QUERIERS = ("bridge", "logical_switch", "family", "querier", "next_query_in_s")


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running)
    now = running.components.timers.clock()
    return Answer(
        {
            "snooping": any(switch.view[Snooping].is_on for switch in asked.switches),
            "groups": Table(_GROUPS, _each(asked, _groups, now)),
            "members": Table(_MEMBERS, _each(asked, _members, now)),
            "routers": Table(_ROUTERS, _each(asked, _routers, now)),
            "queriers": Table(_QUERIERS, _each(asked, _queriers, now)),
        }
    )


def _each(asked: Scope, of: Tell, now: float) -> Iterator[Row | None]:
    """Yield what is told of each logical switch that a bridge binds; None for a pause."""
    for switch in asked.switches:
        for row in asked.logical_switches:
            if switch.view[Snooping].is_on and switch.view[Ports].is_bound(row.uuid):
                yield from of(switch, row, now)
                yield None


def _groups(switch: SwitchState, row: LogicalSwitch, now: float) -> Iterator[Row]:
    members = switch.view[Snooping].members
    for group in _sorted(switch, row):
        at = [where(each, switch.view) for each in sorted(members.bindings(group))]
        yield switch.name, row.name, group.mac, members.addresses(group), at, None
    for fault in switch.owned.faults(Snooped(row.uuid)):
        yield switch.name, row.name, None, None, None, fault.reason


def _members(switch: SwitchState, row: LogicalSwitch, now: float) -> Iterator[Row]:
    members = switch.view[Snooping].members
    for group in _sorted(switch, row):
        for seat, hosts, end in members.seats(group):
            address = seat.address or group.mac
            at = _place(seat.binding, switch)
            yield switch.name, row.name, address, *at, hosts, _left(end, now)


def _routers(switch: SwitchState, row: LogicalSwitch, now: float) -> Iterator[Row]:
    for router, end in switch.view[Snooping].routers.heard_until(row.uuid):
        at = (None, None, router) if isinstance(router, str) else (*_place(router, switch), None)
        yield switch.name, row.name, *at, _left(end, now)


def _queriers(switch: SwitchState, row: LogicalSwitch, now: float) -> Iterator[Row]:
    snooping = switch.view[Snooping]
    due = snooping.querier.next_general(row.uuid)
    for family in Family:
        querier = "none"
        if snooping.routers.has_querier(row.uuid, family, now):
            querier = "a router"
        elif switch.view.settings.multicast_querier and due is not None:
            querier = "this process"
        left = _left(due, now) if querier == "this process" and due is not None else None
        yield switch.name, row.name, family.name, querier, left


def _sorted(switch: SwitchState, row: LogicalSwitch) -> list[GroupMac]:
    return sorted(switch.view[Snooping].members.groups(row.uuid))


def _place(number: int, switch: SwitchState) -> tuple[str, int | None]:
    """Return the port and the VLAN of a binding by its number."""
    binding = switch.view[Ports].numbered(number)
    return (binding.port, binding.vlan) if binding else (f"binding {number:#x}", None)


def _left(end: float, now: float) -> int:
    return max(0, math.ceil(end - now))


COMMANDS = (
    Command(
        "mcast/show",
        _USAGE,
        "Print multicast groups with their members, multicast routers and queriers.",
        _show,
    ),
)
