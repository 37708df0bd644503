"""Two logical switches that a router joins: on one VTEP, and then on two.

    vm11 ── p0 ┐                     ┌ p0 ── vm21      red   192.168.33.0/24  2001:db8:33::/64
               ├ vtep1 ─────── vtep2 ┤
    vm12 ── p1 ┤ 10.2.2.1   10.2.2.2 └ p1 ── vm22      blue  192.168.44.0/24  2001:db8:44::/64
               │          │
  office ── p2 ┘         nvc
    │
  branch                                                     10.1.0.0/24

vm11 and vm21 are in the logical switch "red", vm12, vm22 and office in "blue". The office is a
router of its own, the Linux kernel, with the network of the branch behind it. The router r1 is
.1 in red and in blue.
"""

from __future__ import annotations

from sim.fabric.lab import Lab
from sim.lab import links
from sim.lab.app import App
from sim.lab.hosts import Host
from sim.lab.network import VNI, lab_mac
from sim.lab.vtep import Vtep

RED, BLUE = "red", "blue"
BLUE_VNI = 44
SPARE_PORT = "spare"
"""A port that the NVC binds to blue at vtep1 as soon as it is there."""

IPV4 = {RED: "192.168.33.", BLUE: "192.168.44."}
IPV6 = {RED: "2001:db8:33::", BLUE: "2001:db8:44::"}
"""What the addresses of a logical switch begin with; those of its router end with 1."""

OFFICE_IP = IPV4[BLUE] + "50"
DENIED_PORT = 22
"""The TCP port that the access list of the router denies."""
BRANCH_NETWORK, BRANCH_IP = "10.1.0.0/24", "10.1.0.2"
_OFFICE_IN_BRANCH = "10.1.0.1"


class RoutedLab(Lab):
    """The lab of the picture. Nothing runs on its nodes when it is built."""

    def __init__(self, name: str = "vtep", controller: type[App] = App) -> None:
        """Name the lab. Raises ValueError for an invalid name."""
        super().__init__(name, controller=controller)
        self.branch: Host

    def ips(self, name: str) -> tuple[str, str]:
        """Return the IPv4 and the IPv6 address of a host."""
        host = self.hosts[name]
        return host.ip, IPV6[self.switch_of(name)] + host.ip.rpartition(".")[2]

    def gateways(self, name: str) -> tuple[str, str]:
        """Return the two addresses of the router where a host is."""
        switch = self.switch_of(name)
        return IPV4[switch] + "1", IPV6[switch] + "1"

    def switch_of(self, name: str) -> str:
        """Return the logical switch of a host."""
        return next(each for each, begin in IPV4.items() if self.hosts[name].ip.startswith(begin))

    def _build(self) -> None:
        super()._build()
        vteps = [self.add_vtep(f"vtep{number}") for number in (1, 2)]
        red = self.add_logical_switch(RED, VNI)
        blue = self.add_logical_switch(BLUE, BLUE_VNI)
        for number, vtep in enumerate(vteps, 1):
            red.bind(vtep, "p0")
            blue.bind(vtep, "p1")
            self._add_dual_host(f"vm{number}1", vtep, "p0", f"{IPV4[RED]}{number}1")
            self._add_dual_host(f"vm{number}2", vtep, "p1", f"{IPV4[BLUE]}{number}2")
        for port in ("p2", SPARE_PORT):
            blue.bind(vteps[0], port)
        self._add_branch(self._add_dual_host("office", vteps[0], "p2", OFFICE_IP))

    def _add_dual_host(self, name: str, vtep: Vtep, port: str, ip: str) -> Host:
        """Add a host with an IPv4 and an IPv6 address, which has the router as its gateway."""
        host = self.add_host(name, vtep, port, ip=ip)
        host.add_address(self.ips(name)[1], 64)
        for gateway in self.gateways(name):
            host.set_gateway(gateway)
        return host

    def _add_branch(self, office: Host) -> None:
        """Add the host in the network behind the office's router."""
        space = self.state.create_namespace("branch")
        mac = lab_mac(0x60, 1)
        links.add_veth(space, "eth0", office.namespace, "eth1", mac=mac)
        links.add_address(office.namespace, "eth1", _OFFICE_IN_BRANCH)
        links.forward(office.namespace)
        self.branch = Host("branch", space, interface="eth0", mac=mac, ip=BRANCH_IP)
        self.branch.add_address(BRANCH_IP)
        self.branch.set_gateway(_OFFICE_IN_BRANCH)
