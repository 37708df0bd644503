"""ROUTER, TERMINATION and ROUTES: packets for a router end there, or go to their next hop.

A router has the same MAC address in all of its logical switches. Both its tables and NEXT_HOPS are
keyed by numbers: the router's, and that of the logical switch in which the next hop is.

**Order.** What a host must not send is dropped, then the router's own addresses are served, and
only then the TTL counts: so a ping to any interface is answered, whatever its TTL (RFC 1812,
section 5.3.1). The longest prefix has the highest priority in ROUTES.

**One hop after the other.** A packet whose next hop is another router of this switch gets that
router's MAC address in NEXT_HOPS. UNICAST looks it up in ROUTER once more, in the logical switch
that both join. Open vSwitch ends loops of routes after 64 tables, if the TTL does not before.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from ..values.addresses import BITS, ip_number, mask
from ..values.flows import (
    Action,
    DecTtl,
    Flow,
    FlowKey,
    ForgetInPort,
    GoTo,
    MatchValue,
    Move,
    Resubmit,
    SetField,
    ToController,
    match,
)
from ..values.packets import PacketOut
from .layout import (
    ACL_OF_INTERFACE,
    ANY_ROUTER,
    ARRIVED_IN,
    EXPIRED,
    FROM_BINDING,
    FROM_TUNNEL,
    LENGTH,
    LOGICAL_SWITCH,
    NEXT_HOP,
    NEXT_HOP_IPV6,
    ORIGIN,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    UNROUTED,
    UNSERVED,
    Cookie,
    Priority,
    Table,
    Way,
    drop,
    flow,
    miss,
)
from .snooping import ICMPV6
from .ways import Step, first, into, onward

IPV4: dict[str, MatchValue] = {"eth_type": 0x0800}
IPV6: dict[str, MatchValue] = {"eth_type": 0x86DD}
LONGEST_SHOWN = 65535
_UDP, _ICMP = 17, 1
_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_ECHO_REQUEST_IPV6, _ECHO_REPLY_IPV6 = 128, 129
_HOPS = 64
"""The TTL of what a router sends itself (RFC 1700)."""
_WHOLE: dict[str, MatchValue] = {"ip_frag": 0}
"""Packets that are not in fragments."""
FORGET_ARRIVAL = SetField(SOURCE_BINDING, 0), SetField(ORIGIN, FROM_BINDING), ForgetInPort()
"""What a router sends may leave where it came in: by the same binding, or by the same tunnel."""
_ON = onward(Table.TERMINATION, Way.TO_ROUTER)
_TO_NEXT_HOP = onward(Table.ROUTES, Way.ROUTING)
_SHOWN = Cookie.ROUTING
_NO_SOURCES: tuple[dict[str, MatchValue], ...] = (
    *({**IPV4, "ipv4_src": prefix} for prefix in (
        ("0.0.0.0", "255.0.0.0"), ("127.0.0.0", "255.0.0.0"), ("224.0.0.0", "224.0.0.0"),
    )),
    *({**IPV6, "ipv6_src": prefix} for prefix in ("::", "::1", ("ff00::", "ff00::"))),
)  # fmt: skip
"""Sources that no host may send from through a router (RFC 1812, section 5.3.7; RFC 4291)."""
_NO_DESTINATIONS: tuple[dict[str, MatchValue], ...] = (
    *({**IPV4, "ipv4_dst": prefix} for prefix in (
        ("0.0.0.0", "255.0.0.0"), ("127.0.0.0", "255.0.0.0"), ("169.254.0.0", "255.255.0.0"),
        ("224.0.0.0", "240.0.0.0"), "255.255.255.255",
    )),
    *({**IPV6, "ipv6_dst": prefix} for prefix in ("::", "::1", ("ff00::", "ff00::"))),
)  # fmt: skip
"""Destinations that no router forwards to; multicast is not routed (also RFC 3927, section 2.7)."""
_OF_A_LINK: tuple[dict[str, MatchValue], ...] = (
    {**IPV4, "ipv4_src": ("169.254.0.0", "255.255.0.0")},
    {**IPV6, "ipv6_src": ("fe80::", "ffc0::")},
    {**IPV6, "ipv6_dst": ("fe80::", "ffc0::")},
)
"""Nor are the addresses of a link, which may ask the router itself (RFC 3927; RFC 4291, 2.5.6)."""


# Every bridge, and every bridge with a router


def others() -> Flow:
    """Pass all frames that are for no router."""
    return miss(Table.ROUTER, *onward(Table.ROUTER, Way.PAST_ROUTERS), producer=Cookie.ROUTING)


def tables() -> tuple[Flow, ...]:
    """Return what becomes of packets for a router that no flow of a router or a route matches."""
    return (
        miss(Table.TERMINATION, *_ON, producer=Cookie.ROUTING),
        *(drop(Table.TERMINATION, Priority.FORBIDDEN, match(each)) for each in _NO_SOURCES),
        *(drop(Table.TERMINATION, Priority.FORBIDDEN, match(each)) for each in _NO_DESTINATIONS),
        *(drop(Table.TERMINATION, Priority.DEFAULT, match(each)) for each in _OF_A_LINK),
        *_ends_of_life(),
        miss(Table.ROUTES, *shown(UNROUTED), producer=Cookie.ROUTING),
        *(showing(why, Cookie.ROUTING) for why in (UNROUTED, EXPIRED, UNSERVED)),
    )


def _ends_of_life() -> Iterator[Flow]:
    """Yield flows for packets that have no further hop.

    Open vSwitch would stop at the decrement of the TTL, and tell no controller that is not asked.
    """
    for family in (IPV4, IPV6):
        yield drop(Table.TERMINATION, Priority.LIMIT, match({**family, "nw_ttl": 0}))
        last = match({**family, "nw_ttl": 1})
        actions = shown(EXPIRED)
        yield flow(Table.TERMINATION, Priority.LIMIT, last, *actions, producer=Cookie.ROUTING)


def shown(why: int) -> tuple[Action, ...]:
    """Return the actions that show a whole frame to the controller, and forward it nowhere."""
    return SetField(SENDER, why), Resubmit(first(Way.TO_CONTROLLER))


def showing(why: int, producer: Cookie) -> Flow:
    """Send the packet-ins of frames that are shown() for a reason; ``producer`` handles them."""
    return flow(
        Table.SHOWING,
        Priority.PREFERRED,
        match({LENGTH: 0, SENDER: why}),
        ToController(LONGEST_SHOWN),
        producer=producer,
    )


def unanswered(binding: int, remote: int, source: str = "") -> tuple[Flow, ...]:
    """Show no packets that need an ICMP error: so many came in by a binding, or from a remote VTEP.

    These are numbers, one of them 0. With a ``source`` only the packets from that address.
    """
    place: dict[str, MatchValue] = {SOURCE_BINDING: binding, REMOTE: remote}
    if source:
        place |= {**IPV6, "ipv6_src": source} if ":" in source else {**IPV4, "ipv4_src": source}
    return tuple(
        flow(
            Table.SHOWING,
            Priority.FORBIDDEN,
            match({**place, SENDER: why}),
            producer=Cookie.ROUTING,
        )
        for why in (UNROUTED, EXPIRED, UNSERVED)
    )


# Interfaces


def interface(
    router: int,
    logical_switch: int,
    mac: str,
    serves_tunnels: bool,
    steps_ipv4: Iterable[Step] = (),
    steps_ipv6: Iterable[Step] = (),
) -> tuple[Flow, ...]:
    """Take the packets for a router's MAC address in a logical switch, and no other frames for it.

    Those from tunnels are dropped unless this VTEP ``serves_tunnels``. The steps are those of each
    family, with the access lists of the interface.
    """
    there: dict[str, MatchValue] = {LOGICAL_SWITCH: logical_switch, "eth_dst": mac}
    come_in: dict[str, MatchValue] = {} if serves_tunnels else {ORIGIN: FROM_BINDING}
    once_more = flow(
        Table.UNICAST,
        Priority.FORBIDDEN,
        match(there),
        Resubmit(first(Way.PAST_ROUTERS)),
        producer=Cookie.ROUTING,
    )
    return (
        *_taken(router, logical_switch, {**there, **come_in}, steps_ipv4, steps_ipv6),
        drop(Table.ROUTER, Priority.LIMIT, match(there)),
        once_more,
    )


def for_any_router(
    router: int,
    logical_switch: int,
    steps_ipv4: Iterable[Step] = (),
    steps_ipv6: Iterable[Step] = (),
) -> tuple[Flow, ...]:
    """Take the packets of a logical switch that are for any router: arp_source() marks them."""
    marked: dict[str, MatchValue] = {LOGICAL_SWITCH: logical_switch, ROUTER: ANY_ROUTER}
    return tuple(_taken(router, logical_switch, marked, steps_ipv4, steps_ipv6))


def _taken(
    router: int,
    logical_switch: int,
    fields: dict[str, MatchValue],
    *steps: Iterable[Step],
) -> Iterator[Flow]:
    for family, of_family in zip((IPV4, IPV6), steps, strict=True):
        yield flow(
            Table.ROUTER,
            Priority.DEFAULT,
            match({**fields, **family}),
            SetField(ROUTER, router),
            SetField(ARRIVED_IN, logical_switch),
            *into(Way.TO_ROUTER, of_family),
            producer=Cookie.ROUTING,
        )


def arp_source(mac: str, is_own: bool) -> tuple[Flow, ...]:
    """Mark frames for a MAC address of Arp_Sources_Local or Arp_Sources_Remote.

    A host may take it for that of its gateway, because it heard a request from it. In a logical
    switch without a router they are switched. From a tunnel come only those for our ``own`` one:
    a frame for another VTEP's is a copy.
    """
    unmarked: dict[str, MatchValue] = {"eth_dst": mac, ROUTER: 0}
    come_in: dict[str, MatchValue] = {} if is_own else {ORIGIN: FROM_BINDING}
    marked = flow(
        Table.ROUTER,
        Priority.DEFAULT,
        match({**unmarked, **come_in}),
        SetField(ROUTER, ANY_ROUTER),
        Resubmit(first(Way.PAST_ROUTERS)),
        producer=Cookie.ARP_SOURCES,
    )
    if is_own:
        return (marked,)
    return marked, drop(Table.ROUTER, Priority.LIMIT, match({"eth_dst": mac, ORIGIN: FROM_TUNNEL}))


def imitation(logical_switch: int, mac: str) -> Flow:
    """Drop frames of bindings with a router's MAC address as source: a copy, or a loop."""
    fields = match({LOGICAL_SWITCH: logical_switch, "eth_src": mac})
    return drop(Table.LEARNING, Priority.FORBIDDEN, fields)


