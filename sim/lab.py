"""The picture: a VTEP with its virtual machines, an underlay, and the endpoints beyond it.

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
from collections.abc import Mapping, Sequence
from types import TracebackType

from sim import delivery, frames, links
from sim.app import App, Controller
from sim.delivery import Delivery, Send
from sim.frames import BROADCAST
from sim.hosts import Host, VxlanEndpoint
from sim.listener import Listener
from sim.state import LabBusy, LabState
from sim.vtep import Vtep

VNI = 33


class Lab:
    """One lab. Entering it builds the network; leaving it takes everything down.

    `start` then starts the VTEP. All hosts are known by name in `hosts`, all VTEPs in `vteps`.
    """

    def __init__(self, name: str = "vtep", controller: type[Controller] = App) -> None:
        """Name the lab and what controls its VTEPs. Raises ValueError for an unfit name."""
        self.name = name
        self.state = LabState(name)
        self.underlay = links.Segment(self.state.namespace("underlay"), links.MTU_UNDERLAY)
        self.management = links.Segment(self.state.namespace("management"))
        self.nvc = Listener(self.state.namespace("nvc"), "10.1.1.2", self.state.folder / "nvc.log")
        self.vteps: dict[str, Vtep] = {}
        self.hosts: dict[str, Host] = {}
        self._controller = controller
        self._keep = False
        # IP address to MAC address of every tunnel endpoint, for all VTEPs to know.
        self._underlay_macs: dict[str, str] = {}

    def __enter__(self) -> Lab:
        """Remove what a dead lab of this name left, and build the network.

        Raises LabBusy if a lab of this name is up or belongs to another process.
        """
        self.state.claim()
        try:
            if self.state.is_up:
                raise LabBusy(
                    f"lab {self.name} is up already; "
                    f"`python -m sim down --name {self.name}` takes it down"
                )
            self.state.remove()
        except BaseException:
            self.state.release()
            raise
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the lab down, unless `keep` was called."""
        if self._keep:
            self.state.release()
        else:
            self.close()

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.state.release)
            # Whatever fails to end in order is killed with its namespace.
            stack.callback(self.state.remove)
            for host in self.hosts.values():
                stack.callback(host.close)
            for vtep in self.vteps.values():
                stack.callback(vtep.stop)
            stack.callback(self.nvc.stop)

    def keep(self) -> None:
        """Leave the lab running when this process ends; `python -m sim down` removes it."""
        self.state.mark_ready()
        self._keep = True

    def start(self, *, controller: bool = True) -> None:
        """Start every VTEP of the lab that does not run yet, as `Vtep.start` does."""
        for vtep in self.vteps.values():
            if not vtep.ovsdb_server.running:
                vtep.start(controller=controller)

    @property
    def app(self) -> Controller:
        """What controls the first VTEP."""
        return self.vtep.app

    def add_vtep(self, name: str, *, tunnel_ip: str, management_ip: str) -> Vtep:
        """Add a VTEP node to the networks and return it; nothing runs on it until `start`."""
        number = len(self.vteps) + 1
        vtep = Vtep(
            name,
            self.state.create_namespace(name),
            self.state.folder / name,
            tunnel_ip=tunnel_ip,
            tunnel_mac=_mac(0x10, number),
            neighbours=self._underlay_macs,
            controller=self._controller,
        )
        vtep.folder.mkdir()
        self.vteps[name] = vtep
        self.management.plug(
            vtep.namespace, "eth0", port=name, mac=_mac(0x20, number), ip=management_ip
        )
        self.underlay.plug(
            vtep.namespace, vtep.UNDERLAY_INTERFACE, port=name, mac=_mac(0x11, number)
        )
        self._meet(tunnel_ip, vtep.tunnel_mac)
        for host in self.hosts.values():
            if isinstance(host, VxlanEndpoint):
                host.add_vtep(tunnel_ip)
        return vtep

    def add_vm(self, name: str, *, port: str, ip: str, vtep: Vtep | None = None) -> Host:
        """Add a virtual machine behind a port of a VTEP (the first one) and return it.

        If br0 exists, the port joins it; otherwise it does when br0 is made.
        """
        node = vtep or self.vtep
        vm = Host(
            name,
            self.state.create_namespace(name),
            interface="eth0",
            mac=_mac(0x00, len(self.hosts) + 1),
            ip=ip,
            evidence=self.evidence,
        )
        links.add_veth(vm.namespace, vm.interface, node.namespace, port, mac=vm.mac)
        links.add_address(vm.namespace, vm.interface, ip)
        node.ports.append(port)
        if node.ovs_vswitchd.running:
            node.add_port(port)
        self.hosts[name] = vm
        return vm

    def add_remote(
        self,
        name: str,
        underlay_ip: str,
        *,
        ip: str,
        mac: str | None = None,
        vni: int = VNI,
    ) -> VxlanEndpoint:
        """Add a VXLAN endpoint to the underlay and return it; `ip` and `mac` are the host's in it.

        It sends what has no known place to every VTEP of the lab.
        """
        number = len(self.hosts) + 1
        remote = VxlanEndpoint(
            name,
            self.state.create_namespace(name),
            underlay_ip=underlay_ip,
            underlay_mac=_mac(0x30, number),
            vni=vni,
            mac=mac or _mac(0x00, number),
            ip=ip,
            evidence=self.evidence,
        )
        remote.create(self.underlay)
        for vtep in self.vteps.values():
            remote.add_vtep(vtep.tunnel_ip)
        self.hosts[name] = remote
        self._meet(underlay_ip, remote.underlay_mac)
        return remote

    def deliver(self, send: Send, *, src: str, dst: str, vlans: Sequence[int] = ()) -> Delivery:
        """Send one probe frame and return every copy of it that any host received.

        `send` is a host's `send`, or any function that takes the frame.
        """
        return delivery.deliver(send, self.hosts.values(), frames.probe(src, dst, vlans))

    def expect_delivery(
        self,
        send: Send,
        expected: Mapping[str, Sequence[str]],
        *,
        src: str,
        dst: str = BROADCAST,
        vlans: Sequence[int] = (),
        timeout: float = 10.0,
    ) -> float:
        """Send probes until one arrives exactly as expected; return the seconds that it took.

        `expected` has one label per copy for each host that is to receive any, such as
        {"vm2": ["untagged"], "hypervisor": ["vni 33"]}. Raises WaitFailed.
        """
        return delivery.expect_delivery(
            send,
            list(self.hosts.values()),
            expected,
            src=src,
            dst=dst,
            vlans=vlans,
            timeout=timeout,
            evidence=self.evidence,
        )

    def evidence(self) -> str:
        """Return what every VTEP has to say, for the message of a failed wait."""
        return "\n".join(f"=== {vtep.name}\n{vtep.evidence()}" for vtep in self.vteps.values())

    def _build(self) -> None:
        self.state.create()
        for segment in ("underlay", "management"):
            self.state.create_namespace(segment)
        self.underlay.create()
        self.management.create()
        self.vtep = self.add_vtep("vtep", tunnel_ip="10.2.2.1", management_ip="10.1.1.1")
        self.vm1 = self.add_vm("vm1", port="p0", ip="192.168.33.1")
        self.vm2 = self.add_vm("vm2", port="p1", ip="192.168.33.2")
        self.service_node = self.add_remote("service-node", "10.2.2.2", ip="192.168.33.102")
        self.hypervisor = self.add_remote(
            "hypervisor", "10.2.2.3", ip="192.168.33.103", mac="00:11:22:33:44:55"
        )
        self.state.create_namespace("nvc")
        self.management.plug(
            self.nvc.namespace, "eth0", port="nvc", mac=_mac(0x40, 1), ip=self.nvc.ip
        )

    def _meet(self, ip: str, mac: str) -> None:
        self._underlay_macs[ip] = mac
        for vtep in self.vteps.values():
            if vtep.ovs_vswitchd.running:
                vtep.meet_neighbours()


def _mac(kind: int, number: int) -> str:
    """Return a locally administered MAC address of the lab."""
    return f"02:00:00:00:{kind:02x}:{number:02x}"
