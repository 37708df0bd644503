"""ACL and ACL_entry: access lists, and their entries, of which none is lost if it is invalid."""

from typing import Any

from ...values.acls import Acl, AclEntry
from ..committed import members, only
from ..declarations import Group, Table
from ..schemas import NUMBER, SET, TEXT
from .acl_entries import OPTIONAL, read_match


def _acl(row: Any) -> Acl:
    return Acl(
        row.uuid,
        row.acl_name,
        frozenset(members(row, "acl_entries")),
        frozenset(members(row, "acl_fault_status")),
    )


def _entry(row: Any) -> AclEntry:
    columns = {name: value for name in OPTIONAL if (value := only(row, name)) is not None}
    match, reasons = read_match(columns)
    return AclEntry(
        row.uuid,
        only(row, "sequence"),
        only(row, "direction") == "egress",
        only(row, "action") == "permit",
        match,
        reasons,
        frozenset(members(row, "acle_fault_status")),
    )


GROUP = Group(
    tables=(
        Table("ACL", {"acl_name": TEXT, "acl_entries": SET, "acl_fault_status": SET}, read=_acl),
        Table(
            "ACL_entry",
            {
                "sequence": NUMBER,
                "direction": TEXT,
                "action": TEXT,
                "acle_fault_status": SET,
                **dict.fromkeys(OPTIONAL, SET),
            },
            read=_entry,
        ),
    )
)
