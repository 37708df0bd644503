"""Rows of hardware_vtep as operations of OVSDB (RFC 7047), for transactions of any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Any

from sim.wire.ovsdb import Operation, OvsdbConnection

Reference = Sequence[str]
"""A row: ["uuid", …], or ["named-uuid", …] within the transaction that inserts it."""


def insert(table: str, label: str | None = None, /, **columns: Any) -> Operation:
    """Insert a row, which the same transaction may refer to by a label."""
    labelled = {"uuid-name": label} if label else {}
    return {"op": "insert", "table": table, "row": columns, **labelled}


def update(table: str, column: str, value: str, /, **columns: Any) -> Operation:
    """Change columns of the rows that have a value in one column."""
    return {"op": "update", "table": table, "where": [[column, "==", value]], "row": columns}


def delete(table: str, row: Reference | None = None) -> Operation:
    """Delete a row, or all rows of a table."""
    where = [["_uuid", "==", row]] if row else []
    return {"op": "delete", "table": table, "where": where}


def named(name: str) -> Reference:
    """Refer to a row that is inserted in the same transaction."""
    return ["named-uuid", name]


def find(connection: OvsdbConnection, table: str, column: str, value: str) -> Reference | None:
    """Return the row that has a value in one column, or None."""
    query = {"op": "select", "table": table, "where": [[column, "==", value]]}
    found = connection.transact(query)[0]["rows"]
    return found[0]["_uuid"] if found else None


def locator(name: str, address: str) -> Operation:
    """Insert a Physical_Locator."""
    return insert("Physical_Locator", name, encapsulation_type="vxlan_over_ipv4", dst_ip=address)


def station(
    mac: str,
    logical_switch: Reference,
    locator: Reference,
    table: str = "Ucast_Macs_Remote",
    ip: str = "",
) -> Operation:
    """Insert a station behind a locator, with or without its own IP address."""
    own = {"ipaddr": ip} if ip else {}
    return insert(table, MAC=mac, logical_switch=logical_switch, locator=locator, **own)


def change(table: str, row: Reference, **columns: Any) -> Operation:
    """Change columns of one row."""
    return {"op": "update", "table": table, "where": [["_uuid", "==", row]], "row": columns}


def add_to_set(table: str, row: Reference, column: str, member: Reference) -> Operation:
    """Insert a member into a set in a column of one row."""
    mutations = [[column, "insert", as_set([member])]]
    return {"op": "mutate", "table": table, "where": [["_uuid", "==", row]], "mutations": mutations}


def replace_in_map(table: str, row: Reference, column: str, key: str, value: str) -> Operation:
    """Give a key of a map in a column of one row another value."""
    mutations = [
        [column, "delete", ["set", [key]]],
        [column, "insert", ["map", [[key, value]]]],
    ]
    return {"op": "mutate", "table": table, "where": [["_uuid", "==", row]], "mutations": mutations}


def macs(number: int, series: int) -> list[str]:
    """Return that many unicast addresses; those of different series (0 to 255) differ."""
    return [f"02:{series:02x}:" + each.to_bytes(4, "big").hex(":") for each in range(number)]


def ips(number: int) -> list[str]:
    """Return that many addresses of hosts in 10.0.0.0/8."""
    return [str(IPv4Address(0x0A010001 + each)) for each in range(number)]


def as_set(members: Iterable[Reference]) -> list[Any]:
    """Return a set as OVSDB writes it."""
    return ["set", list(members)]
