"""The lab of the guide's picture.

    vm1 ── p0 ┐                          ┌─ eth0 service-node 10.2.2.2 (vxlan33 192.168.33.102)
              ├ br0 ─ vtep ─ br-phy eth1 ┼
    vm2 ── p1 ┘         │     10.2.2.1   └─ eth0 hypervisor   10.2.2.3 (vxlan33 192.168.33.103)
                   eth0 └── nvc 10.1.1.2
               10.1.1.1

Every box is a network namespace. Only the VTEP runs Open vSwitch; service node and hypervisor are
the kernel's VXLAN, an implementation of its own to test against.
"""

from __future__ import annotations

import contextlib

from sim.lab.app import App, Controller
from sim.lab.listener import Listener
from sim.lab.network import EmptyLab

PICTURE = """\
    vm1 -- p0 +                          +-- service-node 10.2.2.2
              + br0 -- vtep -- 10.2.2.1 -+
    vm2 -- p1 +          |               +-- hypervisor   10.2.2.3
                         +-- nvc 10.1.1.2

Each of vtep, vm1, vm2, service-node, hypervisor and nvc is a network namespace.
In the logical switch: vm1 192.168.33.1, vm2 .2, service-node .102, hypervisor .103; VNI 33."""
"""The lab as the command line shows it."""


class Lab(EmptyLab):
    """The guide's picture: one VTEP with two virtual machines, a service node, a hypervisor."""

    def __init__(self, name: str = "vtep", controller: type[Controller] = App) -> None:
        """Name the lab and what controls its VTEPs. Raises ValueError for an invalid name."""
        super().__init__(name, controller)
        self.nvc = Listener(self.state.namespace("nvc"), "10.1.1.2", self.state.folder / "nvc.log")

    @property
    def app(self) -> Controller:
        """What controls the first VTEP."""
        return self.vtep.app

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            stack.callback(self.nvc.stop)

    def _build(self) -> None:
        super()._build()
        self.vtep = self.add_vtep("vtep", tunnel_ip="10.2.2.1", management_ip="10.1.1.1")
        self.vm1 = self.add_vm("vm1", port="p0", ip="192.168.33.1")
        self.vm2 = self.add_vm("vm2", port="p1", ip="192.168.33.2")
        self.service_node = self.add_remote("service-node", "10.2.2.2", ip="192.168.33.102")
        self.hypervisor = self.add_remote(
            "hypervisor", "10.2.2.3", ip="192.168.33.103", mac="00:11:22:33:44:55"
        )
        self._add_nvc(self.nvc.ip)
