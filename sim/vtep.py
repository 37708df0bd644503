"""A VTEP node: Open vSwitch as the guide sets it up, and the application that controls it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sim import links
from sim.app import Controller
from sim.namespaces import Namespace
from sim.openvswitch import OpenVSwitch, tail
from sim.waiting import wait_until


class Vtep(OpenVSwitch):
    """One VTEP: bridge br0 with its ports, br-phy with the tunnel address, and its controller."""

    UNDERLAY_BRIDGE = "br-phy"
    UNDERLAY_INTERFACE = "eth1"

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        folder: Path,
        *,
        tunnel_ip: str,
        tunnel_mac: str,
        neighbours: Mapping[str, str],
        controller: type[Controller],
    ) -> None:
        """Describe the node.

        `neighbours` (IP address to MAC address) are the other endpoints on the underlay; entries
        may be added later.
        """
        super().__init__(namespace, folder)
        self.name = name
        self.bridge = "br0"
        self.tunnel_ip = tunnel_ip
        self.tunnel_mac = tunnel_mac
        self.neighbours = neighbours
        self.ports: list[str] = []
        """Interfaces of the namespace that are ports of br0, or are to be."""
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

    def connect_underlay(self) -> None:
        """Make br-phy, with eth1 as a port and the tunnel address on the bridge itself.

        The user-space datapath sends tunnel packets only through a bridge of its own that has
        the tunnel's source address.

        The bridge has another MAC address than eth1, and the kernel answers ARP only for addresses
        of the interface that is asked. Otherwise the kernel would take what Open vSwitch takes
        from eth1 as well, and refuse each VXLAN packet by ICMP.
        """
        self.namespace.set_kernel_option("net/ipv4/conf/all/arp_ignore", "1")
        bridge, interface = self.UNDERLAY_BRIDGE, self.UNDERLAY_INTERFACE
        self.ovs_vsctl(
            "add-br", bridge,
            "--", "set", "bridge", bridge, "datapath_type=netdev",
            f"other_config:hwaddr={self.tunnel_mac}",
            "--", "add-port", bridge, interface,
        )  # fmt: skip
        self.restore()

    def add_bridge(self, *ports: str) -> None:
        """Make br0 with these ports."""
        self.do(
            "ovs-vsctl", "add-br", self.bridge,
            "--", "set", "bridge", self.bridge, "datapath_type=netdev",
        )  # fmt: skip
        for port in ports:
            self.add_port(port)

    def add_port(self, port: str) -> None:
        """Make an interface of the node's namespace a port of br0."""
        self.do("ovs-vsctl", "add-port", self.bridge, port)

    def add_physical_switch(self) -> None:
        """Make br0 a Physical_Switch of the VTEP database, with its tunnel address."""
        self.do("vtep-ctl", "add-ps", self.bridge)
        self.do("vtep-ctl", "set", "Physical_Switch", self.bridge, f"tunnel_ips={self.tunnel_ip}")

    def restore(self) -> None:
        """Give br-phy its address, and Open vSwitch its neighbours, which are in no database.

        Nothing happens while there is no br-phy. Raises WaitFailed.
        """
        bridge = self.UNDERLAY_BRIDGE
        if bridge not in self.ovs_vsctl("list-br").split():
            return
        wait_until(
            lambda: links.has_link(self.namespace, bridge),
            f"interface {bridge}",
            evidence=self.evidence,
        )
        links.add_address(self.namespace, bridge, self.tunnel_ip)
        links.set_up(self.namespace, bridge)
        wait_until(
            lambda: f"SRC {self.tunnel_ip}" in self.appctl("ovs/route/show"),
            "the underlay's route in Open vSwitch",
            evidence=self.evidence,
        )
        self.meet_neighbours()

    def meet_neighbours(self) -> None:
        """Tell Open vSwitch the MAC addresses of the other endpoints on the underlay.

        It would ask by ARP itself, but drops the packet that made it ask: a first frame would be
        missing for a reason that is not what the lab is about.
        """
        for ip, mac in self.neighbours.items():
            if ip != self.tunnel_ip:
                self.appctl("tnl/neigh/set", self.UNDERLAY_BRIDGE, ip, mac)

    def evidence(self) -> str:
        """Return what Open vSwitch and the controller have to say."""
        return f"{super().evidence()}\n--- {self.app.log.name}\n{tail(self.app.log, 60)}"

    def stop(self) -> None:
        """End the controller, then the daemons. Raises WaitFailed."""
        self.app.stop()
        super().stop()
