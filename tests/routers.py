"""Logical routers as an NVC writes them, each change one transaction, and their fault columns."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from sim.lab.openvswitch import OpenVSwitch


def router_mac(name: str) -> str:
    """Return the MAC of a router whose row states none: it is made of the router's name."""
    return "02:76:" + blake2b(name.encode(), digest_size=4).digest().hex(":")


class Routers:
    """The rows of Logical_Router of a database."""

    def __init__(self, vtep: OpenVSwitch) -> None:
        self._vtep = vtep

    def put(
        self,
        name: str,
        bindings: Mapping[str, str],
        routes: Mapping[str, str] | None = None,
        acls: Mapping[str, str] | None = None,
        mac: str | None = None,
    ) -> None:
        """Make a router, or change it: switch_binding by names, static_routes, acl_binding."""
        switches = self._uuids("Logical_Switch", "name")
        lists = self._uuids("ACL", "acl_name")
        row = {
            "name": name,
            "switch_binding": _map({k: ["uuid", switches[v]] for k, v in bindings.items()}),
            "static_routes": _map(routes or {}),
            "acl_binding": _map({k: ["uuid", lists[v]] for k, v in (acls or {}).items()}),
            "other_config": _map({"router_mac": mac} if mac else {}),
        }
        put: dict[str, Any] = {"op": "insert", "table": "Logical_Router", "row": row}
        if any(each["name"] == name for each in self._rows("Logical_Router")):
            put |= {"op": "update", "where": [["name", "==", name]]}
        self._vtep.transact(put)

    def remove(self, *names: str) -> None:
        """Delete routers."""
        deletes = [_delete([["name", "==", name]]) for name in names]
        self._vtep.transact(*deletes)

    def keep(self, *names: str) -> None:
        """Delete all other routers."""
        self.remove(
            *(row["name"] for row in self._rows("Logical_Router") if row["name"] not in names)
        )

    def wipe(self) -> None:
        """Delete all routers."""
        self._vtep.transact(_delete([]))

    def faults(self, switch: str = "br0") -> set[str]:
        """Return what the fault columns of all routers and of a switch hold."""
        words = [row["LR_fault_status"] for row in self._rows("Logical_Router")]
        rows = self._rows("Physical_Switch")
        words += [row["switch_fault_status"] for row in rows if row["name"] == switch]
        return {word for each in words for word in (each if isinstance(each, list) else [each])}

    def _uuids(self, table: str, column: str) -> dict[str, str]:
        return {row[column]: row["_uuid"] for row in self._rows(table)}

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self._vtep.tables(table)[0]


def _map(values: Mapping[str, Any]) -> list[Any]:
    return ["map", [[key, value] for key, value in values.items()]]


def _delete(where: list[Any]) -> dict[str, Any]:
    return {"op": "delete", "table": "Logical_Router", "where": where}
