"""Next hops of logical routers: what changes them, what time brings, and what was there before."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from ...engine.feature import Feature, FlowWatcher, Timer
from ...engine.topics import ContentsRead, Topic
from ...engine.view import View
from ...pipeline import learning, next_hops
from ...pipeline.layout import Cookie
from ...values.flows import Flow, FlowKey
from ..arp_sources.stations import OfVtep
from ..icmp_errors.messages import Kind
from ..icmp_errors.sending import send as send_error
from ..logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from ..neighbours.idle import PairIsIdle
from ..neighbours.pairs import Pair, PairMoved
from ..neighbours.responders import Responder
from ..routers.here import Interface, RoutersHere
from ..routers.resolved import UsedInterface
from . import telling
from .answers import AnswerChanged, Answers, NextHop
from .asking import request
from .hearing import hear, hear_statement, is_full, send_on
from .owners import OWNERS
from .places import QuietPlace
from .sources import Source, is_here, is_of_router, known, known_in, of_routers
from .state import NextHops

# Topics that invalidate the owners


def _next_hop_changed(key: NextHop, view: View) -> Iterable[Topic]:
    """Send on what waits for a next hop that is known now; forget an answer that is not used.

    Of very many next hops, which rows place, there is neither.
    """
    state, has_answered = view[NextHops], view[Answers].mac(view.name, key) is not None
    if not has_answered and key not in state.resolver:
        return ()
    found = known(key, view)
    if found is None:
        return ()
    if has_answered and found.source is not Source.ANSWER:
        _forget_answer(key, view)
    if key not in state.resolver or key.logical_switch not in state.addresses:
        return ()
    return send_on(state.resolver.resolved(key), key, found.mac, view)


def _forget_answer(key: NextHop, view: View) -> None:
    view[NextHops].upkeep.forget(key)
    view[NextHops].takeovers.forget(key)
    view[Answers].forget(view.name, key)


def _said_of(topic: Pair | Responder, view: View) -> Iterator[Topic]:
    """Invalidate a next hop of which a station or the NVC says something else now."""
    if topic.logical_switch in view[NextHops].routed:
        yield NextHop(*topic)


def _pair_moved(topic: PairMoved, view: View) -> tuple[()]:
    """Keep a next hop that the NVC placed behind a remote VTEP: it has its MAC address there, too.

    It is asked as those that answered are, and packets to it go on meanwhile.
    """
    key, state = NextHop(*topic.pair), view[NextHops]
    is_routed = key.logical_switch in state.addresses
    if is_routed and known(key, view) is None and not is_full(view):
        view[Answers].put(view.name, key, topic.mac)
        state.upkeep.found(key, view.clock())
    return ()


def _answer_changed(topic: AnswerChanged, view: View) -> Iterator[Topic]:
    if topic.switch == view.name:
        yield topic.next_hop


def _interface_changed(topic: Interface, view: View) -> Iterator[Topic]:
    """Compare the routers' addresses in a logical switch, and whether it has a router."""
    state, logical_switch = view[NextHops], topic.logical_switch
    before = state.addresses.get(logical_switch)
    interfaces = view[RoutersHere].on(logical_switch)
    now = {ip: each.mac for each in reversed(interfaces) for ip in _ips(each)}
    changed = {ip for ip, _ in (before or {}).items() ^ now.items()}
    was_shared, is_shared = logical_switch in state.shared, len(interfaces) > 1
    if was_shared != is_shared:
        state.shared ^= {logical_switch}
        changed |= now.keys()
    for mac in {*now.values()} - {*(before or {}).values()}:
        _forget_answers(logical_switch, mac, view)
    if interfaces:
        state.addresses[logical_switch] = now
        state.routed.add(logical_switch)
    else:
        state.addresses.pop(logical_switch, None)
    if bool(interfaces) != (before is not None):
        yield from list(known_in(logical_switch, view))
    if not interfaces:
        for key in [each for each in state.resolver if each.logical_switch == logical_switch]:
            state.resolver.forget(key)
        for ip in list(view[Answers].ips(view.name, logical_switch)):
            _forget_answer(NextHop(logical_switch, ip), view)
    yield from (NextHop(logical_switch, ip) for ip in changed)


def _ips(interface: UsedInterface) -> list[str]:
    return [*interface.ips(False), *interface.ips(True), interface.link_local]


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterable[Topic]:
    """Invalidate next hops; what stations and rows say of others is a topic of its own."""
    if topic.logical_switch not in view[NextHops].routed:
        return ()
    return [*of_routers(topic.logical_switch, view)]