def imitated(key: FlowKey) -> tuple[int, str] | None:
    """Return the number of the logical switch and the MAC of an imitation(), None for others."""
    fields = dict(key.match)
    number, mac = fields.get(LOGICAL_SWITCH), fields.get("eth_src")
    if (key.table, key.priority) != (Table.LEARNING, Priority.FORBIDDEN):
        return None
    return (number, mac) if isinstance(number, int) and isinstance(mac, str) else None


# Addresses of a router


def own_address(router: int, mac: str, ip: str) -> tuple[Flow, ...]:
    """Answer pings to an address of a router, show UDP packets for it, and drop all other packets.

    Packets from it are dropped as well: hosts must not use it.
    """
    is_ipv6 = ":" in ip
    family, name = (IPV6, "ipv6") if is_ipv6 else (IPV4, "ipv4")
    to_it: dict[str, MatchValue] = {ROUTER: router, **family, f"{name}_dst": ip}
    udp = match({**to_it, "ip_proto": _UDP, **_WHOLE})
    return (
        _echo(mac, ip, to_it, is_ipv6),
        flow(Table.TERMINATION, Priority.PREFERRED, udp, *shown(UNSERVED), producer=Cookie.ROUTING),
        drop(Table.TERMINATION, Priority.DEFAULT, match(to_it)),
        drop(
            Table.TERMINATION,
            Priority.FORBIDDEN,
            match({ROUTER: router, **family, f"{name}_src": ip}),
        ),
    )


