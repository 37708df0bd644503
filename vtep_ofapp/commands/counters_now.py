"""The counters of ports as they are now: the switches are asked, and the answer waits for them."""

from collections.abc import Iterable, Mapping

from ..engine.switch_state import SwitchState
from ..values.counters import PortCounter
from ..values.events import PortCountersWanted
from .command import Running

PATIENCE = 2.0
"""Seconds for which switches may take to answer; one with 2,000 ports takes milliseconds."""


def counters_now(
    switches: Iterable[SwitchState], running: Running
) -> Mapping[str, Mapping[int, PortCounter]]:
    """Return the counters of ports by their OpenFlow numbers, for each switch by its name.

    A switch that is not connected, or does not answer, is left out.
    """
    components = running.components
    read = components.port_counters
    names = {switch.name for switch in switches} & components.switches.connected()
    former = {name: read.last(name) for name in names}
    for name in names:
        running.inbox.post(PortCountersWanted(name))

    def have_answered() -> bool:
        waiting = names & components.switches.connected()
        return all(read.last(name) is not former[name] for name in waiting)

    components.turns.wait_until(have_answered, PATIENCE)
    answers = {name: read.last(name) for name in names}
    return {
        name: answer.ports
        for name, answer in answers.items()
        if answer is not None and answer is not former[name]
    }