def _pair_is_idle(topic: PairIsIdle, view: View) -> Iterator[Topic]:
    """Ask a station whether it still has an address, before that is forgotten."""
    return request(NextHop(*topic.pair), view, topic.mac)


def _of_vtep(topic: OfVtep, view: View) -> tuple[()]:
    """Forget the next hops that answered with a MAC address which is that of a VTEP now."""
    for logical_switch in view[NextHops].addresses:
        _forget_answers(logical_switch, topic.mac, view)
    return ()


def _forget_answers(logical_switch: UUID, mac: str, view: View) -> None:
    for ip in view[Answers].with_mac(view.name, logical_switch, mac):
        _forget_answer(NextHop(logical_switch, ip), view)


# Time


def _due(view: View) -> Iterator[Topic]:
    state, now = view[NextHops], view.clock()
    due = state.resolver.due(now)
    for key in due.asks:
        yield from request(key, view)
    for key, held in due.failed:
        yield key
        for each in held:
            yield from send_error(Kind.NO_HOST, each.router, each.arrived_in, each.frame, view)
    yield from due.over
    kept = state.upkeep.due(now)
    for key in kept.asks:
        yield key
        yield from request(key, view, view[Answers].mac(view.name, key) or "")
    for key in kept.unanswered:
        _forget_answer(key, view)
    yield from map(QuietPlace, state.limits.release(now))


def _end_of_holds(view: View) -> float | None:
    left = view[NextHops].takeovers.next_release()
    return None if left is None else view.clock() + left


def _release(view: View) -> Iterator[Topic]:
    for key in view[NextHops].takeovers.release():
        yield NextHop(*key)


# What was there before


class AnsweredFlows(FlowWatcher):
    """The flows of next hops that answered: they end when no packet uses them."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._has_lost_all = False

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """Begin a read-back; a switch without the flow unknown() has lost all its flows."""
        self._has_lost_all = learning.unknown().key not in flows

    def lost(self, key: FlowKey) -> None:
        """Forget a next hop whose flow ended while the switch was not connected."""
        if not self._has_lost_all:
            self.ended(key)

    def ended(self, key: FlowKey) -> None:
        """Forget a next hop that no packet was sent to for long."""
        found = _key_of(key, self._view)
        if found is not None:
            _forget_answer(found, self._view)


def _key_of(key: FlowKey, view: View) -> NextHop | None:
    numbers = next_hops.next_hop(key)
    logical_switch = view[LogicalSwitches].ids.key(numbers[0]) if numbers else None
    return NextHop(logical_switch, numbers[1]) if numbers and logical_switch else None


def _read_back(topic: ContentsRead, view: View) -> tuple[()]:
    """Take over the next hops that answered an earlier process, or another one meanwhile."""
    answers, now = view[Answers], view.clock()
    for flow in topic.flows.values():
        is_answer = next_hops.says_answered(flow)
        key = _key_of(flow.key, view) if is_answer or topic.is_after_another else None
        if key is None or not (is_answer or _is_left(key, next_hops.mac(flow), view)):
            continue
        if is_of_router(key.logical_switch, next_hops.mac(flow), view):
            continue
        if topic.is_after_another or answers.mac(view.name, key) is None:
            answers.put(view.name, key, next_hops.mac(flow))
            view[NextHops].upkeep.found(key, now)
    return ()


def _is_left(key: NextHop, mac: str, view: View) -> bool:
    """Whether a station is here whose address aged while nobody could ask for it.

    Its next hop is asked as those that answered are, and packets to it go on meanwhile.
    """
    return is_here(key.logical_switch, mac, view) and known(key, view) is None


FEATURE = Feature(
    shared=(Answers,),
    states=(NextHops, AnsweredFlows),
    owners=OWNERS,
    invalidated_by={
        NextHop: _next_hop_changed,
        Pair: _said_of,
        PairMoved: _pair_moved,
        Responder: _said_of,
        AnswerChanged: _answer_changed,
        Interface: _interface_changed,
        WholeLogicalSwitch: _whole,
        PairIsIdle: _pair_is_idle,
        OfVtep: _of_vtep,
        ContentsRead: _read_back,
    },
    packets={Cookie.NEXT_HOPS: hear, Cookie.LEARNING: hear_statement},
    timers=(
        Timer(lambda view: view[NextHops].next_end(), _due),
        Timer(_end_of_holds, _release),
    ),
    figures=telling.FIGURES,
    limits=telling.LIMITS,
    subjects=telling.SUBJECTS,
    verdicts=telling.VERDICTS,
)
