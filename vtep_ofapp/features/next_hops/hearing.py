"""What is shown: packets for unknown next hops, and what hosts say of their addresses."""

import logging
from collections.abc import Iterator
from uuid import UUID

from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline import learning, multicast, next_hops
from ...pipeline.layout import (
    ANSWERS,
    ARRIVED_IN,
    DETECTS,
    FROM_TUNNEL,
    LOGICAL_SWITCH,
    ORIGIN,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    UNRESOLVED,
)
from ...values.addresses import ip_text, is_station
from ...values.events import PacketIn
from ...values.packets import PacketOut
from ..learning.feature import place_of
from ..learning.stations import LearnedMacs
from ..logical_switches.rows import LogicalSwitches
from ..neighbours.claims import asked_for, claim, stated, states_address
from ..routers.here import RouterPackets
from ..routers.rows import Routers
from . import frames
from .answers import Answers, NextHop
from .asking import request
from .owners import place_name
from .places import NOWHERE, Place, QuietPlace
from .shares import Asker
from .sources import Source, is_of_router, known
from .state import HeldPacket, NextHops

LOG = logging.getLogger("vtep_ofapp.next_hops")
_SOURCE, _ETHERTYPE, _IPV6 = slice(6, 12), slice(12, 14), b"\x86\xdd"
_FROM_SOURCE = slice(6, None)
"""What claim() reads of a frame."""
_IPV4_SOURCE, _IPV6_SOURCE = slice(26, 30), slice(22, 38)


def hear(packet: PacketIn, view: View) -> Iterator[Topic]:
    """Handle a frame that was shown for the sake of next hops."""
    fields = _Fields(packet)
    logical_switch = view[LogicalSwitches].ids.key(fields.number(LOGICAL_SWITCH))
    if logical_switch is None or logical_switch not in view[NextHops].addresses:
        return
    why = fields.number(SENDER)
    if why == UNRESOLVED:
        yield from _unresolved(packet.header, fields, logical_switch, view)
    elif why == ANSWERS:
        yield from _answered(packet.header, fields, logical_switch, view)
    elif why == DETECTS:
        yield from _detects(packet.header, fields, logical_switch, view)


class _Fields:
    """The registers of a packet-in; those that are 0 are missing."""

    def __init__(self, packet: PacketIn) -> None:
        self.match = packet.fields
        self._values = dict(packet.fields)

    def number(self, name: str) -> int:
        found = self._values.get(name, 0)
        return found if isinstance(found, int) else 0

    @property
    def place(self) -> Place:
        """The binding that the frame came in by, or the remote VTEP."""
        if self.number(ORIGIN) == FROM_TUNNEL:
            return ip_text(self.number(REMOTE), is_ipv6=False)
        return self.number(SOURCE_BINDING) or NOWHERE


# Packets for unknown next hops


def _unresolved(frame: bytes, fields: _Fields, logical_switch: UUID, view: View) -> Iterator[Topic]:
    is_ipv6 = frame[_ETHERTYPE] == _IPV6
    key = NextHop(logical_switch, next_hops.next_hop_in(fields.match, is_ipv6))
    router = view[Routers].key(fields.number(ROUTER))
    arrived_in = view[LogicalSwitches].ids.key(fields.number(ARRIVED_IN))
    if router is None or arrived_in is None:
        return
    packet = HeldPacket(frame, router, arrived_in)
    found = known(key, view)
    if found is not None:  # since the packet was shown
        yield from send_on([packet], key, found.mac, view)
        return
    asker = Asker(fields.place, frame[_IPV6_SOURCE if is_ipv6 else _IPV4_SOURCE])
    taken = view[NextHops].resolver.take(key, asker, packet, view.clock())
    if taken.gone is not None:
        yield taken.gone
    if taken.asks:
        yield key
        yield from request(key, view)
    elif key not in view[NextHops].resolver:
        yield from _refused(asker, view)


def _refused(asker: Asker, view: View) -> Iterator[Topic]:
    limits, now = view[NextHops].limits, view.clock()
    if limits.is_to_be_said("max_pending_next_hops", now):
        LOG.warning(
            "%s: %d next hops are pending, as many as max_pending_next_hops allows; packets to "
            "further ones are dropped, the last one from %s",
            view.name,
            len(view[NextHops].resolver),
            place_name(QuietPlace(_place(asker)), view),
        )
    yield from useless(_place(asker), view)


def _place(asker: Asker) -> Place:
    assert isinstance(asker.where, int | str)
    return asker.where


