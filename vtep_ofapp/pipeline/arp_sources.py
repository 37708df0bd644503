"""Frames from and to the MAC addresses of Arp_Sources_Local and Arp_Sources_Remote.

A router has one MAC address at all VTEPs that route. Hosts here always see that one. Other VTEPs
see it behind several tunnels, so that they could not tell where an answer is to go, or a frame for
it. So in ENCAPSULATION the VTEP's own MAC address takes its place: always in requests for a MAC
address, which only we are to be answered, and in all frames while others route as well.

A host that hears such a request, from the router's IP address, may take the MAC address for that of
its gateway (RFC 826). Its packets are routed where they come in, see routing.arp_source(). Its
answers go to the VTEP that asked, by the flows here.
"""

from ..values.addresses import ip_number
from ..values.flows import Flow, GoTo, MatchValue, Resubmit, SetField, match
from .layout import (
    ANSWERS,
    ANY_ROUTER,
    FROM_BINDING,
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    drop,
    flow,
)
from .routing import arp_source, shown
from .snooping import ADVERTISEMENT, ARP, SOLICITATION
from .ways import first, onward

_REQUEST, _REPLY = 1, 2
_ANSWERS: tuple[dict[str, MatchValue], ...] = ({**ARP, "arp_op": _REPLY}, ADVERTISEMENT)
_OF_HOSTS: tuple[dict[str, MatchValue], ...] = (ARP, ADVERTISEMENT)
"""What a host sends to a MAC address from which it was asked."""
_PASS = onward(Table.RESOLUTION, Way.IN_LOGICAL_SWITCH)
_ONCE_MORE = Resubmit(Table.ENCAPSULATION)


def own(mac: str) -> tuple[Flow, ...]:
    """Show the answers to our requests, wherever they come from, and let us route what hosts send.

    ``mac`` is our own.
    """
    answers = (
        flow(
            Table.RESOLUTION,
            Priority.DEFAULT,
            match({**each, "eth_dst": mac}),
            *shown(ANSWERS),
            producer=Cookie.ARP_SOURCES,
        )
        for each in _ANSWERS
    )
    return (_imitation(mac), *answers, *arp_source(mac, is_own=True))


def quiet(binding: int, remote: str) -> Flow:
    """Show no answers that come in by a binding, or from a remote VTEP: too many were of no use.

    The binding is a number; 0 for a remote VTEP, which is "" for a binding.
    """
    fields: dict[str, MatchValue] = {SENDER: ANSWERS, SOURCE_BINDING: binding}
    fields[REMOTE] = ip_number(remote) if remote else 0
    return flow(Table.SHOWING, Priority.FORBIDDEN, match(fields), producer=Cookie.ARP_SOURCES)


def of_other(mac: str, address: str) -> tuple[Flow, ...]:
    """Send the answers of hosts here to the VTEP that asked from this MAC address.

    It has no number of a logical switch: those with a router have for_others(). What comes for it
    from a tunnel is a copy.
    """
    towards = (
        flow(
            Table.RESOLUTION,
            Priority.DEFAULT,
            match({**each, "eth_dst": mac, ORIGIN: FROM_BINDING}),
            SetField(REMOTE, ip_number(address)),
            SetField(ROUTER, ANY_ROUTER),
            *_PASS,
            producer=Cookie.ARP_SOURCES,
        )
        for each in _OF_HOSTS
    )
    copies = (
        drop(
            Table.RESOLUTION,
            Priority.FORBIDDEN,
            match({**each, "eth_dst": mac, ORIGIN: FROM_TUNNEL}),
        )
        for each in _OF_HOSTS
    )
    return (_imitation(mac), *towards, *copies, *arp_source(mac, is_own=False))


def for_others(logical_switch: int) -> tuple[Flow, ...]:
    """Let answers for other VTEPs, see of_other(), enter the tunnel from this logical switch."""
    here: dict[str, MatchValue] = {LOGICAL_SWITCH: logical_switch, ORIGIN: FROM_BINDING}
    here[ROUTER] = ANY_ROUTER
    return tuple(
        flow(
            Table.ROUTER,
            Priority.PREFERRED,
            match({**each, **here}),
            GoTo(first(Way.TO_TUNNEL)),
            producer=Cookie.ARP_SOURCES,
        )
        for each in _OF_HOSTS
    )


def departures(logical_switch: int, router: str, mac: str, are_all: bool) -> tuple[Flow, ...]:
    """Send what a router sends into tunnels from our own MAC address in place of the ``router``'s.

    These are requests for a MAC address; with ``are_all`` all frames. An answer to a request of
    another keeps the router's MAC address in its body.
    """
    of_router: dict[str, MatchValue] = {LOGICAL_SWITCH: logical_switch, "eth_src": router}
    instead = SetField("eth_src", mac)
    request = flow(
        Table.ENCAPSULATION,
        Priority.QUERY,
        match({**of_router, **ARP, "arp_op": _REQUEST}),
        instead,
        SetField("arp_sha", mac),
        _ONCE_MORE,
        producer=Cookie.ARP_SOURCES,
    )
    solicitation = flow(
        Table.ENCAPSULATION,
        Priority.QUERY,
        match({**of_router, **SOLICITATION}),
        instead,
        SetField("ipv6_nd_sll", mac),
        _ONCE_MORE,
        producer=Cookie.ARP_SOURCES,
    )
    others = flow(
        Table.ENCAPSULATION,
        Priority.REPORT,
        match(of_router),
        instead,
        _ONCE_MORE,
        producer=Cookie.ARP_SOURCES,
    )
    return (request, solicitation, others) if are_all else (request, solicitation)


def _imitation(mac: str) -> Flow:
    """Drop frames of bindings that come from the MAC address of a VTEP: a copy, or a loop."""
    return drop(Table.LEARNING, Priority.FORBIDDEN, match({"eth_src": mac}))
