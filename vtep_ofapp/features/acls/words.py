"""What an entry of an access list matches, in words."""

from collections.abc import Iterator
from ipaddress import ip_address

from ...values.acls import TCP_FLAGS, AclEntry, AclMatch, MaskedAddress, PortRange

_ETHERTYPES = {0x0800: "ip", 0x0806: "arp", 0x86DD: "ipv6"}
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp"}
_LAST_PORT = 0xFFFF


def in_words(entry: AclEntry) -> str:
    """Return an entry as ``deny tcp source 10.0.0.0/8 dport 22``; without a match it is of all."""
    action = "permit" if entry.permits else "deny"
    return f"{action} {matched(entry)}"


def matched(entry: AclEntry) -> str:
    """Return what an entry matches, as ``tcp source 10.0.0.0/8 dport 22``."""
    if entry.match is None:
        return "nothing, because it is not valid"
    return " ".join(_words(entry.match)) or "everything"


def _words(found: AclMatch) -> Iterator[str]:
    if found.protocol is not None:
        yield _PROTOCOLS.get(found.protocol, f"protocol {found.protocol}")
    if found.ethertype is not None:
        yield _ETHERTYPES.get(found.ethertype, f"ethertype {found.ethertype:#06x}")
    for name, address in (("source", found.source), ("dest", found.destination)):
        if address is not None:
            yield f"{name} {_network(address)}"
    for name, mac in (("source_mac", found.source_mac), ("dest_mac", found.dest_mac)):
        if mac is not None:
            yield f"{name} {mac}"
    for name, ports in (("sport", found.source_ports), ("dport", found.dest_ports)):
        if ports is not None:
            yield f"{name} {_ports(ports)}"
    if found.tcp_flags is not None:
        yield f"flags {_flags(*found.tcp_flags)}"
    for name, number in (("icmp_type", found.icmp_type), ("icmp_code", found.icmp_code)):
        if number is not None:
            yield f"{name} {number}"


def _network(address: MaskedAddress) -> str:
    """Return an address with the length of its prefix, or with a mask that is no prefix."""
    text, mask = address
    bits, width = int(ip_address(mask)), ip_address(mask).max_prefixlen
    length = bits.bit_count()
    if bits != (1 << width) - (1 << width - length):
        return f"{text}/{mask}"
    return text if length == width else f"{text}/{length}"


def _ports(ports: PortRange) -> str:
    first, last = ports
    return str(first) if first == last else f"{first}-{last}"


def _flags(flags: int, mask: int) -> str:
    """Return flags as ovs-fields(7) writes them: +syn-ack has SYN set and ACK not."""
    signs = (
        f"{'+' if flags >> bit & 1 else '-'}{name}"
        for bit, name in enumerate(TCP_FLAGS)
        if mask >> bit & 1
    )
    return "".join(signs) or "any"