def _echo(mac: str, ip: str, to_it: dict[str, MatchValue], is_ipv6: bool) -> Flow:
    """Return the flow that makes an echo request its own reply (RFC 792; RFC 4443, section 4.2)."""
    name, kind = ("ipv6", "icmpv6") if is_ipv6 else ("ipv4", "icmpv4")
    request, reply = (
        (_ECHO_REQUEST_IPV6, _ECHO_REPLY_IPV6) if is_ipv6 else (_ECHO_REQUEST, _ECHO_REPLY)
    )
    icmp = ICMPV6 if is_ipv6 else {"ip_proto": _ICMP}
    return flow(
        Table.TERMINATION,
        Priority.PREFERRED,
        match({**to_it, **icmp, **_WHOLE, f"{kind}_type": request, f"{kind}_code": 0}),
        Move("eth_src", "eth_dst"),
        SetField("eth_src", mac),
        Move(f"{name}_src", f"{name}_dst"),
        SetField(f"{name}_src", ip),
        SetField(f"{kind}_type", reply),
        SetField("nw_ttl", _HOPS),
        *FORGET_ARRIVAL,
        GoTo(first(Way.SWITCHING)),
        producer=Cookie.ROUTING,
    )


# Routes


def priority(length: int, is_connected: bool) -> int:
    """Return the priority of a route: longer prefixes first, then connected before static ones."""
    return Priority.ROUTE + 2 * length + is_connected


