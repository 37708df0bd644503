"""RESOLUTION, ANSWERING: requests for the MAC of an IP address become their answers."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter

from ..values.flows import Action, Flow, FlowKey, GoTo, Match, MatchValue, Move, SetField, match
from .layout import (
    DETECTS,
    FROM_BINDING,
    FROM_TUNNEL,
    KNOWN,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    SENDER,
    SOURCE_BINDING,
    TARGET_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    cookie_of,
    drop,
    flow,
    miss,
)
from .routing import FORGET_ARRIVAL, shown
from .snooping import ADVERTISEMENT, ARP, FROM_THIS_LINK, SOLICITATION
from .ways import first, onward

_BROADCAST = "ff:ff:ff:ff:ff:ff"
_SOLICITED_NODE = "33:33:ff:00:00:00", "ff:ff:ff:00:00:00"
"""The group addresses of neighbor solicitations (RFC 4291, section 2.7.1; RFC 2464, section 7)."""
_REQUEST, _REPLY = 1, 2
_SOLICITED_OVERRIDE = 0x60000000
_ROUTER_SOLICITED_OVERRIDE = 0xE0000000
"""The flags of an advertisement: S and O (RFC 4861, section 4.4), and R if a router answers."""
_NOBODY_IPV6 = "::"
_TARGET_ADDRESS_OPTION = 2
_BACK = (
    Move(SOURCE_BINDING, TARGET_BINDING),
    SetField(SOURCE_BINDING, 0),
    GoTo(first(Way.TO_BINDING)),
)
"""The answer leaves by the binding that the request came in by."""
_TABLE, _PRIORITY = Table.RESOLUTION.value, int(Priority.DEFAULT)
_COOKIE = cookie_of(Cookie.NEIGHBOURS)
_TO_REPLY = (GoTo(first(Way.ANSWERING)),)


def _to_advertisement(flags: int) -> tuple[Action, ...]:
    return (
        SetField("nd_options_type", _TARGET_ADDRESS_OPTION),
        SetField("nd_reserved", flags),
        # Open vSwitch lets a flow set nd_tll only if it matches advertisements: in ANSWERING.
        SetField("icmpv6_type", 136),
        GoTo(first(Way.ANSWERING)),
    )


_TO_ADVERTISEMENT = _to_advertisement(_SOLICITED_OVERRIDE)


def others() -> Flow:
    """Pass all other frames to the look-up of their destination."""
    on = onward(Table.RESOLUTION, Way.IN_LOGICAL_SWITCH)
    return miss(Table.RESOLUTION, *on, producer=Cookie.NEIGHBOURS)


def responder(logical_switch: int, ip: str, mac: str) -> Flow:
    """Answer requests for an IP address with a MAC, which ANSWERING finds in eth_dst.

    These are broadcast ARP requests and multicast neighbor solicitations of known senders, which
    are at bindings. All others poll one host, or announce something.
    """
    # There may be very many of these flows: they share all but the address and the MAC.
    if ":" in ip:
        before, after = _solicitation(logical_switch)
        fields = *before, ("ipv6_nd_target", ip), *after
        actions: tuple[Action, ...] = (SetField("eth_dst", mac), *_TO_ADVERTISEMENT)
    else:
        before, after = _request(logical_switch)
        fields = *before, ("arp_tpa", ip), *after
        actions = SetField("eth_dst", mac), *_TO_REPLY
    return Flow(FlowKey(_TABLE, _PRIORITY, fields), actions, _COOKIE)


@lru_cache(maxsize=1 << 12)
def _request(logical_switch: int) -> tuple[Match, Match]:
    """Return the fields of a match before and after arp_tpa."""
    fields = {**ARP, "arp_op": _REQUEST, "eth_dst": _BROADCAST}
    return _around("arp_tpa", {**fields, LOGICAL_SWITCH: logical_switch, SENDER: KNOWN})


@lru_cache(maxsize=1 << 12)
def _solicitation(logical_switch: int) -> tuple[Match, Match]:
    """Return the fields of a match before and after ipv6_nd_target."""
    fields = {**SOLICITATION, **FROM_THIS_LINK, "eth_dst": _SOLICITED_NODE}
    return _around("ipv6_nd_target", {**fields, LOGICAL_SWITCH: logical_switch, SENDER: KNOWN})


def _around(field: str, fields: Mapping[str, MatchValue]) -> tuple[Match, Match]:
    """Return the fields of a match that come before and after one more field."""
    whole = match(fields)
    place = bisect_left(whole, field, key=itemgetter(0))
    return whole[:place], whole[place:]


def own_address(logical_switch: int, ip: str, mac: str, serves_tunnels: bool) -> tuple[Flow, ...]:
    """Answer requests of anybody for an address of a router in a logical switch with its MAC.

    Requests from tunnels are dropped unless this VTEP ``serves_tunnels``: another router of the
    fabric answers them. A host that asks whether the address is free (RFC 4862) is shown: its
    answer would go to all hosts, which no flow can make.
    """
    where: dict[str, MatchValue] = {LOGICAL_SWITCH: logical_switch}
    asked: dict[str, MatchValue] = {**ARP, "arp_op": _REQUEST, "arp_tpa": ip}
    answer: tuple[Action, ...] = _TO_REPLY
    if ":" in ip:
        asked = {**SOLICITATION, **FROM_THIS_LINK, "ipv6_nd_target": ip}
        answer = _to_advertisement(_ROUTER_SOLICITED_OVERRIDE)
    come_in: dict[str, MatchValue] = {} if serves_tunnels else {ORIGIN: FROM_BINDING}
    flows = [
        flow(
            Table.RESOLUTION,
            Priority.PREFERRED,
            match({**where, **asked, **come_in}),
            SetField("eth_dst", mac),
            *answer,
            producer=Cookie.NEIGHBOURS,
        )
    ]
    if ":" in ip:
        flows.append(
            flow(
                Table.RESOLUTION,
                Priority.QUERY,
                match({**where, **asked, **come_in, "ipv6_src": _NOBODY_IPV6}),
                *shown(DETECTS),
                producer=Cookie.NEXT_HOPS,
            )
        )
    if not serves_tunnels:
        fields = match({**where, **asked, ORIGIN: FROM_TUNNEL})
        flows.append(drop(Table.RESOLUTION, Priority.FORBIDDEN, fields))
    return tuple(flows)


def own_ip(key: FlowKey) -> tuple[int, str] | None:
    """Return the number of the logical switch and the address that own_address() answers for.

    None for every other flow.
    """
    if key.table != Table.RESOLUTION or key.priority != Priority.PREFERRED:
        return None
    fields = dict(key.match)
    number, ip = fields.get(LOGICAL_SWITCH), fields.get("arp_tpa") or fields.get("ipv6_nd_target")
    return (number, ip) if isinstance(number, int) and isinstance(ip, str) else None


def own_mac(flow: Flow) -> str:
    """Return the MAC address by which such a flow answers, "" for a flow of others."""
    (mac,) = [each.value for each in flow.actions[:1] if isinstance(each, SetField)] or [""]
    return str(mac)


def answers() -> tuple[Flow, ...]:
    """Complete the answers to requests, whose eth_dst is the MAC that was asked for."""
    return _answers(Priority.DEFAULT, {}, _BACK)


def answers_to_tunnels() -> tuple[Flow, ...]:
    """Complete the answers of routers to requests that came in by a tunnel."""
    by_switching = *FORGET_ARRIVAL, GoTo(first(Way.SWITCHING))
    return _answers(Priority.PREFERRED, {ORIGIN: FROM_TUNNEL}, by_switching)


def _answers(
    priority: Priority, origin: dict[str, MatchValue], out: tuple[Action, ...]
) -> tuple[Flow, ...]:
    reply = flow(
        Table.ANSWERING,
        priority,
        match({**ARP, **origin}),
        SetField("arp_op", _REPLY),
        Move("arp_sha", "arp_tha"),
        Move("eth_dst", "arp_sha"),
        Move("eth_src", "eth_dst"),
        Move("arp_sha", "eth_src"),
        Move("arp_tpa", REMOTE),  # which such a frame does not use otherwise
        Move("arp_spa", "arp_tpa"),
        Move(REMOTE, "arp_spa"),
        *out,
        producer=Cookie.NEIGHBOURS,
    )
    advertisement = flow(
        Table.ANSWERING,
        priority,
        match({**ADVERTISEMENT, **origin}),
        Move("ipv6_src", "ipv6_dst"),
        Move("ipv6_nd_target", "ipv6_src"),
        Move("eth_dst", "ipv6_nd_tll"),
        Move("eth_src", "eth_dst"),
        Move("ipv6_nd_tll", "eth_src"),
        *out,
        producer=Cookie.NEIGHBOURS,
    )
    return reply, advertisement
