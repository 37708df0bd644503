"""Multicast snooping: what happens as time passes, and as bindings come and go."""

from collections.abc import Iterator
from uuid import UUID

from ...engine.feature import Feature, Timer
from ...engine.topics import ContentsRead, SwitchReplaced, Topic
from ...engine.view import View
from ...pipeline.layout import Cookie
from ..bindings.ports import BindingGone, BindingsChanged, LinkUp, Ports
from ..logical_switches.rows import WholeLogicalSwitch
from . import telling
from .hearing import hear
from .owners import OWNERS, ShownReports, Snooped, Unheard, is_snooped, whole
from .queries import ask_all, ask_back, ask_who_is_left
from .snooping import Snooping
from .takeover import GroupRows, take_over

# Time


def _due(view: View) -> Iterator[Topic]:
    snooping, now = view[Snooping], view.clock()
    end = snooping.next_end()
    if end is None or now < end:
        return
    full = snooping.members.full()
    yield from snooping.renumber(snooping.members.end(now, snooping.unheard.ends))
    yield from map(Snooped, full ^ snooping.members.full())
    for logical_switch in snooping.routers.end(now):
        yield from whole(logical_switch, view)
    for place in snooping.unheard.take(now):
        yield Unheard(place) if isinstance(place, int) else Snooped(place)
    for logical_switch in snooping.routers.silent_queriers(now):
        _ask_soon(logical_switch, view)
    for logical_switch in snooping.querier.general(now):
        if view[Ports].is_bound(logical_switch):
            yield from ask_all(logical_switch, view)
        else:
            snooping.querier.stop(logical_switch)
    for logical_switch, number in snooping.querier.back(now):
        binding = view[Ports].numbered(number)
        if binding is not None and binding.logical_switch == logical_switch:
            yield from ask_back(binding, view)
    for question in snooping.querier.questions(now):
        if snooping.members.is_leaving(*question, now):
            yield from ask_who_is_left(*question, view)


# Topics that invalidate the owners


def _whole_logical_switch(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    snooping, logical_switch = view[Snooping], topic.logical_switch
    if not is_snooped(logical_switch, view):
        yield from snooping.renumber(snooping.members.forget(logical_switch))
        snooping.routers.forget(logical_switch)
        snooping.querier.stop(logical_switch)
        snooping.forget_place(logical_switch)
    yield from whole(logical_switch, view)


def _bindings_changed(topic: BindingsChanged, view: View) -> tuple[()]:
    """Ask the hosts of a logical switch soon: those at a new binding have reported elsewhere."""
    _ask_soon(topic.logical_switch, view)
    return ()


def _link_up(topic: LinkUp, view: View) -> tuple[()]:
    """Ask the hosts of a port soon, or all of its logical switches: what was heard is forgotten."""
    for key in view[Ports].keys_at(topic.port):
        binding = view[Ports].binding(key)
        if binding is not None and is_snooped(binding.logical_switch, view):
            _ask_soon(binding.logical_switch, view)
            snooping = view[Snooping]
            snooping.querier.came_back(binding.logical_switch, binding.number, view.clock())
    return ()


def _ask_soon(logical_switch: UUID, view: View) -> None:
    if is_snooped(logical_switch, view):
        view[Snooping].querier.start(logical_switch, view.clock())


def _binding_gone(topic: BindingGone, view: View) -> Iterator[Topic]:
    """Forget what was heard at a binding that is gone, or whose link went down."""
    binding, snooping = topic.binding, view[Snooping]
    snooping.forget_place(binding.number)
    yield Unheard(binding.number)
    changed = snooping.members.forget_binding(binding.logical_switch, binding.number)
    yield from snooping.renumber(changed)
    if snooping.routers.forget_binding(binding.logical_switch, binding.number):
        yield from whole(binding.logical_switch, view)
        _ask_soon(binding.logical_switch, view)  # it may have been the one that asked
    yield Snooped(binding.logical_switch)


FEATURE = Feature(
    indices=(GroupRows,),
    states=(lambda view: Snooping(view.settings),),
    owners=OWNERS,
    invalidated_by={
        SwitchReplaced: lambda topic, view: [ShownReports()],
        WholeLogicalSwitch: _whole_logical_switch,
        BindingsChanged: _bindings_changed,
        BindingGone: _binding_gone,
        LinkUp: _link_up,
        ContentsRead: take_over,
    },
    packets={Cookie.MULTICAST: hear},
    timers=(Timer(lambda view: view[Snooping].next_end(), _due),),
    figures=telling.FIGURES,
    limits=telling.LIMITS,
    subjects=telling.SUBJECTS,
    verdicts=telling.VERDICTS,
)
