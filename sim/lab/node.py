"""A node of the underlay that runs Open vSwitch and ends tunnels: a VTEP, or a peer of VTEPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.lab import links
from sim.lab.buffers import enlarge_packet_buffers
from sim.lab.namespaces import Namespace
from sim.lab.openvswitch import OpenVSwitch
from sim.waiting import wait_until


class TunnelNode(OpenVSwitch):
    """Open vSwitch with the tunnel address on a bridge of its own, br-phy."""

    UNDERLAY_BRIDGE = "br-phy"
    UNDERLAY_INTERFACE = "eth1"

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        folder: Path,
        *,
        schemas: Sequence[str],
        tunnel_ip: str,
        tunnel_mac: str,
        neighbours: Mapping[str, str],
    ) -> None:
        """Describe the node.

        `neighbours` (IP address to MAC address) are the other endpoints on the underlay; entries
        may be added later.
        """
        super().__init__(namespace, folder, schemas)
        self.name = name
        self.tunnel_ip = tunnel_ip
        self.tunnel_mac = tunnel_mac
        self.neighbours = neighbours

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

    def add_port(self, port: str) -> None:
        """Make an interface of the node's namespace a port of the bridge."""
        self.do("ovs-vsctl", "add-port", self.bridge, port)
        self.enlarge_buffers()

    def remove_port(self, port: str) -> None:
        """Take a port off the bridge."""
        self.do("ovs-vsctl", "del-port", self.bridge, port)

    def bfd_sessions(self) -> dict[str, dict[str, str]]:
        """Return what Open vSwitch shows of each BFD session, by the tunnel's other end.

        The daemon is asked; the columns of the database may be older.
        """
        remotes = {
            row["name"]: row["options"].get("remote_ip", "")
            for row in self.rows("Interface", "Open_vSwitch")
        }
        sessions: dict[str, dict[str, str]] = {}
        session: dict[str, str] = {}
        for line in self.appctl("bfd/show").splitlines():
            if line.startswith("----"):
                session = sessions[remotes.get(line.strip("- "), "")] = {}
            elif ":" in line:
                key, _, value = line.partition(":")
                session[key.strip()] = value.strip()
        return sessions

    def restore(self) -> None:
        """Give br-phy its address, and Open vSwitch its neighbours, which are in no database.

        Nothing of that happens while there is no br-phy. Raises WaitFailed.
        """
        self.enlarge_buffers()  # before anything else: frames come already
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
        self.enlarge_buffers()

    def enlarge_buffers(self) -> None:
        """Let no frame be dropped before Open vSwitch reads it; see `enlarge_packet_buffers`."""
        pid = self.ovs_vswitchd.pid
        assert pid is not None
        enlarge_packet_buffers(pid)

    def meet_neighbours(self) -> None:
        """Tell Open vSwitch the MAC addresses of the other endpoints on the underlay.

        It would ask by ARP itself, but drops the packet that needs the answer: each first frame
        would be lost.
        """
        for ip, mac in self.neighbours.items():
            if ip != self.tunnel_ip:
                self.appctl("tnl/neigh/set", self.UNDERLAY_BRIDGE, ip, mac)
