"""Several VTEPs that work together: what one learns, the NVC tells the others.

    vm11 ── p0 ┐
               ├ vtep1 10.2.2.1 ─┐
    vm12 ── p1 ┘                 │        ┌─ service-node1 10.2.2.101   Open vSwitch with BFD,
    vm21 ── p0 ┐                 │        ├─ service-node2 10.2.2.102   both replicate
               ├ vtep2 10.2.2.2 ─┼────────┤
    vm22 ── p1 ┘                 │        └─ hypervisor    10.2.2.201   the kernel's VXLAN
        ...                      │
                                nvc

In the logical switch "blue" (untagged, VNI 33) the service nodes replicate, in "green" (VLAN 10,
VNI 44) the source does. The NVC runs as a process of its own, and reaches each VTEP's database over
TCP.
"""

from __future__ import annotations

import contextlib
from typing import Any

from sim.lab.app import App, Controller
from sim.lab.hosts import Host
from sim.lab.network import VNI, EmptyLab
from sim.lab.peer import Peer
from sim.lab.vtep import Vtep
from sim.nvc.process import NvcProcess

BLUE, GREEN = "blue", "green"
GREEN_VNI = 44
GREEN_VLAN = 10

SPARE_PORT = "spare"
"""A port that the NVC binds to blue at every VTEP as soon as it is there."""

BFD_INTERVAL = 300
"""Milliseconds between BFD packets; three of them missing is a failure."""

DATABASE_PORT = 6640

MAX_VTEPS = 9


class Fabric(EmptyLab):
    """VTEPs with two virtual machines each, two service nodes, a hypervisor, the NVC.

    `start` starts the nodes, `connect` then the NVC.
    """

    def __init__(
        self, name: str = "fabric", vteps: int = 2, controller: type[Controller] = App
    ) -> None:
        """Name the lab and say how many VTEPs it has. Raises ValueError for an invalid name."""
        super().__init__(name, controller)
        self.nvc = NvcProcess(self.state.namespace("nvc"), self.state.folder)
        self._vteps = vteps

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            stack.callback(self.nvc.stop)

    def start(self, *, controller: bool = True) -> None:
        """Start every node, and make the tunnels of the service nodes."""
        super().start(controller=controller)
        for node in self.service_nodes:
            for vtep in self.vteps.values():
                node.add_tunnel(vtep.tunnel_ip, min_rx=BFD_INTERVAL, min_tx=BFD_INTERVAL)
            node.add_tunnel(self.hypervisor.underlay_ip)
            node.replicate()

    def connect(self) -> None:
        """Let the databases listen for the NVC, and start it."""
        for vtep in self.vteps.values():
            vtep.do("vtep-ctl", "set-manager", f"ptcp:{DATABASE_PORT}:{vtep.management_ip}")
        self.nvc.write(self.plan())
        self.nvc.start()

    def vms_at(self, vtep: Vtep) -> list[Host]:
        """Return the virtual machines that are plugged in at a VTEP now."""
        return [self.hosts[name] for name, (where, _) in self._places.items() if where is vtep]

    def plan(self) -> dict[str, Any]:
        """Return what the NVC's file says."""
        hypervisor = self.hypervisor
        return {
            "vteps": [
                {"name": vtep.name, "remote": f"tcp:{vtep.management_ip}:{DATABASE_PORT}"}
                for vtep in self.vteps.values()
            ],
            "logical_switches": [
                {
                    "name": BLUE,
                    "vni": VNI,
                    "replication": "service_node",
                    "service_nodes": [node.tunnel_ip for node in self.service_nodes],
                },
                {"name": GREEN, "vni": GREEN_VNI, "replication": "source_node"},
            ],
            "bindings": [
                {"vtep": vtep.name, "switch": vtep.bridge, "port": port, "vlan": vlan,
                 "logical_switch": name}
                for vtep in self.vteps.values()
                for port, vlan, name in (
                    ("p0", 0, BLUE),
                    ("p1", 0, BLUE),
                    (SPARE_PORT, 0, BLUE),
                    ("p0", GREEN_VLAN, GREEN),
                    ("p1", GREEN_VLAN, GREEN),
                )
            ],
            "stations": [
                {"logical_switch": name, "mac": host.mac, "address": hypervisor.underlay_ip}
                for name, host in zip((BLUE, GREEN), hypervisor.overlays, strict=True)
            ],
            "bfd": {"min_rx": BFD_INTERVAL, "min_tx": BFD_INTERVAL},
        }  # fmt: skip

    def _build(self) -> None:
        super()._build()
        for number in range(1, self._vteps + 1):
            vtep = self.add_vtep(
                f"vtep{number}",
                tunnel_ip=f"10.2.2.{number}",
                management_ip=f"10.1.1.{10 + number}",
            )
            for place in (1, 2):
                self.add_vm(
                    f"vm{number}{place}",
                    port=f"p{place - 1}",
                    ip=f"192.168.33.{number}{place}",
                    vtep=vtep,
                )
        self.service_nodes: list[Peer] = [
            self.add_peer(f"service-node{number}", f"10.2.2.10{number}") for number in (1, 2)
        ]
        self.hypervisor = self.add_remote("hypervisor", "10.2.2.201", ip="192.168.33.201")
        self.hypervisor.add_vni(GREEN_VNI, mac="02:00:00:00:50:01", ip="192.168.44.201")
        self._add_nvc("10.1.1.2")
