"""A lab with OVN as the NVC: virtual machines on hypervisors, hosts behind VTEPs.

    vm1 ── hv1 10.2.2.11 ─┐
                          │                           ┌ p0 ── host1
                          ├── vtep  10.2.2.1 ── br0 ──┤
                          │                           └ p1 ── host2
    vm2 ── hv2 10.2.2.12 ─┤
                          └── vtep2 10.2.2.2 ── br1 ──── p0 ── host3

    central 10.1.1.100    OVN's databases and ovn-northd, on the management network

Each hypervisor has an Open vSwitch and an ovn-controller of its own. OVN has the logical switch sw0
with vm1 and vm2. What lets the VTEPs join it is left to do, as docs/ovn.md says.
"""

from __future__ import annotations

import contextlib

from sim.lab.app import App, Controller
from sim.lab.hosts import Host
from sim.lab.network import EmptyLab, lab_mac
from sim.lab.node import TunnelNode
from sim.lab.openvswitch import Daemon
from sim.lab.vtep import Vtep
from sim.ovn.central import Central
from sim.ovn.hypervisor import Hypervisor


class OvnLab(EmptyLab):
    """The picture above. `start` starts everything but the ovn-controller-vtep of each VTEP."""

    def __init__(
        self,
        name: str = "ovn",
        controller: type[Controller] = App,
        encapsulation: str = "geneve",
    ) -> None:
        """Name the lab, what controls its VTEPs, and the ovn-encap-type of the hypervisors.

        Raises ValueError for an invalid name.
        """
        super().__init__(name, controller)
        self.hypervisors: dict[str, Hypervisor] = {}
        self.gateways: dict[str, Daemon] = {}
        """The ovn-controller-vtep of each VTEP. `start` leaves them alone."""
        self._encapsulation = encapsulation

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            for daemon in self.gateways.values():
                stack.callback(daemon.kill)
            if hasattr(self, "central"):
                stack.callback(self.central.stop)

    def start(self, *, controller: bool = True) -> None:
        """Start OVN, every hypervisor and every VTEP that does not run yet."""
        if not self.central.ovsdb_server.running:
            self.central.start()
            self.central.nbctl("ls-add", "sw0")
            for vm in (self.vm1, self.vm2):
                self.add_logical_port("sw0", vm)
        for hypervisor in self.hypervisors.values():
            if not hypervisor.ovsdb_server.running:
                hypervisor.start()
        super().start(controller=controller)

    def add_logical_port(self, switch: str, vm: Host) -> None:
        """Let OVN know a virtual machine: a logical switch port of its name, with its addresses."""
        self.central.nbctl(
            "lsp-add", switch, vm.name,
            "--", "lsp-set-addresses", vm.name, f"{vm.mac} {vm.ip}",
        )  # fmt: skip

    def add_hypervisor(self, name: str, *, tunnel_ip: str, management_ip: str) -> Hypervisor:
        """Add a hypervisor to the networks and return it; nothing runs on it until `start`."""
        number = next(self._numbers)
        hypervisor = Hypervisor(
            name,
            self.state.create_namespace(name),
            self.state.folder / name,
            tunnel_ip=tunnel_ip,
            tunnel_mac=lab_mac(0x10, number),
            neighbours=self.underlay.macs,
            southbound=self.central.southbound,
            encapsulation=self._encapsulation,
        )
        self.hypervisors[name] = hypervisor
        self._manage(hypervisor, number, management_ip)
        self.underlay.add(hypervisor, lab_mac(0x11, number))
        return hypervisor

    def add_vtep(self, name: str, *, tunnel_ip: str, management_ip: str) -> Vtep:
        """Add a VTEP to the networks and return it; nothing runs on it until `start`."""
        vtep = super().add_vtep(name, tunnel_ip=tunnel_ip, management_ip=management_ip)
        # The bridge's name is that of its Physical_Switch, and of its chassis in OVN.
        vtep.bridge = f"br{len(self.gateways)}"
        self.gateways[name] = Daemon(
            vtep,
            "ovn-controller-vtep",
            [f"--ovnsb-db={self.central.southbound}"],
        )
        return vtep

    def evidence(self) -> str:
        """Return the evidence of every node, and what OVN's databases have."""
        return f"{super().evidence()}\n=== central\n{self.central.evidence()}"

    def _build(self) -> None:
        super()._build()
        self.central = self._add_central("10.1.1.100")
        self.vtep = self.add_vtep("vtep", tunnel_ip="10.2.2.1", management_ip="10.1.1.1")
        self.vtep2 = self.add_vtep("vtep2", tunnel_ip="10.2.2.2", management_ip="10.1.1.2")
        self.hv1 = self.add_hypervisor("hv1", tunnel_ip="10.2.2.11", management_ip="10.1.1.11")
        self.hv2 = self.add_hypervisor("hv2", tunnel_ip="10.2.2.12", management_ip="10.1.1.12")
        self.vm1 = self.add_vm("vm1", port="vm1", ip="192.168.33.1", vtep=self.hv1)
        self.vm2 = self.add_vm("vm2", port="vm2", ip="192.168.33.2", vtep=self.hv2)
        self.host1 = self.add_vm("host1", port="p0", ip="192.168.33.11", vtep=self.vtep)
        self.host2 = self.add_vm("host2", port="p1", ip="192.168.44.12", vtep=self.vtep)
        self.host3 = self.add_vm("host3", port="p0", ip="192.168.33.13", vtep=self.vtep2)
        for host in self.hosts.values():
            router = f"{host.ip.rpartition('.')[0]}.254"
            host.run(["ip", "route", "add", "default", "via", router])

    def _add_central(self, ip: str) -> Central:
        namespace = self.state.create_namespace("central")
        self.management.plug(namespace, "eth0", port="central", mac=lab_mac(0x40, 1), ip=ip)
        folder = self.state.folder / "central"
        folder.mkdir()
        return Central(namespace, folder, ip)

    def _manage(self, node: TunnelNode, number: int, ip: str) -> None:
        self.management.plug(
            node.namespace, "eth0", port=node.name, mac=lab_mac(0x20, number), ip=ip
        )

    def _nodes(self) -> list[TunnelNode]:
        return [*super()._nodes(), *self.hypervisors.values()]
