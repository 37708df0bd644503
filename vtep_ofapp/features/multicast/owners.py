"""What a switch is to have for multicast snooping, by owners, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Owner
from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline import multicast
from ...values.faults import Fault
from ..bindings.ports import Ports
from ..local_mcast_macs import LocalGroup
from ..logical_switches.rows import LogicalSwitches
from .membership import GroupMac
from .snooping import Snooping


@dataclass(frozen=True, slots=True)
class ShownReports:
    """The owner of the flows that show reports and queries to the application."""


@dataclass(frozen=True, slots=True)
class Snooped:
    """The owner of the flows for reports and queries in a logical switch."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class Unheard:
    """The owner of the flows of a binding, by number, that sent more than its share."""

    binding: int


def is_snooped(logical_switch: UUID, view: View) -> bool:
    """Whether the reports in a logical switch are read here."""
    return view[Snooping].is_on and view[Ports].is_bound(logical_switch)


def whole(logical_switch: UUID, view: View) -> Iterator[Topic]:
    """Yield the owners of a logical switch: all of its groups have the bindings of routers."""
    yield Snooped(logical_switch)
    yield from view[Snooping].members.groups(logical_switch)


def where(number: int, view: View) -> str:
    """Return a binding by its number for people."""
    binding = view[Ports].numbered(number)
    return f"{binding.port} VLAN {binding.vlan}" if binding else f"binding {number:#x}"


# Desired states of owners


def _shown(key: ShownReports, view: View) -> Desired:
    return Desired(multicast.shown()) if view[Snooping].is_on else NOTHING


def _snooped(key: Snooped, view: View) -> Desired:
    snooping, logical_switches = view[Snooping], view[LogicalSwitches]
    number = logical_switches.number(key.logical_switch)
    if number is None or not is_snooped(key.logical_switch, view):
        return NOTHING
    routers = snooping.routers.bindings(key.logical_switch)
    remote = snooping.routers.remote(key.logical_switch)
    is_heard = key.logical_switch not in snooping.unheard.ends
    flows, groups = multicast.controlled(number, routers, remote, is_heard)
    faults: tuple[Fault, ...] = ()
    if snooping.members.is_full(key.logical_switch):
        limit = view.settings.max_multicast_groups
        reason = f"the limit of {limit} multicast groups is reached; others are flooded"
        faults = (view.switch_fault(reason, logical_switches.name(key.logical_switch)),)
    return Desired(flows, groups, faults)


def _members(key: GroupMac, view: View) -> Desired:
    snooping = view[Snooping]
    of, number = view[LogicalSwitches].number(key.logical_switch), snooping.number(key)
    if of is None or number is None or not is_snooped(key.logical_switch, view):
        return NOTHING
    bindings = snooping.members.bindings(key) | snooping.routers.bindings(key.logical_switch)
    flows, groups = multicast.members(of, number, key.mac, bindings)
    addresses = snooping.members.addresses(key)
    row = LocalGroup(key.logical_switch, key.mac), addresses[0] if addresses else ""
    return Desired(flows, groups, rows=(row,))


def _unheard(key: Unheard, view: View) -> Desired:
    if key.binding not in view[Snooping].unheard.ends:
        return NOTHING
    return Desired(multicast.unheard(key.binding))


# Why they are there


def _why_shown(key: ShownReports, view: View) -> Iterator[Cause]:
    if view[Snooping].is_on:
        yield Cause("multicast_snooping is on, so that hosts' reports are read")


def _why_snooped(key: Snooped, view: View) -> Iterator[Cause]:
    if not is_snooped(key.logical_switch, view):
        return
    name = view[LogicalSwitches].name(key.logical_switch)
    row = RowOf("Logical_Switch", key.logical_switch)
    yield Cause(f"multicast_snooping is on, and {name} is bound here", (row,))
    routers = view[Snooping].routers
    here = [where(each, view) for each in sorted(routers.bindings(key.logical_switch))]
    behind = [f"{each} behind a tunnel" for each in routers.remote(key.logical_switch)]
    if here or behind:
        yield Cause(f"multicast routers were heard at {', '.join(here + behind)}")


def _why_members(key: GroupMac, view: View) -> Iterator[Cause]:
    members = view[Snooping].members
    bindings = sorted(members.bindings(key))
    if bindings:
        name = view[LogicalSwitches].name(key.logical_switch)
        groups = ", ".join(members.addresses(key)) or "groups not known yet"
        at = ", ".join(where(each, view) for each in bindings)
        what = f"{at} joined {key.mac} ({groups}) in {name}"
        yield Cause(what, (RowOf("Logical_Switch", key.logical_switch),))


def _why_unheard(key: Unheard, view: View) -> Iterator[Cause]:
    end = view[Snooping].unheard.ends.get(key.binding)
    if end is not None:
        left = max(0.0, end - view.clock())
        what = f"{where(key.binding, view)} reported too many multicast groups at once"
        yield Cause(f"{what}, and is not heard for another {left:.0f} s")


OWNERS = (
    Owner(ShownReports, _shown, _why_shown),
    Owner(Snooped, _snooped, _why_snooped),
    Owner(GroupMac, _members, _why_members),
    Owner(Unheard, _unheard, _why_unheard),
)
