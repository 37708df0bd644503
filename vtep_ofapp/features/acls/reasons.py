"""Faults of access lists: of entries, lists, and the columns that name lists."""

from collections.abc import Iterator
from heapq import nsmallest
from uuid import UUID

from ...engine.view import View
from ...pipeline.acls import MOST_ENTRIES
from ...values.acls import AclEntry
from ...values.faults import Fault, FaultRow, FaultTable, FaultWord
from ..routers.reasons import MOST
from .columns import column
from .judging import Judging
from .limits import AclLimit
from .refusals import AclRefusals
from .rows import Acls
from .uses import Namer


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


def of_column(namer: Namer, view: View) -> Iterator[Fault]:
    """Yield the faults of the column with which a port or a router names access lists.

    Of very many keys with one kind of fault, the first ones have a line each.
    """
    found = column(namer, view)
    if found is None:
        return
    shown = FaultRow(FaultTable(found.row.table), found.row.uuid)
    entry = shown.shows(FaultWord.INVALID_ACL_BINDING)
    refused = nsmallest(MOST + 1, found.refused)
    for key in refused[:MOST]:
        reason = f"{found.name}: {found.refused[key]}; to remove it: {found.without(key)}"
        yield Fault(found.subject, reason, entry)
    if len(refused) > MOST:
        reason = f"{found.name}: more keys than {MOST} cannot be used"
        yield Fault(found.subject, reason, entry)
    has_fault = {acl: view[Judging].has_fault(acl) for acl in {*found.acls.values()}}
    bound = nsmallest(MOST + 1, (key for key, acl in found.acls.items() if has_fault[acl]))
    for key in bound[:MOST]:
        name = view[Acls].name(found.acls[key])
        reason = f"{found.name}: {key} is bound to {name}, which has a fault"
        yield Fault(found.subject, reason, entry)
    if len(bound) > MOST:
        reason = f"{found.name}: more keys than {MOST} are bound to access lists with a fault"
        yield Fault(found.subject, reason, entry)


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
