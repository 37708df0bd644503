"""Parse MAC and IP addresses, VNIs and VLANs, or refuse them with a reason.

Addresses stay strings in one canonical spelling, so that they can be compared, hashed and
shown as they are.
"""

import ipaddress
import re
import socket
from functools import lru_cache

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")

UNKNOWN_DST = "unknown-dst"
"""The keyword of vtep(5) for BUM traffic: every destination without a row of its own."""


BITS = {False: 32, True: 128}
"""The number of bits of an IP address, by whether it is IPv6."""


class Invalid(ValueError):
    """A value that cannot be used; its text is the reason, for people."""


def parse_mac(text: str) -> str:
    """Return the MAC address in lower case with colons.

    Raises Invalid if it is not six pairs of hexadecimal digits joined by colons, the form
    that vtep(5) shows.
    """
    mac = text.lower()
    if not _MAC.fullmatch(mac):
        raise Invalid(f"{text!r} is not a MAC address (xx:xx:xx:xx:xx:xx)")
    return mac


def parse_unicast_mac(text: str) -> str:
    """Return the MAC address of one station; raises Invalid for a group or zero address."""
    mac = parse_mac(text)
    if not is_station(mac):
        raise Invalid(f"{mac} is not the address of one station")
    return mac


def is_group(mac: str) -> bool:
    """Whether a canonical MAC address is a multicast or the broadcast address (IEEE 802)."""
    return int(mac[1], 16) & 1 == 1


def is_station(mac: str) -> bool:
    """Whether a canonical MAC address can be the source of a frame: not a group, not zero."""
    return not is_group(mac) and mac != "00:00:00:00:00:00"


def parse_group_mac(text: str) -> str:
    """Return ``unknown-dst`` or a canonical group MAC address, as Mcast_Macs_Remote holds them.

    Raises Invalid for the address of one station.
    """
    if text == UNKNOWN_DST:
        return text
    mac = parse_mac(text)
    if not is_group(mac):
        raise Invalid(f"{mac} is neither {UNKNOWN_DST} nor a group address")
    return mac


def parse_ipv4(text: str) -> str:
    """Return the canonical IPv4 address of one host.

    Raises Invalid for addresses that cannot be a tunnel endpoint: IPv6, multicast, broadcast and
    unspecified ones.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Invalid(f"{text!r} is not an IP address") from None
    if address.version != 4:
        raise Invalid(f"{text} is an IPv6 address; only vxlan_over_ipv4 is defined")
    if address.is_multicast or address.is_unspecified or address.packed == b"\xff\xff\xff\xff":
        raise Invalid(f"{text} is not the address of one host")
    return str(address)


def parse_ip(text: str) -> str:
    """Return the canonical IPv4 or IPv6 address of one host, as flows that are read back have it.

    Raises Invalid for loopback, multicast, broadcast and unspecified addresses.
    """
    is_ipv6 = ":" in text
    try:
        packed = socket.inet_pton(_FAMILY[is_ipv6], text)
    except (OSError, ValueError):
        raise Invalid(f"{text!r} is not an IP address") from None
    if is_ipv6:
        is_host = packed[0] != _IPV6_MULTICAST and packed[:15] != _NO_HOST_IPV6
    else:
        is_host = packed[0] not in _NO_HOST_IN and packed[0] < _FIRST_CLASS_D
    if not is_host:
        raise Invalid(f"{text} is not the address of one host")
    return _canonical(packed)


_FAMILY = {False: socket.AF_INET, True: socket.AF_INET6}
"""By whether it is IPv6."""
_NO_HOST_IN = (0, 127)
"""The first bytes of 0.0.0.0/8 and 127.0.0.0/8 (RFC 1122, section 3.2.1.3)."""
_FIRST_CLASS_D = 224
_IPV6_MULTICAST = 0xFF
_NO_HOST_IPV6 = bytes(15)
"""All but the last byte of :: and ::1 (RFC 4291)."""


def is_link_local(ip: str) -> bool:
    """Whether a canonical IP address is an IPv6 address of a link alone, fe80::/10 (RFC 4291)."""
    return ip[:3] in _LINK_LOCAL


_LINK_LOCAL = ("fe8", "fe9", "fea", "feb")


def ip_order(ip: str) -> tuple[bool, int]:
    """Return a sort key of a canonical IP address: IPv4 first, each family by its numbers."""
    return ":" in ip, ip_number(ip)


@lru_cache(maxsize=1 << 14)  # many rows name the same few remote VTEPs
def ip_number(ip: str) -> int:
    """Return the 32 or 128 bits of an IP address as a number; raises OSError for other text."""
    return int.from_bytes(socket.inet_pton(_FAMILY[":" in ip], ip), "big")


def ip_text(number: int, is_ipv6: bool) -> str:
    """Return the canonical IP address with these 32 or 128 bits, as parse_ip() spells it."""
    return _canonical(number.to_bytes(BITS[is_ipv6] // 8, "big"))


def _canonical(packed: bytes) -> str:
    text = socket.inet_ntop(_FAMILY[len(packed) == 16], packed)
    # The C library writes the last 32 bits of some IPv6 addresses as IPv4 addresses.
    is_mixed = len(packed) == 16 and "." in text
    return str(ipaddress.IPv6Address(packed)) if is_mixed else text


@lru_cache(maxsize=256)
def mask(length: int, is_ipv6: bool) -> str:
    """Return the mask of a prefix of this length, as an address."""
    bits = BITS[is_ipv6]
    return ip_text((1 << bits) - (1 << bits - length), is_ipv6)


def parse_vni(key: int) -> int | None:
    """Return the VXLAN network identifier, or None for 0, which NVCs write for "none yet".

    Raises Invalid outside of 0 to 16,777,215, the range of vtep(5) and RFC 7348.
    """
    if not 0 <= key < 1 << 24:
        raise Invalid(f"tunnel key {key} is outside of 0 to 16777215")
    return key or None


def parse_vlan(vlan: int) -> int:
    """Return a VLAN key of vlan_bindings: 0 is untagged, 1 to 4094 are tags (IEEE 802.1Q).

    Raises Invalid for the reserved VLAN 4095 and for numbers out of range.
    """
    if not 0 <= vlan <= 4094:
        raise Invalid(f"VLAN {vlan} is outside of 0 to 4094")
    return vlan


@lru_cache(maxsize=1 << 13)
def only(address: str) -> frozenset[str]:
    """Return the set of one address, the same object each time: very many values share it."""
    return frozenset({address})
