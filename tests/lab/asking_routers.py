"""What hosts ask a router, and what it answers."""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from sim.wire.frames import BROADCAST
from tests.lab.packets import Station
from tests.lab.routed_network import GW, GW_A, GW_A6, RoutedNetwork, Sent, to

_GROUP_OF_GW = "33:33:ff:00:00:01"


def asks(
    net: RoutedNetwork, station: Station, target: str = GW_A, dst: str = BROADCAST, ip: str = ""
) -> Sent:
    """Return an ARP request of a station."""
    request = ARP(op=1, hwsrc=station.mac, psrc=ip or station.ip, pdst=target)
    return net.packets(station, station).frame(request, dst)


def answered(shot: Sent, station: Station, target: str = GW_A, ip: str = "") -> None:
    """Wait until a request is answered by the router's MAC, and heard by nobody else."""
    shot.arrives(to(station))
    reply = shot.arrived()
    said = reply[ARP]
    assert (reply.src, reply.dst) == (GW, station.mac)
    assert (said.op, said.hwsrc, said.psrc) == (2, GW, target)
    assert (said.hwdst, said.pdst) == (station.mac, ip or station.ip)


def solicits(
    net: RoutedNetwork,
    target: str = GW_A6,
    dst: str = _GROUP_OF_GW,
    hops: int = 255,
    has_option: bool = True,
) -> Sent:
    """Return a neighbor solicitation of hA."""
    host = net.a
    to_ip = "ff02::1:ff00:1" if dst.startswith("33:33") else target
    packet = IPv6(src=host.ip6, dst=to_ip, hlim=hops) / ICMPv6ND_NS(tgt=target)
    if has_option:
        packet /= ICMPv6NDOptSrcLLAddr(lladdr=host.mac)
    return net.packets(host, host).frame(packet, dst)


def advertised(net: RoutedNetwork, shot: Sent, target: str = GW_A6) -> Packet:
    """Wait until a solicitation is answered by the router's MAC; return the answer."""
    shot.arrives(to(net.a))
    reply = shot.arrived()
    said = reply[ICMPv6ND_NA]
    assert (reply.src, reply.dst) == (GW, net.a.mac)
    assert (reply[IPv6].src, reply[IPv6].dst, reply[IPv6].hlim) == (target, net.a.ip6, 255)
    assert (said.R, said.S, said.O, said.tgt) == (1, 1, 1, target)
    assert_checksums(reply)
    return reply


def assert_checksums(frame: Packet) -> None:
    """Assert that the checksums of a packet are those that scapy computes."""
    again = Ether(bytes(frame))
    for layer in (IP, ICMP, ICMPv6ND_NA, ICMPv6EchoReply):
        if layer in again:
            delattr(again[layer], "chksum" if layer in (IP, ICMP) else "cksum")
    assert bytes(again) == bytes(frame)


def pings(net: RoutedNetwork, station: Station, target: str, ttl: int = 64) -> Sent:
    """Return an echo request of a station for an address of the router."""
    if ":" in target:
        packet: Packet = IPv6(src=station.ip6, dst=target, hlim=ttl)
        packet /= ICMPv6EchoRequest(id=77, seq=5)
    else:
        packet = IP(src=station.ip, dst=target, ttl=ttl) / ICMP(type=8, id=77, seq=5)
    return net.packets(station, station).frame(packet)


def echoed(shot: Sent, station: Station, target: str) -> None:
    """Wait until an echo request is answered, with its own data, and heard by nobody else."""
    shot.arrives(to(station))
    reply = shot.arrived()
    assert (reply.src, reply.dst) == (GW, station.mac)
    is_v6 = ":" in target
    header, said = (reply[IPv6], reply[ICMPv6EchoReply]) if is_v6 else (reply[IP], reply[ICMP])
    assert (header.src, header.dst) == (target, station.ip6 if is_v6 else station.ip)
    assert (header.hlim if is_v6 else header.ttl) == 64
    assert (said.type, said.code, said.id, said.seq) == (129 if is_v6 else 0, 0, 77, 5)
    assert shot.last is not None
    assert bytes(reply).endswith(shot.last.mark)
    assert_checksums(reply)
