"""Next hops of a router, with real databases and Open vSwitch's own tables: R4-R7, R11, R26-R28."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, UDP, IPerror
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

from tests.switch.conftest import described
from tests.switch.routed import (
    ADDRESSES,
    HA,
    HB,
    R2,
    R3,
    REMOTE_B,
    RoutedSwitch,
)
from tests.switch.state import assert_restart_changes_nothing

FAMILIES = pytest.mark.parametrize("ip", [0, 1], ids=["IPv4", "IPv6"])
SILENT = "192.168.2.60", "2001:db8:2::60"
BEYOND = "192.168.2.98", "2001:db8:2::98"
NOBODY = "192.168.2.200", "2001:db8:2::200"
PLACED = "192.168.2.99", "2001:db8:2::99"
GATEWAYS = "192.168.2.1", "2001:db8:2::1"
SILENT_MAC, BEYOND_MAC = "00:00:00:00:00:60", "00:00:00:00:00:98"
OUR_SOURCE = "06:76:7f:00:00:01"
"""The MAC of Arp_Sources_Local, for 127.0.0.1."""


@pytest.fixture
def vtep() -> Iterator[RoutedSwitch]:
    with described(RoutedSwitch) as switch:
        switch.start()
        switch.prepare()
        for host in ADDRESSES:
            switch.host_speaks(host)
        yield switch


def packet(ip: str, number: int = 1, source: str = HA) -> Packet:
    """Return a packet of a host to an address, for the gateway's MAC."""
    own = ADDRESSES[source][":" in ip]
    header = IPv6(src=own, dst=ip, hlim=64) if ":" in ip else IP(src=own, dst=ip, ttl=64)
    return header / UDP(sport=1000 + number, dport=2000) / Raw(b"payload")


def sends(vtep: RoutedSwitch, ip: str, number: int = 1, source: str = HA) -> None:
    frame = Ether(src=source, dst=vtep.gateway) / packet(ip, number, source)
    vtep.host_sends(source, frame)


def carries(number: int = 1) -> Callable[[Packet], bool]:
    """Return whether a frame has the packet with this number, once its TTL was decremented."""

    def is_it(frame: Packet) -> bool:
        return UDP in frame and frame[UDP].sport == 1000 + number and hops(frame) == 63

    return is_it


def hops(frame: Packet) -> int:
    return int(frame[IPv6].hlim if IPv6 in frame else frame[IP].ttl)


def is_request(ip: str) -> Callable[[Packet], bool]:
    def is_it(frame: Packet) -> bool:
        if ARP in frame:
            return bool(frame[ARP].op == 1 and frame[ARP].pdst == ip)
        return ICMPv6ND_NS in frame and frame[ICMPv6ND_NS].tgt == ip

    return is_it


def reply(mac: str, ip: str, to: str) -> Packet:
    """Return the answer of a host to a request of our router, by the MAC that asked."""
    ether = Ether(src=mac, dst=to)
    if ":" not in ip:
        return ether / ARP(op=2, hwsrc=mac, psrc=ip, hwdst=to, pdst=GATEWAYS[0])
    said = IPv6(src=ip, dst=GATEWAYS[1], hlim=255) / ICMPv6ND_NA(tgt=ip, R=0, S=1, O=1)
    return ether / said / ICMPv6NDOptDstLLAddr(lladdr=mac)


def all_out(vtep: RoutedSwitch, fits: Callable[[Packet], bool]) -> list[str]:
    """Return where frames that fit have left so far, each as often as they have."""
    found = [port for port in ("p0", "p1", "p2") for frame in vtep.out(port) if fits(frame)]
    return found + [f"{remote} {vni}" for remote, vni, each in vtep.out_by_tunnel() if fits(each)]


def learn_by_ipv6(vtep: RoutedSwitch, host: str) -> None:
    """Let a host state its IPv6 address."""
    ip = ADDRESSES[host][1]
    asks = IPv6(src=ip, dst="ff02::1:ff00:77", hlim=255) / ICMPv6ND_NS(tgt="2001:db8:2::77")
    frame = Ether(src=host, dst="33:33:ff:00:00:77") / asks / ICMPv6NDOptSrcLLAddr(lladdr=host)
    vtep.host_sends(host, frame)
    vtep.wait(lambda: vtep.is_next_hop(ip, host), f"{ip} as a next hop")


