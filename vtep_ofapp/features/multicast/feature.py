"""Multicast snooping: the flows and rows of members, and queries of our own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.feature import Feature, Index, Owner, Timer
from ...engine.operator_view import Passage
from ...engine.topics import ContentsRead, SwitchReplaced, Topic
from ...engine.view import View
from ...pipeline import multicast
from ...pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING, Cookie
from ...values.events import PacketIn
from ...values.faults import Fault
from ...values.rows import Binding, LocalMcastMac
from ..bindings.ports import BindingGone, BindingsChanged, LinkUp, Ports
from ..local_mcast_macs import LocalGroup
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from . import telling
from .groups import group_mac, parse_group
from .membership import GroupMac
from .messages import (
    Family,
    Hello,
    Joined,
    Left,
    Message,
    Query,
    messages,
)
from .queries import ask_all, ask_who_is_left, is_own
from .snooping import Snooping
from .telling import where


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


class GroupRows(Index):
    """The IP addresses in rows of Mcast_Macs_Local, which an earlier process may have written."""

    ROWS = (LocalMcastMac,)

    def __init__(self) -> None:
        self._addresses: dict[GroupMac, str] = {}

    def address(self, group: GroupMac) -> str:
        """Return the IP address of a group in its row, "" if there is none that can be used."""
        return self._addresses.get(group, "")

    def row_changed(self, former: LocalMcastMac | None, new: LocalMcastMac | None) -> tuple[()]:
        """Handle a changed row, which invalidates nothing."""
        if former is not None:
            self._addresses.pop(GroupMac(former.logical_switch, former.mac), None)
        group = parse_group(new.ip) if new is not None else ""
        if new is not None and group and group_mac(group) == new.mac:
            self._addresses[GroupMac(new.logical_switch, new.mac)] = group
        return ()


# Desired states of owners


def _shown(key: ShownReports, view: View) -> Desired:
    return Desired(multicast.shown()) if view[Snooping].is_on else NOTHING


def _snooped(key: Snooped, view: View) -> Desired:
    snooping, logical_switches = view[Snooping], view[LogicalSwitches]
    number = logical_switches.number(key.logical_switch)
    if number is None or not _is_snooped(key.logical_switch, view):
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
    if of is None or number is None or not _is_snooped(key.logical_switch, view):
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


def _is_snooped(logical_switch: UUID, view: View) -> bool:
    return view[Snooping].is_on and view[Ports].is_bound(logical_switch)


# Why they are there


def _why_shown(key: ShownReports, view: View) -> Iterator[Cause]:
    if view[Snooping].is_on:
        yield Cause("multicast_snooping is on, so that hosts' reports are read")


def _why_snooped(key: Snooped, view: View) -> Iterator[Cause]:
    if not _is_snooped(key.logical_switch, view):
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


# What their flows do to the frame of a trace


def _who_gets_reports(passage: Passage, view: View) -> str | None:
    assert isinstance(passage.owner, Snooped)
    return telling.to_routers(passage, view, passage.owner.logical_switch)


# What hosts and routers say


def _packet_in(packet: PacketIn, view: View) -> Iterator[Topic]:
    snooping, now = view[Snooping], view.clock()
    numbers = dict(packet.fields)
    number, source_binding = numbers.get(LOGICAL_SWITCH), numbers.get(SOURCE_BINDING)
    logical_switch = view[LogicalSwitches].ids.key(number) if isinstance(number, int) else None
    if logical_switch is None or not _is_snooped(logical_switch, view):
        return
    if not isinstance(source_binding, int):
        yield from _heard_remote(packet.header, logical_switch, view)
        return
    binding = view[Ports].numbered(source_binding)
    if binding is None or binding.logical_switch != logical_switch:
        return
    if not view[Ports].is_up(binding.port):
        return  # the frame came in before the link went down
    if binding.number in snooping.unheard.ends:
        return
    source, found = messages(packet.header)
    if not snooping.hears(binding.number, max(1, len(found)), now):
        yield Unheard(binding.number)
        return
    was_full = snooping.members.is_full(logical_switch)
    changed: set[GroupMac] = set()
    for message in found:
        if isinstance(message, Joined):
            changed.update(
                snooping.members.join(logical_switch, binding.number, message.group, source, now)
            )
        else:
            yield from _heard(message, binding, source, view)
    yield from snooping.renumber(changed)
    if was_full != snooping.members.is_full(logical_switch):
        yield Snooped(logical_switch)


def _heard(message: Message, binding: Binding, source: str, view: View) -> Iterator[Topic]:
    """Handle a leave, or a sign of a router at a binding."""
    snooping, now, logical_switch = view[Snooping], view.clock(), binding.logical_switch
    if isinstance(message, Left):
        group = message.group
        if snooping.members.leave(logical_switch, binding.number, group, source, now):
            yield from ask_who_is_left(logical_switch, binding.number, group, view)
            snooping.querier.left(logical_switch, binding.number, group, now)
    elif isinstance(message, Query | Hello) and not is_own(message, view):
        if isinstance(message, Query) and message.is_general:
            snooping.routers.asks(logical_switch, message.family, now)
        if snooping.routers.heard(logical_switch, binding.number, now):
            yield from _whole(logical_switch, view)


def _heard_remote(frame: bytes, logical_switch: UUID, view: View) -> Iterator[Topic]:
    """Handle a general query from a tunnel: its source tells queries for one group from reports."""
    snooping, now = view[Snooping], view.clock()
    if logical_switch in snooping.unheard.ends:
        return
    if not snooping.hears(logical_switch, 1, now):
        yield Snooped(logical_switch)
        return
    for message in messages(frame)[1]:
        if (
            isinstance(message, Query)
            and message.family is Family.IGMP
            and message.is_general
            and snooping.routers.heard(logical_switch, message.source, now)
        ):
            yield Snooped(logical_switch)


# Time


def _due(view: View) -> Iterator[Topic]:
    snooping, now = view[Snooping], view.clock()
    end = snooping.next_end()
    if end is None or now < end:
        return
    full = snooping.members.full()
    yield from snooping.renumber(snooping.members.end(now, snooping.unheard.ends))
    yield from map(Snooped, full ^ snooping.members.full())
    for logical_switch in snooping.routers.end(now):
        yield from _whole(logical_switch, view)
    for place in snooping.unheard.take(now):
        yield Unheard(place) if isinstance(place, int) else Snooped(place)
    for logical_switch in snooping.querier.general(now):
        if view[Ports].is_bound(logical_switch):
            yield from ask_all(logical_switch, view)
        else:
            snooping.querier.stop(logical_switch)
    for question in snooping.querier.questions(now):
        if snooping.members.is_leaving(*question, now):
            yield from ask_who_is_left(*question, view)


# Topics that invalidate the owners


def _whole(logical_switch: UUID, view: View) -> Iterator[Topic]:
    yield Snooped(logical_switch)
    yield from view[Snooping].members.groups(logical_switch)


def _whole_logical_switch(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    snooping, logical_switch = view[Snooping], topic.logical_switch
    if not _is_snooped(logical_switch, view):
        yield from snooping.renumber(snooping.members.forget(logical_switch))
        snooping.routers.forget(logical_switch)
        snooping.querier.stop(logical_switch)
        snooping.forget_place(logical_switch)
    yield from _whole(logical_switch, view)


def _bindings_changed(topic: BindingsChanged, view: View) -> tuple[()]:
    """Ask the hosts of a logical switch soon: those at a new binding have reported elsewhere."""
    _ask_soon(topic.logical_switch, view)
    return ()


def _link_up(topic: LinkUp, view: View) -> tuple[()]:
    """Ask the hosts of a port's logical switches soon: what was heard at it is forgotten."""
    for logical_switch in view[Ports].logical_switches_at(topic.port):
        _ask_soon(logical_switch, view)
    return ()


