"""The rows of logical routers as values, see vtep(5): their interfaces, routes and addresses."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from .addresses import (
    BITS,
    Invalid,
    ip_number,
    ip_order,
    ip_text,
    is_link_local,
    parse_ip,
    parse_unicast_mac,
)


class Prefix(NamedTuple):
    """An IP prefix: its network address, canonical and without host bits, and its length."""

    network: str
    length: int

    @property
    def is_ipv6(self) -> bool:
        """Whether it is a prefix of IPv6 addresses."""
        return ":" in self.network

    @property
    def bits(self) -> int:
        """The number of bits of an address of its family."""
        return BITS[self.is_ipv6]

    @property
    def first_bits(self) -> int:
        """The bits that all of its addresses begin with, as a number."""
        return ip_number(self.network) >> self.bits - self.length

    @property
    def is_host(self) -> bool:
        """Whether it has one address alone."""
        return self.length == self.bits

    def has(self, ip: str) -> bool:
        """Whether a canonical IP address has this prefix."""
        if (":" in ip) != self.is_ipv6:
            return False
        return ip_number(ip) >> self.bits - self.length == self.first_bits

    def ends(self) -> tuple[str, ...]:
        """Return its all-zeros and all-ones addresses, which are no host's (RFC 1122, 3.3.6).

        IPv6 has none, nor have prefixes of 31 and 32 bits (RFC 3021).
        """
        if self.is_ipv6 or self.length > 30:
            return ()
        last = ip_number(self.network) | (1 << self.bits - self.length) - 1
        return self.network, ip_text(last, is_ipv6=False)

    def __str__(self) -> str:
        """Return it in CIDR notation, as 10.0.0.0/8."""
        return f"{self.network}/{self.length}"


class InterfaceAddress(NamedTuple):
    """A key of switch_binding: a subnet, and the router's address in it, "" for none."""

    subnet: Prefix
    ip: str = ""

    @property
    def is_connected(self) -> bool:
        """Whether hosts of the subnet are reached by the interface.

        An address of 32 or 128 bits has no subnet, and one that is link-local makes no route.
        """
        return not self.subnet.is_host and not is_link_local(self.subnet.network)

    def __str__(self) -> str:
        """Return it in CIDR notation, as 192.168.1.1/24."""
        return f"{self.ip or self.subnet.network}/{self.subnet.length}"


class RefusedKey(NamedTuple):
    """A key of a map column that cannot be used, and why."""

    key: str
    reason: str


class RouteKey(NamedTuple):
    """A key of static_routes as the NVC wrote it, with its next hop."""

    key: str
    next_hop: str


@dataclass(frozen=True, slots=True)
class LogicalRouter:
    """A Logical_Router row.

    ``mac`` is that of its interfaces, "" if router_mac cannot be used, for the reason
    ``refused_mac``. ``interfaces`` are the addresses by logical switch, sorted; ``routes`` the next
    hops of static routes, which may lie in no subnet of the router. ``logical_switches`` are all
    that it joins, by keys that cannot be used as well. ``acls`` are ACL rows by the keys of
    acl_binding. ``spellings`` are keys of switch_binding that are not written as their addresses
    are; ``route_keys`` those of static_routes of which this is true, or of which several are one
    prefix, sorted by next hop: ``routes`` has the least.
    """

    uuid: UUID
    name: str
    mac: str
    interfaces: Mapping[UUID, tuple[InterfaceAddress, ...]]
    routes: Mapping[Prefix, str] = field(default_factory=dict)
    acls: Mapping[str, UUID] = field(default_factory=dict)
    logical_switches: frozenset[UUID] = frozenset()
    refused_bindings: tuple[RefusedKey, ...] = ()
    refused_routes: tuple[RefusedKey, ...] = ()
    refused_mac: str = ""
    spellings: Mapping[InterfaceAddress, str] = field(default_factory=dict)
    route_keys: Mapping[Prefix, tuple[RouteKey, ...]] = field(default_factory=dict)
    fault_status: frozenset[str] = frozenset()


@lru_cache(maxsize=1 << 12)
def prefix_of(ip: str, length: int) -> Prefix:
    """Return the prefix of this length that a canonical IP address has."""
    is_ipv6 = ":" in ip
    shift = BITS[is_ipv6] - length
    return Prefix(ip_text(ip_number(ip) >> shift << shift, is_ipv6), length)


