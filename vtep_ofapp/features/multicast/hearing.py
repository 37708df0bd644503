"""What hosts and multicast routers say, and what becomes of it."""

from collections.abc import Iterator
from uuid import UUID

from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING
from ...values.events import PacketIn
from ...values.rows import Binding
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches
from .membership import GroupMac
from .messages import Family, Hello, Joined, Left, Message, Query, messages
from .owners import Snooped, Unheard, is_snooped, whole
from .queries import ask_who_is_left, is_own
from .snooping import Snooping


def hear(packet: PacketIn, view: View) -> Iterator[Topic]:
    """Handle a frame that was shown; yield the topics that it invalidates."""
    snooping, now = view[Snooping], view.clock()
    numbers = dict(packet.fields)
    number, source_binding = numbers.get(LOGICAL_SWITCH), numbers.get(SOURCE_BINDING)
    logical_switch = view[LogicalSwitches].ids.key(number) if isinstance(number, int) else None
    if logical_switch is None or not is_snooped(logical_switch, view):
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
            snooping.routers.asks(logical_switch, message.family, binding.number, now)
        if snooping.routers.heard(logical_switch, binding.number, now):
            yield from whole(logical_switch, view)


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
