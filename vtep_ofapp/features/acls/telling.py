"""What operators are told of access lists: figures, limits, owners by name, what entries do."""

from collections.abc import Iterator, Mapping

from ...engine.desired import Key
from ...engine.operator_view import PORT, Concerned, Figure, Limit, Passage, Verdict
from ...engine.view import View
from ...pipeline.acls import EGRESS, OF_INTERFACE
from ...pipeline.layout import (
    LOGICAL_SWITCH,
    ROUTER,
    SOURCE_BINDING,
    TARGET_BINDING,
)
from ...values.acls import Acl, AclEntry
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches
from ..routers.here import RoutersHere
from ..routers.rows import Routers
from .bindings import PortAcls
from .columns import column
from .denied import DeniedFrames
from .interfaces import RouterAcls
from .judging import AclRule, Judging, UsedAcl
from .limits import AclLimit
from .rows import Acls
from .uses import AclUses, Namer
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
    return _named_by(PortAcls(port), view)


def _of_router(name: str, view: View) -> Iterator[Key]:
    for router in tuple(view[RoutersHere].routers()):
        row = view[Routers].row(router)
        if row is not None and name in (row.name, str(router)):
            yield from _named_by(RouterAcls(router), view)


def _named_by(namer: Namer, view: View) -> Iterator[Key]:
    found = column(namer, view)
    if found is not None and found.acls:
        yield namer
        yield from map(UsedAcl, dict.fromkeys(found.acls.values()))


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
    where = _interface if passage.flow.table in OF_INTERFACE.tables else _binding
    return f"{where(passage, is_egress, view)} {'egress' if is_egress else 'ingress'}"


def _binding(passage: Passage, is_egress: bool, view: View) -> str:
    register = TARGET_BINDING if is_egress else SOURCE_BINDING
    binding = view[Ports].numbered(passage.fields.get(register, 0))
    where = "a binding" if binding is None else binding.port
    return f"{where} VLAN {binding.vlan}" if binding and binding.vlan else where


def _interface(passage: Passage, is_egress: bool, view: View) -> str:
    """Return the interface of a router; a packet has the number of its logical switch."""
    router = view[Routers].key(passage.fields.get(ROUTER, 0))
    logical_switch = view[LogicalSwitches].ids.key(passage.fields.get(LOGICAL_SWITCH, 0))
    if router is None or logical_switch is None:
        return "an interface"
    name, where = view[Routers].name(router), view[LogicalSwitches].name(logical_switch)
    return f"the interface of {name} in {where}"


def _flows(view: View) -> int:
    return sum(view[AclLimit].flows(row.uuid) for row in used(view))


FIGURES = (
    Figure("acls", "Access lists that ports and routers name.", lambda view: len(used(view))),
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
SUBJECTS: Mapping[str, Concerned] = {"acl": _of_name, PORT: _of_port, "router": _of_router}
VERDICTS: Mapping[type, Verdict] = {AclRule: _rule, UsedAcl: _closed}
