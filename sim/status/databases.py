"""What the OVSDB databases of a host of a lab say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.status.values import (
    Binding,
    Flooding,
    LocalMac,
    LogicalSwitch,
    Manager,
    Port,
    RemoteMac,
    Switch,
    Tunnel,
)
from sim.wire.ovsdb import OvsdbConnection, to_python

Row = Mapping[str, Any]

Tables = Mapping[str, Sequence[Row]]
"""Rows by table; sets are tuples, maps are dicts, references are the UUIDs of rows."""

OPEN_VSWITCH = {"Bridge": ("name", "ports"), "Port": ("interfaces",), "Interface": (
    "name", "type", "options", "bfd", "bfd_status",
)}  # fmt: skip
HARDWARE_VTEP = {
    "Manager": ("target", "is_connected"),
    "Physical_Switch": ("name", "tunnel_ips", "ports", "tunnels", "switch_fault_status"),
    "Physical_Port": ("name", "vlan_bindings", "port_fault_status"),
    "Logical_Switch": ("name", "tunnel_key", "replication_mode"),
    "Tunnel": ("local", "remote", "bfd_status"),
    "Physical_Locator": ("dst_ip",),
    "Physical_Locator_Set": ("locators",),
    "Ucast_Macs_Local": ("MAC", "logical_switch", "locator"),
    "Ucast_Macs_Remote": ("MAC", "logical_switch", "locator"),
    "Mcast_Macs_Remote": ("MAC", "logical_switch", "locator_set"),
}
"""The columns that are read of each database."""

_TUNNELS = ("vxlan", "geneve")
"""Types of interfaces that are tunnels; OVN's hypervisors have geneve among each other."""

PATIENCE = 10.0
"""Seconds for a server to answer; one with 100,000 MACs needs four."""


def read(socket: Path, database: str, wanted: Mapping[str, Sequence[str]]) -> Tables:
    """Return the rows of several tables as they are at one moment.

    Raises OSError if no server listens, RuntimeError if it refuses, WaitFailed if it says nothing.
    """
    selects = [
        {"op": "select", "table": name, "where": [], "columns": ["_uuid", *columns]}
        for name, columns in wanted.items()
    ]
    with OvsdbConnection(socket, database, patience=PATIENCE) as connection:
        results = connection.transact(*selects)
    return {
        name: [
            {column: to_python(value) for column, value in row.items()} for row in result["rows"]
        ]
        for name, result in zip(wanted, results, strict=True)
    }


# Open_vSwitch


def bridges(tables: Tables) -> dict[str, str]:
    """Return, for each interface, the bridge that it is a port of."""
    ports = {row["_uuid"]: row["interfaces"] for row in tables["Port"]}
    names = {row["_uuid"]: row["name"] for row in tables["Interface"]}
    return {
        names[interface]: bridge["name"]
        for bridge in tables["Bridge"]
        for port in _set(bridge["ports"])
        for interface in _set(ports[port])
    }


def tunnels(tables: Tables) -> Iterator[Tunnel]:
    """Yield the tunnel ports with a remote address."""
    for row in tables["Interface"]:
        options, bfd = row["options"], row["bfd"]
        if row["type"] in _TUNNELS and options.get("remote_ip", "flow") != "flow":
            status = row["bfd_status"] if bfd.get("enable") == "true" else {}
            yield _tunnel(options.get("local_ip", ""), options["remote_ip"], status)


# hardware_vtep


