"""Which answers and announcements of hosts are shown, for the sake of next hops.

All answers to our own MAC address of Arp_Sources_Local are, and what SNOOPING does not know yet.
These are flows for the others, and for places that send too many.
"""

from collections.abc import Iterable, Iterator

from ..values.addresses import ip_number
from ..values.flows import Flow, MatchValue, Resubmit, SetField, match
from .layout import (
    ANSWERS,
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    SENDER,
    SOURCE_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    drop,
    flow,
)
from .snooping import ADVERTISEMENT, ARP, SOLICITATION
from .ways import first, onward

_REPLY = 2
_PASS = onward(Table.RESOLUTION, Way.IN_LOGICAL_SWITCH)
_SHOW = SetField(SENDER, ANSWERS), Resubmit(first(Way.TO_CONTROLLER))


def awaited(logical_switch: int, ip: str) -> Flow:
    """Show the answer of an address from a binding as snooping.statements() shows others.

    It is shown as well if its sender has as many addresses as may be learned, or is beyond the
    stations that may be.
    """
    fields: dict[str, MatchValue] = {**ARP, "arp_op": _REPLY, "arp_spa": ip}
    if ":" in ip:
        fields = {**ADVERTISEMENT, "ipv6_nd_target": ip}
    return flow(
        Table.SNOOPING,
        Priority.DEFAULT,
        match({**fields, LOGICAL_SWITCH: logical_switch}),
        Resubmit(first(Way.TO_CONTROLLER)),
        *onward(Table.SNOOPING, Way.FROM_BINDING),
        producer=Cookie.NEXT_HOPS,
    )


def takeovers(logical_switch: int, ip: str, mac: str) -> tuple[Flow, ...]:
    """Show what says in a tunnel that an address, which has this MAC, has another one now."""
    fields: dict[str, MatchValue] = {**ARP, "arp_spa": ip}
    same: dict[str, MatchValue] = {"arp_sha": mac}
    if ":" in ip:
        fields, same = {**ADVERTISEMENT, "ipv6_nd_target": ip}, {"ipv6_nd_tll": mac}
    fields = {**fields, LOGICAL_SWITCH: logical_switch, ORIGIN: FROM_TUNNEL}
    return (
        _in_resolution(Priority.LIMIT_EXCEPT, {**fields, **same}),
        _in_resolution(Priority.LIMIT, fields, shows=True),
    )


def quiet_binding(binding: int, logical_switch: int, routers: Iterable[str]) -> Iterator[Flow]:
    """Drop, unseen, what a binding sends to unknown next hops, and hosts that ask for the IPv6
    addresses of ``routers`` as if they were to take them."""
    come_in: dict[str, MatchValue] = {SOURCE_BINDING: binding}
    yield drop(Table.NEXT_HOPS, Priority.FALLBACK, match(come_in))
    for ip in routers:
        detects = {**SOLICITATION, "ipv6_src": "::", "ipv6_nd_target": ip}
        yield drop(
            Table.RESOLUTION,
            Priority.FORBIDDEN,
            match({**detects, **come_in, LOGICAL_SWITCH: logical_switch}),
        )


def quiet_remote(address: str) -> Iterator[Flow]:
    """Drop, unseen, what a remote VTEP sends to unknown next hops; its announcements pass."""
    come_in: dict[str, MatchValue] = {ORIGIN: FROM_TUNNEL, REMOTE: ip_number(address)}
    yield drop(Table.NEXT_HOPS, Priority.FALLBACK, match(come_in))
    for kind in (ARP, ADVERTISEMENT):
        yield _in_resolution(Priority.LIMIT_EXCEPT, {**kind, **come_in})


def _in_resolution(priority: Priority, fields: dict[str, MatchValue], shows: bool = False) -> Flow:
    """Pass frames on, after they were shown or without that."""
    actions = *(_SHOW if shows else ()), *_PASS
    return flow(Table.RESOLUTION, priority, match(fields), *actions, producer=Cookie.NEXT_HOPS)
