"""What is read of a frame that is shown to the controller, by the producer of the flow."""

from collections.abc import Callable

from .layout import Cookie
from .learning import LONGEST_SHOWN
from .multicast import LONGEST_READ

LONGEST_ERROR, LONGEST_ERROR_6 = 576, 1280
"""Bytes of the longest ICMP error (RFC 1812, section 4.3.2.3) and ICMPv6 error (RFC 4443, 2.4)."""
LONGEST_QUOTED = 14 + LONGEST_ERROR_6 - 40 - 8
"""Bytes of a frame that an error can quote: it has an IPv6 header and its own, and no Ethernet one.

An error about a packet of IPv4 quotes less.
"""
_SOURCE = slice(6, 12)
_FROM_SOURCE = slice(6, 14 + 1280)
"""What is read of a neighbor message: as much as every link of IPv6 takes (RFC 8200, section 5)."""
_ARP_PACKET = slice(6, 14 + 28)
_ETHERTYPE, _LENGTH, _NEXT_HEADER, _ICMPV6_TYPE = slice(12, 14), slice(18, 20), 20, 54
_IPV6_HEADER = 14 + 40
_ARP, _IPV6, _ICMPV6 = b"\x08\x06", b"\x86\xdd", 58
_SOLICITATION, _ADVERTISEMENT = 135, 136


def of_station(frame: bytes) -> bytes:
    """Return the source address of a frame, and of an ARP or neighbor message the rest as well.

    These state an IP address of the source (RFC 826, RFC 4861). All other frames of a station are
    equal in what is returned.
    """
    return _statement(frame) if states_addresses(frame) else frame[_SOURCE]


def _statement(frame: bytes) -> bytes:
    """Return a frame from its source address on, without what follows the packet."""
    if frame[_ETHERTYPE] == _ARP:
        return frame[_ARP_PACKET]
    end = _IPV6_HEADER + int.from_bytes(frame[_LENGTH], "big")
    return frame[:end][_FROM_SOURCE]


def states_addresses(frame: bytes) -> bool:
    """Whether a frame is an ARP packet, a neighbor solicitation or a neighbor advertisement."""
    kind = frame[_ETHERTYPE]
    if kind == _IPV6 and len(frame) > _ICMPV6_TYPE and frame[_NEXT_HEADER] == _ICMPV6:
        return frame[_ICMPV6_TYPE] in (_SOLICITATION, _ADVERTISEMENT)
    return kind == _ARP


def of_report(frame: bytes) -> bytes:
    """Return an IGMP, MLD or PIM message with its headers, as far as it is read."""
    return frame[:LONGEST_READ]


def of_routed(frame: bytes) -> bytes:
    """Return what an ICMP error may quote of a packet, with the Ethernet header.

    Packets of a router differ in it from host to host, and mostly from packet to packet.
    """
    return frame[:LONGEST_QUOTED]


def whole(frame: bytes) -> bytes:
    """Return a frame that may be sent on later: the longest that is shown."""
    return frame[:LONGEST_SHOWN]


SHOWN: dict[Cookie, Callable[[bytes], bytes]] = {
    Cookie.LEARNING: of_station,
    Cookie.MULTICAST: of_report,
    Cookie.ROUTING: of_routed,
    Cookie.NEXT_HOPS: whole,
}
"""What is read of packet-ins, for each producer of packet-ins.

Packet-ins that are equal in it and in the pipeline's fields are queued once.
"""

MOST_WAITING: dict[int, int] = {Cookie.ROUTING: 100, Cookie.NEXT_HOPS: 500}
"""How many packet-ins of a producer may wait at a binding, if more are of no use.

Those of unknown sources at the binding are behind them. Of a second's packets without a way no
more than icmp_errors_per_second, 100 by default, get an error. Packets for unknown next hops wait
as whole frames, and those of all bindings take up MAX_WAITING_BYTES of the inbox at most.
"""
