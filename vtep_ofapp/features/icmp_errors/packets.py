"""The packets about which a router may send an error, read from frames.

Hosts may send anything. No length in a frame is believed before it was compared with the bytes that
are there. os-ken's packet library raises on such frames, so that it is not used here.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from ...pipeline.shown import LONGEST_QUOTED
from ...values.checksums import checksum, pseudo_header

ETHERNET = 14
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
ICMP, UDP, ICMPV6 = 1, 17, 58
_TYPE = slice(12, 14)
_SOURCE, _SOURCE_6 = slice(26, 30), slice(22, 38)
_TARGET, _TARGET_6 = slice(30, 34), slice(38, 54)
_IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
_IPV6_HEADER = struct.Struct("!IHBB16s16s")
_UDP_HEADER = 8
_OFFSET, _MORE = 0x1FFF, 0x2000
"""Of the flags and the offset of an IPv4 fragment, in units of 8 bytes (RFC 791)."""
_OFFSET_6, _MORE_6 = 0xFFF8, 1
"""The same of a fragment header of IPv6 (RFC 8200, section 4.5)."""
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _OPTIONS = 0, 43, 44, 51, 60
_MOBILITY, _HIP, _SHIM6 = 135, 139, 140
_EXTENSIONS = {
    _HOP_BY_HOP: 8,
    _ROUTING: 8,
    _FRAGMENT: 0,
    _AUTHENTICATION: 4,
    _OPTIONS: 8,
    _MOBILITY: 8,
    _HIP: 8,
    _SHIM6: 8,
}
"""Extension headers (RFC 7045), each with the unit of its length; 0 if it is always 8 bytes."""
_QUERIES = frozenset((0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43))
"""Types of ICMP that ask or answer. All others are errors, or may be."""
_FIRST_QUERY_6, _REDIRECT_6 = 128, 137
"""Lower types of ICMPv6 are errors, and a redirect counts as one (RFC 4443, section 2.4)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """An IP packet whose headers are right, and which is no fragment but the first.

    ``octets`` are all of its bytes, or the first of them if its frame was not read to the end.
    ``upper`` is what follows the IP header and its extensions, of the protocol ``protocol``.
    """

    octets: bytes
    source: bytes
    target: bytes
    protocol: int
    upper: bytes
    is_fragment: bool
    is_whole: bool

    @property
    def is_ipv6(self) -> bool:
        """Whether it is a packet of IPv6; otherwise it is one of IPv4."""
        return len(self.source) == 16

    @property
    def is_icmp_error(self) -> bool:
        """Whether it is an ICMP error, or so short or strange that it may be one."""
        kind = self.upper[0] if self.upper else None
        if self.is_ipv6:
            is_query = kind is not None and kind >= _FIRST_QUERY_6 and kind != _REDIRECT_6
            return self.protocol == ICMPV6 and not is_query
        return self.protocol == ICMP and kind not in _QUERIES

    @property
    def is_datagram(self) -> bool:
        """Whether a host would deliver it to a UDP port: its UDP header and checksum are right."""
        if self.protocol != UDP or self.is_fragment or len(self.upper) < _UDP_HEADER:
            return False
        length = int.from_bytes(self.upper[4:6], "big")
        if length < _UDP_HEADER or (self.is_whole and length > len(self.upper)):
            return False
        if not any(self.upper[6:8]):  # no checksum, which IPv6 does not allow
            return not self.is_ipv6
        covered = pseudo_header(self.source, self.target, UDP, length) + self.upper[:length]
        return not self.is_whole or checksum(covered) == 0


def read(frame: bytes) -> Packet | None:
    """Return the packet in a frame without a tag, None if an error about it makes no sense.

    That is a frame of another type, a packet with anything wrong in its headers, or a later
    fragment. Of a frame with LONGEST_QUOTED bytes or more the rest may be missing.
    """
    if len(frame) < ETHERNET:
        return None
    data = frame[ETHERNET:]
    is_cut = len(frame) >= LONGEST_QUOTED
    if frame[_TYPE] == IPV4 and len(data) >= _IPV4_HEADER.size:
        return _ipv4(data, is_cut)
    if frame[_TYPE] == IPV6 and len(data) >= _IPV6_HEADER.size:
        return _ipv6(data, is_cut)
    return None


def source_of(frame: bytes) -> str:
    """Return the address that a packet is from, "" if a frame is too short or of another type."""
    return _address(frame, _SOURCE, _SOURCE_6)


def target_of(frame: bytes) -> str:
    """Return the address that a packet is for, "" if a frame is too short or of another type."""
    return _address(frame, _TARGET, _TARGET_6)


def _address(frame: bytes, at: slice, at_6: slice) -> str:
    if frame[_TYPE] == IPV4 and len(frame) >= at.stop:
        return str(IPv4Address(frame[at]))
    if frame[_TYPE] == IPV6 and len(frame) >= at_6.stop:
        return str(IPv6Address(frame[at_6]))
    return ""


def _ipv4(data: bytes, is_cut: bool) -> Packet | None:
    first, _, length, _, fragment, _, protocol, _, source, target = _IPV4_HEADER.unpack_from(data)
    size = (first & 0xF) * 4
    if first >> 4 != 4 or not _IPV4_HEADER.size <= size <= min(length, len(data)):
        return None
    is_whole = length <= len(data)
    if not (is_whole or is_cut) or fragment & _OFFSET or checksum(data[:size]):
        return None
    octets, is_fragment = data[:length], bool(fragment & _MORE)
    return Packet(octets, source, target, protocol, octets[size:], is_fragment, is_whole)


def _ipv6(data: bytes, is_cut: bool) -> Packet | None:
    first, length, protocol, _, source, target = _IPV6_HEADER.unpack_from(data)
    end = _IPV6_HEADER.size + length
    is_whole = end <= len(data)
    if first >> 28 != 6 or not (is_whole or is_cut):
        return None
    octets = data[:end]
    found = _upper(octets, protocol)
    if found is None:
        return None
    protocol, at, is_fragment = found
    return Packet(octets, source, target, protocol, octets[at:], is_fragment, is_whole)


def _upper(octets: bytes, protocol: int) -> tuple[int, int, bool] | None:
    """Return the protocol behind the extension headers, where it begins, and if it is a fragment.

    None if the headers do not end within the packet, or in the wrong order, or if it is a later
    fragment. Each header takes 8 bytes or more, so that this ends.
    """
    at, is_fragment = _IPV6_HEADER.size, False
    while protocol in _EXTENSIONS:
        if len(octets) < at + 8 or (protocol == _HOP_BY_HOP and at != _IPV6_HEADER.size):
            return None
        following, size = octets[at], 8 + octets[at + 1] * _EXTENSIONS[protocol]
        if protocol == _FRAGMENT:
            fragment = int.from_bytes(octets[at + 2 : at + 4], "big")
            if fragment & _OFFSET_6:
                return None
            is_fragment = is_fragment or bool(fragment & _MORE_6)
        protocol, at = following, at + size
    return (protocol, at, is_fragment) if at <= len(octets) else None
