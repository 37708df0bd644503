"""Rows of logical routers as they are read, from columns as an NVC writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from vtep_ofapp.ovsdb.hardware_vtep.router_columns import Routes, read_bindings
from vtep_ofapp.values.routers import LogicalRouter, derived_mac


def read_router(
    row: UUID, name: str, bindings: Mapping[str, UUID], routes: Mapping[str, str], **more: Any
) -> LogicalRouter:
    """Return the row with these columns, and with further attributes as they are."""
    bound, routed = read_bindings(bindings), Routes().changed(routes)
    more.setdefault("mac", derived_mac(name))
    return LogicalRouter(
        row,
        name,
        interfaces=bound.interfaces,
        routes=routed.routes,
        logical_switches=frozenset(bindings.values()),
        refused_bindings=bound.refused,
        refused_routes=routed.refused,
        spellings=bound.spellings,
        route_keys=routed.route_keys,
        **more,
    )
