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

from sim.fabric.lab import Lab
from sim.lab.app import App
from sim.lab.hosts import Host
from sim.lab.network import VNI
from sim.lab.peer import Peer
from sim.lab.vtep import Vtep
from sim.wire.frames import PROBED_PORT

BLUE, GREEN = "blue", "green"
GREEN_VNI = 44
GREEN_VLAN = 10

SPARE_PORT = "spare"
"""A port that the NVC binds to blue at every VTEP as soon as it is there."""

DENIED = "no-discard"
"""The access list at p0 of every VTEP: hosts there cannot send to the discard protocol's port."""
DENY = {"sequence": 10, "direction": "ingress", "action": "deny"}

BFD_INTERVAL = 300
"""Milliseconds between BFD packets; three of them missing is a failure."""

MAX_VTEPS = 9


class Fabric(Lab):
    """VTEPs with two virtual machines each, two service nodes, a hypervisor, the NVC.

    `start_nodes` starts the nodes, `connect` then the NVC.
    """

    def __init__(self, name: str = "fabric", vteps: int = 2, controller: type[App] = App) -> None:
        """Name the lab and say how many VTEPs it has. Raises ValueError for an invalid name."""
        bfd = {"min_rx": BFD_INTERVAL, "min_tx": BFD_INTERVAL}
        super().__init__(name, bfd=bfd, controller=controller)
        self._vteps = vteps

    def vms_at(self, vtep: Vtep) -> list[Host]:
        """Return the virtual machines that are plugged in at a VTEP now."""
        return [self.hosts[name] for name, (where, _) in self._places.items() if where is vtep]

    def _build(self) -> None:
        super()._build()
        vteps = [self.add_vtep(f"vtep{number}") for number in range(1, self._vteps + 1)]
        self.service_nodes: list[Peer] = [
            self.add_service_node(f"service-node{number}") for number in (1, 2)
        ]
        blue = self.add_logical_switch(BLUE, VNI, service_nodes=self.service_nodes)
        green = self.add_logical_switch(GREEN, GREEN_VNI)
        self.add_acl(DENIED, {**DENY, "protocol": "udp", "dest_port": PROBED_PORT})
        for number, vtep in enumerate(vteps, 1):
            assert isinstance(vtep.app, App)
            vtep.app.options["multicast_snooping"] = "True"
            self.bind_acl(DENIED, vtep, "p0")
            for port in ("p0", "p1", SPARE_PORT):
                blue.bind(vtep, port)
            for place, port in enumerate(("p0", "p1"), 1):
                green.bind(vtep, port, GREEN_VLAN)
                self.add_host(f"vm{number}{place}", vtep, port, ip=f"192.168.33.{number}{place}")
        self.hypervisor = self.add_hypervisor("hypervisor", [blue, green])
