"""The lab that `sim.api` publishes: parts are added one by one, an NVC configures the VTEPs."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from sim.fabric import configuration
from sim.fabric.configuration import DATABASE_PORT, nvc_plan
from sim.fabric.topology import NVC_IP, Topology
from sim.lab.app import App
from sim.lab.hosts import Host, VxlanEndpoint
from sim.lab.network import EmptyLab, lab_mac
from sim.lab.peer import Peer
from sim.lab.vlans import VlanDevices
from sim.lab.vtep import Vtep
from sim.nvc.plan import Station
from sim.nvc.process import NvcProcess
from sim.waiting import wait_until

_SECONDS = 120.0
"""For the NVC and all VTEPs to do what `start` waits for."""


class LogicalSwitch:
    """A logical switch of a lab; `Lab.add_logical_switch` makes it."""

    def __init__(self, topology: Topology, name: str) -> None:
        """Stand for the logical switch of that name."""
        self.name = name
        self._topology = topology

    @property
    def vni(self) -> int:
        """Its VNI."""
        return self._topology.logical_switches[self.name].vni

    def bind(self, vtep: Vtep, port: str, vlan: int = 0) -> None:
        """Bind a port of a VTEP, for its untagged frames or for those with a VLAN tag.

        The port may be added later. Raises ValueError if that VLAN of the port is bound already.
        """
        self._topology.bind(self.name, vtep.name, port, vlan)


class Lab(EmptyLab):
    """A lab of one's own: `with Lab("name") as lab`, then `add_...`, `bind` and `start`.

    At the end of the block everything is removed, unless `keep` was called: then the lab runs on,
    and `python -m sim` has `status`, `shell` and `down` for it. What was added is in `vteps`,
    `hosts` (with the hypervisors), `peers` (the service nodes) and `logical_switches`, by name.

    All names of parts are up to 15 letters, digits, dots, dashes and underscores. Addresses that
    are not given are chosen: tunnel addresses in 10.2.2.0/24, those of VTEPs from .1 on, of service
    nodes from .101, of hypervisors from .201; addresses of hosts in the subnet of their logical
    switch. Each method raises ValueError with what is wrong.
    """

    def __init__(
        self,
        name: str = "vtep",
        *,
        bfd: Mapping[str, object] | None = None,
        controller: type[App] = App,
    ) -> None:
        """Name the lab: 1 to 24 lower-case letters and digits.

        `bfd` turns BFD on between VTEPs and service nodes, with the milliseconds between two of
        its packets: {"min_rx": 300, "min_tx": 300}.
        """
        super().__init__(name, controller)
        self.topology = Topology(bfd)
        self.logical_switches: dict[str, LogicalSwitch] = {}
        self._vlan_devices: dict[str, VlanDevices] = {}
        self.nvc = NvcProcess(self.state.namespace("nvc"), self.state.folder)

    def close(self) -> None:
        """Take everything down: processes, namespaces, files."""
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            stack.callback(self.nvc.stop)
            for devices in self._vlan_devices.values():
                stack.callback(devices.kill)

    def add_vtep(
        self, name: str, *, tunnel_ip: str | None = None, management_ip: str | None = None
    ) -> Vtep:
        """Add a VTEP and return it: Open vSwitch with bridge br0, and vtep_ofapp.

        `tunnel_ip` is in 10.2.2.0/24, `management_ip`, where the NVC finds its database, in
        10.1.1.0/24.
        """
        part = self.topology.add_vtep(name, tunnel_ip, management_ip)
        return super().add_vtep(name, tunnel_ip=part.tunnel_ip, management_ip=part.management_ip)

    def add_service_node(self, name: str, *, tunnel_ip: str | None = None) -> Peer:
        """Add a service node and return it: Open vSwitch that replicates, and speaks BFD."""
        return self.add_peer(name, self.topology.add_service_node(name, tunnel_ip).tunnel_ip)

    def add_logical_switch(
        self,
        name: str,
        vni: int,
        *,
        replication: str | None = None,
        service_nodes: Iterable[Peer] = (),
        subnet: str | None = None,
    ) -> LogicalSwitch:
        """Add a logical switch and return it.

        `replication` is "service_node" if there are service nodes, otherwise "source_node".
        `subnet`, such as "10.0.5.0/24", is where hosts get their addresses; by default it is
        192.168.VNI.0/24, or one in 172.16.0.0/12 for a VNI above 254.
        """
        network = None if subnet is None else IPv4Network(subnet)
        nodes = [node.name for node in service_nodes]
        self.topology.add_logical_switch(name, vni, replication, nodes, network)
        self.logical_switches[name] = LogicalSwitch(self.topology, name)
        return self.logical_switches[name]

    def add_host(
        self,
        name: str,
        vtep: Vtep,
        port: str,
        *,
        ip: str | None = None,
        vlans: Mapping[int, str] | Iterable[int] | None = None,
    ) -> Host:
        """Add a host at a new port of a VTEP and return it. The port is to be bound before.

        Its frames are untagged, and `ip` is its address. With `vlans`, it has a device (eth0.10)
        with an address for each VLAN: [10, 20], or {10: "192.168.33.7"}. VLAN 0 stands for
        untagged frames.
        """
        part = self.topology.add_host(name, vtep.name, port, ip, vlans)
        host = self._plug_host(name, vtep, port, part.addresses[0].ip)
        if tagged := [each.number for each in part.addresses if each.number]:
            devices = self._vlan_devices[name] = VlanDevices(host, self.state.folder, tagged)
            devices.start()
        for each in part.addresses:
            host.add_address(each.ip, each.prefix, each.number)
        return host

    def add_hypervisor(
        self,
        name: str,
        logical_switches: Mapping[LogicalSwitch, str] | Iterable[LogicalSwitch],
        *,
        tunnel_ip: str | None = None,
    ) -> VxlanEndpoint:
        """Add a hypervisor and return it: the kernel's VXLAN, with one host per logical switch.

        The logical switches may be given with an address each: {blue: "192.168.33.200"}. The NVC
        tells the VTEPs where these hosts are.
        """
        given: Mapping[str, str] | list[str]
        if isinstance(logical_switches, Mapping):
            given = {switch.name: ip for switch, ip in logical_switches.items()}
        else:
            given = [switch.name for switch in logical_switches]
        part = self.topology.add_hypervisor(name, given, tunnel_ip)
        first, *others = part.addresses.values()
        hypervisor = self.add_remote(
            name, part.tunnel_ip, ip=first.ip, prefix=first.prefix, vni=first.number
        )
        for number, each in enumerate(others, 1):
            mac = lab_mac(0x50 + number, len(self.hosts))
            hypervisor.add_vni(each.number, mac=mac, ip=each.ip, prefix=each.prefix)
        for other in self._hypervisors():
            if other is not hypervisor:
                hypervisor.add_vtep(other.underlay_ip)
                other.add_vtep(hypervisor.underlay_ip)
        return hypervisor

    def add_acl(self, name: str, *entries: Mapping[str, object]) -> str:
        """Add an access list and return its name. The keys of an entry are those of the NVC's file.

        `python -m sim nvc --help` has them; what no entry matches passes.
        """
        return self.topology.add_acl({"name": name, "entries": [dict(each) for each in entries]})

    def bind_acl(self, acl: str, vtep: Vtep, port: str, vlan: int = 0) -> None:
        """Bind an access list to all bindings of a port, or to that of one VLAN."""
        self.topology.bind_acl(acl, vtep.name, port, vlan)

    def start(self, *, controller: bool = True) -> None:
        """Start all that was added, and return when frames can pass. Raises WaitFailed.

        What is added later runs after a further `start`.
        """
        self.start_nodes(controller=controller)
        self.connect()

    def start_nodes(self, *, controller: bool = True) -> None:
        """Start every VTEP and service node that does not run yet, but not the NVC."""
        super().start(controller=controller)
        bfd = {} if self.topology.bfd is None else {"enable": True, **self.topology.bfd}
        for node in self.peers.values():
            for vtep in self.vteps.values():
                node.add_tunnel(vtep.tunnel_ip, **bfd)
            for hypervisor in self._hypervisors():
                node.add_tunnel(hypervisor.underlay_ip)
            node.replicate()

    def connect(self) -> None:
        """Start the NVC, or change the file that it follows, and wait for what it does."""
        for vtep in self.vteps.values():
            vtep.do("vtep-ctl", "set-manager", f"ptcp:{DATABASE_PORT}:{vtep.management_ip}")
        self.nvc.write(nvc_plan(self.topology, self._stations()))
        if not self.nvc.running:
            self.nvc.start()
        for vtep in self.vteps.values():
            wait_until(
                functools.partial(self._is_configured, vtep),
                f"{vtep.name} as the NVC is to configure it",
                timeout=_SECONDS,
                evidence=lambda: f"{self.evidence()}\n--- {self.nvc.log.name}\n{self.nvc.log_text}",
            )

    def _build(self) -> None:
        super()._build()
        self._add_nvc(NVC_IP)

    def _hypervisors(self) -> list[VxlanEndpoint]:
        return [host for host in self.hosts.values() if isinstance(host, VxlanEndpoint)]

    def _stations(self) -> Iterator[Station]:
        for hypervisor in self._hypervisors():
            names = self.topology.hypervisors[hypervisor.name].addresses
            for name, host in zip(names, hypervisor.overlays, strict=True):
                yield Station(name, host.mac, hypervisor.underlay_ip, (host.ip,))

    def _is_configured(self, vtep: Vtep) -> bool:
        ports = {each.name: each.ports for each in self.vteps.values()}
        expected = configuration.expected_flooding(self.topology, ports, vtep.name)
        if configuration.shown_flooding(_asked(vtep, "flood/show")) != expected:
            return False
        with_bfd: set[str] = set()
        if self.topology.bfd is not None and self.topology.bfd.get("enable", True):
            with_bfd |= {node.tunnel_ip for node in (*self.vteps.values(), *self.peers.values())}
        remotes = frozenset[str]().union(*(each.remotes for each in expected.values()))
        return configuration.are_tunnels_up(_asked(vtep, "tunnel/show"), remotes, with_bfd)


def _asked(vtep: Vtep, command: str) -> Any:
    """Return what the application of a VTEP answers to a command."""
    assert isinstance(vtep.app, App)
    return json.loads(vtep.app.ask(command, "--json"))
