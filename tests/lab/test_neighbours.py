"""ARP and ND suppression and reported addresses: who hears a request, and who answers it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.inet6 import ICMPv6NDOptSrcLLAddr as SourceOption
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Padding

from sim.lab.hosts import Host, VxlanEndpoint
from sim.wire.frames import BROADCAST, Probe
from tests.lab.control import Control
from tests.lab.trial import Overlay, TrialLab, add_ls0
from tests.lab.wire import Shot, Wire, new_mac

REMOTE, REMOTE_IP, REMOTE_IP6 = "00:11:22:33:0a:99", "192.168.33.99", "2001:db8:33::99"
SOLICITED_NODE = "33:33:ff:00:00:99"
BACK = {"vm1": ["untagged"]}
FLOODED = {"vm2": ["untagged"], "vm3": ["untagged"]}
EVERYWHERE = {**FLOODED, "service-node": ["vni 33"], "hypervisor": ["vni 33"]}


class Asking(Shot):
    """A request, whose mark is behind the packet: an answer that is made of it has it, too."""

    def __init__(
        self, wire: Wire, origin: Host, frame: Packet, send: Callable[[Any], None] | None = None
    ) -> None:
        header = frame[Ether]
        super().__init__(wire, origin, send or origin.send, header.src, header.dst, ())
        self._frame = frame
        self._last = b""
        self._where = wire

    def __str__(self) -> str:
        return f"{self._origin.name}: {self._frame.summary()}"

    def probe(self) -> Probe:
        """Return the frame with a new mark."""
        self._last = b"request " + uuid.uuid4().bytes
        return Probe(self._frame / Padding(self._last), self._last)

    def answer(self) -> Packet:
        """Return the one copy of the last frame that its sender got."""
        (copy,) = self._where.carrying(self._last)[self._origin.name]
        return Ether(copy.data)


class Neighbours:
    """Hosts of ls0 that ask and state addresses, and what the NVC says and reads of these."""

    def __init__(self, lab: TrialLab, nvc: Control, wire: Wire) -> None:
        self.lab = lab
        self.nvc = nvc
        self.wire = wire

    def place(self, ip: str, mac: str = REMOTE) -> None:
        """Let the NVC place a station with an address behind the hypervisor."""
        address = self.lab.hypervisor.underlay_ip
        self.nvc.do(f"add-ucast-remote ls0 {mac} {address}")
        self.give(ip, mac)

    def give(self, ip: str, mac: str = REMOTE) -> None:
        """Let the NVC write the address of a station."""
        (row,) = (row for row in self.nvc.rows("Ucast_Macs_Remote") if row["MAC"] == mac)
        self.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} ipaddr='\"{ip}\"'")

    def arp(
        self, target: str, vm: Host | None = None, ip: str = "", dst: str = BROADCAST, **more: Any
    ) -> Asking:
        """Return an ARP request of a virtual machine."""
        vm = vm or self.lab.vm1
        src = more.pop("src", vm.mac)
        fields = {"hwsrc": src, "psrc": ip or vm.ip, "pdst": target, **more}
        return Asking(self.wire, vm, Ether(src=src, dst=dst) / ARP(**fields))

    def solicits(self, target: str, ip: str, dst: str = SOLICITED_NODE) -> Asking:
        """Return a neighbor solicitation of VM1."""
        vm = self.lab.vm1
        packet = IPv6(src=ip, dst="ff02::1:ff00:99", hlim=255) / ICMPv6ND_NS(tgt=target)
        frame = Ether(src=vm.mac, dst=dst) / packet / SourceOption(lladdr=vm.mac)
        return Asking(self.wire, vm, frame)

    def reported(self, mac: str) -> str | None:
        """Return ipaddr of the row of a MAC, None if there is no row."""
        rows = {row["MAC"]: row["ipaddr"] for row in self.nvc.rows("Ucast_Macs_Local")}
        return rows.get(mac)

    def is_reported(self, ip: str, vm: Host | None = None, mac: str = "") -> str:
        """Wait until the row of a MAC, or of VM1, has an address; return the row's UUID."""
        mac = mac or (vm or self.lab.vm1).mac
        self.nvc.wait(lambda: self.reported(mac) == ip, f"{ip!r} of {mac}")
        row = self.nvc.local(mac)
        assert row is not None
        return row.uuid

    def state(self, vm: Host | None = None, ip: str = "") -> str:
        """Let a virtual machine state its address by ARP; return the row's UUID."""
        vm = vm or self.lab.vm1
        shot = self.arp(ip or vm.ip, vm, ip)

        def is_there() -> bool:
            shot.send()
            return self.reported(vm.mac) == (ip or vm.ip)

        self.nvc.wait(is_there, f"the address of {vm.name}")
        return self.is_reported(ip or vm.ip, vm)


@pytest.fixture
def ls0(lab: TrialLab, nvc: Control) -> Overlay:
    """The logical switch ls0, which floods to all remote endpoints."""
    return add_ls0(lab, nvc, "source_node")