@FAMILIES
def test_between_two_hosts_that_are_known(vtep: RoutedSwitch, ip: int) -> None:
    """R4: one frame, and back."""
    for source, host, port in ((HA, HB, "p1"), (HB, HA, "p0")):
        if ip:
            learn_by_ipv6(vtep, host)
        vtep.forget_frames()
        sends(vtep, ADDRESSES[host][ip], source=source)
        frame = vtep.waits_for(port, carries(), "the packet")
        assert (frame.src, frame.dst) == (vtep.gateway, host)
        assert bytes(frame[UDP].payload).startswith(b"payload")
        if not ip:
            sent = frame[IP].chksum
            del frame[IP].chksum
            assert sent == IP(bytes(frame[IP])).chksum
        vtep.come_to_rest()
        assert all_out(vtep, carries()) == [port]


@FAMILIES
def test_to_an_address_of_a_row(vtep: RoutedSwitch, ip: int) -> None:
    """R5: one VXLAN frame to the locator, and no request."""
    vtep.set_ip(REMOTE_B, PLACED[ip])
    vtep.wait(lambda: vtep.is_next_hop(PLACED[ip], REMOTE_B), "the next hop")
    vtep.forget_frames()
    sends(vtep, PLACED[ip])
    vtep.wait(lambda: all_out(vtep, carries()), "the packet")
    ((remote, vni, frame),) = vtep.out_by_tunnel()
    assert (remote, vni, frame[Ether].dst, hops(frame)) == (R3, 5002, REMOTE_B, 63)
    assert all_out(vtep, is_request(PLACED[ip])) == []
    assert all_out(vtep, carries()) == [f"{R3} 5002"]


@FAMILIES
def test_to_a_silent_host_behind_a_port(vtep: RoutedSwitch, ip: int) -> None:
    """R6: it is asked everywhere, and the packet arrives, once; the next needs no request."""
    target = SILENT[ip]
    vtep.forget_frames()
    sends(vtep, target)
    asks = vtep.waits_for("p1", is_request(target), "the request")
    assert asks.src == vtep.gateway
    assert Dot1Q not in asks
    if ip:
        assert asks[ICMPv6NDOptSrcLLAddr].lladdr == vtep.gateway
    else:
        assert (asks[ARP].hwsrc, asks[ARP].psrc) == (vtep.gateway, GATEWAYS[0])
    tagged = vtep.waits_for("p2", is_request(target), "the request with a tag")
    assert tagged[Dot1Q].vlan == 20
    everywhere = {"p1", "p2", f"{R2} 5002", f"{R3} 5002"}
    vtep.wait(lambda: set(all_out(vtep, is_request(target))) == everywhere, "all requests")
    vtep.hears("p1", reply(SILENT_MAC, target, vtep.gateway))
    vtep.wait(lambda: vtep.is_next_hop(target, SILENT_MAC), "the next hop")
    frame = vtep.waits_for("p1", carries(), "the packet that waited")
    assert frame.dst == SILENT_MAC
    vtep.forget_frames()
    sends(vtep, target, 2)
    vtep.waits_for("p1", carries(2), "the next packet")
    vtep.come_to_rest()
    assert all_out(vtep, carries(2)) == ["p1"]
    assert all_out(vtep, is_request(target)) + all_out(vtep, carries()) == []


@FAMILIES
def test_to_a_host_behind_a_tunnel_without_a_row(vtep: RoutedSwitch, ip: int) -> None:
    """R7: it answers the MAC that it was asked by, which is ours alone."""
    target = BEYOND[ip]
    vtep.forget_frames()
    sends(vtep, target)
    vtep.wait(lambda: f"{R3} 5002" in all_out(vtep, is_request(target)), "the request at R3")
    (asks,) = [
        frame
        for remote, _, frame in vtep.out_by_tunnel()
        if remote == R3 and is_request(target)(frame)
    ][:1]
    told = asks[ICMPv6NDOptSrcLLAddr].lladdr if ip else asks[ARP].hwsrc
    assert (asks.src, told) == (OUR_SOURCE, OUR_SOURCE)
    vtep.tunnels_in(R3, 5002, reply(BEYOND_MAC, target, told))
    vtep.wait(lambda: vtep.is_next_hop(target, BEYOND_MAC), "the next hop")
    vtep.wait(lambda: f"{R3} 5002" in all_out(vtep, carries()), "the packet that waited")
    vtep.forget_frames()
    sends(vtep, target, 2)
    vtep.wait(lambda: f"{R3} 5002" in all_out(vtep, carries(2)), "the next packet")
    assert all_out(vtep, is_request(target)) == []
    assert_restart_changes_nothing(vtep)


