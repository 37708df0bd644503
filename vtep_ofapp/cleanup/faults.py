"""Empties the fault columns of access lists and routers, which no switch of ours uses any more."""

from collections.abc import Iterable, Iterator

from .tools import EMPTY, Removal, Row, Tools, members, where

_ACLS = {"ACL": "acl_fault_status", "ACL_entry": "acle_fault_status"}
_ROUTERS = {"Logical_Router": "LR_fault_status"}


def clean(tools: Tools, ports: Iterable[Row]) -> Iterator[Removal]:
    """Yield the removal of fault words; ``ports`` are those of switches that are not ours.

    The words of what they use stay: access lists that they name, and routers that join what they
    bind.
    """
    others = list(ports)
    acls, entries, routers = tools.select(
        tools.options.vtep_db,
        "hardware_vtep",
        *({"table": table} for table in (*_ACLS, *_ROUTERS)),
    )
    used = {str(acl) for port in others for acl in _values(port["acl_bindings"])}
    bound = {str(each) for port in others for each in _values(port["vlan_bindings"])}
    kept = [router for router in routers if bound.intersection(_joined(router))]
    used |= {str(acl) for router in kept for acl in _values(router["acl_binding"])}
    used |= {str(router["_uuid"]) for router in kept}
    for acl in acls:
        if str(acl["_uuid"]) in used:
            used |= {str(entry) for entry in members(acl["acl_entries"])}
    columns = (_ACLS | _ROUTERS).items()
    for (table, column), rows in zip(columns, (acls, entries, routers), strict=True):
        filled = [row for row in rows if row[column] != list(EMPTY)]
        ours = [row for row in filled if str(row["_uuid"]) not in used]
        if ours:
            empty = {column: list(EMPTY)}
            updates = [where("update", table, row, row=empty) for row in ours]
            yield Removal(f"{column} of {len(ours)} rows of {table}", updates)


def _values(column: list[list[list[Row]]]) -> list[Row]:
    return [value for _, value in column[1]]


def _joined(router: Row) -> set[str]:
    return {str(each) for each in _values(router["switch_binding"])}
