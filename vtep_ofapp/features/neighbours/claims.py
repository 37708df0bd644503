"""What an ARP packet or a neighbor message states of its sender: an IP address."""

import socket
from typing import NamedTuple

from ...values.addresses import Invalid, is_link_local, parse_ip
from ...values.checksums import checksum, pseudo_header

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
_LENGTH, _ORIGIN, _DESTINATION, _IPV6_HEADER = slice(4, 6), slice(8, 24), slice(24, 40), 40
"""Fields of the header of IPv6, and its length."""
_TARGET, _SHORTEST = slice(8, 24), 24
"""The target of a message, and the length of one without options."""
SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")
"""A solicited-node address but for the last three bytes, which are the target's (RFC 4291)."""
_SOLICITED = 0x40
"""The flag S, in the first byte of an advertisement's flags."""
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
    """Return the target of a host that asks whether an address is free; None for any other frame.

    It has no address yet: the message is for the target's group, and has no link-layer address.
    """
    packet = header[_PAYLOAD:]
    message = _message(packet) if header[_TYPE] == _IPV6 else None
    if message is None or message[0] != _SOLICITATION or any(packet[_ORIGIN]):
        return None
    is_for_group = packet[_DESTINATION] == SOLICITED_NODE + message[_TARGET][-3:]
    if not is_for_group or _options(message, _OPTION_OF[_SOLICITATION]) != []:
        return None
    return socket.inet_ntop(socket.AF_INET6, message[_TARGET])


def _arp(source: bytes, packet: bytes) -> Claim | None:
    is_known = packet[:7] == _ARP_HEADER and packet[7:8] in _REQUEST_OR_REPLY
    if len(packet) < 28 or not is_known or packet[8:14] != source:
        return None
    return _of_host(socket.inet_ntop(socket.AF_INET, packet[14:18]))


def _neighbor(source: bytes, packet: bytes) -> Claim | None:
    message = _message(packet)
    if message is None:
        return None
    kind, origin, target = message[0], packet[_ORIGIN], message[_TARGET]
    addresses = _options(message, _OPTION_OF[kind])
    if addresses is None or any(each != source for each in addresses):
        return None
    address = origin if kind == _SOLICITATION else target
    found = _of_host(socket.inet_ntop(socket.AF_INET6, address))
    return found._replace(is_from_it=address == origin) if found else None


def _message(packet: bytes) -> bytes | None:
    """Return the neighbor message of an IPv6 packet, None for one that is to be discarded.

    RFC 4861, sections 7.1.1 and 7.1.2, says which these are; _options() judges their options.
    """
    length = int.from_bytes(packet[_LENGTH], "big")
    message = packet[_IPV6_HEADER : _IPV6_HEADER + length]
    if len(message) < max(length, _SHORTEST) or packet[0] >> 4 != 6:
        return None
    kind, code = message[:2]
    if (packet[6], packet[7], code) != (_ICMPV6, _HOP_LIMIT, 0) or kind not in _OPTION_OF:
        return None
    origin, destination = packet[_ORIGIN], packet[_DESTINATION]
    covered = pseudo_header(origin, destination, _ICMPV6, length) + message
    is_answer_to_all = kind == _ADVERTISEMENT and message[4] & _SOLICITED and _is_group(destination)
    if checksum(covered) or _is_group(message[_TARGET]) or is_answer_to_all:
        return None
    return message


def _options(message: bytes, wanted: int) -> list[bytes] | None:
    """Return the link-layer addresses in the options of a type.

    None if an option has no length, or if one of that type is cut off. What else follows the last
    whole option is not read.
    """
    found, rest = [], message[_SHORTEST:]
    while len(rest) > 1:
        length = 8 * rest[1]
        if length == 0 or (rest[0] == wanted and length > len(rest)):
            return None
        if rest[0] == wanted:
            found.append(rest[2:length])
        rest = rest[length:]
    return found


def _is_group(address: bytes) -> bool:
    return address[0] == 0xFF


def _of_host(text: str) -> Claim | None:
    try:
        address = parse_ip(text)
    except Invalid:
        return None
    return None if is_link_local(address) else Claim(address)
