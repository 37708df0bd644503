"""What is sent to a switch: bundles of changes, in an order in which none lacks what it needs."""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice

from ..engine.desired_actual import DesiredActual
from ..engine.switch_state import SwitchState
from ..values.events import Applied
from ..values.flow_changes import Change, FlowChange, GroupChange, in_one_bundle
from ..values.flows import Flow, FlowKey, Group
from .fault_log import FaultLog
from .refused_changes import Refusals, beyond, faults_of
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.session")

MAX_CHANGES = 200_000
"""Changes in one bundle, far above what one transaction of an NVC asks for."""
MAX_AFTER_REFUSAL = 2000
"""Changes in one bundle after a refusal, until nothing is left: each one fails the whole bundle."""
MAX_AT_ONCE = 10_000
"""Changes of a bundle that was made which are taken in one go."""


def in_order(
    flows: DesiredActual[FlowKey, Flow], groups: DesiredActual[int, Group]
) -> Iterator[Change]:
    """Yield groups before the flows that use them, and the end of groups after those."""
    unused = []
    for group in groups.differences():
        change = GroupChange(group.key, group.want, group.have is not None)
        if group.want is None:
            unused.append(change)
        else:
            yield change
    for flow in flows.differences():
        yield FlowChange(flow.key, flow.want)
    yield from unused


class Bundles:
    """The bundles of one switch: one is in flight at most, and what it refused is left out."""

    def __init__(self, switch: SwitchState, timers: Timers, faults: FaultLog) -> None:
        self.is_in_flight = False
        self.failures = 0
        """How many bundles failed in a row for no known reason."""
        self._switch = switch
        self._faults = faults
        self._refusals = Refusals()
        self._retry = timers.timer(f"retry of what {switch.name} refused", self.retry_refused)
        self._is_after_refusal = False

    def reset(self) -> None:
        """Forget what was sent and refused: the switch is to be read."""
        self._refusals.clear()
        self._retry.stop()
        self.is_in_flight = False
        self.failures = 0

    def stop_retry(self) -> None:
        """Send nothing again: there is no switch to send it to."""
        self._retry.stop()

    def wanted(self) -> Iterator[Change]:
        """Yield the changes that the switch has to make and did not refuse."""
        every = in_order(self._switch.flows, self._switch.groups)
        return (change for change in every if change not in self._refusals)

    def take(self) -> Sequence[Change]:
        """Return the changes of the next bundle, none if all is done; it is in flight then."""
        if self._is_after_refusal:
            changes: Sequence[Change] = list(islice(self.wanted(), MAX_AFTER_REFUSAL))
        else:
            changes = in_one_bundle(self.wanted(), MAX_CHANGES)
        self._is_after_refusal &= bool(changes)
        self.is_in_flight = bool(changes)
        return changes

    def answered(self, event: Applied) -> Iterator[None]:
        """Handle the answer to the bundle in flight; yields now and then if that is a large one."""
        self.is_in_flight = False
        if event.made:
            yield from self._made(event.changes)
        elif event.rejected:
            self._refused(event)
        else:
            self.failures += 1
        if self._refusals and not self._retry.runs():
            pause = self._refusals.take_pause()
            what = "%s: the switch refused %s; trying again in %g s"
            LOG.warning(what, self._switch.name, self._refusals.numbers(), pause)
            self._retry.start(pause)
        self._find_faults()

    def retry_refused(self) -> None:
        """Send again what the switch refused."""
        self._retry.stop()
        self._refusals.begin_to_try(in_order(self._switch.flows, self._switch.groups))
        self._find_faults()

    def _made(self, changes: Sequence[Change]) -> Iterator[None]:
        self.failures = 0
        self._refusals.made(changes)
        for number, change in enumerate(changes, 1):
            if isinstance(change, FlowChange):
                self._switch.flow_put(change.key, change.flow)
            else:
                self._switch.groups.have(change.id, change.group)
            if number % MAX_AT_ONCE == 0:
                yield

    def _refused(self, event: Applied) -> None:
        """Leave out what was refused of a bundle of which nothing was made."""
        self._is_after_refusal = True
        self._refusals.add(event.rejected)
        if event.is_full:
            known = self._switch.flows.actual
            self._refusals.add(beyond(event.rejected[0], event.changes, known))

    def _find_faults(self) -> None:
        faults = faults_of(self._switch.physical, self._refusals)
        self._faults.find((self._switch.name, "refused"), faults)
