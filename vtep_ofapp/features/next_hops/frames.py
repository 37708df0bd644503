"""The frames that a router sends to learn of a MAC address, or to tell its own.

Each is as long as the shortest Ethernet frame at least. Addresses are canonical texts.
"""

import socket
import struct

from ...values.checksums import checksum, pseudo_header
from ..neighbours.claims import SOLICITED_NODE

_BROADCAST, _NOBODY = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"
_ALL_NODES = "ff02::1", "33:33:00:00:00:01"
"""All nodes of a link, and the MAC address of that group (RFC 4291; RFC 2464, section 7)."""
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_TYPE, _IPV4, _IPV6, _ARP_TYPE = 1, 0x0800, 0x86DD, 0x0806
_IPV6_HEADER = struct.Struct("!IHBB16s16s")
_ICMPV6, _HOP_LIMIT = 58, 255
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_OPTION, _TARGET_OPTION = b"\x01\x01", b"\x02\x01"
"""Options with a link-layer address of six bytes (RFC 4861, section 4.6.1)."""
_ROUTER_OVERRIDES = 0xA000_0000
"""The flags R and O of an advertisement that nobody asked for (RFC 4861, section 7.2.6)."""
_SHORTEST = 60
"""Bytes of the shortest Ethernet frame, without its checksum (IEEE 802.3)."""


def request(mac: str, source: str, target: str, to: str = "") -> bytes:
    """Return the request for the MAC address of a target, by the family of its IP address.

    ``mac`` and ``source`` are ours. Without a source an ARP request has 0.0.0.0; a solicitation
    always has one. With the MAC address that the target had, ``to``, only the target gets it (RFC
    1122, section 2.3.2.1; RFC 4861, section 7.3.3).
    """
    if ":" in target:
        return _solicitation(mac, source, target, to)
    return _arp(mac, to or _BROADCAST, source or "0.0.0.0", target)


def announcement(mac: str, ip: str) -> bytes:
    """Return the frame that tells all hosts of a link that a router has this address now.

    A gratuitous ARP request, or an unsolicited neighbor advertisement with the flags R and O (RFC
    5227, section 2.3; RFC 4861, section 7.2.6).
    """
    return _advertisement(mac, ip, _ALL_NODES[1]) if ":" in ip else _arp(mac, _BROADCAST, ip, ip)


def defence(mac: str, ip: str, to: str) -> bytes:
    """Return the answer to a host that is about to take a router's IPv6 address.

    The host has no address yet, so the answer is for all nodes and is not solicited (RFC 4861,
    section 7.2.4). In Ethernet it goes to that host alone, which RFC 6085 allows.
    """
    return _advertisement(mac, ip, to)


def solicited_node(target: str) -> tuple[str, str]:
    """Return the group of a target's solicitations, and the MAC address of the group."""
    tail = socket.inet_pton(socket.AF_INET6, target)[-3:]
    group = socket.inet_ntop(socket.AF_INET6, SOLICITED_NODE + tail)
    return group, f"33:33:ff:{tail.hex(':')}"


def _arp(mac: str, to: str, source: str, target: str) -> bytes:
    ours, addresses = _packed_mac(mac), (socket.inet_aton(source), socket.inet_aton(target))
    asks = _ETHERNET_TYPE, _IPV4, 6, 4, 1
    return _ethernet(
        mac, to, _ARP_TYPE, _ARP.pack(*asks, ours, addresses[0], _packed_mac(_NOBODY), addresses[1])
    )


def _solicitation(mac: str, source: str, target: str, to: str) -> bytes:
    group, group_mac = solicited_node(target)
    body = struct.pack("!BBHI16s", _SOLICITATION, 0, 0, 0, _packed_ip(target))
    body += _SOURCE_OPTION + _packed_mac(mac)
    return _icmpv6(mac, to or group_mac, source, target if to else group, body)


def _advertisement(mac: str, ip: str, to: str) -> bytes:
    body = struct.pack("!BBHI16s", _ADVERTISEMENT, 0, 0, _ROUTER_OVERRIDES, _packed_ip(ip))
    return _icmpv6(mac, to, ip, _ALL_NODES[0], body + _TARGET_OPTION + _packed_mac(mac))


def _icmpv6(mac: str, to: str, source: str, target: str, body: bytes) -> bytes:
    """Return the frame of an ICMPv6 message, whose checksum is still 0."""
    ends = _packed_ip(source), _packed_ip(target)
    covered = pseudo_header(*ends, _ICMPV6, len(body)) + body
    body = body[:2] + checksum(covered).to_bytes(2, "big") + body[4:]
    header = _IPV6_HEADER.pack(6 << 28, len(body), _ICMPV6, _HOP_LIMIT, *ends)
    return _ethernet(mac, to, _IPV6, header + body)


def _ethernet(mac: str, to: str, kind: int, packet: bytes) -> bytes:
    header = _packed_mac(to) + _packed_mac(mac) + kind.to_bytes(2, "big")
    return (header + packet).ljust(_SHORTEST, b"\0")


def _packed_mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _packed_ip(ip: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, ip)
