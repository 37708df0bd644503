"""A VTEP node: Open vSwitch as the guide sets it up, and the application that controls it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sim.lab.app import Controller
from sim.lab.namespaces import Namespace
from sim.lab.node import TunnelNode
from sim.lab.openvswitch import tail


class Vtep(TunnelNode):
    """One VTEP: bridge br0 with its ports, br-phy with the tunnel address, and its controller."""

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        folder: Path,
        *,
        tunnel_ip: str,
        tunnel_mac: str,
        neighbours: Mapping[str, str],
        management_ip: str,
        controller: type[Controller],
    ) -> None:
        """Describe the node; see `TunnelNode` for the neighbours."""
        super().__init__(
            name,
            namespace,
            folder,
            schemas=("ovs", "vtep"),
            tunnel_ip=tunnel_ip,
            tunnel_mac=tunnel_mac,
            neighbours=neighbours,
        )
        self.management_ip = management_ip
        self.app = controller(self)

    def start(self, *, controller: bool = True) -> None:
        """Do steps 1 to 6 of the guide's Startup; without step 6 if `controller` is False.

        Raises CommandFailed or WaitFailed.
        """
        self.create_databases()
        self.ovsdb_server.start()
        self.ovs_vswitchd.start()
        self.connect_underlay()
        self.add_bridge(*self.ports)
        self.add_physical_switch()
        if controller:
            self.app.take_over()

    def add_bridge(self, *ports: str) -> None:
        """Make br0 with these ports."""
        self.do(
            "ovs-vsctl", "add-br", self.bridge,
            "--", "set", "bridge", self.bridge, "datapath_type=netdev",
        )  # fmt: skip
        for port in ports:
            self.add_port(port)

    def add_physical_switch(self) -> None:
        """Make br0 a Physical_Switch of the VTEP database, with its tunnel address."""
        self.do("vtep-ctl", "add-ps", self.bridge)
        self.do("vtep-ctl", "set", "Physical_Switch", self.bridge, f"tunnel_ips={self.tunnel_ip}")

    def stations(self, table: str) -> dict[tuple[str, str], str]:
        """Return Ucast_Macs_Local or _Remote: by logical switch and MAC, the locator's address.

        Raises AssertionError if a station is at two places.
        """
        rows, locators, switches = self.tables(table, "Physical_Locator", "Logical_Switch")
        addresses, names = _by_uuid(locators, "dst_ip"), _by_uuid(switches, "name")
        found: dict[tuple[str, str], str] = {}
        for row in rows:
            key = names[row["logical_switch"]], row["MAC"]
            assert key not in found, f"{self.name}: {key} is in {table} twice"
            found[key] = addresses[row["locator"]]
        return found

    def flooding(self, table: str = "Mcast_Macs_Remote") -> dict[str, list[str]]:
        """Return the flood list (unknown-dst) of each logical switch, as sorted addresses."""
        rows, sets, locators, switches = self.tables(
            table, "Physical_Locator_Set", "Physical_Locator", "Logical_Switch"
        )
        addresses, names = _by_uuid(locators, "dst_ip"), _by_uuid(switches, "name")
        members = {
            uuid: locators if isinstance(locators, list) else [locators]
            for uuid, locators in _by_uuid(sets, "locators").items()
        }
        return {
            names[row["logical_switch"]]: sorted(
                addresses[each] for each in members[row["locator_set"]]
            )
            for row in rows
            if row["MAC"] == "unknown-dst"
        }

    def tunnels(self) -> dict[str, dict[str, Any]]:
        """Return the rows of Tunnel by the address that they lead to."""
        rows, locators = self.tables("Tunnel", "Physical_Locator")
        addresses = _by_uuid(locators, "dst_ip")
        return {addresses[row["remote"]]: row for row in rows}

    def evidence(self) -> str:
        """Return the evidence of Open vSwitch, and the end of the controller's log."""
        return f"{super().evidence()}\n--- {self.app.log.name}\n{tail(self.app.log, 60)}"

    def stop(self) -> None:
        """Kill the controller and the daemons. Raises WaitFailed."""
        self.app.kill()
        super().stop()


def _by_uuid(rows: Iterable[Mapping[str, Any]], column: str) -> dict[str, Any]:
    return {row["_uuid"]: row[column] for row in rows}
