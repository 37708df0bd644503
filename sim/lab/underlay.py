"""The network between tunnel endpoints."""

from __future__ import annotations

from sim.lab.links import MTU_UNDERLAY, Segment
from sim.lab.namespaces import Namespace
from sim.lab.node import TunnelNode


class Underlay(Segment):
    """The segment that all tunnel endpoints are plugged into; its nodes know each other's MACs."""

    def __init__(self, namespace: Namespace) -> None:
        """Name the segment's namespace; `create` makes the bridge in it."""
        super().__init__(namespace, MTU_UNDERLAY)
        self.macs: dict[str, str] = {}
        """IP address to MAC address of every tunnel endpoint."""
        self._nodes: list[TunnelNode] = []

    def add(self, node: TunnelNode, mac: str) -> None:
        """Plug a node in; `mac` is that of its interface here. Its folder is made, too."""
        node.folder.mkdir()
        self.plug(node.namespace, node.UNDERLAY_INTERFACE, port=node.name, mac=mac)
        self._nodes.append(node)
        self.introduce(node.tunnel_ip, node.tunnel_mac)

    def introduce(self, ip: str, mac: str) -> None:
        """Let all nodes know the MAC address of a tunnel endpoint."""
        self.macs[ip] = mac
        for node in self._nodes:
            if node.ovs_vswitchd.running:
                node.meet_neighbours()
