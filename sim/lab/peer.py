"""A tunnel endpoint with an Open vSwitch of its own: a remote VTEP or service node with BFD."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scapy.packet import Packet

from sim.lab.capture import Capture
from sim.lab.hosts import VxlanSource
from sim.lab.links import Segment
from sim.lab.namespaces import Namespace
from sim.lab.node import TunnelNode


class Peer(TunnelNode):
    """Open vSwitch with a tunnel to each endpoint that `add_tunnel` names, and BFD on it.

    It drops what arrives until `replicate` makes it a service node. To let it fail: kill, stop
    or restart its `ovs_vswitchd`, `set_cpath_down`, `cut` and `mend`.
    """

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        folder: Path,
        *,
        tunnel_ip: str,
        tunnel_mac: str,
        neighbours: Mapping[str, str],
        underlay: Segment,
    ) -> None:
        """Describe the node; see `TunnelNode` for the neighbours."""
        super().__init__(
            name,
            namespace,
            folder,
            schemas=("ovs",),
            tunnel_ip=tunnel_ip,
            tunnel_mac=tunnel_mac,
            neighbours=neighbours,
        )
        self._underlay = underlay
        self._source = VxlanSource(namespace, tunnel_ip)
        self._tunnels: dict[str, str] = {}
        self._replicates = False

    def start(self) -> None:
        """Start Open vSwitch, with a bridge that has no tunnel yet and drops everything."""
        self.create_databases()
        self.ovsdb_server.start()
        self.ovs_vswitchd.start()
        self.connect_underlay()
        self.ovs_vsctl(
            "add-br", self.bridge,
            "--", "set", "bridge", self.bridge, "datapath_type=netdev", "fail_mode=secure",
        )  # fmt: skip

    def add_tunnel(self, remote_ip: str, **bfd: object) -> None:
        """Make a tunnel for any VNI; BFD is on if it has settings, such as `min_rx=300`.

        Nothing happens if there is one.
        """
        if remote_ip in self._tunnels:
            return
        port = f"vx{len(self._tunnels) + 1}"
        self.ovs_vsctl(
            "add-port", self.bridge, port, "--", "set", "interface", port, "type=vxlan",
            f"ofport_request={len(self._tunnels) + 1}", f"options:remote_ip={remote_ip}",
            f"options:local_ip={self.tunnel_ip}", "options:key=flow",
        )  # fmt: skip
        self._tunnels[remote_ip] = port
        if bfd:
            self.set_bfd(remote_ip, **{"enable": True, **bfd})
        self._put_flows()

    def set_bfd(self, remote_ip: str, **settings: object) -> None:
        """Set keys of the column `bfd` of a tunnel, such as `enable=False` or `min_tx=100`."""
        pairs = [
            f"bfd:{key}={str(value).lower() if isinstance(value, bool) else value}"
            for key, value in settings.items()
        ]
        self.ovs_vsctl("set", "interface", self._tunnels[remote_ip], *pairs)

    def set_cpath_down(self, is_down: bool) -> None:
        """Signal by BFD that the path behind the peer is down, or up again."""
        for remote_ip in self._tunnels:
            self.set_bfd(remote_ip, cpath_down=is_down)

    def bfd_status(self, remote_ip: str) -> dict[str, str]:
        """Return the column `bfd_status` of a tunnel."""
        port = self._tunnels[remote_ip]
        rows = self.rows("Interface", "Open_vSwitch")
        return next(dict(row["bfd_status"]) for row in rows if row["name"] == port)

    def replicate(self) -> None:
        """Be a service node: send what arrives by one tunnel, with its VNI, to all the others."""
        self._replicates = True
        self._put_flows()

    def cut(self) -> None:
        """Set the link to the underlay down."""
        self._underlay.cut(self.name)

    def mend(self) -> None:
        """Set the link to the underlay up again."""
        self._underlay.mend(self.name)

    def watch(self) -> Capture:
        """Return a capture that has every copy of a frame for this node."""
        return self.capture_underlay()

    def capture_underlay(self) -> Capture:
        """Return a capture of the packets for this node, including those that it drops."""
        return Capture(
            self.namespace,
            self.UNDERLAY_INTERFACE,
            station=self.tunnel_mac,
            evidence=self.evidence,
        )

    def send_vxlan(
        self, vni: int, inner: Packet | bytes, *, to: str, src: str | None = None
    ) -> None:
        """Send a VXLAN packet with any VNI, by a raw socket; `src` forges its sender."""
        self._source.send(vni, inner, to=to, src=src)

    def restore(self) -> None:
        """Restore the flows as well, which are in no database."""
        self._put_flows()
        super().restore()

    def stop(self) -> None:
        """Kill the daemons. Raises WaitFailed."""
        self._source.close()
        super().stop()

    def _put_flows(self) -> None:
        if not self._replicates:
            return
        ports = range(1, len(self._tunnels) + 1)
        for port in ports:
            others = ",".join(f"output:{other}" for other in ports if other != port)
            self.ofctl("add-flow", self.bridge, f"in_port={port},actions={others or 'drop'}")
