"""Logical_Router: the interfaces, routes and access lists of each router."""

from typing import Any

from ...values.addresses import Invalid
from ...values.routers import LogicalRouter, parse_router_mac
from ..declarations import Group, Table
from ..schemas import MAP, SET, TEXT
from .router_columns import read_bindings, read_routes


def _read(row: Any) -> LogicalRouter:
    joined = {key: each.uuid for key, each in row.switch_binding.items()}
    bindings, routes = read_bindings(joined), read_routes(row.static_routes)
    mac, refused_mac = "", ""
    try:
        mac = parse_router_mac(row.name, row.other_config)
    except Invalid as error:
        refused_mac = str(error)
    return LogicalRouter(
        row.uuid,
        row.name,
        mac,
        bindings.interfaces,
        routes.routes,
        {key: acl.uuid for key, acl in row.acl_binding.items()},
        frozenset(joined.values()),
        bindings.refused,
        routes.refused,
        refused_mac,
        bindings.spellings,
        routes.route_keys,
        frozenset(row.LR_fault_status),
    )


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
            read=_read,
        ),
    )
)
