"""Frames of IGMP, MLD and PIM, made by hand as the RFCs draw them."""

from __future__ import annotations

import socket
import struct

from scapy.layers.inet import IP, IPOption_Router_Alert
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop, RouterAlert, in6_chksum
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import checksum

V1_REPORT, V2_REPORT, LEAVE, QUERY, V3_REPORT = 0x12, 0x16, 0x17, 0x11, 0x22
MLD_QUERY, MLD_REPORT, MLD_DONE, MLD_V2_REPORT = 130, 131, 132, 143
IS_INCLUDE, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW, BLOCK = 1, 2, 3, 4, 5, 6
ALL_HOSTS, ALL_ROUTERS, V3_ROUTERS, PIM_ROUTERS = (
    "224.0.0.1",
    "224.0.0.2",
    "224.0.0.22",
    "224.0.0.13",
)
ALL_NODES, ALL_ROUTERS_6, V2_ROUTERS = "ff02::1", "ff02::2", "ff02::16"
Record = tuple[int, str, tuple[str, ...]]
"""A group record: its kind, the group and sources."""


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def mac_of(group: str) -> str:
    """Return the MAC address that frames for a group are sent to."""
    address = packed(group)
    if len(address) == 16:
        return (b"\x33\x33" + address[12:]).hex(":")
    return (b"\x01\x00\x5e" + bytes([address[1] & 127]) + address[2:]).hex(":")


def igmp(src: str, source: str, to: str, body: bytes) -> bytes:
    """Return the frame of an IGMP message from a MAC and an IP address to a group."""
    whole = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    ip = IP(src=source, dst=to, ttl=1, proto=2, options=[IPOption_Router_Alert()])
    return bytes(Ether(src=src, dst=mac_of(to), type=0x0800) / ip / Raw(whole))


def igmp_v2(src: str, source: str, kind: int, group: str, to: str = "", code: int = 0) -> bytes:
    """Return a report, leave or query of IGMPv1 or IGMPv2."""
    return igmp(src, source, to or group, struct.pack("!BBH", kind, code, 0) + packed(group))


def igmp_v3_query(src: str, source: str, code: int = 100, group: str = "0.0.0.0") -> bytes:
    to = ALL_HOSTS if group == "0.0.0.0" else group
    body = struct.pack("!BBH", QUERY, code, 0) + packed(group) + bytes([2, 125, 0, 0])
    return igmp(src, source, to, body)


def igmp_v3(src: str, source: str, *records: Record) -> bytes:
    """Return a report of IGMPv3."""
    body = struct.pack("!BBHHH", V3_REPORT, 0, 0, 0, len(records))
    return igmp(src, source, V3_ROUTERS, body + b"".join(map(_record, records)))


def mld(src: str, source: str, to: str, body: bytes) -> bytes:
    """Return the frame of an MLD message."""
    ip = IPv6(src=source, dst=to, hlim=1, nh=0)
    whole = body[:2] + in6_chksum(58, ip, body).to_bytes(2, "big") + body[4:]
    alert = IPv6ExtHdrHopByHop(options=[RouterAlert(value=0)], nh=58)
    return bytes(Ether(src=src, dst=mac_of(to), type=0x86DD) / ip / alert / Raw(whole))


def mld_v1(src: str, source: str, kind: int, group: str, to: str = "", delay: int = 0) -> bytes:
    """Return a report, done or query of MLDv1."""
    body = struct.pack("!BBHHH", kind, 0, 0, delay, 0) + packed(group)
    return mld(src, source, to or group, body)


def mld_v2_query(src: str, source: str, code: int = 10000) -> bytes:
    body = struct.pack("!BBHHH", MLD_QUERY, 0, 0, code, 0) + bytes(16) + bytes([2, 125, 0, 0])
    return mld(src, source, ALL_NODES, body)


def mld_v2(src: str, source: str, *records: Record) -> bytes:
    """Return a report of MLDv2."""
    body = struct.pack("!BBHHH", MLD_V2_REPORT, 0, 0, 0, len(records))
    return mld(src, source, V2_ROUTERS, body + b"".join(map(_record, records)))


def pim_hello(src: str, source: str, to: str = PIM_ROUTERS, first: int = 0x20) -> bytes:
    body = bytes([first, 0, 0, 0])
    body = body[:2] + checksum(body).to_bytes(2, "big")
    ip = IP(src=source, dst=to, ttl=1, proto=103)
    return bytes(Ether(src=src, dst=mac_of(to), type=0x0800) / ip / Raw(body))


def _record(record: Record) -> bytes:
    kind, group, sources = record
    return struct.pack("!BBH", kind, 0, len(sources)) + b"".join(map(packed, (group, *sources)))