def _ask_soon(logical_switch: UUID, view: View) -> None:
    if _is_snooped(logical_switch, view):
        view[Snooping].querier.start(logical_switch, view.clock())


def _binding_gone(topic: BindingGone, view: View) -> Iterator[Topic]:
    """Forget what was heard at a binding that is gone, or whose link went down."""
    binding, snooping = topic.binding, view[Snooping]
    snooping.forget_place(binding.number)
    yield Unheard(binding.number)
    changed = snooping.members.forget_binding(binding.logical_switch, binding.number)
    yield from snooping.renumber(changed)
    if snooping.routers.forget_binding(binding.logical_switch, binding.number):
        yield from _whole(binding.logical_switch, view)
    yield Snooped(binding.logical_switch)


def _contents_read(topic: ContentsRead, view: View) -> Iterator[Topic]:
    """Take over the members and routers of another process, and ask all hosts."""
    snooping, now = view[Snooping], view.clock()
    if not snooping.is_on:
        return
    logical_switches = view[LogicalSwitches].ids
    for number, bindings in multicast.read_routers(topic.groups):
        logical_switch = logical_switches.key(number)
        for binding in _usable(logical_switch, bindings, view):
            if logical_switch and snooping.routers.heard(logical_switch, binding, now):
                yield from _whole(logical_switch, view)
    adopted = set()
    for number, mac, bindings in multicast.read_members(topic.flows, topic.groups):
        logical_switch = logical_switches.key(number)
        if logical_switch is None:
            continue
        group = GroupMac(logical_switch, mac)
        routers = snooping.routers.bindings(logical_switch)
        usable = _usable(logical_switch, bindings - routers or bindings, view)
        if snooping.members.adopt(group, usable, view[GroupRows].address(group), now):
            adopted.add(group)
    yield from snooping.renumber(adopted)
    for logical_switch in view[Ports].bound():
        snooping.querier.start(logical_switch, now)


def _usable(logical_switch: UUID | None, bindings: Iterable[int], view: View) -> list[int]:
    """Return those of the bindings that the logical switch has now."""
    found = ((each, view[Ports].numbered(each)) for each in sorted(bindings))
    return [each for each, binding in found if binding and binding.logical_switch == logical_switch]


FEATURE = Feature(
    indices=(GroupRows,),
    states=(lambda view: Snooping(view.settings),),
    owners=(
        Owner(ShownReports, _shown, _why_shown),
        Owner(Snooped, _snooped, _why_snooped),
        Owner(GroupMac, _members, _why_members),
        Owner(Unheard, _unheard, _why_unheard),
    ),
    invalidated_by={
        SwitchReplaced: lambda topic, view: [ShownReports()],
        WholeLogicalSwitch: _whole_logical_switch,
        BindingsChanged: _bindings_changed,
        BindingGone: _binding_gone,
        LinkUp: _link_up,
        ContentsRead: _contents_read,
    },
    packets={Cookie.MULTICAST: _packet_in},
    timers=(Timer(lambda view: view[Snooping].next_end(), _due),),
    figures=telling.FIGURES,
    limits=telling.LIMITS,
    subjects=telling.SUBJECTS,
    verdicts={
        **telling.VERDICTS,
        ShownReports: telling.shown,
        Snooped: _who_gets_reports,
    },
)
