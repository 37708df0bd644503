"""Taking over members and routers that another process heard."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from ...engine.feature import Index
from ...engine.topics import ContentsRead, Topic
from ...engine.view import View
from ...pipeline import multicast
from ...values.rows import LocalMcastMac
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches
from .groups import group_mac, parse_group
from .membership import GroupMac
from .owners import Snooped, is_snooped, whole
from .snooping import Snooping


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


def take_over(topic: ContentsRead, view: View) -> Iterator[Topic]:
    """Take over the members and routers of another process, and ask all hosts.

    Members of ours that it did not leave on the switch have left meanwhile. If nothing at all is
    there, Open vSwitch started again, and ours are the best that is known.
    """
    snooping, now = view[Snooping], view.clock()
    if not snooping.is_on:
        return
    logical_switches = view[LogicalSwitches].ids
    for number, bindings in multicast.read_routers(topic.groups):
        logical_switch = logical_switches.key(number)
        for binding in _usable(logical_switch, bindings, view):
            if logical_switch and snooping.routers.heard(logical_switch, binding, now):
                yield from whole(logical_switch, view)
    for number, address in multicast.read_remote_routers(topic.flows):
        logical_switch = logical_switches.key(number)
        if logical_switch and is_snooped(logical_switch, view):
            snooping.routers.heard(logical_switch, address, now)
            yield Snooped(logical_switch)
    found: dict[GroupMac, frozenset[int]] = {}
    for number, mac, bindings in multicast.read_members(topic.flows, topic.groups):
        logical_switch = logical_switches.key(number)
        if logical_switch is not None:
            found[GroupMac(logical_switch, mac)] = frozenset(bindings)
    changed = set()
    if topic.is_after_another and topic.flows:
        changed |= _drop_others(found, view)
    for group, bindings in found.items():
        logical_switch = group.logical_switch
        routers = snooping.routers.bindings(logical_switch)
        usable = _usable(logical_switch, bindings - routers or bindings, view)
        if snooping.members.adopt(group, usable, view[GroupRows].address(group), now):
            changed.add(group)
    yield from snooping.renumber(changed)
    for logical_switch in view[Ports].bound():
        snooping.querier.start(logical_switch, now)


def _drop_others(found: Mapping[GroupMac, frozenset[int]], view: View) -> set[GroupMac]:
    """Forget the members that were not found; return their groups."""
    members, dropped = view[Snooping].members, set()
    for logical_switch in view[Ports].bound():
        for group in members.groups(logical_switch):
            gone = members.bindings(group) - found.get(group, frozenset())
            if gone:
                members.drop(group, gone)
                dropped.add(group)
    return dropped


def _usable(logical_switch: UUID | None, bindings: Iterable[int], view: View) -> list[int]:
    """Return those of the bindings that the logical switch has now, and whose link is up."""
    ports = view[Ports]
    found = (ports.numbered(each) for each in sorted(bindings))
    return [
        binding.number
        for binding in found
        if binding and binding.logical_switch == logical_switch and ports.is_up(binding.port)
    ]
