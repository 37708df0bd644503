"""The NVC's part, played by vtep-ctl, and what there is to see of the application's."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sim.lab.vtep import Vtep
from sim.waiting import wait_until

MARKS = "marks"
"""The logical switch of the markers: two VLANs of every port, so that a marker also comes back."""
MARK_VLANS = (4000, 4001)
MARK_VNI = 4000
MARKER = "02:4d"
"""How the addresses begin that markers come from."""

PATIENCE = 60.0
"""Seconds until a test gives up; it is only ever waited for in full by a test that fails."""

T = TypeVar("T")

Row = dict[str, Any]
"""A row of a database by its columns, with plain Python values."""


@dataclass(frozen=True)
class LocalRow:
    """A row of Ucast_Macs_Local or Mcast_Macs_Local."""

    uuid: str
    logical_switch: str
    mac: str
    addresses: tuple[str, ...]


class Control:
    """Writes what an NVC writes, reads what it would read."""

    def __init__(self, vtep: Vtep) -> None:
        self.vtep = vtep

    def wait(self, condition: Callable[[], T], what: str) -> T:
        """Wait for a condition; show all there is to see if it does not come true."""
        return wait_until(condition, what, timeout=PATIENCE, evidence=self.vtep.evidence)

    # What the NVC writes

    def do(self, *commands: str) -> None:
        """Run commands of vtep-ctl, all in one transaction."""
        self.vtep.vtep_ctl(*shlex.split(" -- ".join(commands)))

    def add_marks(self, *endpoints: str) -> None:
        """Make the logical switch of the markers, on every port."""
        bindings = [
            f"bind-ls {self.vtep.bridge} {port} {vlan} {MARKS}"
            for port in self.vtep.ports
            for vlan in MARK_VLANS
        ]
        self.do(
            f"add-ls {MARKS}",
            f"set Logical_Switch {MARKS} tunnel_key={MARK_VNI}",
            f"set-replication-mode {MARKS} source_node",
            *bindings,
            *(f"add-mcast-remote {MARKS} unknown-dst {address}" for address in endpoints),
        )

    def wipe(self) -> None:
        """Take back all that a test has configured, in the order in which an NVC does."""
        marks = self._uuid_of(MARKS)
        orders = [
            f"destroy {table} {row['_uuid']}"
            for table in ("Ucast_Macs_Remote", "Mcast_Macs_Remote")
            for row in self.rows(table)
            if row["logical_switch"] != marks
        ]
        orders += [
            f"unbind-ls {self.vtep.bridge} {port['name']} {vlan}"
            for port in self.rows("Physical_Port")
            for vlan in port["vlan_bindings"]
            if vlan not in MARK_VLANS
        ]
        if orders:
            self.do(*orders)
        self.wait(
            lambda: all(row.logical_switch == MARKS for row in self.local_rows()),
            "the end of the local rows of what is bound no more",
        )
        others = [row["name"] for row in self.rows("Logical_Switch") if row["name"] != MARKS]
        if others:
            self.do(*(f"del-ls {name}" for name in others))

    # What it reads

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table of hardware_vtep as plain Python values."""
        return self.tables(table)[0]

    def tables(self, *names: str) -> list[list[Row]]:
        """Return the rows of several tables, as they were at one moment."""
        return self.vtep.tables(*names)

    def local_rows(self) -> list[LocalRow]:
        """Return every row of Ucast_Macs_Local and Mcast_Macs_Local."""
        ucast, mcast, sets, locators, switches = self.tables(
            "Ucast_Macs_Local",
            "Mcast_Macs_Local",
            "Physical_Locator_Set",
            "Physical_Locator",
            "Logical_Switch",
        )
        address = {row["_uuid"]: row["dst_ip"] for row in locators}
        members = {
            row["_uuid"]: tuple(sorted(address[each] for each in _set(row["locators"])))
            for row in sets
        }
        name = {row["_uuid"]: row["name"] for row in switches}
        return [
            LocalRow(
                row["_uuid"], name[row["logical_switch"]], row["MAC"], (address[row["locator"]],)
            )
            for row in ucast
        ] + [
            LocalRow(
                row["_uuid"], name[row["logical_switch"]], row["MAC"], members[row["locator_set"]]
            )
            for row in mcast
        ]

    def local(self, mac: str, logical_switch: str = "ls0") -> LocalRow | None:
        """Return the one row for an address, None if there is none."""
        found = [r for r in self.local_rows() if (r.mac, r.logical_switch) == (mac, logical_switch)]
        assert len(found) < 2, f"more than one row: {found}"
        return found[0] if found else None

    def wait_for_local(self, mac: str, logical_switch: str = "ls0") -> LocalRow:
        """Return the row for an address as soon as it is there."""
        what = f"{mac} among the local MACs of {logical_switch}"
        row = self.wait(lambda: self.local(mac, logical_switch), what)
        assert row is not None
        return row

    def wait_for_no_local(self, mac: str, logical_switch: str = "ls0") -> None:
        """Return as soon as there is no row for an address."""
        self.wait(
            lambda: self.local(mac, logical_switch) is None,
            f"the end of {mac} among the local MACs of {logical_switch}",
        )

    # What there is to see on the switch

    def tunnels(self) -> dict[str, dict[str, str]]:
        """Return the VXLAN interfaces by the address they lead to; `name` is the port's.

        The one for addresses that no row names, whose remote end is `flow`, is left out.
        All is read at one moment: a port may go between two.
        """
        bridges, ports, interfaces = self.vtep.tables(
            "Bridge", "Port", "Interface", database="Open_vSwitch"
        )
        (bridge,) = (row for row in bridges if row["name"] == self.vtep.bridge)
        names = {row["name"] for row in ports if row["_uuid"] in _set(bridge["ports"])}
        found = {}
        for row in interfaces:
            remote = row["options"].get("remote_ip")
            if row["name"] in names and row["type"] == "vxlan" and remote != "flow":
                found[remote] = {**row["options"], "name": row["name"]}
        return found

    def picture(self) -> dict[str, list[str]]:
        """Return what the application has made, without what it learned from markers."""
        bridge = self.vtep.bridge
        flows = self.vtep.ofctl("--no-stats", "--no-names", "dump-flows", bridge).splitlines()
        groups = self.vtep.ofctl("--no-names", "dump-groups", bridge).splitlines()[1:]
        tables = self.tables("Physical_Locator", "Physical_Port", "Physical_Switch")
        rows = [row for row in self.local_rows() if not row.mac.startswith(MARKER)]
        faults = [
            str(row[column])
            for table, column in zip(
                tables[1:], ("port_fault_status", "switch_fault_status"), strict=True
            )
            for row in table
        ]
        return {
            "flows": sorted(flow.strip() for flow in flows if MARKER not in flow),
            "groups": sorted(group.strip() for group in groups),
            "ports": sorted(self.vtep.ovs_vsctl("list-ports", bridge).split()),
            "locators": sorted(row["dst_ip"] for row in tables[0]),
            "local rows": sorted(map(str, rows)),
            "faults": sorted(faults),
        }

    def _uuid_of(self, logical_switch: str) -> str:
        rows = self.rows("Logical_Switch")
        return next(str(row["_uuid"]) for row in rows if row["name"] == logical_switch)


def _set(value: Any) -> list[Any]:
    """Return a column's set; OVSDB writes a set of one as the value itself."""
    return value if isinstance(value, list) else [value]
