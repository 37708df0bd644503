"""Counters of ports and flows as they are now: the switches are asked, and the answer waits."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ..engine.switch_state import SwitchState
from ..loop.flow_counters import FlowReading
from ..values.counters import Counter, PortCounter
from ..values.events import Event, FlowCountersWanted, PortCountersWanted
from ..values.flows import FlowKey
from .command import Running

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds for which switches may take to answer; one with 2,000 ports takes milliseconds."""


def counters_now(
    switches: Iterable[SwitchState], running: Running
) -> Mapping[str, Mapping[int, PortCounter]]:
    """Return the counters of ports by their OpenFlow numbers, for each switch by its name.

    A switch that is not connected, or does not answer, is left out.
    """
    read = running.components.port_counters
    wanted = {switch.name: PortCountersWanted(switch.name) for switch in switches}
    return {name: reading.ports for name, reading in _answers(wanted, read.last, running).items()}


def flow_counters_now(
    cookies: Mapping[str, tuple[int, ...]], running: Running
) -> Mapping[str, Mapping[FlowKey, Counter]]:
    """Return the counters of the flows with these cookies, for each switch by its name.

    A switch that is not connected, or does not answer, is left out.
    """
    read = running.components.flow_counters
    wanted = {name: FlowCountersWanted(name, each) for name, each in cookies.items() if each}

    def last(name: str) -> FlowReading | None:
        return read.last(name, cookies[name])

    return _answers(wanted, last, running)


def _answers(
    wanted: Mapping[str, Event], last: Callable[[str], T | None], running: Running
) -> Mapping[str, T]:
    """Post what is wanted of each switch; return the readings that are new within PATIENCE."""
    components = running.components
    names = wanted.keys() & components.switches.connected()
    former = {name: last(name) for name in names}
    for name in names:
        running.inbox.post(wanted[name])

    def have_answered() -> bool:
        waiting = names & components.switches.connected()
        return all(last(name) is not former[name] for name in waiting)

    components.turns.wait_until(have_answered, PATIENCE)
    answers = {name: last(name) for name in names}
    return {
        name: answer
        for name, answer in answers.items()
        if answer is not None and answer is not former[name]
    }
