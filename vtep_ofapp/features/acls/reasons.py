"""Faults of access lists: of entries, of whole lists, and of the ports that name them."""

from collections.abc import Iterator
from uuid import UUID

from ...engine.view import View
from ...pipeline.acls import MOST_ENTRIES
from ...values.acls import AclEntry
from ...values.addresses import Invalid, parse_vlan
from ...values.faults import Fault, FaultRow, FaultTable, FaultWord, of_port
from ...values.rows import PhysicalPort
from ..bindings.ports import port_subject
from .judging import Judging
from .limits import AclLimit
from .refusals import AclRefusals
from .rows import Acls


def of_entry(acl: UUID, row: AclEntry, view: View) -> Iterator[Fault]:
    """Yield the faults of an entry of an access list."""
    subject = f"ACL_entry {row.uuid} (sequence {row.sequence}) of {view[Acls].name(acl)}"
    shown = FaultRow(FaultTable.ACL_ENTRY, row.uuid).shows(FaultWord.INVALID_ACL_ENTRY)
    for reason, columns, clears in row.refused:
        command = f"vtep-ctl {'clear' if clears else 'set'} ACL_entry {row.uuid} {columns}"
        yield Fault(subject, f"{reason}; to mend it: {command}", shown)


def of_acl(acl: UUID, view: View) -> Iterator[Fault]:
    """Yield the faults of an access list as a whole."""
    subject = view[Acls].name(acl)
    row = FaultRow(FaultTable.ACL, acl)
    effect = _effect(acl, view)
    if view[Acls].is_invalid(acl):
        others = "its other entries act" if view.settings.acl_fails_open else effect
        reason = f"an entry of it cannot be used; until that is mended, {others}"
        yield Fault(subject, reason, row.shows(FaultWord.INVALID_ACL))
    if view[AclLimit].refuses(acl):
        reason = f"{_shortage(acl, view)}; until it is smaller, {effect}"
        yield Fault(subject, reason, row.shows(FaultWord.RESOURCE_SHORTAGE))
    if view[AclRefusals].has(acl):
        reason = f"{view.name} refuses flows of it; until it takes them, {effect}"
        yield Fault(subject, reason, row.shows(FaultWord.RESOURCE_SHORTAGE))


def of_bindings(row: PhysicalPort, view: View) -> Iterator[Fault]:
    """Yield the faults of the acl_bindings of a port."""
    subject = port_subject(row.name, view)
    shown = of_port(row.uuid, FaultWord.INVALID_ACL_BINDING)
    for vlan, acl in sorted(row.acl_bindings.items()):
        try:
            parse_vlan(vlan)
        except Invalid as error:
            command = f"vtep-ctl remove Physical_Port {row.uuid} acl_bindings {vlan}"
            yield Fault(subject, f"acl_bindings: {error}; to remove it: {command}", shown)
        if view[Judging].has_fault(acl):
            reason = f"acl_bindings: {vlan} is bound to {view[Acls].name(acl)}, which has a fault"
            yield Fault(subject, reason, shown)


def _shortage(acl: UUID, view: View) -> str:
    """Return why there is no room for the flows of an access list."""
    if any(side.order.is_too_long for side in view[Acls].sides(acl)):
        return f"it has more than {MOST_ENTRIES:,} entries in one direction"
    return f"{view.name} has no room for it within max_acl_flows ({view.settings.max_acl_flows})"


def _effect(acl: UUID, view: View) -> str:
    if view.settings.acl_fails_open:
        return "it judges nothing"
    named = zip(("ingress", "egress"), view[Judging].judges(acl), strict=True)
    directions = [name for name, has_entries in named if has_entries]
    noun = "direction" if len(directions) == 1 else "directions"
    return f"all frames in its {noun} {' and '.join(directions)} are dropped"
