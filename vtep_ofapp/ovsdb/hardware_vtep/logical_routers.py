"""Logical_Router: the interfaces, routes and access lists of each router."""

from ..declarations import Contents, Group, Keeper, Table
from ..schemas import MAP, SET, TEXT
from .router_rows import RouterRows


class LogicalRouters(Keeper):
    """The rows of routers, which the library does not see."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self.bulk = {"Logical_Router": RouterRows()}


GROUP = Group(
    tables=(
        Table(
            "Logical_Router",
            {
                "name": TEXT,
                "switch_binding": MAP,
                "static_routes": MAP,
                "acl_binding": MAP,
                "other_config": MAP,
                "LR_fault_status": SET,
            },
            is_reported=True,
        ),
    ),
    keeper=LogicalRouters,
)
