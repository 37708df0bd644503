"""A hypervisor of OVN: Open vSwitch, ovn-controller, and virtual machines on the bridge br-int."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sim.lab.namespaces import Namespace
from sim.lab.node import TunnelNode
from sim.lab.openvswitch import Daemon, tail


class Hypervisor(TunnelNode):
    """A chassis of OVN. The name of a port is that of its logical switch port."""

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        folder: Path,
        *,
        tunnel_ip: str,
        tunnel_mac: str,
        neighbours: Mapping[str, str],
        southbound: str,
        encapsulation: str,
    ) -> None:
        """Describe the node; see `TunnelNode` for the neighbours.

        `southbound` is the OVSDB remote of OVN's Southbound database, `encapsulation` what goes
        into `ovn-encap-type`, such as `vxlan` or `geneve,vxlan`.
        """
        super().__init__(
            name,
            namespace,
            folder,
            schemas=("ovs",),
            tunnel_ip=tunnel_ip,
            tunnel_mac=tunnel_mac,
            neighbours=neighbours,
        )
        self.bridge = "br-int"
        self.ovn_controller = Daemon(self, "ovn-controller", [self.db])
        self._settings = {
            "system-id": name,
            "hostname": name,
            "ovn-remote": southbound,
            "ovn-encap-type": encapsulation,
            "ovn-encap-ip": tunnel_ip,
            "ovn-bridge-datapath-type": "netdev",
        }

    def start(self) -> None:
        """Start Open vSwitch and ovn-controller, with the ports that were added so far."""
        self.create_databases()
        self.ovsdb_server.start()
        self.ovs_vswitchd.start()
        self.connect_underlay()
        pairs = (f"external_ids:{key}={value}" for key, value in self._settings.items())
        self.do("ovs-vsctl", "set", "Open_vSwitch", ".", *pairs)
        self.do(
            "ovs-vsctl", "add-br", self.bridge,
            "--", "set", "bridge", self.bridge, "datapath_type=netdev", "fail_mode=secure",
        )  # fmt: skip
        for port in self.ports:
            self.add_port(port)
        self.ovn_controller.start()

    def add_port(self, port: str) -> None:
        """Make an interface a port of br-int, and bind the logical switch port of its name."""
        self.do(
            "ovs-vsctl", "add-port", self.bridge, port,
            "--", "set", "Interface", port, f"external_ids:iface-id={port}",
        )  # fmt: skip
        self.enlarge_buffers()

    def evidence(self) -> str:
        """Return the evidence of Open vSwitch, and the end of ovn-controller's log."""
        log = self.ovn_controller.log
        return f"{super().evidence()}\n--- {log.name}\n{tail(log)}"

    def stop(self) -> None:
        """Kill the daemons. Raises WaitFailed."""
        self.ovn_controller.kill()
        super().stop()
