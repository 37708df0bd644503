"""The checksum that IP, ICMP, IGMP and UDP have in common (RFC 1071)."""

import struct


def checksum(data: bytes) -> int:
    """Return the checksum of some bytes; it is 0 for bytes with a correct one inside.

    It is the complement of the sum of all 16-bit numbers, with the carries added. As 2**16 is 1
    modulo 0xFFFF, all bytes as one number have the same remainder as that sum.
    """
    number = int.from_bytes(data + b"\0" if len(data) % 2 else data, "big")
    return -number % 0xFFFF if number else 0xFFFF


def pseudo_header(source: bytes, target: bytes, protocol: int, length: int) -> bytes:
    """Return what the checksum of a message covers beside it: fields of the packet.

    The addresses are both of IPv4 (RFC 768) or both of IPv6 (RFC 8200, section 8.1); ``length`` is
    that of the message in bytes.
    """
    if len(source) == 4:
        return source + target + struct.pack("!HH", protocol, length)
    return source + target + struct.pack("!II", length, protocol)