def route(
    router: int,
    mac: str,
    prefix: tuple[str, int],
    logical_switch: int,
    next_hop: str = "",
    steps: Iterable[Step] = (),
) -> Flow:
    """Send packets of a router for a prefix, its address and its length, into a logical switch.

    Without a ``next_hop`` they go to their destination. ``steps`` are those of the interface in
    that logical switch, for packets of the prefix's family.
    """
    network, length = prefix
    is_ipv6 = ":" in network
    return flow(
        Table.ROUTES,
        priority(length, not next_hop),
        match({ROUTER: router, **_to(network, length)}),
        _DEC_TTL,
        _set_next_hop(next_hop, is_ipv6),
        *_into(logical_switch, mac, tuple(steps)),
        producer=Cookie.ROUTING,
    )


@lru_cache(maxsize=1 << 10)
def _into(logical_switch: int, mac: str, steps: tuple[Step, ...]) -> tuple[Action, ...]:
    """Send packets to their next hops in a logical switch: very many routes share these actions."""
    ahead = [step for step in steps if step.table == Table.ACL_ROUTER_EGRESS]
    lists = [action for step in ahead for action in step.carrying]
    on = () if any(step.is_shut for step in ahead) else _TO_NEXT_HOP
    at = SetField(LOGICAL_SWITCH, logical_switch), SetField("eth_src", mac)
    return (*at, *(lists or [SetField(ACL_OF_INTERFACE, 0)]), *on)


def _set_next_hop(next_hop: str, is_ipv6: bool) -> Action:
    if not next_hop:
        return Move("ipv6_dst", NEXT_HOP_IPV6) if is_ipv6 else Move("ipv4_dst", NEXT_HOP)
    return SetField(NEXT_HOP_IPV6 if is_ipv6 else NEXT_HOP, ip_number(next_hop))


def broadcasts(router: int, addresses: Iterable[str]) -> tuple[Flow, ...]:
    """Drop packets for the broadcast addresses of connected subnets (RFC 2644)."""
    return tuple(
        drop(Table.ROUTES, BROADCASTS, match({ROUTER: router, **IPV4, "ipv4_dst": address}))
        for address in addresses
    )


_DEC_TTL = DecTtl()
BROADCASTS = priority(32, is_connected=True)


def _to(network: str, length: int) -> dict[str, MatchValue]:
    """Return the match on a prefix; that of length 0 matches each packet of its family."""
    is_ipv6 = ":" in network
    name, family = ("ipv6_dst", IPV6) if is_ipv6 else ("ipv4_dst", IPV4)
    if length == 0:
        return dict(family)
    if length == BITS[is_ipv6]:
        return {**family, name: network}
    return {**family, name: (network, mask(length, is_ipv6))}


# Packets of the controller


def send(frame: bytes, router: int, arrived_in: int) -> PacketOut:
    """Return the packet-out that lets a router send a packet by its routes.

    ``arrived_in`` is the number of the logical switch to which its next hops see it belong.
    """
    fields = SetField(ROUTER, router), SetField(ARRIVED_IN, arrived_in)
    return PacketOut(frame, (*fields, Resubmit(first(Way.ROUTING))))
