"""The frame of an ICMP error about a packet, or the reason of RFCs not to send one.

RFC 792, RFC 1122 (section 3.2.2), RFC 1812 (section 4.3.2) and RFC 4443 (section 2.4).
"""

import struct
from enum import Enum, auto
from ipaddress import ip_address

from ...pipeline.shown import LONGEST_ERROR, LONGEST_ERROR_6
from ...values.checksums import checksum, pseudo_header
from .packets import ICMP, ICMPV6, IPV4, IPV6, Packet, read


class Kind(Enum):
    """Why a router does not forward a packet."""

    EXPIRED = auto()
    """Its TTL or hop limit ends here."""
    NO_ROUTE = auto()
    """No route of the router leads to its destination."""
    NO_HOST = auto()
    """Its next hop does not answer ARP requests or neighbor solicitations."""
    NO_PORT = auto()
    """It is a UDP datagram to an address of the router, which serves no port."""


_CODES = {
    Kind.EXPIRED: (11, 0),
    Kind.NO_ROUTE: (3, 0),
    Kind.NO_HOST: (3, 1),
    Kind.NO_PORT: (3, 3),
}
"""The type and code of ICMP (RFC 792)."""
_CODES_6 = {
    Kind.EXPIRED: (3, 0),
    Kind.NO_ROUTE: (1, 0),
    Kind.NO_HOST: (1, 3),
    Kind.NO_PORT: (1, 4),
}
"""The type and code of ICMPv6 (RFC 4443, sections 3.1 and 3.3)."""
HOP_LIMIT = 64
"""The TTL of an error, before it is routed to the source as any other packet."""
_TO, _FROM = slice(0, 6), slice(6, 12)
_TTL, _CHECKSUM, _HOP_LIMIT = 8, slice(10, 12), 7
"""Where a packet has its TTL and header checksum, or its hop limit."""
_IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
_IPV6_HEADER = struct.Struct("!IHBB16s16s")
_ERROR = struct.Struct("!BBHI")
_INTERNETWORK_CONTROL = 0xC0
"""The type of service of an error: precedence 6 (RFC 1812, section 4.3.2.5)."""
_DO_NOT_FRAGMENT = 0x4000
"""It needs no identification then (RFC 6864, section 4.1)."""
_LOOPBACK_6 = bytes(15) + b"\x01"
_MAPPED = bytes(10) + b"\xff\xff"


def error(frame: bytes, kind: Kind, source: str) -> bytes | None:
    """Return the frame of the error that a router sends from ``source`` about a packet.

    ``frame`` is the packet as it reached the router, without a tag; of NO_HOST it is the packet as
    the router would have sent it, whose TTL is one lower. The error goes to the MAC address that
    the frame is from.

    None if there must be no error: about ICMP errors, later fragments, frames or packets for a
    group, packets that are not of one host, or are malformed. The same for sources that are
    link-local: no route leads to them. ``source`` is of the same family, or there is none either.
    """
    packet, address = read(frame), ip_address(source).packed
    if packet is None or len(address) != len(packet.source) or not _may_answer(frame, packet):
        return None
    if packet.source == address or (kind is Kind.NO_PORT and not packet.is_datagram):
        return None
    octets = _as_it_came(packet) if kind is Kind.NO_HOST else packet.octets
    ethertype, made = (IPV6, _error_6) if packet.is_ipv6 else (IPV4, _error_4)
    return frame[_FROM] + frame[_TO] + ethertype + made(packet, octets, kind, address)


def _may_answer(frame: bytes, packet: Packet) -> bool:
    """Whether a packet went to one host, came from one, and is no error itself."""
    is_for_group = frame[0] & 1 or not _names_one(packet.target)
    is_from_station = any(frame[_FROM]) and not frame[6] & 1
    is_from_one = is_from_station and _names_one(packet.source) and _is_routed(packet.source)
    return not is_for_group and is_from_one and not packet.is_icmp_error


def _names_one(address: bytes) -> bool:
    """Whether an address may be one host's in a network (RFC 1122, 3.2.1.3; RFC 4291, 2.4)."""
    if len(address) == 4:
        return address[0] not in (0, 127, 255) and not 224 <= address[0] < 240
    is_special = address in (bytes(16), _LOOPBACK_6) or address.startswith(_MAPPED)
    return not is_special and address[0] != 0xFF


def _is_routed(source: bytes) -> bool:
    """Whether a router has a way to a source: not if it is link-local, or of class E."""
    if len(source) == 4:
        return source[0] < 224 and not source.startswith(b"\xa9\xfe")
    return not (source[0] == 0xFE and source[1] & 0xC0 == 0x80)


def _as_it_came(packet: Packet) -> bytes:
    """Return a packet with the TTL that it had before it was routed, if that can be."""
    at, octets = _HOP_LIMIT if packet.is_ipv6 else _TTL, bytearray(packet.octets)
    octets[at] = min(octets[at] + 1, 255)
    if not packet.is_ipv6:
        octets[_CHECKSUM] = bytes(2)
        size = (octets[0] & 0xF) * 4
        octets[_CHECKSUM] = checksum(bytes(octets[:size])).to_bytes(2, "big")
    return bytes(octets)


def _error_4(packet: Packet, octets: bytes, kind: Kind, source: bytes) -> bytes:
    quoted = octets[: LONGEST_ERROR - _IPV4_HEADER.size - _ERROR.size]
    message = _message(_CODES[kind], quoted, b"")
    length = _IPV4_HEADER.size + len(message)

    def header(check: int) -> bytes:
        return _IPV4_HEADER.pack(
            0x45,
            _INTERNETWORK_CONTROL,
            length,
            0,
            _DO_NOT_FRAGMENT,
            HOP_LIMIT,
            ICMP,
            check,
            source,
            packet.source,
        )

    return header(checksum(header(0))) + message


def _error_6(packet: Packet, octets: bytes, kind: Kind, source: bytes) -> bytes:
    quoted = octets[: LONGEST_ERROR_6 - _IPV6_HEADER.size - _ERROR.size]
    length = _ERROR.size + len(quoted)
    message = _message(_CODES_6[kind], quoted, pseudo_header(source, packet.source, ICMPV6, length))
    return _IPV6_HEADER.pack(6 << 28, length, ICMPV6, HOP_LIMIT, source, packet.source) + message


def _message(code: tuple[int, int], quoted: bytes, covered: bytes) -> bytes:
    """Return the ICMP message that quotes a packet; ``covered`` is covered by its checksum, too."""
    check = checksum(covered + _ERROR.pack(*code, 0, 0) + quoted)
    return _ERROR.pack(*code, check, 0) + quoted
