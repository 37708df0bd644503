"""IGMP, MLD and PIM messages in frames: read from hosts, and written as a querier.

Hosts may send anything. So no length and no address in a frame is believed before it was compared
with the bytes that are there, and a message with a wrong checksum means nothing. os-ken's packet
library raises on such frames and makes an object for each layer, so that it is not used here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from ...pipeline.multicast import LONGEST_READ
from ...values.checksums import checksum, pseudo_header
from .groups import group_mac, is_reportable

SLOWEST_ANSWER = 25.5
"""Seconds: the longest response time of an IGMPv2 query (RFC 2236, section 2.2)."""


class Family(Enum):
    """The protocol of a message."""

    IGMP = auto()
    MLD = auto()


def family_of(group: str) -> Family:
    """Return the protocol by which hosts join a group."""
    return Family.MLD if ":" in group else Family.IGMP


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a router. ``is_general`` means that it asks all hosts for all groups, soon."""

    family: Family
    source: str
    is_general: bool


@dataclass(frozen=True, slots=True)
class Hello:
    """A PIM hello: there is a multicast router."""

    source: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A host reports that it is a member of a group."""

    group: str


@dataclass(frozen=True, slots=True)
class Left:
    """A host reports that it left a group."""

    group: str


Message: TypeAlias = Query | Hello | Joined | Left

_IPV4, _IPV6, _PIM, _IGMP, _ICMPV6, _HOP_BY_HOP = 0x0800, 0x86DD, 103, 2, 58, 0
_ETHERNET = 14
_IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
_IPV6_HEADER = struct.Struct("!IHBB16s16s")
_FRAGMENT = 0x3FFF
"""More fragments, or a fragment offset."""
_ALL_HOSTS, _ALL_NODES = IPv4Address("224.0.0.1").packed, IPv6Address("ff02::1").packed
_PIM_ROUTERS = IPv4Address("224.0.0.13").packed, IPv6Address("ff02::d").packed
_PIM_HELLO = b"\x20"
"""Version 2, type 0 (RFC 7761, section 4.9)."""
_NOT_ONE_HOST = IPv4Address("0.0.0.0").packed

# RFC 3376, section 4, and RFC 3810, section 5
_IGMP_QUERY, _IGMP_V1_REPORT, _IGMP_V2_REPORT, _IGMP_LEAVE, _IGMP_V3_REPORT = (
    0x11,
    0x12,
    0x16,
    0x17,
    0x22,
)
_MLD_QUERY, _MLD_V1_REPORT, _MLD_DONE, _MLD_V2_REPORT = 130, 131, 132, 143
_IS_INCLUDE, _IS_EXCLUDE, _TO_INCLUDE, _TO_EXCLUDE, _ALLOW = 1, 2, 3, 4, 5
"""Types of group records; a BLOCK_OLD_SOURCES says nothing about membership."""
_RECORD = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class _Packet:
    """An IP packet: its addresses, its payload, and whether that is all there."""

    protocol: int
    source: bytes
    target: bytes
    payload: bytes
    is_whole: bool


def messages(frame: bytes) -> tuple[str, list[Message]]:
    """Return the source MAC of a frame, and what it means for multicast: nothing for most frames.

    A report may name many groups, up to as many as fit into LONGEST_READ bytes.
    """
    packet = _packet(frame)
    return frame[6:12].hex(":"), list(_messages(frame[:6], packet)) if packet else []


def _packet(frame: bytes) -> _Packet | None:
    kind = int.from_bytes(frame[12:14], "big")
    data = frame[_ETHERNET:LONGEST_READ]
    if kind == _IPV4 and len(data) >= _IPV4_HEADER.size:
        return _ipv4(data)
    if kind == _IPV6 and len(data) >= _IPV6_HEADER.size:
        return _ipv6(data)
    return None


def _ipv4(data: bytes) -> _Packet | None:
    first, _, length, _, fragment, _, protocol, _, source, target = _IPV4_HEADER.unpack_from(data)
    header = (first & 0xF) * 4
    if first >> 4 != 4 or not _IPV4_HEADER.size <= header <= length or fragment & _FRAGMENT:
        return None
    return _Packet(protocol, source, target, data[header:length], len(data) >= length)


def _ipv6(data: bytes) -> _Packet | None:
    first, length, protocol, _, source, target = _IPV6_HEADER.unpack_from(data)
    start, end = _IPV6_HEADER.size, _IPV6_HEADER.size + length
    if first >> 28 != 6:
        return None
    if protocol == _HOP_BY_HOP and len(data) >= start + 8:  # the router alert of MLD
        protocol, start = data[start], start + 8 + data[start + 1] * 8
    if start > end:
        return None
    return _Packet(protocol, source, target, data[start:end], len(data) >= end)


def _messages(eth_dst: bytes, packet: _Packet) -> Iterator[Message]:
    payload = packet.payload
    if packet.protocol == _IGMP and len(packet.source) == 4 and len(payload) >= 8:
        if not packet.is_whole or checksum(payload) == 0:
            yield from _igmp(eth_dst, packet)
    elif packet.protocol == _ICMPV6 and len(packet.source) == 16 and len(payload) >= 8:
        if not packet.is_whole or _is_right(packet):
            yield from _mld(eth_dst, packet)
    elif packet.protocol == _PIM and packet.target in _PIM_ROUTERS and payload[:1] == _PIM_HELLO:
        yield Hello(_address(packet.source))


def _igmp(eth_dst: bytes, packet: _Packet) -> Iterator[Message]:
    kind, code, group = packet.payload[0], packet.payload[1], packet.payload[4:8]
    if kind == _IGMP_QUERY:
        if packet.source != _NOT_ONE_HOST:
            is_v3 = len(packet.payload) >= 12
            seconds = (_floating(code, 8) if is_v3 else code or 100) / 10
            to_all = packet.target == _ALL_HOSTS and not any(group)
            yield _query(Family.IGMP, eth_dst, packet, to_all and seconds <= SLOWEST_ANSWER)
    elif kind in (_IGMP_V1_REPORT, _IGMP_V2_REPORT):
        yield from _joined(group)
    elif kind == _IGMP_LEAVE:
        yield from _left(group)
    elif kind == _IGMP_V3_REPORT:
        yield from _records(packet.payload, 4)


def _mld(eth_dst: bytes, packet: _Packet) -> Iterator[Message]:
    kind, payload = packet.payload[0], packet.payload
    if kind == _MLD_V2_REPORT:
        yield from _records(payload, 16)
        return
    group = payload[8:24]
    if len(group) < 16:
        return
    if kind == _MLD_QUERY:
        if packet.source[0] == 0xFE and packet.source[1] & 0xC0 == 0x80:
            code = int.from_bytes(payload[4:6], "big")
            seconds = (_floating(code, 16) if len(payload) >= 28 else code) / 1000
            to_all = packet.target == _ALL_NODES and not any(group)
            yield _query(Family.MLD, eth_dst, packet, to_all and seconds <= SLOWEST_ANSWER)
    elif kind == _MLD_V1_REPORT:
        yield from _joined(group)
    elif kind == _MLD_DONE:
        yield from _left(group)


def _query(family: Family, eth_dst: bytes, packet: _Packet, is_general: bool) -> Query:
    reaches_all = eth_dst.hex(":") == group_mac(_address(packet.target)) if is_general else False
    return Query(family, _address(packet.source), reaches_all)


def _records(payload: bytes, size: int) -> Iterator[Message]:
    """Yield what the group records of a report mean, as far as the bytes are there."""
    at = 8
    for _ in range(int.from_bytes(payload[6:8], "big")):
        if at + _RECORD.size + size > len(payload):
            return
        kind, auxiliary, sources = _RECORD.unpack_from(payload, at)
        group = payload[at + _RECORD.size : at + _RECORD.size + size]
        at += _RECORD.size + size * (1 + sources) + auxiliary * 4
        if kind in (_IS_EXCLUDE, _TO_EXCLUDE) or (
            kind in (_IS_INCLUDE, _TO_INCLUDE, _ALLOW) and sources
        ):
            yield from _joined(group)
        elif kind == _TO_INCLUDE:
            yield from _left(group)


def _joined(group: bytes) -> Iterator[Joined]:
    address = _address(group)
    if is_reportable(address):
        yield Joined(address)


def _left(group: bytes) -> Iterator[Left]:
    address = _address(group)
    if is_reportable(address):
        yield Left(address)


@lru_cache(maxsize=1 << 12)
def _address(packed: bytes) -> str:
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))


def _floating(code: int, bits: int) -> int:
    """Return the time of a response code of so many bits, whose highest bit may mean a float.

    RFC 3376, section 4.1.1, and RFC 3810, section 5.1.3.
    """
    if code >> bits - 1 == 0:
        return code
    width = bits - 4
    mantissa, exponent = code % (1 << width), code >> width & 7
    return (mantissa + (1 << width)) << (exponent + 3)


def _is_right(packet: _Packet) -> bool:
    """Whether the checksum of an MLD message is right."""
    return checksum(_pseudo_header(packet) + packet.payload) == 0


def _pseudo_header(packet: _Packet) -> bytes:
    return pseudo_header(packet.source, packet.target, packet.protocol, len(packet.payload))


# Queries of ours

QUERY_INTERVAL = 125
"""Seconds (RFC 3376, section 8.2, and RFC 3810, section 9.2)."""
_ROBUSTNESS = 2
_ROUTER_ALERT_4, _ROUTER_ALERT_6 = b"\x94\x04\x00\x00", b"\x3a\x00\x05\x02\x00\x00\x01\x00"
"""The IPv4 option, and a hop-by-hop header that ICMPv6 follows (RFC 2113 and 2711)."""


def query(family: Family, mac: str, group: str | None = None) -> bytes:
    """Return the frame of a query from a switch with this MAC, for all groups or one.

    It is an IGMPv3 or MLDv2 query. Hosts of earlier versions read its first part as theirs (RFC
    2236, section 2.5, and RFC 2710, section 3.7), and those of the present one need not fall back
    to a version in which they suppress reports that others sent. The source of IGMP is 0.0.0.0, so
    that we never win an election of queriers against a router.
    """
    seconds = 1.0 if group else 10.0
    if family is Family.IGMP:
        return _igmp_query(mac, IPv4Address(group or "0.0.0.0").packed, int(seconds * 10))
    return _mld_query(mac, IPv6Address(group or "::").packed, int(seconds * 1000))


def querier_address(mac: str) -> str:
    """Return the link-local address from which a switch with this MAC asks by MLD.

    Hosts ignore queries from any other kind of address (RFC 3810, section 5.1.14). The router with
    the least address is the querier; ours is greater than those of routers, so that we never win.
    """
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + b"\xff\xff" + _packed_mac(mac)))


def _igmp_query(mac: str, group: bytes, tenths: int) -> bytes:
    body = struct.pack("!BBH4sBBH", _IGMP_QUERY, tenths, 0, group, _ROBUSTNESS, QUERY_INTERVAL, 0)
    body = _with_checksum(body, checksum(body), 2)
    target = group if any(group) else _ALL_HOSTS
    total = _IPV4_HEADER.size + len(_ROUTER_ALERT_4) + len(body)
    header = _IPV4_HEADER.pack(0x46, 0xC0, total, 0, 0, 1, _IGMP, 0, _NOT_ONE_HOST, target)
    header += _ROUTER_ALERT_4
    header = _with_checksum(header, checksum(header), 10)
    return _ethernet(mac, target, _IPV4, header + body)


def _mld_query(mac: str, group: bytes, milliseconds: int) -> bytes:
    source, target = IPv6Address(querier_address(mac)).packed, group if any(group) else _ALL_NODES
    body = struct.pack("!BBHHH16s", _MLD_QUERY, 0, 0, milliseconds, 0, group)
    body += struct.pack("!BBH", _ROBUSTNESS, QUERY_INTERVAL, 0)
    packet = _Packet(_ICMPV6, source, target, body, is_whole=True)
    body = _with_checksum(body, checksum(_pseudo_header(packet) + body), 2)
    length = len(_ROUTER_ALERT_6) + len(body)
    header = _IPV6_HEADER.pack(6 << 28, length, _HOP_BY_HOP, 1, source, target)
    return _ethernet(mac, target, _IPV6, header + _ROUTER_ALERT_6 + body)


def _with_checksum(data: bytes, value: int, at: int) -> bytes:
    return data[:at] + value.to_bytes(2, "big") + data[at + 2 :]


def _ethernet(mac: str, target: bytes, kind: int, packet: bytes) -> bytes:
    to = _packed_mac(group_mac(_address(target)))
    return (to + _packed_mac(mac) + kind.to_bytes(2, "big") + packet).ljust(60, b"\0")


def _packed_mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
