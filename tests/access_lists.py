"""Access lists as an NVC writes them, each change one transaction, and their fault columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.lab.openvswitch import OpenVSwitch

Entry = Mapping[str, Any]
"""The columns of an ACL_entry row."""


def entry(sequence: int, direction: str, action: str, **columns: Any) -> Entry:
    """Return the columns of an entry; ``direction`` is "in" or "out"."""
    toward = {"in": "ingress", "out": "egress"}[direction]
    return {"sequence": sequence, "direction": toward, "action": action, **columns}


class AccessLists:
    """The rows of ACL and ACL_entry of a database, and the acl_bindings of ports."""

    def __init__(self, vtep: OpenVSwitch) -> None:
        self._vtep = vtep

    def put(self, name: str, *entries: Entry) -> None:
        """Make an access list with these entries, or give it these in place of its own."""
        inserts = [
            {"op": "insert", "table": "ACL_entry", "row": dict(columns), "uuid-name": f"e{number}"}
            for number, columns in enumerate(entries)
        ]
        names = [["named-uuid", f"e{number}"] for number in range(len(entries))]
        row = {"acl_name": name, "acl_entries": ["set", names]}
        where = [["acl_name", "==", name]]
        former = self.entries(name)
        is_there = any(each["acl_name"] == name for each in self._rows("ACL"))
        put = (
            {"op": "update", "table": "ACL", "where": where, "row": row}
            if is_there
            else {"op": "insert", "table": "ACL", "row": row}
        )
        deletes = [_delete("ACL_entry", each["_uuid"]) for each in former]
        self._vtep.transact(*inserts, put, *deletes)

    def bind(self, port: str, acls: Mapping[int, str]) -> None:
        """Let a port name these access lists by VLAN, and no others."""
        uuids = {row["acl_name"]: row["_uuid"] for row in self._rows("ACL")}
        pairs = [[vlan, ["uuid", uuids[name]]] for vlan, name in acls.items()]
        self.put_columns("Physical_Port", ["name", port], acl_bindings=["map", pairs])

    def put_columns(self, table: str, where: Sequence[Any], **columns: Any) -> None:
        """Set columns of the row that has a value in a column."""
        condition = [[where[0], "==", where[1]]]
        change = {"op": "update", "table": table, "where": condition, "row": columns}
        (done,) = self._vtep.transact(change)
        assert done["count"] == 1, f"{done['count']} rows of {table} have {where}"

    def change(self, name: str, number: int, **columns: Any) -> None:
        """Set columns of an entry of an access list, by its number in the order of sequences."""
        row = sorted(self.entries(name), key=lambda each: int(each["sequence"]))[number]
        self.put_columns("ACL_entry", ["_uuid", ["uuid", row["_uuid"]]], **columns)

    def remove(self, *names: str) -> None:
        """Delete access lists that no port names any longer, with their entries."""
        rows = [row for row in self._rows("ACL") if row["acl_name"] in names]
        entries = [each["_uuid"] for name in names for each in self.entries(name)]
        self._vtep.transact(
            *(_delete("ACL", row["_uuid"]) for row in rows),
            *(_delete("ACL_entry", each) for each in dict.fromkeys(entries)),
        )

    def wipe(self) -> None:
        """Take back all access lists and all that names them."""
        clear = {"op": "update", "table": "Physical_Port", "where": [], "row": _NO_BINDINGS}
        deletes: list[dict[str, Any]] = [
            {"op": "delete", "table": each, "where": []} for each in ("ACL", "ACL_entry")
        ]
        self._vtep.transact(clear, *deletes)

    def entries(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of the entries of an access list."""
        found = [row for row in self._rows("ACL") if row["acl_name"] == name]
        uuids = {each for row in found for each in _several(row["acl_entries"])}
        return [row for row in self._rows("ACL_entry") if row["_uuid"] in uuids]

    def faults(self, name: str, *ports: str) -> set[str]:
        """Return what the fault columns of a list, its entries and these ports hold."""
        acls = [row for row in self._rows("ACL") if row["acl_name"] == name]
        words = [row["acl_fault_status"] for row in acls]
        words += [row["acle_fault_status"] for row in self.entries(name)]
        rows = self._rows("Physical_Port")
        words += [row["port_fault_status"] for row in rows if row["name"] in ports]
        return {word for each in words for word in _several(each)}

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self._vtep.tables(table)[0]


_NO_BINDINGS = {"acl_bindings": ["map", []]}


def _delete(table: str, row: str) -> dict[str, Any]:
    return {"op": "delete", "table": table, "where": [["_uuid", "==", ["uuid", row]]]}


def _several(value: Any) -> list[Any]:
    """Return a column's set; OVSDB writes a set of one as the value itself."""
    return value if isinstance(value, list) else [value]
