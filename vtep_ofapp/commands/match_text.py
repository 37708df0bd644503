"""Fields of frames in the words of Open vSwitch (ovs-fields(7)), and the match that they say.

``ofproto/trace`` takes and prints fields by these words: ``tcp,nw_src=10.0.0.0/8,tp_dst=22``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Interface

from ..values.acls import ALL_FLAGS, TCP_FLAGS
from ..values.addresses import Invalid
from ..values.flows import Match, MatchValue, match

_ARP, _IPV4, _IPV6 = 0x806, 0x800, 0x86DD
_ICMP, _TCP, _UDP, _ICMPV6, _SCTP = 1, 6, 17, 58, 132
_PROTOCOLS: Mapping[str, dict[str, MatchValue]] = {
    "arp": {"eth_type": _ARP},
    "ip": {"eth_type": _IPV4},
    "ipv6": {"eth_type": _IPV6},
    "icmp": {"eth_type": _IPV4, "ip_proto": _ICMP},
    "icmp6": {"eth_type": _IPV6, "ip_proto": _ICMPV6},
    "tcp": {"eth_type": _IPV4, "ip_proto": _TCP},
    "tcp6": {"eth_type": _IPV6, "ip_proto": _TCP},
    "udp": {"eth_type": _IPV4, "ip_proto": _UDP},
    "udp6": {"eth_type": _IPV6, "ip_proto": _UDP},
    "sctp": {"eth_type": _IPV4, "ip_proto": _SCTP},
    "sctp6": {"eth_type": _IPV6, "ip_proto": _SCTP},
}
_PORTS_OF = {_TCP: "tcp", _UDP: "udp", _SCTP: "sctp"}
_ICMP_OF = {_ICMP: "icmpv4", _ICMPV6: "icmpv6"}
_TAGGED = 0x1000
"""The bit of vlan_tci that is set in a tagged frame."""
_FRAGMENTS: Mapping[str, MatchValue] = {
    "no": 0,
    "yes": (1, 1),
    "first": 1,
    "later": (2, 2),
    "not_later": (0, 2),
}
"""Bit 0 is set in all fragments of a packet, bit 1 in all but the first."""


def fields_of(text: str) -> Match:
    """Return the match of ``tcp,nw_src=10.0.0.0/8,tp_dst=22``, as our flows have it.

    Raises ValueError for what none of our flows matches.
    """
    fields: dict[str, MatchValue] = {}
    for word in filter(None, text.split(",")):
        name, has_value, value = word.partition("=")
        if not has_value:
            if name not in _PROTOCOLS:
                raise ValueError(word)
            fields |= _PROTOCOLS[name]
        elif name in _READ:
            field, read = _READ[name]
            fields[field] = read(value)
        elif name in ("tp_src", "tp_dst"):
            fields[f"{_PORTS_OF.get(_protocol(fields), 'tcp')}_{name[-3:]}"] = _number(value)
        elif name in ("icmp_type", "icmp_code"):
            fields[f"{_ICMP_OF.get(_protocol(fields), 'icmpv4')}_{name[-4:]}"] = _number(value)
        else:
            fields[name] = _number(value)
    return match(fields)


def checked(words: Sequence[str]) -> Sequence[str]:
    """Return fields that a frame is to have, as ofproto/trace takes them. Raises Invalid.

    It takes tp_src and tp_dst for those of TCP alone, and icmp_type for that of IPv4.
    """
    for word in words:
        name, has_value, value = word.partition("=")
        is_known = name in (_OF_PACKETS if has_value else _PROTOCOLS)
        if not is_known or (has_value and not _VALUE.fullmatch(value)):
            raise Invalid(
                f"{word!r} is no field of a packet; there are tcp and tp_dst=N, for example"
            )
    protocol = next((of for word in words if (of := _with_ports(word))), "tcp")
    icmp = "icmpv6_" if "icmp6" in words else "icmp_"
    return [re.sub("^icmp_", icmp, re.sub("^tp_", f"{protocol}_", word)) for word in words]


def usual_ttl(words: Sequence[str]) -> Iterator[str]:
    """Yield the TTL of a packet whose fields do not say it, as hosts send it.

    ofproto/trace takes it for 0, and routers drop such packets. What is said of neighbors of a
    link has 255 (RFC 4861, section 7.1).
    """
    names = {word.partition("=")[0] for word in words}
    is_packet = any(_PROTOCOLS[each]["eth_type"] != _ARP for each in names & _PROTOCOLS.keys())
    if is_packet and "nw_ttl" not in names:
        yield f"nw_ttl={255 if names & {'nd_target', 'nd_sll', 'nd_tll'} else 64}"


def _with_ports(word: str) -> str | None:
    """Return the protocol with ports that ``udp6`` says, None for another word."""
    return _PORTS_OF.get(_protocol(_PROTOCOLS.get(word, {})))


def _protocol(fields: Mapping[str, MatchValue]) -> int:
    protocol = fields.get("ip_proto")
    return protocol if isinstance(protocol, int) else 0


def _number(text: str) -> MatchValue:
    number, _, mask = text.partition("/")
    return (int(number, 0), int(mask, 0)) if mask else int(number, 0)


def _text(text: str) -> MatchValue:
    value, _, mask = text.partition("/")
    return (value, mask) if mask else value


def _ipv4(text: str) -> MatchValue:
    value, _, mask = text.partition("/")
    if mask and "." not in mask:
        mask = str(IPv4Network(f"0.0.0.0/{mask}").netmask)
    return (value, mask) if mask else value


def _ipv6(text: str) -> MatchValue:
    value, _, mask = text.partition("/")
    if mask and ":" not in mask:
        mask = str(IPv6Interface(f"::/{mask}").netmask)
    value, mask = str(IPv6Address(value)), mask and str(IPv6Address(mask))
    return (value, mask) if mask else value


def _vlan(text: str) -> MatchValue:
    return _TAGGED | int(text)


def _tci(text: str) -> MatchValue:
    number, _, mask = text.partition("/")
    tag, of = int(number, 0), int(mask or "0xffff", 0)
    return tag if of & 0x1FFF == 0x1FFF else (tag & 0x1FFF, of & 0x1FFF)


def _fragment(text: str) -> MatchValue:
    return _FRAGMENTS[text] if text in _FRAGMENTS else _number(text)


def _flags(text: str) -> MatchValue:
    """Return TCP flags, which are +syn-ack with a mask, and syn|ack without one."""
    if text[:1].isdigit():
        return _number(text)
    if text[:1] not in ("+", "-"):
        return sum(1 << TCP_FLAGS.index(name) for name in text.split("|"))
    value = mask = 0
    for sign, name in re.findall(r"([+-])([^+-]+)", text):
        bit = 1 << TCP_FLAGS.index(name)
        value, mask = value | (bit if sign == "+" else 0), mask | bit
    return value if mask == ALL_FLAGS else (value, mask)


_READ: Mapping[str, tuple[str, Callable[[str], MatchValue]]] = {
    "dl_src": ("eth_src", _text),
    "dl_dst": ("eth_dst", _text),
    "dl_type": ("eth_type", _number),
    "dl_vlan": ("vlan_vid", _vlan),
    "vlan_tci": ("vlan_vid", _tci),
    "tun_id": ("tunnel_id", _number),
    "nw_src": ("ipv4_src", _ipv4),
    "nw_dst": ("ipv4_dst", _ipv4),
    "nw_proto": ("ip_proto", _number),
    "nw_frag": ("ip_frag", _fragment),
    "ipv6_src": ("ipv6_src", _ipv6),
    "ipv6_dst": ("ipv6_dst", _ipv6),
    "arp_spa": ("arp_spa", _ipv4),
    "arp_tpa": ("arp_tpa", _ipv4),
    "arp_sha": ("arp_sha", _text),
    "arp_tha": ("arp_tha", _text),
    "nd_target": ("ipv6_nd_target", _ipv6),
    "nd_sll": ("ipv6_nd_sll", _text),
    "nd_tll": ("ipv6_nd_tll", _text),
    "tcp_flags": ("tcp_flags", _flags),
}
"""The field of our flows for a word of Open vSwitch, and what reads its value."""
_OF_PACKETS = {
    *(_READ.keys() - {"dl_src", "dl_dst", "dl_vlan", "vlan_tci", "tun_id"}),
    *(f"{of}_{side}" for of in ("tp", *_PORTS_OF.values()) for side in ("src", "dst")),
    *(f"{of}_{what}" for of in ("icmp", "icmpv6") for what in ("type", "code")),
    "arp_op",
    "nw_ttl",
}
"""The fields that the frame of a trace may be asked to have: its addresses and tag are given."""
_VALUE = re.compile(r"[0-9A-Za-z.:/+|-]{1,80}")
"""What Open vSwitch can be handed as a value: nothing that begins another field."""
