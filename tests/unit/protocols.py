"""Packets of ARP, neighbour discovery, IGMP and MLD, as hosts and routers send them.

The application reads their bytes, flows match and change their fields.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from .packets import ARP, ICMPV6, IPV4, IPV6, Packet

IGMP = 2
"""The protocol number."""
REQUEST, REPLY = 1, 2
"""Operations of ARP."""
SOLICITATION, ADVERTISEMENT = 135, 136
"""Types of ICMPv6 (RFC 4861)."""
_UNSPECIFIED_MAC = "00:00:00:00:00:00"
_SLL, _TLL = 1, 2
"""Types of options of neighbour discovery."""
_IPV4_ALERT, _IPV6_ALERT = b"\x94\x04\0\0", b"\x3a\0\x05\x02\0\0\x01\0"
"""The Router Alert option of IPv4, and the Hop-by-Hop header with that of IPv6."""


@dataclass(frozen=True)
class Message(Packet):
    """A packet with the bytes behind its EtherType, and the fields of what it carries."""

    payload: bytes = b""
    more: tuple[tuple[str, int], ...] = field(default=(), repr=False)

    def fields(self) -> dict[str, int]:
        return {**super().fields(), **dict(self.more)}


def arp(op: int, sha: str, spa: str, tpa: str, tha: str = _UNSPECIFIED_MAC) -> Message:
    """Return an ARP packet (RFC 826)."""
    fields = (
        ("arp_op", op),
        ("arp_sha", number(sha)),
        ("arp_spa", number(spa)),
        ("arp_tha", number(tha)),
        ("arp_tpa", number(tpa)),
    )
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, op)
    body = mac_bytes(sha) + ip_bytes(spa) + mac_bytes(tha) + ip_bytes(tpa)
    return Message(ARP, payload=head + body, more=fields)


def solicitation(src: str, target: str, mac: str | None, dst: str | None = None) -> Message:
    """Return a Neighbor Solicitation, to the target's solicited-node group unless told otherwise.

    ``mac`` is the source link-layer address option, None for none as with the source ``::``.
    """
    option = () if mac is None else (("ipv6_nd_sll", number(mac)),)
    to = dst or solicited_node(target)
    return _discovery(SOLICITATION, src, to, target, _option(_SLL, mac), option)


def advertisement(src: str, dst: str, target: str, mac: str | None) -> Message:
    """Return a Neighbor Advertisement; ``mac`` is its target link-layer address option."""
    option = () if mac is None else (("ipv6_nd_tll", number(mac)),)
    return _discovery(ADVERTISEMENT, src, dst, target, _option(_TLL, mac), option)


def igmp(src: str, dst: str, message: bytes) -> Message:
    """Return an IGMP packet with the Router Alert option; its checksum is filled in."""
    checked = message[:2] + struct.pack("!H", _checksum(message)) + message[4:]
    header = _ipv4_header(src, dst, IGMP, checked, _IPV4_ALERT)
    more = (("nw_ttl", 1),)
    return Message(IPV4, src, dst, IGMP, payload=header + checked, more=more)


def mld(src: str, dst: str, message: bytes) -> Message:
    """Return an ICMPv6 packet of MLD behind a Hop-by-Hop header with the Router Alert option."""
    checked = _with_icmpv6_checksum(src, dst, message)
    return _icmpv6(src, dst, checked, 1, (), _IPV6_ALERT)


def frame(src: str, dst: str, packet: Packet, tags: Iterable[int] = ()) -> bytes:
    """Return the bytes of an Ethernet frame; other packets than messages are nothing but a type."""
    tagged = b"".join(struct.pack("!HH", 0x8100, tag) for tag in tags)
    payload = packet.payload if isinstance(packet, Message) else bytes(46)
    return mac_bytes(dst) + mac_bytes(src) + tagged + packet.eth_type.to_bytes(2, "big") + payload


# Addresses


def number(address: str) -> int:
    """Return a MAC, IPv4 or IPv6 address as a number."""
    is_mac = len(address) == 17 and address.count(":") == 5 and "::" not in address
    return int.from_bytes(mac_bytes(address) if is_mac else ip_bytes(address), "big")


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def ip_bytes(address: str) -> bytes:
    return ip_address(address).packed


def solicited_node(target: str) -> str:
    """Return the solicited-node multicast address of an address (RFC 4291, 2.7.1)."""
    low = int(IPv6Address(target)) & 0xFFFFFF
    return str(IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | low))


def group_mac(group: str) -> str:
    """Return the MAC address of a multicast group (RFC 1112, RFC 2464)."""
    address = ip_address(group)
    if isinstance(address, IPv4Address):
        return (0x01005E000000 | int(address) & 0x7FFFFF).to_bytes(6, "big").hex(":")
    return (0x333300000000 | int(address) & 0xFFFFFFFF).to_bytes(6, "big").hex(":")


# Bytes

_FLAGS = {False: 0x60000000, True: 0x20000000}
"""S and O of an advertisement; for a group S is zero (RFC 4861, section 4.4)."""


def _option(type: int, mac: str | None) -> bytes:
    return b"" if mac is None else struct.pack("!BB", type, 1) + mac_bytes(mac)


def _discovery(
    type: int, src: str, dst: str, target: str, option: bytes, more: tuple[tuple[str, int], ...]
) -> Message:
    flags = _FLAGS[ip_address(dst).is_multicast] if type == ADVERTISEMENT else 0
    body = struct.pack("!BBHI", type, 0, 0, flags) + ip_bytes(target) + option
    fields = (
        ("ipv6_nd_target", number(target)),
        ("nd_reserved", flags),
        ("nd_options_type", option[0] if option else 0),
        *more,
    )
    return _icmpv6(src, dst, _with_icmpv6_checksum(src, dst, body), 255, fields)


def _icmpv6(
    src: str,
    dst: str,
    message: bytes,
    ttl: int,
    more: tuple[tuple[str, int], ...],
    options: bytes = b"",
) -> Message:
    next_header = 0 if options else ICMPV6
    header = struct.pack("!IHBB", 6 << 28, len(options + message), next_header, ttl)
    return Message(
        IPV6,
        src,
        dst,
        ICMPV6,
        icmp_type=message[0],
        icmp_code=message[1],
        payload=header + ip_bytes(src) + ip_bytes(dst) + options + message,
        more=(("nw_ttl", ttl), *more),
    )


def _ipv4_header(src: str, dst: str, protocol: int, payload: bytes, options: bytes) -> bytes:
    words, length = 5 + len(options) // 4, 20 + len(options + payload)
    head = struct.pack("!BBHHHBBH", 4 << 4 | words, 0, length, 0, 0, 1, protocol, 0)
    addresses = ip_bytes(src) + ip_bytes(dst) + options
    checksum = struct.pack("!H", _checksum(head + addresses))
    return head[:10] + checksum + addresses


def _with_icmpv6_checksum(src: str, dst: str, message: bytes) -> bytes:
    pseudo = ip_bytes(src) + ip_bytes(dst) + struct.pack("!II", len(message), ICMPV6)
    return message[:2] + struct.pack("!H", _checksum(pseudo + message)) + message[4:]


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of data whose own checksum is zero."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
