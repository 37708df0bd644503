"""Access lists of ports, VLANs and routers: flows for their entries, faults, and steps."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.cause import Cause, RowOf
from ...engine.desired import NOTHING, Desired
from ...engine.dirty import Pace
from ...engine.feature import Feature, Owner, Timer
from ...engine.report import FaultColumn, ManagedSwitches
from ...engine.topics import FlowsRefused, SwitchReplaced, SwitchRowChanged, Topic
from ...engine.view import View
from ...pipeline import acls
from ...pipeline.ways import Step
from ...values.acls import Acl, AclEntry
from ...values.faults import FaultTable
from ...values.flows import Flow, SetField
from ..bindings.ports import Ports, VlanBinding
from ..routers.here import Interface, RouterPackets
from ..routers.rows import RouterChanged
from . import denied, telling
from .bindings import AclBindings, PortAcls
from .columns import column, naming
from .denied import DeniedFrames
from .interfaces import InterfaceAcls, InterfacesHere, RouterAcls
from .judging import AclRule, Judging, UsedAcl
from .limits import AclLimit
from .reasons import of_acl, of_column, of_entry
from .refusals import AclRefusals
from .rows import AclChanged, Acls, EntryChanged, NamedAcls
from .uses import AclUses, Namer, UseChanged


@dataclass(frozen=True, slots=True)
class AclTables:
    """The owner of what becomes of frames of bindings that no entry matches."""


# Desired states of owners


def _tables(key: AclTables, view: View) -> Desired:
    return Desired(acls.misses()) if view[AclUses].is_used(acls.OF_VLAN) else NOTHING


def _rule(key: AclRule, view: View) -> Desired:
    row, number = view[Acls].entry(key.entry), view[Acls].number(key.acl)
    if row is None or number is None or not _has(key, view):
        return NOTHING
    if row.match is None:
        return Desired(faults=tuple(of_entry(key.acl, row, view)))
    tables = view[AclUses].tables(key.acl, row.is_egress)
    if not tables or view[Judging].is_withheld(key.acl):
        return NOTHING
    priority = view[Acls].sides(key.acl)[row.is_egress].order.priority(key.entry)
    made: list[Flow] = []
    for table in tables:
        made += acls.flows(number, row, priority, table)
    return Desired(tuple(made))


def _has(key: AclRule, view: View) -> bool:
    """Whether the switch uses an access list that has the entry."""
    return view[AclUses].names(key.acl) and key.acl in view[Acls].with_entry(key.entry)


def _used_acl(key: UsedAcl, view: View) -> Desired:
    number = view[Acls].number(key.acl)
    if number is None or not view[AclUses].names(key.acl):
        return NOTHING
    return Desired(tuple(_dropping(key.acl, number, view)), faults=tuple(of_acl(key.acl, view)))


def _dropping(acl: UUID, number: int, view: View) -> Iterator[Flow]:
    """Yield the flows that drop all if an access list fails closed, else cut headers."""
    drops_all = view[Judging].drops_all(acl)
    for is_egress, has_entries in enumerate(view[Judging].judges(acl)):
        if has_entries:
            headers = view[Acls].sides(acl)[is_egress].headers
            for table in view[AclUses].tables(acl, bool(is_egress)):
                if drops_all:
                    yield acls.refuse_all(number, table)
                else:
                    yield from (acls.refuse_cut(number, header, table) for header in headers)


def _named_acls(key: Namer, view: View) -> Desired:
    return Desired(faults=tuple(of_column(key, view)))


def _steps(key: VlanBinding | RouterPackets, view: View) -> Iterator[Step]:
    """Yield a table for each access list and direction in which it judges the frames."""
    for place, acl in view[AclUses].judging(key).items():
        number = view[Acls].number(acl)
        if number is None:
            continue
        carrying = (SetField(place.register, number),)
        for table, judges in zip(place.tables, view[Judging].judges(acl), strict=True):
            if judges:
                yield Step(table, carrying, view[AclRefusals].is_shut(acl))


# Why they are there


def _why_tables(key: AclTables, view: View) -> Iterator[Cause]:
    if view[AclUses].is_used(acls.OF_VLAN):
        yield Cause("frames that no entry of their access lists matches are permitted")


def _why_rule(key: AclRule, view: View) -> Iterator[Cause]:
    row = view[Acls].entry(key.entry)
    if row is None or not _has(key, view):
        return
    what = f"{'permits' if row.permits else 'denies'} {'egress' if row.is_egress else 'ingress'}"
    text = f"{view[Acls].name(key.acl)} has an entry with sequence {row.sequence} that {what}"
    yield Cause(text, (RowOf("ACL", key.acl), RowOf("ACL_entry", key.entry)))
    yield from _why_bound(key.acl, view)


def _why_used(key: UsedAcl, view: View) -> Iterator[Cause]:
    if view[Acls].get(key.acl) is None or not view[AclUses].names(key.acl):
        return
    name = view[Acls].name(key.acl)
    if view[Judging].drops_all(key.acl):
        text = f"{name} has a fault, and drops all that it would judge"
        yield Cause(text, (RowOf("ACL", key.acl),))
    elif any(side.headers for side in view[Acls].sides(key.acl)):
        text = f"{name} looks at ports or flags, and drops first fragments without all of them"
        yield Cause(text, (RowOf("ACL", key.acl),))
    yield from _why_bound(key.acl, view)


def _why_bound(acl: UUID, view: View) -> Iterator[Cause]:
    for each in naming(acl, view):
        keys = " and ".join(map(str, each.keys(acl)))
        text = f"{each.name} of {each.subject} {_VERBS[each.name]} {view[Acls].name(acl)} at {keys}"
        yield Cause(text, (each.row, RowOf("ACL", acl)))


def _why_named(key: Namer, view: View) -> Iterator[Cause]:
    found = column(key, view)
    if found is not None and found.acls:
        named = ", ".join(sorted({view[Acls].name(acl) for acl in found.acls.values()}))
        yield Cause(f"{found.name} of {found.subject} {_VERBS[found.name]} {named}", (found.row,))


_VERBS = {"acl_bindings": "name", "acl_binding": "names"}


# Topics that invalidate the owners


def _match(topic: SwitchRowChanged, view: View) -> Iterator[Topic]:
    were_used = view[AclUses].is_used(acls.OF_VLAN)
    yield from list(view[AclBindings].match(view[Ports].rows()))
    if view[AclUses].is_used(acls.OF_VLAN) != were_used:
        yield AclTables()


def _router_changed(topic: RouterChanged, view: View) -> Iterator[Topic]:
    yield from list(view[InterfacesHere].router_changed(topic.router))


def _interface_changed(topic: Interface, view: View) -> Iterator[Topic]:
    yield from list(view[InterfacesHere].interface_changed(topic))


def _packets_changed(topic: RouterPackets, view: View) -> Iterator[Topic]:
    """The steps of packets belong to the flows of their interface."""
    yield Interface(topic.router, topic.logical_switch)


def _acl_changed(topic: AclChanged | UseChanged, view: View) -> Iterator[Topic]:
    return view[Judging].changed([topic.acl])


def _entry_changed(topic: EntryChanged, view: View) -> Iterator[Topic]:
    if view[AclUses].names(topic.acl):
        yield AclRule(topic.acl, topic.entry)


def _refused(topic: FlowsRefused, view: View) -> Iterable[Topic]:
    """Withhold the flows of an access list of which the switch does not take all."""
    return view[Judging].changed(view[AclRefusals].refused(topic.flows))


def _due(view: View) -> Iterable[Topic]:
    return view[Judging].changed(view[AclRefusals].due())


# Fault columns


def _is_acl_ours(row: Acl, managed: ManagedSwitches) -> bool:
    return _are_ours((row.uuid,), managed)


def _is_entry_ours(row: AclEntry, managed: ManagedSwitches) -> bool:
    view = next(iter(managed.with_bridge().values()), None)  # each view knows all rows
    return view is not None and _are_ours(view[Acls].with_entry(row.uuid), managed)


def _are_ours(acls: Iterable[UUID], managed: ManagedSwitches) -> bool:
    """Whether a managed switch names one of the access lists, or no switch at all names any.

    Then what their columns hold is left from a time when a switch did, of a former process perhaps.
    """
    views = managed.with_bridge().values()
    if any(view[AclUses].names(acl) for acl in acls for view in views):
        return True
    return any(not any(map(view[NamedAcls].has, acls)) for view in views)


FEATURE = Feature(
    indices=(Acls, NamedAcls, InterfaceAcls),
    states=(
        lambda view: AclUses(),
        lambda view: AclBindings(view[AclUses]),
        InterfacesHere,
        lambda view: AclLimit(view[Acls], view[AclUses], view.settings.max_acl_flows),
        lambda view: AclRefusals(view[Acls], view.clock),
        Judging,
        lambda view: DeniedFrames(),
    ),
    owners=(
        Owner(AclTables, _tables, _why_tables),
        Owner(AclRule, _rule, _why_rule, Pace.IN_PARTS),
        Owner(UsedAcl, _used_acl, _why_used),
        Owner(PortAcls, _named_acls, _why_named),
        Owner(RouterAcls, _named_acls, _why_named),
    ),
    invalidated_by={
        SwitchRowChanged: _match,
        SwitchReplaced: lambda topic, view: [AclTables()],
        RouterChanged: _router_changed,
        Interface: _interface_changed,
        RouterPackets: _packets_changed,
        UseChanged: _acl_changed,
        AclChanged: _acl_changed,
        EntryChanged: _entry_changed,
        FlowsRefused: _refused,
    },
    counters=(denied.count,),
    counted=denied.cookies,
    timers=(Timer(lambda view: view[AclRefusals].end, _due),),
    steps={VlanBinding: _steps, RouterPackets: _steps},
    fault_columns=(
        FaultColumn(FaultTable.ACL, Acl, _is_acl_ours, is_cleared_after_use=True),
        FaultColumn(FaultTable.ACL_ENTRY, AclEntry, _is_entry_ours, is_cleared_after_use=True),
    ),
    figures=telling.FIGURES,
    limits=telling.LIMITS,
    subjects=telling.SUBJECTS,
    verdicts=telling.VERDICTS,
)
