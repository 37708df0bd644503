"""Rows of hardware_vtep that vtep-ctl has no command for, as the NVC of a soak run writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.soak.stage import Stage
from sim.soak.world import LogicalSwitch
from sim.wire.ovsdb import Operation, OvsdbConnection


def write_ips(stage: Stage, wanted: LogicalSwitch) -> None:
    """Write the addresses of remote MACs of a logical switch into their rows."""
    rows, switches = stage.vtep.tables("Ucast_Macs_Remote", "Logical_Switch")
    [switch] = [row["_uuid"] for row in switches if row["name"] == wanted.name]
    _transact(
        stage,
        *(
            {
                "op": "update",
                "table": "Ucast_Macs_Remote",
                "where": _is(row["_uuid"]),
                "row": {"ipaddr": wanted.ips.get(row["MAC"], "")},
            }
            for row in rows
            if row["logical_switch"] == switch
        ),
    )


def write_list(stage: Stage, name: str) -> None:
    """Write an access list of the world in one transaction: all of its entries are new."""
    entries = enumerate(sorted(stage.world.lists[name], key=str))
    inserted: list[Operation] = [
        {"op": "insert", "table": "ACL_entry", "uuid-name": f"e{number}", "row": each.columns}
        for number, each in entries
    ]
    members = ["set", [["named-uuid", each["uuid-name"]] for each in inserted]]
    [lists] = stage.vtep.tables("ACL")
    former = [each for row in lists if row["acl_name"] == name for each in _members(row)]
    row = {"acl_name": name, "acl_entries": members}
    where = [["acl_name", "==", name]]
    _transact(
        stage,
        *inserted,
        {"op": "update", "table": "ACL", "where": where, "row": row}
        if former
        else {"op": "insert", "table": "ACL", "row": row},
        *({"op": "delete", "table": "ACL_entry", "where": _is(each)} for each in former),
    )


def bind_list(stage: Stage, port: str, key: int) -> None:
    """Bind to a port what the world has there, or nothing."""
    name = stage.world.list_bindings.get((port, key))
    [lists] = stage.vtep.tables("ACL")
    uuids = {row["acl_name"]: row["_uuid"] for row in lists}
    mutations: list[object] = [["acl_bindings", "delete", ["set", [key]]]]
    if name:
        mutations.append(["acl_bindings", "insert", ["map", [[key, ["uuid", uuids[name]]]]]])
    where = [["name", "==", port]]
    _transact(
        stage, {"op": "mutate", "table": "Physical_Port", "where": where, "mutations": mutations}
    )


def _transact(stage: Stage, *operations: Operation) -> None:
    with OvsdbConnection(stage.vtep.folder / "db.sock") as connection:
        connection.transact(*operations)


def _is(uuid: str) -> list[object]:
    return [["_uuid", "==", ["uuid", uuid]]]


def _members(row: Mapping[str, Any]) -> list[str]:
    """Return the entries of a list; OVSDB writes a set of one as the one."""
    entries = row["acl_entries"]
    return entries if isinstance(entries, list) else [entries]
