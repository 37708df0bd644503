"""What an ARP packet or a neighbor message states of its sender: an IP address."""

import socket
from typing import NamedTuple

from ...values.addresses import Invalid, is_link_local, parse_ip

_SOURCE = slice(0, 6)
_TYPE = slice(6, 8)
_PAYLOAD = 8
"""Where the frame's payload begins: the bytes begin with the source address, see shown.py."""
_ARP, _IPV6 = b"\x08\x06", b"\x86\xdd"
_ARP_HEADER = b"\x00\x01\x08\x00\x06\x04\x00"
"""Ethernet, IPv4, the lengths of their addresses, and the first byte of the operation (RFC 826)."""
_REQUEST_OR_REPLY = b"\x01", b"\x02"
_ICMPV6, _HOP_LIMIT = 58, 255
_SOLICITATION, _ADVERTISEMENT = 135, 136
_OPTION_OF = {_SOLICITATION: 1, _ADVERTISEMENT: 2}
"""The option that has the sender's link-layer address (RFC 4861, section 4.6)."""


class Claim(NamedTuple):
    """The IP address that a frame states for its source address.

    ``is_from_it`` says that the packet itself comes from this address. A neighbor advertisement
    may come from another one of the host.
    """

    ip: str
    is_from_it: bool = True


def states_address(header: bytes) -> bool:
    """Whether a frame is an ARP packet or a neighbor message: of others only the source is read."""
    return len(header) > _SOURCE.stop


def claim(header: bytes) -> Claim | None:
    """Return what a frame states of its sender, None for nothing that can be used.

    ``header`` are the bytes from the source address on, as of_station() in pipeline/shown.py
    returns them. Of use are addresses of one host that are not link-local, in packets whose
    addresses agree with the frame's source.
    """
    kind = header[_TYPE]
    if kind == _ARP:
        return _arp(header[_SOURCE], header[_PAYLOAD:])
    return _neighbor(header[_SOURCE], header[_PAYLOAD:]) if kind == _IPV6 else None


def stated(header: bytes) -> str | None:
    """Return the address that a frame states for its sender, of use or not; None for no message."""
    kind, packet = header[_TYPE], header[_PAYLOAD:]
    if kind == _ARP:
        return socket.inet_ntop(socket.AF_INET, packet[14:18]) if len(packet) >= 28 else None
    if kind != _IPV6 or len(packet) < 64:
        return None
    address = packet[8:24] if packet[40] == _SOLICITATION else packet[48:64]
    return socket.inet_ntop(socket.AF_INET6, address)


def asked_for(header: bytes) -> str | None:
    """Return the target of a neighbor solicitation, None for any other frame."""
    packet = header[_PAYLOAD:]
    if header[_TYPE] != _IPV6 or len(packet) < 64 or packet[40] != _SOLICITATION:
        return None
    return socket.inet_ntop(socket.AF_INET6, packet[48:64])


def _arp(source: bytes, packet: bytes) -> Claim | None:
    is_known = packet[:7] == _ARP_HEADER and packet[7:8] in _REQUEST_OR_REPLY
    if len(packet) < 28 or not is_known or packet[8:14] != source:
        return None
    return _of_host(socket.inet_ntop(socket.AF_INET, packet[14:18]))


def _neighbor(source: bytes, packet: bytes) -> Claim | None:
    if len(packet) < 64 or (packet[6], packet[7]) != (_ICMPV6, _HOP_LIMIT) or packet[41]:
        return None
    kind, origin, target = packet[40], packet[8:24], packet[48:64]
    if kind not in _OPTION_OF:
        return None
    option = packet[64:72]
    if len(option) == 8 and option[:2] == bytes((_OPTION_OF[kind], 1)) and option[2:] != source:
        return None
    address = origin if kind == _SOLICITATION else target
    found = _of_host(socket.inet_ntop(socket.AF_INET6, address))
    return found._replace(is_from_it=address == origin) if found else None


def _of_host(text: str) -> Claim | None:
    try:
        address = parse_ip(text)
    except Invalid:
        return None
    return None if is_link_local(address) else Claim(address)