@pytest.fixture
def hosts(lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay) -> Neighbours:
    """VM1 has stated its address, and a remote station has one."""
    hosts = Neighbours(lab, nvc, wire)
    hosts.place(REMOTE_IP)
    hosts.state()
    return hosts


def test_a_broadcast_request_is_answered_and_flooded_nowhere(hosts: Neighbours) -> None:
    """N1."""
    shot = hosts.arp(REMOTE_IP)
    shot.arrives(BACK)
    reply = shot.answer()
    arp = reply[ARP]
    vm1 = hosts.lab.vm1
    assert (reply.src, reply.dst) == (REMOTE, vm1.mac)
    assert (arp.op, arp.hwsrc, arp.psrc) == (2, REMOTE, REMOTE_IP)
    assert (arp.hwdst, arp.pdst) == (vm1.mac, vm1.ip)
    hosts.arp(REMOTE_IP, ip="0.0.0.0").arrives(BACK)


def test_an_address_without_ipaddr_is_flooded(hosts: Neighbours) -> None:
    """N2."""
    hosts.arp(REMOTE_IP).arrives(BACK)
    hosts.give("")
    hosts.arp(REMOTE_IP).arrives(EVERYWHERE)


def test_a_unicast_request_reaches_the_station(hosts: Neighbours) -> None:
    """N3."""
    hosts.arp(REMOTE_IP).arrives(BACK)
    hosts.arp(REMOTE_IP, dst=REMOTE).arrives({"hypervisor": ["vni 33"]})


def test_a_request_from_a_tunnel_is_answered_by_nobody_here(hosts: Neighbours) -> None:
    """N4."""
    hosts.arp(REMOTE_IP).arrives(BACK)
    remote, mac = hosts.lab.service_node, new_mac()
    frame = Ether(src=mac, dst=BROADCAST) / ARP(hwsrc=mac, psrc="192.168.33.77", pdst=REMOTE_IP)
    assert isinstance(remote, VxlanEndpoint)
    Asking(hosts.wire, remote, frame, lambda each: remote.send_vxlan(33, each)).arrives(
        {**BACK, **FLOODED}
    )


def test_answers_follow_the_row(hosts: Neighbours) -> None:
    """N5."""
    hosts.arp(REMOTE_IP).arrives(BACK)
    hosts.give("192.168.33.98")
    hosts.arp("192.168.33.98").arrives(BACK)
    hosts.arp(REMOTE_IP).arrives(EVERYWHERE)
    hosts.nvc.do(f"del-ucast-remote ls0 {REMOTE}")
    hosts.arp("192.168.33.98").arrives(EVERYWHERE)
    other = "00:11:22:33:0a:98"
    hosts.place(REMOTE_IP, other)
    shot = hosts.arp(REMOTE_IP)
    shot.arrives(BACK)
    assert shot.answer()[ARP].hwsrc == other


def test_a_solicitation_is_answered_by_an_advertisement(hosts: Neighbours) -> None:
    """N6."""
    hosts.give(REMOTE_IP6)
    own = "2001:db8:33::1"
    shot = hosts.solicits(REMOTE_IP6, own)
    shot.arrives(BACK)
    reply = shot.answer()
    said = reply[ICMPv6ND_NA]
    assert (reply.src, reply.dst) == (REMOTE, hosts.lab.vm1.mac)
    assert (reply[IPv6].src, reply[IPv6].dst, reply[IPv6].hlim) == (REMOTE_IP6, own, 255)
    assert (said.R, said.S, said.O, said.tgt) == (0, 1, 1, REMOTE_IP6)
    assert reply[ICMPv6NDOptDstLLAddr].lladdr == REMOTE
    again = Ether(bytes(reply))
    del again[ICMPv6ND_NA].cksum
    assert Ether(bytes(again))[ICMPv6ND_NA].cksum == said.cksum
    hosts.solicits(REMOTE_IP6, "::").arrives(EVERYWHERE)
    hosts.give("fe80::99")
    hosts.solicits("fe80::99", own).arrives(EVERYWHERE)


def test_an_address_of_two_macs_is_flooded_and_a_fault(hosts: Neighbours) -> None:
    """N7."""
    hosts.arp(REMOTE_IP).arrives(BACK)
    faults = lambda: hosts.nvc.rows("Physical_Switch")[0]["switch_fault_status"]  # noqa: E731
    other = "00:11:22:33:0a:98"
    hosts.place(REMOTE_IP, other)
    hosts.nvc.wait(lambda: "unspecified_fault" in str(faults()), "the fault")
    hosts.arp(REMOTE_IP).arrives(EVERYWHERE)
    hosts.nvc.do(f"del-ucast-remote ls0 {other}")
    hosts.nvc.wait(lambda: "unspecified_fault" not in str(faults()), "its end")
    hosts.arp(REMOTE_IP).arrives(BACK)


