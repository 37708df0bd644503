"""What OpenFlow and Open vSwitch require of a match: ovs-fields(7), "Prerequisites"."""

from collections.abc import Iterable, Iterator, Mapping

from vtep_ofapp.values.flows import Action, Flow, MatchValue, Move, SetField

from .packets import ARP, ICMP, ICMPV6, IPV4, IPV6, SCTP, TCP, UDP

_IP = {"eth_type": {IPV4, IPV6}}
_ICMPV4 = {"eth_type": {IPV4}, "ip_proto": {ICMP}}
_ICMPV6 = {"eth_type": {IPV6}, "ip_proto": {ICMPV6}}
_SOLICITATION = {**_ICMPV6, "icmpv6_type": {135}, "icmpv6_code": {0}}
_ADVERTISEMENT = {**_ICMPV6, "icmpv6_type": {136}, "icmpv6_code": {0}}
_ND = {**_ICMPV6, "icmpv6_type": {135, 136}, "icmpv6_code": {0}}

PREREQUISITES: dict[str, dict[str, set[int]]] = {
    "ipv4_src": {"eth_type": {IPV4}},
    "ipv4_dst": {"eth_type": {IPV4}},
    "ipv6_src": {"eth_type": {IPV6}},
    "ipv6_dst": {"eth_type": {IPV6}},
    "ip_proto": _IP,
    "ip_frag": _IP,
    "nw_ttl": _IP,
    "tcp_src": {**_IP, "ip_proto": {TCP}},
    "tcp_dst": {**_IP, "ip_proto": {TCP}},
    "tcp_flags": {**_IP, "ip_proto": {TCP}},
    "udp_src": {**_IP, "ip_proto": {UDP}},
    "udp_dst": {**_IP, "ip_proto": {UDP}},
    "sctp_src": {**_IP, "ip_proto": {SCTP}},
    "sctp_dst": {**_IP, "ip_proto": {SCTP}},
    "icmpv4_type": _ICMPV4,
    "icmpv4_code": _ICMPV4,
    "icmpv6_type": _ICMPV6,
    "icmpv6_code": _ICMPV6,
    "arp_op": {"eth_type": {ARP}},
    "arp_spa": {"eth_type": {ARP}},
    "arp_tpa": {"eth_type": {ARP}},
    "arp_sha": {"eth_type": {ARP}},
    "arp_tha": {"eth_type": {ARP}},
    "ipv6_nd_target": _ND,
    "ipv6_nd_sll": _SOLICITATION,
    "ipv6_nd_tll": _ADVERTISEMENT,
    "nd_reserved": _ND,
    "nd_options_type": _ND,
}
"""The fields of headers behind the Ethernet header, with what a match on each must include."""
_NOT_OF_LATER_FRAGMENTS = {"tcp", "udp", "sctp"}
_LATER = 2


def check_prerequisites(flow: Flow) -> None:
    """Assert that a switch would take the match of a flow, and the fields that its actions name."""
    fields: Mapping[str, MatchValue] = dict(flow.key.match)
    for field in {*fields, *_named(flow.actions)}:
        for needed, values in PREREQUISITES.get(field, {}).items():
            assert fields.get(needed) in values, f"{field} needs {needed} in {values}: {flow}"
        if field.split("_")[0] in _NOT_OF_LATER_FRAGMENTS:
            assert not _is_later(fields.get("ip_frag", 0)), f"{field} of later fragments: {flow}"


def _named(actions: Iterable[Action]) -> Iterator[str]:
    """Yield the fields that actions read and write."""
    for action in actions:
        if isinstance(action, SetField):
            yield action.field
        elif isinstance(action, Move):
            yield from (action.source, action.target)


def _is_later(ip_frag: MatchValue) -> bool:
    value = ip_frag[0] if isinstance(ip_frag, tuple) else ip_frag
    return isinstance(value, int) and bool(value & _LATER)
