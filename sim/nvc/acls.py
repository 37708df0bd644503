"""Access lists of the NVC's file: what an entry may say, and the columns of ACL_entry that say it.

    acls:
      - name: web                # what no entry matches passes
        entries:
          - {sequence: 10, direction: ingress, action: permit, protocol: tcp, dest_port: 80}
          - {sequence: 20, direction: ingress, action: deny, source_ip: 10.0.0.0/8}
    acl_bindings:                # without vlan: all bindings of the port
      - {vtep: east, switch: br0, port: p0, acl: web}

Keys of an entry are the columns of ACL_entry. An address is followed by the length of a prefix or
by a mask of any bits, which goes into the column of the mask; ports are one or a range, such as
"1000-1999". Protocols have numbers or names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from sim.nvc import reading
from sim.nvc.reading import Item

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132}
"""Names that an entry may give in the place of a number."""

_WITH_PORTS = {PROTOCOLS[name] for name in ("tcp", "udp", "sctp")}
_WITH_TYPES = {PROTOCOLS["icmp"]: 4, PROTOCOLS["icmpv6"]: 6}
"""Protocols with types of ICMP, and the version of IP that each belongs to."""
_VERSIONS = {0x0800: 4, 0x86DD: 6}
"""Ethertypes of IP, and the version of each."""
_LAYER_3 = re.compile("(source|dest)_(ip|port_min)|protocol|tcp_flags|icmp_type|icmp_code")
_PORT_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")

Value = str | int
Columns = Mapping[str, Value]
"""The columns of an ACL_entry that have a value."""


@dataclass(frozen=True)
class Acl:
    """An access list. What none of its entries matches passes."""

    name: str
    entries: tuple[Columns, ...]


@dataclass(frozen=True)
class AclBinding:
    """An access list at a port, in all of its bindings (VLAN 0) or those with a tag."""

    vtep: str
    switch: str
    port: str
    vlan: int
    acl: str


def acl(item: Item) -> Acl:
    """Return an access list of the file. Raises ValueError."""
    name, entries = item.take("name", reading.name), item.each("entries", entry)
    if not item.content.get("entries"):
        raise ValueError("entries: at least one")
    return Acl(name, tuple(entries))


def binding(item: Item) -> AclBinding:
    """Return where an access list is bound. Raises ValueError."""
    return AclBinding(
        item.take("vtep", reading.name),
        item.take("switch", reading.name),
        item.take("port", reading.name),
        item.take("vlan", reading.vlan, 0),
        item.take("acl", reading.name),
    )


def entry(item: Item) -> Columns:
    """Return the columns of an entry. Raises ValueError for values that contradict each other."""
    found: dict[str, Value] = {
        "sequence": item.take("sequence", lambda value: reading.integer(value, 0, 2**32 - 1)),
        "direction": item.take("direction", lambda value: _one_of(value, "ingress", "egress")),
        "action": item.take("action", lambda value: _one_of(value, "permit", "deny")),
    }
    none: dict[str, Value] = {}
    for end in ("source", "dest"):
        found |= item.take(f"{end}_ip", partial(_ip, end), none)
        found |= item.take(f"{end}_port", partial(_ports, end), none)
    for column, read in (
        ("source_mac", reading.mac),
        ("dest_mac", reading.any_mac),
        ("ethertype", _ethertype),
        ("protocol", _protocol),
        ("tcp_flags", _flags),
        ("tcp_flags_mask", _flags),
        ("icmp_type", _byte),
        ("icmp_code", _byte),
    ):
        value = item.take(column, read, None)
        if value is not None:
            found[column] = value
    for problem in _contradictions(found):
        raise ValueError(problem)
    return found


def _contradictions(entry: Columns) -> Iterator[str]:
    """Yield why a VTEP refuses an entry whose values are right by themselves."""
    protocol = entry.get("protocol")
    versions: set[int] = {
        ipaddress.ip_address(entry[column]).version
        for column in ("source_ip", "dest_ip")
        if column in entry
    }
    if "ethertype" in entry and any(map(_LAYER_3.fullmatch, entry)):
        ethertype = int(str(entry["ethertype"]), 16)
        if ethertype not in _VERSIONS:
            yield f"ethertype: {entry['ethertype']} is not that of IP, which other keys are about"
        versions |= {_VERSIONS.get(ethertype, 0)}
    if {"icmp_type", "icmp_code"} & entry.keys():
        if protocol not in (None, *_WITH_TYPES):
            yield "icmp_type and icmp_code: the protocol is neither icmp nor icmpv6"
        versions |= {_WITH_TYPES[int(protocol)]} if protocol is not None else set()
    if len(versions) > 1:
        yield "it is about IPv4 and IPv6 at once"
    has_ports = {"source_port_min", "dest_port_min"} & entry.keys()
    if has_ports and protocol not in (None, *_WITH_PORTS):
        yield "source_port and dest_port: the protocol is none of tcp, udp and sctp"
    if "tcp_flags" in entry and protocol not in (None, PROTOCOLS["tcp"]):
        yield "tcp_flags: the protocol is not tcp"
    if "tcp_flags_mask" in entry and "tcp_flags" not in entry:
        yield "tcp_flags_mask: there are no tcp_flags"


def _one_of(value: object, *words: str) -> str:
    if value not in words:
        raise ValueError(f"{value!r} is neither {words[0]} nor {words[1]}")
    return str(value)


def _ip(end: str, value: object) -> dict[str, Value]:
    """Return the columns for an address and what may follow it: a prefix length, or a mask."""
    written = reading.text(value)
    text, slash, tail = written.partition("/")
    found: dict[str, Value] = {f"{end}_ip": reading.ip(text)}
    if slash:
        found[f"{end}_mask"] = _mask(tail, ipaddress.ip_address(text), written)
    return found


def _mask(tail: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address, written: str) -> str:
    with_length = tail.isdecimal() and int(tail) <= ip.max_prefixlen
    if with_length:
        return str(ipaddress.ip_network(f"{ip}/{tail}", strict=False).netmask)
    try:
        mask = ipaddress.ip_address(tail)
    except ValueError:
        mask = None
    if mask is None or mask.version != ip.version:
        raise ValueError(
            f"{written!r} has neither a prefix length nor a mask of IPv{ip.version} after the slash"
        )
    return str(mask)


def _ports(end: str, value: object) -> dict[str, Value]:
    """Return the columns for one port, or for a range with both ends."""
    matched = _PORT_RANGE.fullmatch(value) if isinstance(value, str) else None
    ends = map(int, matched.groups()) if matched else (value, value)
    try:
        least, most = (reading.integer(each, 0, 65535) for each in ends)
    except ValueError:
        raise ValueError(f"{value!r} is no port from 0 to 65535, and no range of them") from None
    if least > most:
        raise ValueError(f"{value!r} is a range upside down")
    return {f"{end}_port_min": least, f"{end}_port_max": most}


def _ethertype(value: object) -> str:
    # YAML reads 0x0800 as a number.
    number = int(value, 16) if isinstance(value, str) and _is_hexadecimal(value) else value
    return f"0x{reading.integer(number, 0x0600, 0xFFFF):04x}"


def _is_hexadecimal(text: str) -> bool:
    return re.fullmatch("0x[0-9a-fA-F]{1,4}", text) is not None


def _protocol(value: object) -> int:
    if isinstance(value, str):
        if value not in PROTOCOLS:
            raise ValueError(f"{value!r} is none of {', '.join(PROTOCOLS)}, and no number")
        return PROTOCOLS[value]
    return _byte(value)


def _byte(value: object) -> int:
    return reading.integer(value, 0, 255)


def _flags(value: object) -> int:
    return reading.integer(value, 0, 0xFFF)