@FAMILIES
def test_to_nobody(vtep: RoutedSwitch, ip: int) -> None:
    """R11: three requests, then an error, then silence."""
    target = NOBODY[ip]
    if ip:
        learn_by_ipv6(vtep, HA)
    vtep.forget_frames()
    sends(vtep, target)
    error = vtep.waits_for("p0", is_unreachable, "the error")
    assert error.dst == HA
    if ip:
        assert error[IPv6].src == "2001:db8:1::1"
    else:
        assert (error[IP].src, error[IPerror].dst) == ("192.168.1.1", target)
    asked = [frame for frame in vtep.out("p1") if is_request(target)(frame)]
    assert len(asked) == 3
    times = [float(frame.time) for frame in asked]
    assert all(later - earlier > 0.9 for earlier, later in pairwise(times))
    sends(vtep, target, 2)
    vtep.come_to_rest()
    assert len([frame for frame in vtep.out("p1") if is_request(target)(frame)]) == 3


def is_unreachable(frame: Packet) -> bool:
    if ICMPv6DestUnreach in frame:
        return bool(frame[ICMPv6DestUnreach].code == 3)
    return ICMP in frame and (frame[ICMP].type, frame[ICMP].code) == (3, 1)


def test_what_is_known_needs_no_application(vtep: RoutedSwitch) -> None:
    """R26, for R4 and R5."""
    vtep.set_ip(REMOTE_B, PLACED[0])
    vtep.wait(lambda: vtep.is_next_hop(PLACED[0], REMOTE_B), "the next hop")
    vtep.app.kill()
    vtep.forget_frames()
    sends(vtep, ADDRESSES[HB][0], 1)
    sends(vtep, PLACED[0], 2)
    vtep.wait(lambda: all_out(vtep, carries(1)) == ["p1"], "the packet for hB")
    vtep.wait(lambda: all_out(vtep, carries(2)) == [f"{R3} 5002"], "the packet for rB")


def test_a_restart_sends_no_flow(vtep: RoutedSwitch) -> None:
    """R27, without traffic."""
    vtep.set_ip(REMOTE_B, PLACED[0])
    vtep.wait(lambda: vtep.is_next_hop(PLACED[0], REMOTE_B), "the next hop")
    assert_restart_changes_nothing(vtep)
    for host in ADDRESSES:
        assert vtep.is_next_hop(ADDRESSES[host][0], host)


def test_packets_follow_a_host_that_moves(vtep: RoutedSwitch) -> None:
    """R28: one frame is enough, and nobody is asked."""
    vtep.forget_frames()
    vtep.hears("p2", Ether(src=HB, dst="ff:ff:ff:ff:ff:ff", type=0x1234), 20)
    target = ADDRESSES[HB][0]

    def follows() -> Any:
        sends(vtep, target)
        return "p2" in all_out(vtep, carries())

    vtep.wait(follows, "the packet at its new place")
    assert all_out(vtep, is_request(target)) == []
    frame = vtep.waits_for("p2", carries(), "the packet")
    assert (frame.dst, frame[Dot1Q].vlan) == (HB, 20)


def test_a_host_that_is_about_to_take_the_address_of_a_router_is_told(vtep: RoutedSwitch) -> None:
    """RFC 4862: the answer is for all nodes, and is not solicited."""
    vtep.forget_frames()
    asks = IPv6(src="::", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=GATEWAYS[1])
    vtep.hears("p1", Ether(src=HB, dst="33:33:ff:00:00:01") / asks)
    told = vtep.waits_for("p1", lambda frame: ICMPv6ND_NA in frame, "the advertisement")
    said = told[ICMPv6ND_NA]
    assert (told.src, told.dst, told[IPv6].dst) == (vtep.gateway, "33:33:00:00:00:01", "ff02::1")
    assert (said.tgt, said.R, said.S, said.O) == (GATEWAYS[1], 1, 0, 1)
    assert said[ICMPv6NDOptDstLLAddr].lladdr == vtep.gateway


def test_hosts_are_told_of_another_mac_of_a_router(vtep: RoutedSwitch) -> None:
    """2.8: only at bindings, and not again after a restart."""
    vtep.forget_frames()
    mac = "02:00:00:00:00:fe"
    vtep.vtep_ctl("set", "Logical_Router", "r1", f'other_config:router_mac="{mac}"')
    is_it = lambda frame: ARP in frame and frame[ARP].psrc == frame[ARP].pdst  # noqa: E731
    told = vtep.waits_for("p1", is_it, "the gratuitous request")
    assert (told.src, told[ARP].hwsrc, told[ARP].psrc) == (mac, mac, GATEWAYS[0])
    vtep.waits_for("p1", lambda frame: ICMPv6ND_NA in frame, "the advertisement")
    assert vtep.out_by_tunnel() == []
    vtep.forget_frames()
    vtep.restart_app()
    vtep.come_to_rest()
    assert all_out(vtep, is_it) == []
