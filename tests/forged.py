"""Forged ARP packets and neighbor messages, as a host may send them, and honest ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from sim.wire.frames import BROADCAST

HOST, NEIGHBOUR, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:66"
GROUP, ALL_NODES = "01:00:5e:00:00:01", "33:33:00:00:00:01"
HOST_IP, HOST_IPV6, NEIGHBOUR_IP = "192.168.1.11", "2001:db8:1::11", "192.168.1.12"


def arp(source: str = HOST, **fields: Any) -> bytes:
    """Return an ARP request of a host, with other values in some fields."""
    packet = {"hwsrc": source, "psrc": HOST_IP, "pdst": "192.168.1.1", **fields}
    return bytes(Ether(src=source, dst=BROADCAST) / ARP(**packet))


def ipv6(payload: Packet, src: str = HOST_IPV6, dst: str = "ff02::1", hlim: int = 255) -> bytes:
    return bytes(Ether(src=HOST, dst=ALL_NODES) / IPv6(src=src, dst=dst, hlim=hlim) / payload)


def solicitation(src: str = HOST_IPV6, hlim: int = 255, code: int = 0, **option: Any) -> bytes:
    option = {"lladdr": HOST, **option}
    message = ICMPv6ND_NS(tgt="2001:db8:1::1", code=code) / ICMPv6NDOptSrcLLAddr(**option)
    return ipv6(message, src, hlim=hlim)


def advertisement(target: str = HOST_IPV6, lladdr: str = HOST, hlim: int = 255) -> bytes:
    return ipv6(ICMPv6ND_NA(tgt=target) / ICMPv6NDOptDstLLAddr(lladdr=lladdr), hlim=hlim)


def truncated() -> Iterator[bytes]:
    """Yield frames that end within what they state."""
    whole, neighbor = arp(), solicitation()
    yield from (whole[:length] for length in range(14, 42, 3))
    yield from (neighbor[:length] for length in range(14, 78, 7))


FORGED = {
    "a sender that is another": arp(hwsrc=OTHER),
    "a sender that is a group": arp(hwsrc=GROUP),
    "a sender that is nobody": arp(hwsrc="00:00:00:00:00:00"),
    "no IP address": arp(psrc="0.0.0.0", op=2),
    "the broadcast address": arp(psrc="255.255.255.255"),
    "a loopback address": arp(psrc="127.0.0.1"),
    "a multicast address": arp(psrc="224.0.0.1"),
    "this network": arp(psrc="0.0.0.5"),
    "another operation": arp(op=3),
    "another kind of hardware": arp(hwtype=6),
    "another length of hardware addresses": arp(hwlen=8),
    "another length of IP addresses": arp(plen=16),
    "another protocol": arp(ptype=0x86DD),
    "a solicitation from elsewhere": solicitation(hlim=64),
    "a solicitation with a code": solicitation(code=7),
    "a solicitation of a group": solicitation(src="ff02::1"),
    "a solicitation of the loopback address": solicitation(src="::1"),
    "a solicitation for another MAC": solicitation(lladdr=OTHER),
    "an advertisement for another MAC": advertisement(lladdr=OTHER),
    "an advertisement of a group": advertisement(target="ff02::5"),
    "an advertisement of no address": advertisement(target="::"),
    "an advertisement from elsewhere": advertisement(hlim=1),
    "a solicitation with a wrong checksum": ipv6(ICMPv6ND_NS(tgt="2001:db8:1::1", cksum=1)),
    "an advertisement with a wrong checksum": ipv6(ICMPv6ND_NA(tgt=HOST_IPV6, cksum=1)),
    "an advertisement that answers all": ipv6(ICMPv6ND_NA(tgt=HOST_IPV6, S=1)),
    "an option without a length": ipv6(ICMPv6ND_NS(tgt="2001:db8:1::1") / Raw(bytes(8))),
    "an option that is cut off": ipv6(
        ICMPv6ND_NS(tgt="2001:db8:1::1") / Raw(b"\x01\x02" + bytes(6))
    ),
    "a fragment": ipv6(IPv6ExtHdrFragment(nh=58, m=1) / Raw(bytes([135]) + bytes(40))),
    "options before it": ipv6(
        IPv6ExtHdrHopByHop() / ICMPv6ND_NS(tgt="2001:db8:1::1"), src="ff02::2"
    ),
    "an echo request": ipv6(ICMPv6EchoRequest(), src="::1"),
    **{f"{len(frame)} bytes of {frame[12:14].hex()}": frame for frame in truncated()},
}
