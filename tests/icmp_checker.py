"""Reads ICMP errors in frames, by the RFCs alone: nothing of the program is used here."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

ETHERNET = 14


@dataclass(frozen=True)
class IcmpError:
    """An ICMP error whose lengths and checksums are right. ``quoted`` is what it quotes."""

    eth_src: str
    eth_dst: str
    source: str
    target: str
    ttl: int
    kind: tuple[int, int]
    quoted: bytes


def icmp_error(frame: bytes) -> IcmpError | None:
    """Return the ICMP error in a frame, None for other frames.

    Raises AssertionError if it is one of ICMP with anything wrong.
    """
    kind, packet = frame[12:14].hex(), frame[ETHERNET:]
    if kind == "0800" and packet[9] == 1:
        found = _icmp(packet)
    elif kind == "86dd" and packet[6] == 58:
        found = _icmpv6(packet)
    else:
        return None
    source, target, ttl, message = found
    if message[0] not in ((3, 11) if kind == "0800" else (1, 3)):
        return None
    assert message[4:8] == bytes(4), "the unused bytes are not zero"
    kinds = message[0], message[1]
    return IcmpError(_mac(frame[6:12]), _mac(frame[:6]), source, target, ttl, kinds, message[8:])


def _icmp(packet: bytes) -> tuple[str, str, int, bytes]:
    assert packet[0] == 0x45, "not IPv4, or with options"
    assert sum_of(packet[:20]) == 0xFFFF, "the checksum of the IPv4 header is wrong"
    length = int.from_bytes(packet[2:4], "big")
    assert 28 <= length <= len(packet)
    assert packet[length:].strip(b"\0") == b"", "there is something behind the packet"
    assert int.from_bytes(packet[6:8], "big") & 0x3FFF == 0, "it is a fragment"
    message = packet[20:length]
    assert sum_of(message) == 0xFFFF, "the checksum of ICMP is wrong"
    return _address(packet[12:16]), _address(packet[16:20]), packet[8], message


def _icmpv6(packet: bytes) -> tuple[str, str, int, bytes]:
    assert packet[0] >> 4 == 6
    length = int.from_bytes(packet[4:6], "big")
    assert 8 <= length <= len(packet) - 40
    assert packet[40 + length :].strip(b"\0") == b"", "there is something behind the packet"
    message = packet[40 : 40 + length]
    pseudo = packet[8:40] + length.to_bytes(4, "big") + bytes((0, 0, 0, 58))
    assert sum_of(pseudo + message) == 0xFFFF, "the checksum of ICMPv6 is wrong"
    return _address(packet[8:24]), _address(packet[24:40]), packet[7], message


def sum_of(data: bytes) -> int:
    """Return the sum of RFC 1071, which is 0xFFFF with a right checksum inside."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] << 8 | (data[at + 1] if at + 1 < len(data) else 0)
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _address(packed: bytes) -> str:
    return str(ip_address(packed))


def _mac(packed: bytes) -> str:
    return packed.hex(":")
