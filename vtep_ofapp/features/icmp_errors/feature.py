"""ICMP errors about packets that a logical router was to forward, and could not."""

import logging
from collections.abc import Iterator, Mapping

from ...engine.cause import Cause
from ...engine.desired import NOTHING, Desired, Key
from ...engine.feature import Feature, Owner, Timer
from ...engine.operator_view import ADDRESS, Concerned, Figure, Passage, Verdict
from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline import routing
from ...pipeline.layout import (
    ARRIVED_IN,
    EXPIRED,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    UNROUTED,
    UNSERVED,
    Cookie,
)
from ...values.addresses import ip_text
from ...values.events import PacketIn
from ...values.flows import Match
from ..bindings.ports import Ports
from ..logical_switches.rows import LogicalSwitches
from ..routers.rows import Routers
from .limits import HOLD, Place, Unanswered
from .messages import Kind
from .packets import source_of
from .sending import IcmpErrors, send

LOG = logging.getLogger("vtep_ofapp.icmp")
_KINDS = {EXPIRED: Kind.EXPIRED, UNROUTED: Kind.NO_ROUTE, UNSERVED: Kind.NO_PORT}


def _packet_in(packet: PacketIn, view: View) -> Iterator[Topic]:
    """Answer a packet that a router did not forward, unless its place has used up its share."""
    kind = _KINDS.get(_number(packet.fields, SENDER))
    if kind is None:
        return
    errors, source = view[IcmpErrors], source_of(packet.header)
    place = Place(_number(packet.fields, SOURCE_BINDING), _number(packet.fields, REMOTE))
    if not errors.shares.has_share(place, source):
        errors.suppressed += 1  # it was on its way here when the flow was made
        return
    for held in errors.shares.count(place, source):
        LOG.warning(
            "%s: %s sent too many packets that need an ICMP error; for %g s they get none",
            view.name,
            _where(held, view),
            HOLD,
        )
        yield held
    router = view[Routers].key(_number(packet.fields, ROUTER))
    arrived_in = view[LogicalSwitches].ids.key(_number(packet.fields, ARRIVED_IN))
    if router is not None and arrived_in is not None:
        yield from send(kind, router, arrived_in, packet.header, view, place)


def _number(fields: Match, name: str) -> int:
    """Return the value of a register, 0 if a packet-in has none."""
    found = dict(fields).get(name, 0)
    return found if isinstance(found, int) else 0


def _unanswered(key: Unanswered, view: View) -> Desired:
    if not view[IcmpErrors].shares.is_held(key):
        return NOTHING
    return Desired(routing.unanswered(*key.place, key.source))


def _why_unanswered(key: Unanswered, view: View) -> Iterator[Cause]:
    if view[IcmpErrors].shares.is_held(key):
        where = _where(key, view)
        yield Cause(f"{where} sent too many packets that need an ICMP error within {HOLD:g} s")


def _where(key: Unanswered, view: View) -> str:
    """Return the place and the host for people."""
    number, remote = key.place
    binding = view[Ports].numbered(number)
    where = f"{binding.port} VLAN {binding.vlan}" if binding else f"binding {number:#x}"
    if not number:
        where = ip_text(remote, is_ipv6=False) if remote else "another router"
    return f"{key.source} at {where}" if key.source else where


def _of_address(ip: str, view: View) -> Iterator[Key]:
    return (key for key in view[IcmpErrors].shares.held() if key.source == ip)


def _verdict(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, Unanswered)
    return f"no ICMP error for now: {_where(owner, view)} sent too many packets that need one"


FIGURES = (
    Figure(
        "icmp_errors_sent_total",
        "ICMP errors that logical routers sent.",
        lambda view: view[IcmpErrors].sent,
    ),
    Figure(
        "icmp_errors_suppressed_total",
        "ICMP errors that were not sent because of icmp_errors_per_second.",
        lambda view: view[IcmpErrors].suppressed,
    ),
)
SUBJECTS: Mapping[str, Concerned] = {ADDRESS: _of_address}
VERDICTS: Mapping[type, Verdict] = {Unanswered: _verdict}
FEATURE = Feature(
    states=(IcmpErrors,),
    owners=(Owner(Unanswered, _unanswered, _why_unanswered),),
    packets={Cookie.ROUTING: _packet_in},
    timers=(
        Timer(
            lambda view: view[IcmpErrors].shares.end(),
            lambda view: view[IcmpErrors].shares.release(),
        ),
    ),
    figures=FIGURES,
    subjects=SUBJECTS,
    verdicts=VERDICTS,
)
