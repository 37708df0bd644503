"""Group addresses of IP, and the MAC addresses that their frames are sent to."""

from functools import lru_cache
from ipaddress import ip_address


@lru_cache(maxsize=1 << 12)
def group_mac(group: str) -> str:
    """Return the MAC address of a group: RFC 1112, section 6.4, and RFC 2464, section 7.

    32 IPv4 groups share a MAC address, and very many IPv6 groups.
    """
    packed = ip_address(group).packed
    if len(packed) == 4:
        return (b"\x01\x00\x5e" + bytes([packed[1] & 0x7F]) + packed[2:]).hex(":")
    return (b"\x33\x33" + packed[12:]).hex(":")


def parse_group(text: str) -> str:
    """Return the canonical address of a group that may be restricted, "" for any other text."""
    try:
        group = str(ip_address(text))
    except ValueError:
        return ""
    return group if "%" not in group and is_reportable(group) else ""


@lru_cache(maxsize=1 << 12)
def is_reportable(group: str) -> bool:
    """Whether a group address is one whose frames may be restricted to members.

    Its MAC address must not be that of a group which hosts need not report.
    """
    return ip_address(group).is_multicast and not is_flooded(group_mac(group))


def is_flooded(mac: str) -> bool:
    """Whether frames for a group's MAC address always go to all bindings.

    These are 224.0.0.0/24 and the groups that share its MAC addresses (RFC 4541, section 2.1.2);
    of IPv6 the groups whose last 32 bits are below 256, as ff02::1, and those of solicited nodes.
    """
    return mac.startswith(("01:00:5e:00:00:", "33:33:00:00:00:", "33:33:ff:"))
