"""What operators are told of access lists: figures, limits, owners by name, what entries do."""

from collections.abc import Iterator, Mapping

from ...engine.desired import Key
from ...engine.operator_view import PORT, Concerned, Figure, Limit, Passage, Verdict
from ...engine.view import View
from ...pipeline.acls import EGRESS
from ...pipeline.layout import SOURCE_BINDING, TARGET_BINDING
from ...values.acls import Acl, AclEntry
from ..bindings.ports import Ports
from .bindings import PortAcls
from .denied import DeniedFrames
from .judging import AclRule, Judging, UsedAcl
from .limits import AclLimit
from .rows import Acls
from .uses import AclUses
from .words import in_words


def used(view: View) -> list[Acl]:
    """Return the access lists that the switch uses, by their names."""
    rows = (view[Acls].get(acl) for acl in list(view[AclUses].acls()))
    return sorted((row for row in rows if row is not None), key=lambda row: (row.name, row.uuid))


# Names


def _of_name(name: str, view: View) -> Iterator[Key]:
    """Yield the owners of an access list, and of its entries in their order."""
    for row in used(view):
        if name in (row.name, str(row.uuid)):
            yield UsedAcl(row.uuid)
            yield from (AclRule(row.uuid, entry.uuid) for entry, _ in in_order(row, view))


def in_order(row: Acl, view: View) -> list[tuple[AclEntry, int]]:
    """Return the entries of an access list with their priorities, in the order of judgement.

    Those of ingress come first.
    """
    acls, sides = view[Acls], view[Acls].sides(row.uuid)
    rows = (acls.entry(entry) for entry in row.entries)
    found = [(each, sides[each.is_egress].order.priority(each.uuid)) for each in rows if each]
    return sorted(found, key=lambda each: (each[0].is_egress, -each[1], each[0].uuid))


def _of_port(port: str, view: View) -> Iterator[Key]:
    row = view[Ports].row(port)
    if row is not None and row.acl_bindings:
        yield PortAcls(port)
        yield from map(UsedAcl, dict.fromkeys(row.acl_bindings.values()))


# What flows do to a frame


def _rule(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, AclRule)
    row = view[Acls].entry(owner.entry)
    if row is None:
        return None
    did = "permitted" if row.permits else "denied"
    entry = f"entry {row.sequence} ({in_words(row)})"
    return f"{did} by {view[Acls].name(owner.acl)}, {entry} at {_place(passage, view)}"


def _closed(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, UsedAcl)
    fails_closed = view[Judging].drops_all(owner.acl)
    why = (
        "which has a fault and fails closed"
        if fails_closed
        else "as a first fragment without all ports and flags"
    )
    return f"denied by {view[Acls].name(owner.acl)}, {why}, at {_place(passage, view)}"


def _place(passage: Passage, view: View) -> str:
    is_egress = passage.flow.table in EGRESS
    register = TARGET_BINDING if is_egress else SOURCE_BINDING
    binding = view[Ports].numbered(passage.fields.get(register, 0))
    where = "a binding" if binding is None else binding.port
    vlan = f" VLAN {binding.vlan}" if binding and binding.vlan else ""
    return f"{where}{vlan} {'egress' if is_egress else 'ingress'}"


def _flows(view: View) -> int:
    return sum(view[AclLimit].flows(row.uuid) for row in used(view))


FIGURES = (
    Figure("acls", "Access lists that ports name.", lambda view: len(used(view))),
    Figure("acl_flows", "Flows that these access lists need.", _flows),
    Figure(
        "acls_failing_closed",
        "Access lists that have a fault, and drop all that they would judge.",
        lambda view: sum(view[Judging].drops_all(row.uuid) for row in used(view)),
    ),
    Figure(
        "denied_frames_total",
        "Frames that entries of access lists denied.",
        lambda view: view[DeniedFrames].frames,
    ),
)
LIMITS = (Limit("max_acl_flows", lambda view: [("flows of access lists", _flows(view))]),)
SUBJECTS: Mapping[str, Concerned] = {"acl": _of_name, PORT: _of_port}
VERDICTS: Mapping[type, Verdict] = {AclRule: _rule, UsedAcl: _closed}
