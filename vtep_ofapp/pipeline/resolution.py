"""RESOLUTION, ANSWERING: requests for the MAC of an IP address become their answers."""

from functools import lru_cache

from ..values.flows import Action, Flow, FlowKey, GoTo, Match, Move, SetField, match
from .layout import (
    FROM_BINDING,
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
_COOKIE = cookie_of(Cookie.NEIGHBOURS)


def others() -> Flow:
    """Pass all other frames to the look-up of their destination."""
    on = onward(Table.RESOLUTION, Way.IN_LOGICAL_SWITCH)
    return miss(Table.RESOLUTION, *on, producer=Cookie.NEIGHBOURS)


def responder(logical_switch: int, ip: str, mac: str) -> Flow:
    """Answer requests for an IP address with a MAC.

    These are broadcast ARP requests and multicast neighbor solicitations of known senders at
    bindings. All others poll one host, or announce something.
    """
    if ":" in ip:
        fields, actions = (*_solicitation(logical_switch), ("ipv6_nd_target", ip)), _advertise(mac)
    else:
        fields, actions = (*_request(logical_switch), ("arp_tpa", ip)), _reply(mac)
    key = FlowKey(Table.RESOLUTION.value, int(Priority.DEFAULT), tuple(sorted(fields)))
    return Flow(key, actions, _COOKIE)


@lru_cache(maxsize=1 << 12)
def _request(logical_switch: int) -> Match:
    fields = {**ARP, "arp_op": _REQUEST, "eth_dst": _BROADCAST}
    return match({**fields, LOGICAL_SWITCH: logical_switch, ORIGIN: FROM_BINDING, SENDER: KNOWN})


@lru_cache(maxsize=1 << 12)
def _solicitation(logical_switch: int) -> Match:
    fields = {**SOLICITATION, **FROM_THIS_LINK, "eth_dst": _SOLICITED_NODE}
    return match({**fields, LOGICAL_SWITCH: logical_switch, ORIGIN: FROM_BINDING, SENDER: KNOWN})


@lru_cache(maxsize=1 << 14)
def _reply(mac: str) -> tuple[Action, ...]:
    return Move("eth_src", "eth_dst"), SetField("eth_src", mac), GoTo(first(Way.ANSWERING))


@lru_cache(maxsize=1 << 14)
def _advertise(mac: str) -> tuple[Action, ...]:
    # Open vSwitch lets a flow set nd_tll only if it matches advertisements: in ANSWERING.
    return (
        Move("eth_src", "eth_dst"),
        SetField("eth_src", mac),
        SetField("nd_options_type", _TARGET_ADDRESS_OPTION),
        SetField("nd_reserved", _SOLICITED_OVERRIDE),
        SetField("icmpv6_type", 136),
        GoTo(first(Way.ANSWERING)),
    )


def answers() -> tuple[Flow, ...]:
    """Complete the answers to requests, whose source is already the MAC that was asked for."""
    reply = flow(
        Table.ANSWERING,
        Priority.DEFAULT,
        match(ARP),
        SetField("arp_op", _REPLY),
        Move("arp_sha", "arp_tha"),
        Move("eth_src", "arp_sha"),
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
        Move("eth_src", "ipv6_nd_tll"),
        *_BACK,
        producer=Cookie.NEIGHBOURS,
    )
    return reply, advertisement
