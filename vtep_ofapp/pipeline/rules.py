"""What flows of each table, and buckets of each kind of group, may do."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..values.flows import (
    Action,
    Conjunction,
    DecTtl,
    ForgetInPort,
    Move,
    Output,
    OutputToBond,
    PopVlan,
    PushVlan,
    ToController,
    ToGroup,
)
from .layout import (
    ACL,
    ACL_OF_INTERFACE,
    ACL_OF_PORT,
    ARRIVED_IN,
    LENGTH,
    LOGICAL_SWITCH,
    NEXT_HOP,
    NEXT_HOP_IPV6,
    NEXT_HOP_PARTS,
    ORIGIN,
    PART,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    TAGGED,
    TARGET_BINDING,
    GroupKind,
    Table,
    Way,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """The matches and actions that flows of a table, or buckets of a kind of group, may have.

    They may match and set these fields and have these other actions. Their frames continue on a way
    of the table or enter another way. A frame without a match continues, or is dropped.

    A table that ``is_optional`` is for frames with a Step for it. Frames with a step for an earlier
    optional table of the way pass it as well. So what it matches of steps are registers that no
    other table of the way matches, ``carried``; they are 0 in frames without a step for it.
    """

    matches: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    acts: frozenset[type[Action]] = frozenset()
    enters: frozenset[Way] = frozenset()
    miss_goes_on: bool = False
    is_optional: bool = False
    carried: frozenset[str] = frozenset()


def _rules(
    matches: str = "",
    sets: str = "",
    acts: Iterable[type[Action]] = (),
    enters: Iterable[Way] = (),
    miss_goes_on: bool = False,
    is_optional: bool = False,
    carried: str = "",
) -> Rules:
    """Return rules; fields are names with spaces between them, ``carried`` ones may be matched."""
    fields = frozenset(f"{matches} {carried}".split()), frozenset(sets.split())
    allowed = frozenset(acts), frozenset(enters)
    return Rules(*fields, *allowed, miss_goes_on, is_optional, frozenset(carried.split()))


_LEAVES = PushVlan, ForgetInPort, Output, OutputToBond
_HEADERS = (
    "eth_src eth_dst eth_type ipv4_src ipv4_dst ipv6_src ipv6_dst ip_proto ip_frag conj_id"
    " tcp_src tcp_dst tcp_flags udp_src udp_dst sctp_src sctp_dst"
    " icmpv4_type icmpv4_code icmpv6_type icmpv6_code"
)
"""What an access list may match of a frame."""


def _acls(carried: str, is_optional: bool = True) -> Rules:
    return _rules(
        _HEADERS, acts=[Conjunction], miss_goes_on=True, is_optional=is_optional, carried=carried
    )


_ARRIVAL = f"{SOURCE_BINDING} {ORIGIN}"
"""What a router clears, so that a packet may leave where it came in."""
_REQUESTS = "eth_type arp_op ip_proto icmpv6_type icmpv6_code ipv6_nd_target"  # ARP, ND
RULES: dict[Table, Rules] = {
    Table.ADMISSION: _rules(
        "in_port vlan_vid eth_dst eth_type ip_proto ipv4_dst udp_dst",
        f"{SOURCE_BINDING} {LOGICAL_SWITCH} {TAGGED} {REMOTE} {ORIGIN} {ACL} {ACL_OF_PORT}",
        [PopVlan],
    ),
    Table.DECAPSULATION: _rules(
        f"{REMOTE} {ORIGIN} tunnel_id vlan_vid eth_type", f"{LOGICAL_SWITCH} {ORIGIN}"
    ),
    Table.ACL_INGRESS_PORT: _acls(ACL_OF_PORT),
    Table.ACL_INGRESS: _acls(ACL),
    Table.LEARNING: _rules(
        f"{LOGICAL_SWITCH} {SOURCE_BINDING} eth_src",
        SENDER,
        enters=[Way.TO_CONTROLLER],
        miss_goes_on=True,
    ),
    Table.MEASURING: _rules(sets=LENGTH, miss_goes_on=True),
    Table.SHOWING: _rules(
        f"{LENGTH} {SENDER} {SOURCE_BINDING} {REMOTE} eth_type ipv4_src ipv6_src",
        acts=[ToController],
    ),
    Table.SNOOPING: _rules(
        f"{LOGICAL_SWITCH} {SOURCE_BINDING} {SENDER} eth_src {_REQUESTS}"
        " arp_spa arp_sha ipv6_src ipv4_dst ipv6_dst",
        SENDER,
        enters=[Way.TO_CONTROLLER],
        miss_goes_on=True,
    ),
    Table.RESOLUTION: _rules(
        f"{LOGICAL_SWITCH} {ORIGIN} {SENDER} {SOURCE_BINDING} {REMOTE} eth_dst nw_ttl {_REQUESTS}"
        " arp_tpa arp_spa arp_sha ipv6_src ipv6_nd_tll",
        f"eth_dst icmpv6_type nd_reserved nd_options_type {SENDER} {ROUTER} {REMOTE}",
        enters=[Way.ANSWERING, Way.TO_CONTROLLER],
        miss_goes_on=True,
    ),
    Table.ANSWERING: _rules(
        f"{ORIGIN} eth_type ip_proto icmpv6_type icmpv6_code",
        f"arp_op {SOURCE_BINDING} {ORIGIN}",
        [Move, ForgetInPort],
        [Way.TO_BINDING, Way.SWITCHING],
    ),
    Table.ROUTER: _rules(
        f"{LOGICAL_SWITCH} {ORIGIN} {ROUTER} eth_dst eth_type ip_proto icmpv6_type icmpv6_code",
        f"{ROUTER} {ARRIVED_IN} {ACL_OF_INTERFACE}",
        enters=[Way.PAST_ROUTERS, Way.TO_ROUTER, Way.TO_TUNNEL],
        miss_goes_on=True,
    ),
    Table.ACL_ROUTER_INGRESS: _acls(ACL_OF_INTERFACE, is_optional=False),
    Table.TERMINATION: _rules(
        f"{ROUTER} eth_type ipv4_src ipv4_dst ipv6_src ipv6_dst nw_ttl ip_frag ip_proto"
        " icmpv4_type icmpv4_code icmpv6_type icmpv6_code",
        f"eth_src ipv4_src ipv6_src icmpv4_type icmpv6_type nw_ttl {_ARRIVAL} {SENDER}",
        [Move, ForgetInPort],
        [Way.SWITCHING, Way.TO_CONTROLLER],
        miss_goes_on=True,
    ),
    Table.ROUTES: _rules(
        f"{ROUTER} eth_type ipv4_dst ipv6_dst",
        f"{LOGICAL_SWITCH} {NEXT_HOP} {NEXT_HOP_IPV6} {ACL_OF_INTERFACE} {SENDER} eth_src",
        [DecTtl, Move],
        [Way.TO_CONTROLLER],
    ),
    Table.NEXT_HOPS: _rules(
        f"{LOGICAL_SWITCH} {ORIGIN} {SOURCE_BINDING} {REMOTE} eth_type {' '.join(NEXT_HOP_PARTS)}",
        f"eth_dst {_ARRIVAL} {SENDER}",
        [ForgetInPort],
        [Way.TO_CONTROLLER],
    ),
    Table.ACL_ROUTER_EGRESS: _acls(ACL_OF_INTERFACE, is_optional=False),
    Table.UNICAST: _rules(
        f"{LOGICAL_SWITCH} {ORIGIN} eth_dst",
        f"{TARGET_BINDING} {REMOTE}",
        enters=[Way.TO_BINDING, Way.TO_TUNNEL, Way.PAST_ROUTERS],
        miss_goes_on=True,
    ),
    Table.FLOODING: _rules(
        f"{LOGICAL_SWITCH} {ORIGIN} {SOURCE_BINDING} eth_dst eth_type ip_proto icmpv6_type"
        " ipv4_src ipv4_dst",
        SENDER,
        [ToGroup],
        [Way.TO_CONTROLLER],
    ),
    Table.REMOTE_FLOODING: _rules(f"{LOGICAL_SWITCH} {ORIGIN} eth_dst", acts=[ToGroup]),
    Table.REPLICATION: _rules(PART, acts=[ToGroup]),
    Table.ENCAPSULATION: _rules(
        f"{LOGICAL_SWITCH} {REMOTE} vlan_vid eth_src eth_type arp_op"
        " ip_proto icmpv6_type icmpv6_code",
        "tunnel_id eth_src arp_sha ipv6_nd_sll",
        enters=[Way.TO_TUNNEL],
    ),
    Table.TUNNEL: _rules(REMOTE, acts=[Output]),
    Table.EGRESS: _rules(
        f"{LOGICAL_SWITCH} {SOURCE_BINDING} {TARGET_BINDING} {TAGGED} vlan_vid eth_type",
        f"{ACL} {ACL_OF_PORT}",
        _LEAVES,
    ),
    Table.ACL_EGRESS_PORT: _acls(ACL_OF_PORT),
    Table.ACL_EGRESS: _acls(ACL),
    Table.DELIVERY: _rules(
        f"{LOGICAL_SWITCH} {TARGET_BINDING} {TAGGED}", acts=_LEAVES, is_optional=True
    ),
}
"""The rules of each table, written by hand: tests check every flow against them."""
GROUP_RULES: dict[GroupKind, Rules] = {
    GroupKind.BRIDGE: _rules(enters=[Way.IN_PARTS]),
    GroupKind.LOCAL: _rules(sets=TARGET_BINDING, enters=[Way.TO_BINDING]),
    GroupKind.REPLICATION: _rules(sets=f"{REMOTE} {PART}", acts=[ToGroup], enters=[Way.TO_TUNNEL]),
    GroupKind.REPLICATION_PART: _rules(sets=REMOTE, enters=[Way.TO_TUNNEL]),
    GroupKind.MULTICAST: _rules(sets=f"{REMOTE} {PART}", acts=[ToGroup], enters=[Way.TO_TUNNEL]),
    GroupKind.MULTICAST_PART: _rules(sets=REMOTE, enters=[Way.TO_TUNNEL]),
    GroupKind.MEMBERS: _rules(sets=TARGET_BINDING, enters=[Way.TO_BINDING]),
    GroupKind.ROUTERS: _rules(sets=TARGET_BINDING, enters=[Way.TO_BINDING]),
}
"""The rules of the buckets of each kind of group."""
