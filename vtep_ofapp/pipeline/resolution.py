"""RESOLUTION, ANSWERING: requests for the MAC of an IP address become their answers."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter

from ..values.flows import Action, Flow, FlowKey, GoTo, Match, MatchValue, Move, SetField, match
from .layout import (
    KNOWN,
    LOGICAL_SWITCH,
    REMOTE,
    SENDER,
    SOURCE_BINDING,
    TARGET_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    cookie_of,
    flow,
    miss,
)
from .snooping import ADVERTISEMENT, ARP, FROM_THIS_LINK, SOLICITATION
from .ways import first, onward

_BROADCAST = "ff:ff:ff:ff:ff:ff"
_SOLICITED_NODE = "33:33:ff:00:00:00", "ff:ff:ff:00:00:00"
"""The group addresses of neighbor solicitations (RFC 4291, section 2.7.1; RFC 2464, section 7)."""
_REQUEST, _REPLY = 1, 2
_SOLICITED_OVERRIDE = 0x60000000
"""The flags of an advertisement: S and O (RFC 4861, section 4.4). R would be a router's."""
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
_TO_ADVERTISEMENT = (
    SetField("nd_options_type", _TARGET_ADDRESS_OPTION),
    SetField("nd_reserved", _SOLICITED_OVERRIDE),
    # Open vSwitch lets a flow set nd_tll only if it matches advertisements: in ANSWERING.
    SetField("icmpv6_type", 136),
    GoTo(first(Way.ANSWERING)),
)


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


def answers() -> tuple[Flow, ...]:
    """Complete the answers to requests, whose eth_dst is the MAC that was asked for."""
    reply = flow(
        Table.ANSWERING,
        Priority.DEFAULT,
        match(ARP),
        SetField("arp_op", _REPLY),
        Move("arp_sha", "arp_tha"),
        Move("eth_dst", "arp_sha"),
        Move("eth_src", "eth_dst"),
        Move("arp_sha", "eth_src"),
        Move("arp_tpa", REMOTE),  # which such a frame does not use otherwise
        Move("arp_spa", "arp_tpa"),
        Move(REMOTE, "arp_spa"),
        *_BACK,
        producer=Cookie.NEIGHBOURS,
    )
    advertisement = flow(
        Table.ANSWERING,
        Priority.DEFAULT,
        match(ADVERTISEMENT),
        Move("ipv6_src", "ipv6_dst"),
        Move("ipv6_nd_target", "ipv6_src"),
        Move("eth_dst", "ipv6_nd_tll"),
        Move("eth_src", "eth_dst"),
        Move("ipv6_nd_tll", "eth_src"),
        *_BACK,
        producer=Cookie.NEIGHBOURS,
    )
    return reply, advertisement
