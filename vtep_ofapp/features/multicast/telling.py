"""What operators are told of multicast snooping: figures, limits, owners, what flows do."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from ...engine.desired import Key
from ...engine.operator_view import ADDRESS, GROUP, Concerned, Figure, Limit, Passage, Verdict
from ...engine.view import View
from ...pipeline.layout import Priority, Table
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches
from .groups import group_mac
from .membership import GroupMac
from .owners import ShownReports, Snooped, where
from .snooping import Snooping


def _of_mac(mac: str, view: View) -> Iterator[Key]:
    for logical_switch in list(view[Ports].bound()):
        if view[Snooping].members.bindings(GroupMac(logical_switch, mac)):
            yield GroupMac(logical_switch, mac)


def _of_address(address: str, view: View) -> Iterator[Key]:
    if ip_address(address).is_multicast:
        yield from _of_mac(group_mac(address), view)


def _members(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, GroupMac)
    members = view[Snooping].members
    at = " and ".join(where(each, view) for each in sorted(members.bindings(owner)))
    groups = ", ".join(members.addresses(owner)) or owner.mac
    return f"of the bindings, only members of {groups} and routers get it: {at}"


def _shown(passage: Passage, view: View) -> str | None:
    """Say that a report, query or hello is shown; the owner also has the flow that does so."""
    if passage.flow.table != Table.SNOOPING:
        return None
    return "the controller is shown it, as all IGMP and MLD messages and PIM hellos"


def _to_routers(passage: Passage, view: View) -> str | None:
    """Say who gets a report; the owner also has the flows for queries, which all hosts get."""
    owner = passage.owner
    assert isinstance(owner, Snooped)
    if passage.flow.priority != Priority.REPORT:
        return None
    numbers = sorted(view[Snooping].routers.bindings(owner.logical_switch))
    at = " and ".join(where(each, view) for each in numbers)
    return f"of the bindings, only those of multicast routers get it: {at or 'there are none'}"


def _groups(view: View) -> list[GroupMac]:
    members = view[Snooping].members
    return [group for each in view[Ports].bound() for group in members.groups(each)]


def _count_members(view: View) -> int:
    members = view[Snooping].members
    return sum(len(members.bindings(group)) for group in _groups(view))


def _count_routers(view: View) -> int:
    routers = view[Snooping].routers
    return sum(len(routers.bindings(each)) for each in view[Ports].bound())


def _groups_of_each(view: View) -> Iterator[tuple[str, int]]:
    names, members = view[LogicalSwitches], view[Snooping].members
    for each in sorted(view[Ports].bound()):
        yield f"multicast groups of {names.name(each)}", len(members.groups(each))


FIGURES = (
    Figure(
        "multicast_groups",
        "Multicast addresses with members here.",
        lambda view: len(_groups(view)),
    ),
    Figure("multicast_members", "Bindings that are members of these, together.", _count_members),
    Figure("multicast_routers", "Bindings with a multicast router.", _count_routers),
)
LIMITS = (Limit("max_multicast_groups", _groups_of_each),)
SUBJECTS: Mapping[str, Concerned] = {GROUP: _of_mac, ADDRESS: _of_address}
VERDICTS: Mapping[type, Verdict] = {
    GroupMac: _members,
    ShownReports: _shown,
    Snooped: _to_routers,
}
