"""Who says which MAC address a next hop has; the first of these that says it wins."""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from ...engine.view import View
from ...values.rows import RemoteMac
from ..arp_sources.stations import is_of_vtep
from ..learning.stations import LearnedMacs
from ..neighbours.pairs import Pair, Pairs
from ..neighbours.responders import AddressedRows, Responder, is_ambiguous
from ..routers.here import RoutersHere
from .answers import Answers, NextHop
from .state import NextHops


class Source(Enum):
    """Who says it, the first one first."""

    ROUTER = "a router of this switch has the address"
    ROW = "the NVC says so in Ucast_Macs_Remote"
    STATION = "the station at a binding said so"
    ANSWER = "it answered a request of ours"


class Known(NamedTuple):
    """The MAC address of a next hop, and who says it."""

    mac: str
    source: Source


def known(key: NextHop, view: View) -> Known | None:
    """Return the MAC address of a next hop in a logical switch with a router; None if unknown."""
    own = view[NextHops].addresses.get(key.logical_switch, {}).get(key.ip)
    if own is not None:
        return Known(own, Source.ROUTER)
    rows = rows_of(key, view)
    if rows and not is_ambiguous(rows):
        return Known(rows[0].mac, Source.ROW)
    stated = view[Pairs].mac(Pair(*key))
    if stated is not None and is_here(key.logical_switch, stated, view):
        return Known(stated, Source.STATION)
    answered = view[Answers].mac(view.name, key)
    return Known(answered, Source.ANSWER) if answered is not None else None


def rows_of(key: NextHop, view: View) -> list[RemoteMac]:
    """Return the rows of Ucast_Macs_Remote with the address of a next hop."""
    return view[AddressedRows].of(Responder(*key))


def known_in(logical_switch: UUID, view: View) -> Iterator[NextHop]:
    """Yield all next hops in a logical switch of which anything is known; some more than once."""
    macs, pairs = view[LearnedMacs], view[Pairs]
    for each in view[AddressedRows].addresses(logical_switch):
        yield NextHop(*each)
    for mac in macs.stations(logical_switch):
        yield from (NextHop(logical_switch, ip) for ip in pairs.ips((logical_switch, mac)))
    yield from of_routers(logical_switch, view)


def of_routers(logical_switch: UUID, view: View) -> Iterator[NextHop]:
    """Yield the next hops that are routers, have answered one, or are asked for."""
    state = view[NextHops]
    ips = [
        *state.addresses.get(logical_switch, {}),
        *view[Answers].ips(view.name, logical_switch),
    ]
    yield from (NextHop(logical_switch, ip) for ip in ips)
    yield from [key for key in state.resolver if key.logical_switch == logical_switch]


def is_here(logical_switch: UUID, mac: str, view: View) -> bool:
    """Whether a station was learned at a binding of this switch."""
    place = view[LearnedMacs].place(logical_switch, mac)
    return place is not None and place.switch == view.name


def is_of_router(logical_switch: UUID, mac: str, view: View) -> bool:
    """Whether a MAC address is that of a router, here or as another VTEP sends for it.

    A host that answers with such an address is not believed.
    """
    return view[RoutersHere].with_mac(logical_switch, mac) is not None or is_of_vtep(mac, view)
