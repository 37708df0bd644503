"""Labs: networks of namespaces, to which VTEPs, virtual machines and endpoints are added."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence

from sim.lab import delivery, links
from sim.lab.app import App, Controller
from sim.lab.delivery import Delivery, Receiver, Send
from sim.lab.hosts import Host, VxlanEndpoint
from sim.lab.lifetime import Lifetime
from sim.lab.namespaces import Namespace
from sim.lab.node import TunnelNode
from sim.lab.peer import Peer
from sim.lab.underlay import Underlay
from sim.lab.vtep import Vtep
from sim.progress import doing
from sim.wire import frames
from sim.wire.frames import BROADCAST

VNI = 33


class Network(Lifetime):
    """The nodes of a lab and the networks between them; nothing runs on the nodes yet.

    All hosts are known by name in `hosts`, all VTEPs in `vteps`, all peers in `peers`.
    """

    def __init__(self, name: str = "vtep", controller: type[Controller] = App) -> None:
        """Name the lab and what controls its VTEPs. Raises ValueError for an invalid name."""
        super().__init__(name)
        self.underlay = Underlay(self.state.namespace("underlay"))
        self.management = links.Segment(self.state.namespace("management"))
        self.vteps: dict[str, Vtep] = {}
        self.peers: dict[str, Peer] = {}
        self.hosts: dict[str, Host] = {}
        self._controller = controller
        # Where each virtual machine is plugged in.
        self._places: dict[str, tuple[TunnelNode, str]] = {}
        self._numbers = itertools.count(1)

    def add_vtep(self, name: str, *, tunnel_ip: str, management_ip: str) -> Vtep:
        """Add a VTEP node to the networks and return it; nothing runs on it until `start`."""
        number = next(self._numbers)
        vtep = Vtep(
            name,
            self.state.create_namespace(name),
            self.state.folder / name,
            tunnel_ip=tunnel_ip,
            tunnel_mac=lab_mac(0x10, number),
            neighbours=self.underlay.macs,
            management_ip=management_ip,
            controller=self._controller,
        )
        self.vteps[name] = vtep
        self.management.plug(
            vtep.namespace, "eth0", port=name, mac=lab_mac(0x20, number), ip=management_ip
        )
        self.underlay.add(vtep, lab_mac(0x11, number))
        for host in self.hosts.values():
            if isinstance(host, VxlanEndpoint):
                host.add_vtep(tunnel_ip)
        return vtep

    def add_peer(self, name: str, tunnel_ip: str) -> Peer:
        """Add a tunnel endpoint with an Open vSwitch of its own, which speaks BFD; return it.

        Nothing runs on it until `start`.
        """
        number = next(self._numbers)
        peer = Peer(
            name,
            self.state.create_namespace(name),
            self.state.folder / name,
            tunnel_ip=tunnel_ip,
            tunnel_mac=lab_mac(0x10, number),
            neighbours=self.underlay.macs,
            underlay=self.underlay,
        )
        self.peers[name] = peer
        self.underlay.add(peer, lab_mac(0x11, number))
        return peer

    def add_vm(self, name: str, *, port: str, ip: str, vtep: TunnelNode | None = None) -> Host:
        """Add a virtual machine behind a port of a node (the first VTEP) and return it.

        If the node's bridge exists, the port joins it; otherwise it does when the bridge is made.
        """
        vm = self._plug_host(name, vtep or next(iter(self.vteps.values())), port, ip)
        vm.add_address(ip)
        return vm

    def move_vm(self, vm: Host, vtep: TunnelNode, port: str) -> None:
        """Unplug a virtual machine and plug it into a new port of another node.

        It keeps its addresses and sends nothing by itself. Its former port is removed.
        """
        former, former_port = self._places[vm.name]
        links.move(former.namespace, former_port, vtep.namespace, port)
        vtep.namespace.run(["ethtool", "-K", port, "tx", "off"])
        vtep.add_port(port)
        vtep.ports.append(port)
        self._places[vm.name] = (vtep, port)
        former.remove_port(former_port)
        former.ports.remove(former_port)

    def add_remote(
        self,
        name: str,
        underlay_ip: str,
        *,
        ip: str,
        prefix: int = 24,
        mac: str | None = None,
        vni: int = VNI,
    ) -> VxlanEndpoint:
        """Add a VXLAN endpoint to the underlay and return it; `ip` and `mac` are the host's in it.

        It floods unknown destinations to every VTEP of the lab.
        """
        number = len(self.hosts) + 1
        remote = VxlanEndpoint(
            name,
            self.state.create_namespace(name),
            underlay_ip=underlay_ip,
            underlay_mac=lab_mac(0x30, number),
            vni=vni,
            mac=mac or lab_mac(0x00, number),
            ip=ip,
            prefix=prefix,
            evidence=self.evidence,
        )
        remote.create(self.underlay)
        for vtep in self.vteps.values():
            remote.add_vtep(vtep.tunnel_ip)
        self.hosts[name] = remote
        self.underlay.introduce(underlay_ip, remote.underlay_mac)
        return remote

    def evidence(self) -> str:
        """Return the evidence of every VTEP and peer, for the message of a failed wait."""
        return "\n".join(f"=== {node.name}\n{node.evidence()}" for node in self._nodes())

    def _build(self) -> None:
        super()._build()
        for name, segment in (("underlay", self.underlay), ("management", self.management)):
            self.state.create_namespace(name)
            segment.create()

    def _add_nvc(self, ip: str) -> Namespace:
        """Add a namespace on the management network and return it."""
        namespace = self.state.create_namespace("nvc")
        self.management.plug(namespace, "eth0", port="nvc", mac=lab_mac(0x40, 1), ip=ip)
        return namespace

    def _plug_host(self, name: str, node: TunnelNode, port: str, ip: str) -> Host:
        """Add a host behind a port, without an address: `ip` is the one that it will have."""
        host = Host(
            name,
            self.state.create_namespace(name),
            interface="eth0",
            mac=lab_mac(0x00, len(self.hosts) + 1),
            ip=ip,
            evidence=self.evidence,
        )
        links.add_veth(host.namespace, host.interface, node.namespace, port, mac=host.mac)
        node.ports.append(port)
        if node.ovs_vswitchd.running:
            node.add_port(port)
        self.hosts[name] = host
        self._places[name] = (node, port)
        return host

    def _nodes(self) -> list[TunnelNode]:
        return [*self.vteps.values(), *self.peers.values()]


class EmptyLab(Network):
    """One lab. Entering it builds the network; leaving it takes everything down.

    `start` then starts what runs Open vSwitch.
    """

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        with contextlib.ExitStack() as stack:
            # What a node does not end is killed with its namespace.
            stack.callback(super().close)
            for host in self.hosts.values():
                stack.callback(host.close)
            for node in self._nodes():
                stack.callback(node.stop)

    def start(self, *, controller: bool = True) -> None:
        """Start every VTEP and peer of the lab that does not run yet, as their `start` does."""
        for peer in self.peers.values():
            if not peer.ovsdb_server.running:
                with doing(f"starting {peer.name}"):
                    peer.start()
        for number, vtep in enumerate(self.vteps.values(), start=1):
            if not vtep.ovsdb_server.running:
                with doing(f"starting {vtep.name}, VTEP {number} of {len(self.vteps)}"):
                    vtep.start(controller=controller)

    def deliver(self, send: Send, *, src: str, dst: str, vlans: Sequence[int] = ()) -> Delivery:
        """Send one probe frame and return every copy of it that any host or peer received.

        `send` is a host's `send`, or any function that takes the frame.
        """
        return delivery.deliver(send, self._receivers(), frames.probe(src, dst, vlans))

    def expect_delivery(
        self,
        send: Send,
        expected: Mapping[str, Sequence[str]],
        *,
        src: str,
        dst: str = BROADCAST,
        vlans: Sequence[int] = (),
        timeout: float = 30.0,
    ) -> float:
        """Send probes until one arrives exactly as expected; return the seconds that it took.

        `expected` has one label per copy for each host that is to receive any, such as
        {"vm2": ["untagged"], "hypervisor": ["vni 33"]}. Raises WaitFailed.
        """
        return delivery.expect_delivery(
            send,
            self._receivers(),
            expected,
            src=src,
            dst=dst,
            vlans=vlans,
            timeout=timeout,
            evidence=self.evidence,
        )

    def _receivers(self) -> list[Receiver]:
        return [*self.hosts.values(), *self.peers.values()]


def lab_mac(kind: int, number: int) -> str:
    """Return a locally administered MAC address of the lab."""
    return f"02:00:00:{number >> 8:02x}:{kind:02x}:{number & 255:02x}"