def test_requests_for_local_hosts_reach_them(hosts: Neighbours) -> None:
    """N8."""
    hosts.state(hosts.lab.vm2)
    hosts.arp(hosts.lab.vm2.ip).arrives(EVERYWHERE)
    back = {"vm1": ["untagged"], "vm3": ["untagged"]}
    everywhere = {**back, "service-node": ["vni 33"], "hypervisor": ["vni 33"]}
    hosts.arp(hosts.lab.vm1.ip, hosts.lab.vm2).arrives(everywhere)


def test_announcements_and_forged_senders_pass(hosts: Neighbours) -> None:
    hosts.arp(REMOTE_IP).arrives(BACK)
    vm1 = hosts.lab.vm1
    hosts.arp(vm1.ip).arrives(EVERYWHERE)
    for _ in range(20):
        hosts.arp(REMOTE_IP, hwsrc=new_mac()).arrives_at_once(EVERYWHERE)
    assert hosts.reported(vm1.mac) == vm1.ip
    hosts.arp(REMOTE_IP).arrives_at_once(BACK)


def test_a_local_station_with_the_address_is_heard_by_all(hosts: Neighbours) -> None:
    """The answer is withheld while the address is claimed here."""
    hosts.arp(REMOTE_IP).arrives(BACK)
    hosts.state(hosts.lab.vm2, REMOTE_IP)
    hosts.arp(REMOTE_IP).arrives(EVERYWHERE)


def test_a_kernel_finds_the_neighbour_and_reaches_it(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    """The kernels of a host and of a hypervisor: ARP is answered, the packets go through."""
    hosts = Neighbours(lab, nvc, wire)
    hosts.place(lab.hypervisor.ip, lab.hypervisor.mac)
    nvc.wait(lambda: lab.vm1.ping(lab.hypervisor.ip) > 0, "an echo")
    hosts.is_reported(lab.vm1.ip)
    lab.vm1.run(["ip", "neigh", "flush", "dev", lab.vm1.interface])
    begin = wire.now()
    assert lab.vm1.ping(lab.hypervisor.ip) > 0
    assert lab.hypervisor.mac in lab.vm1.run(["ip", "neigh", "show", lab.hypervisor.ip])
    asked = wire.carrying(bytes(ARP(op=1, hwsrc=lab.vm1.mac, psrc=lab.vm1.ip))[:18], begin)
    assert not asked.keys() & {"vm2", "vm3", "service-node", "hypervisor"}


def test_a_new_host_is_one_row_and_its_address_comes_and_changes_in_place(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    """I1, I3."""
    hosts = Neighbours(lab, nvc, wire)
    hosts.arp(lab.vm1.ip).arrives(EVERYWHERE)
    first = hosts.is_reported(lab.vm1.ip)
    wire.learned(lab.vm2, mac=lab.vm2.mac)
    second = hosts.is_reported("", lab.vm2)
    assert hosts.state(lab.vm2) == second
    assert hosts.state(lab.vm1, "192.168.33.201") == first


def test_an_address_goes_with_the_mac_that_announces_it(hosts: Neighbours) -> None:
    """I2."""
    hosts.state(hosts.lab.vm2, hosts.lab.vm1.ip)
    hosts.is_reported("", hosts.lab.vm1)


def test_a_host_of_ipv6_is_reported_by_its_global_address(
    lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay
) -> None:
    """I4: from a kernel, whose link-local address never is reported."""
    hosts = Neighbours(lab, nvc, wire)
    vm1, option = lab.vm1, f"net/ipv6/conf/{lab.vm1.interface}/disable_ipv6"
    vm1.namespace.set_kernel_option(option, "0")
    try:
        vm1.run(["ip", "addr", "add", "2001:db8:33::1/64", "dev", vm1.interface, "nodad"])
        wire.learned(vm1, mac=vm1.mac)

        def is_there() -> bool:
            vm1.run(["ping", "-6", "-c", "1", "-W", "1", "2001:db8:33::77"], check=False)
            found = hosts.reported(vm1.mac)
            assert not (found or "").startswith("fe80")
            return found == "2001:db8:33::1"

        nvc.wait(is_there, "the address")
    finally:
        vm1.namespace.set_kernel_option(option, "1")


def test_a_restart_rewrites_nothing_and_answers_meanwhile(hosts: Neighbours) -> None:
    """I5; without the application requests are answered as with it."""
    row = hosts.is_reported(hosts.lab.vm1.ip)
    versions = lambda: {each["_uuid"]: each for each in hosts.nvc.rows("Ucast_Macs_Local")}  # noqa: E731
    before = versions()
    hosts.arp(REMOTE_IP).arrives(BACK)
    hosts.lab.app.kill()
    try:
        hosts.arp(REMOTE_IP).arrives_at_once(BACK)
    finally:
        hosts.lab.app.start()
    hosts.state(hosts.lab.vm2)
    after = versions()
    assert {uuid: after[uuid] for uuid in before} == before
    assert row in before
    hosts.arp(REMOTE_IP).arrives_at_once(BACK)