def useless(place: Place, view: View) -> Iterator[Topic]:
    """Count a frame of no use; yield the place if it is quiet from now on."""
    if view[NextHops].limits.useless(place, view.clock()):
        yield QuietPlace(place)


def send_on(packets: list[HeldPacket], key: NextHop, mac: str, view: View) -> Iterator[PacketOut]:
    """Yield packets to their next hop, which has this MAC; its flow may not be there yet.

    They are judged by the access list that the interface has now, and not when they came in.
    """
    number = view[LogicalSwitches].number(key.logical_switch)
    if number is None:
        return
    for each in packets:
        steps = view.steps(RouterPackets(each.router, key.logical_switch, ":" in key.ip))
        sent = next_hops.send_on(each.frame, number, steps, mac)
        if sent is not None:
            yield sent


# What hosts say


def _answered(frame: bytes, fields: _Fields, logical_switch: UUID, view: View) -> Iterator[Topic]:
    """Handle an answer to our own MAC address, or an announcement that came by a tunnel."""
    found = claim(frame[_FROM_SOURCE])
    key = NextHop(logical_switch, found.ip) if found else None
    if key is None or not learn(key, frame[_SOURCE].hex(":"), view):
        yield from _in_vain(fields.place, view)


def _in_vain(place: Place, view: View) -> Iterator[Topic]:
    for each in useless(place, view):
        if view[NextHops].limits.is_to_be_said(each, view.clock()):
            LOG.warning(
                "%s: answers that nobody asked for come in by %s; some are not looked at",
                view.name,
                place_name(QuietPlace(place), view),
            )
        yield each


def learn(key: NextHop, mac: str, view: View) -> bool:
    """Learn that a next hop, which is pending or answered before, has this MAC address.

    Return whether that was of use. An address that moves too often stays where it is for a while.
    """
    state, answers, found = view[NextHops], view[Answers], known(key, view)
    # LEARNING drops frames from such addresses that come in by bindings, and no others.
    if not is_station(mac) or is_of_router(key.logical_switch, mac, view):
        return False
    if found is None:
        if key not in state.resolver or is_full(view):
            return False
    elif found.source is not Source.ANSWER:
        return False
    elif found.mac != mac:
        if state.takeovers.is_held(key):
            return False
        if not state.takeovers.may_move(key):
            mac = found.mac
    state.upkeep.answered(key, view.clock())
    answers.put(view.name, key, mac)
    return True


def is_full(view: View) -> bool:
    """Whether no further next hop may answer; the log says so now and then."""
    most = view.settings.max_next_hops
    if view[Answers].count(view.name) < most:
        return False
    if view[NextHops].limits.is_to_be_said("max_next_hops", view.clock()):
        LOG.warning(
            "%s: %d next hops answered, as many as max_next_hops allows; packets to further ones "
            "are dropped",
            view.name,
            most,
        )
    return True


def hear_statement(packet: PacketIn, view: View) -> Iterator[Topic]:
    """Handle what a station at a binding states, if neighbours did not learn it as its address."""
    state, numbers = view[NextHops], learning.source_binding(packet.fields)
    place = place_of(*numbers, view) if numbers and state.addresses else None
    if place is None or not states_address(packet.header):
        return
    ip, logical_switch = stated(packet.header), place.logical_switch
    if ip is None or logical_switch not in state.addresses:
        return
    key, mac = NextHop(logical_switch, ip), learning.source(packet.header)
    if key not in state.resolver and view[Answers].mac(view.name, key) is None:
        return
    found = known(key, view)
    if found is not None and found.source is not Source.ANSWER:
        return
    said = claim(packet.header)
    is_elsewhere = view[LearnedMacs].place(logical_switch, mac) not in (None, place)
    is_usable = said is not None and said.ip == ip and not is_elsewhere
    if not (is_usable and learn(key, mac, view)) and state.resolver.forged(key):
        yield key


# Hosts that are about to take an address


def _detects(frame: bytes, fields: _Fields, logical_switch: UUID, view: View) -> Iterator[Topic]:
    """Answer a host that asks whether the IPv6 address of a router is free (RFC 4862)."""
    ip = asked_for(frame[_FROM_SOURCE])
    mac = view[NextHops].addresses[logical_switch].get(ip or "")
    number = view[LogicalSwitches].number(logical_switch)
    if ip is None or mac is None or number is None:
        return
    place = fields.place
    if not view[NextHops].limits.is_quiet(place):
        if isinstance(place, int):
            yield multicast.to_one(frames.announcement(mac, ip), number, place)
        else:
            to = frame[_SOURCE].hex(":")
            yield next_hops.ask(frames.defence(mac, ip, to), number)
    yield from useless(place, view)