def prefix_order(prefix: Prefix) -> tuple[bool, int, int]:
    """Return a sort key of a prefix: IPv4 first, each family by its numbers."""
    return *ip_order(prefix.network), prefix.length


def derived_mac(name: str) -> str:
    """Return the MAC address of a router without router_mac, the same at all VTEPs.

    It is local (IEEE 802), and made of the router's name: UUIDs differ between databases.
    """
    digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=4).digest()
    return f"02:76:{digest.hex(':')}"


def link_local_of(mac: str) -> str:
    """Return the link-local IPv6 address of a MAC address (RFC 4291, appendix A: EUI-64)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    host = bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]))
    return ip_text(0xFE80 << 112 | int.from_bytes(host, "big"), is_ipv6=True)


def parse_router_mac(name: str, other_config: Mapping[str, str]) -> str:
    """Return the MAC address of a router's interfaces: router_mac, or else derived_mac().

    Raises Invalid if router_mac is not the address of one station.
    """
    text = other_config.get("router_mac")
    return derived_mac(name) if text is None else parse_unicast_mac(text)


def parse_interface(text: str) -> InterfaceAddress:
    """Return a key of switch_binding: an address with its subnet, or a subnet alone.

    Without host bits it is a subnet alone, but for those of two addresses (RFC 3021, RFC 6164) or
    one. Raises Invalid for text that is no prefix, and for what no host can have.
    """
    network, length = _parts(text, "192.168.1.1/24")
    ip = parse_ip(network)
    if length == 0:
        raise Invalid("its prefix length is 0: that is no subnet")
    subnet = prefix_of(ip, length)
    if ip == subnet.network and length < subnet.bits - 1:
        if is_link_local(ip):
            raise Invalid("a link-local subnet goes without saying; only an address is possible")
        return InterfaceAddress(subnet)
    if ip in subnet.ends():
        raise Invalid(f"{ip} is the broadcast address of {subnet}")
    return InterfaceAddress(subnet, ip)


def parse_destination(text: str) -> Prefix:
    """Return a key of static_routes without its host bits; 0.0.0.0/0 and ::/0 are default routes.

    Raises Invalid for text that is no prefix, and for prefixes to which nothing is routed.
    """
    network, length = _parts(text, "10.0.0.0/8")
    is_ipv6 = ":" in network
    try:
        number = ip_number(network)
    except (OSError, ValueError):
        raise Invalid(f"{network!r} is not an IP address") from None
    shift = BITS[is_ipv6] - length
    prefix = Prefix(ip_text(number >> shift << shift, is_ipv6), length)
    for first_bits, others in _NEVER_ROUTED[is_ipv6]:
        if shift <= others and number >> others == first_bits:
            raise Invalid(f"nothing is routed to {prefix}")
    return prefix


def parse_next_hop(text: str, destination: Prefix) -> str:
    """Return the next hop of a static route, a canonical IP address.

    Raises Invalid unless it is the address of one host, not link-local, of the same family.
    """
    ip = _host(text)
    if (":" in ip) != destination.is_ipv6:
        raise Invalid(f"{ip} is of another version of IP than {destination}")
    if is_link_local(ip):
        raise Invalid(f"{ip} is link-local: it does not say in which logical switch")
    return ip


def _parts(text: str, example: str) -> tuple[str, int]:
    """Return the text before the slash, and the length after it."""
    network, slash, digits = text.partition("/")
    if not slash:
        raise Invalid(f"it has no prefix length, as {example} has")
    most = BITS[":" in network]
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 3
    if not is_number or int(digits) > most:
        raise Invalid(f"its prefix length is outside of 0 to {most}")
    return network, int(digits)


_host = lru_cache(maxsize=1 << 12)(parse_ip)
"""Many routes have the same few next hops."""
_NEVER_ROUTED = {
    False: ((0, 24), (127, 24), (0xA9FE, 16), (0b111, 29)),
    True: ((0, 0), (1, 0), (0xFE80 >> 6, 118), (0xFF, 120)),
}
"""Destinations that no router forwards, as their first bits and the number of the others.

0.0.0.0/8, 127.0.0.0/8 and 224.0.0.0/3 (RFC 1122, section 3.2.1.3), 169.254.0.0/16 (RFC 3927); ::,
::1, fe80::/10 and ff00::/8 (RFC 4291).
"""