class HardwareVtep:
    """The rows of a hardware_vtep database, with names in the place of references."""

    def __init__(self, tables: Tables) -> None:
        """Keep the rows."""
        self._tables = tables
        self._addresses = _column(tables["Physical_Locator"], "dst_ip")
        self._names = _column(tables["Logical_Switch"], "name")

    def managers(self) -> Iterator[Manager]:
        """Yield the rows of Manager."""
        for row in self._sorted("Manager", "target"):
            yield Manager(row["target"], bool(row["is_connected"]))

    def switches(self) -> Iterator[Switch]:
        """Yield the rows of Physical_Switch, with their ports and tunnels."""
        for row in self._sorted("Physical_Switch", "name"):
            ports, ends = _set(row["ports"]), _set(row["tunnels"])
            yield Switch(
                row["name"],
                tuple(sorted(_set(row["tunnel_ips"]))),
                tuple(self._port(each) for each in self._sorted("Physical_Port", "name", ports)),
                in_order(self._tunnels(ends)),
                tuple(sorted(_set(row["switch_fault_status"]))),
            )

    def logical_switches(self) -> Iterator[LogicalSwitch]:
        """Yield the rows of Logical_Switch."""
        for row in self._sorted("Logical_Switch", "name"):
            (vni,) = _set(row["tunnel_key"]) or (None,)
            (mode,) = _set(row["replication_mode"]) or (None,)
            yield LogicalSwitch(row["name"], vni, mode)

    def local_macs(self, places: Mapping[tuple[str, str], tuple[str, int]]) -> Iterator[LocalMac]:
        """Yield the rows of Ucast_Macs_Local, with the port and VLAN of each where known."""
        for name, mac, address in self._macs("Ucast_Macs_Local"):
            yield LocalMac(name, mac, address, *places.get((name, mac), (None, None)))

    def remote_macs(self) -> Iterator[RemoteMac]:
        """Yield the rows of Ucast_Macs_Remote."""
        for name, mac, address in self._macs("Ucast_Macs_Remote"):
            yield RemoteMac(name, mac, address)

    def flooding(self) -> Iterator[Flooding]:
        """Yield the rows of Mcast_Macs_Remote."""
        sets = _column(self._tables["Physical_Locator_Set"], "locators")
        found = [
            Flooding(
                self._names[row["logical_switch"]],
                row["MAC"],
                tuple(
                    sorted(
                        (self._addresses[each] for each in _set(sets[row["locator_set"]])),
                        key=_by_number,
                    )
                ),
            )
            for row in self._tables["Mcast_Macs_Remote"]
        ]
        yield from sorted(found, key=lambda each: (each.logical_switch, each.mac))

    def _port(self, row: Row) -> Port:
        bindings = (Binding(vlan, self._names[ls]) for vlan, ls in row["vlan_bindings"].items())
        return Port(
            row["name"],
            tuple(sorted(bindings, key=lambda each: each.vlan)),
            tuple(sorted(_set(row["port_fault_status"]))),
        )

    def _tunnels(self, uuids: Sequence[Any]) -> Iterator[Tunnel]:
        for row in self._tables["Tunnel"]:
            if row["_uuid"] in uuids:
                local, remote = self._addresses[row["local"]], self._addresses[row["remote"]]
                yield _tunnel(local, remote, row["bfd_status"])

    def _macs(self, table: str) -> list[tuple[str, str, str]]:
        return sorted(
            (self._names[row["logical_switch"]], row["MAC"], self._addresses[row["locator"]])
            for row in self._tables[table]
        )

    def _sorted(self, table: str, column: str, uuids: Sequence[Any] | None = None) -> Iterable[Row]:
        rows = (row for row in self._tables[table] if uuids is None or row["_uuid"] in uuids)
        return sorted(rows, key=lambda row: str(row[column]))


def in_order(tunnels: Iterable[Tunnel]) -> tuple[Tunnel, ...]:
    """Return tunnels in the order of their remote addresses."""
    return tuple(sorted(tunnels, key=lambda tunnel: (_by_number(tunnel.remote), tunnel.local)))


def _by_number(address: str) -> list[str]:
    """Return what sorts 10.2.2.9 before 10.2.2.10."""
    return [part.zfill(3) for part in address.split(".")]


def _tunnel(local: str, remote: str, status: Mapping[str, str]) -> Tunnel:
    """Return a tunnel; `status` is its bfd_status, which is empty while BFD is off."""
    if status.get("enabled", "true") == "false" or "state" not in status:
        return Tunnel(local, remote, None, None)
    return Tunnel(local, remote, status["state"], status.get("forwarding") == "true")


def _column(rows: Iterable[Row], column: str) -> dict[Any, Any]:
    return {row["_uuid"]: row[column] for row in rows}


def _set(value: Any) -> list[Any]:
    """Return a set column as a list: OVSDB writes a set of one as the one."""
    return value if isinstance(value, list) else [value]
