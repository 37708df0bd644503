"""ACL and ACL_entry: access lists, and their entries, of which none is lost if it is invalid."""

from typing import Any

from ...values.acls import Acl
from ..committed import members
from ..declarations import Contents, Group, Keeper, Table
from ..schemas import NUMBER, SET, TEXT
from .acl_entries import OPTIONAL
from .acl_rows import AclEntries


class Acls(Keeper):
    """The entries of access lists, which the library does not see."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self.bulk = {"ACL_entry": AclEntries()}


def _acl(row: Any) -> Acl:
    return Acl(
        row.uuid,
        row.acl_name,
        frozenset(members(row, "acl_entries")),
        frozenset(members(row, "acl_fault_status")),
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
            is_reported=True,
        ),
    ),
    keeper=Acls,
)
