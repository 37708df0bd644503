"""Bundles of changes for a switch, in an order in which no flow lacks its group."""

import logging
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice

from ..engine.desired_actual import DesiredActual
from ..engine.switch_state import SwitchState
from ..engine.topics import FlowsRefused
from ..pipeline.layout import Table
from ..pipeline.rules import RULES
from ..values.events import Applied
from ..values.flow_changes import Change, FlowChange, GroupChange, in_one_bundle
from ..values.flows import Flow, FlowKey, Group
from .fault_log import FaultLog
from .reaction import Reaction
from .refused_changes import Refusals, beyond, faults_of
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.session")

MAX_CHANGES = 500_000
"""Changes in one bundle, far more than one transaction of an NVC causes."""
MAX_AFTER_REFUSAL = 2000
"""Changes in one bundle after a refusal, until all are sent: one refusal fails the whole bundle."""
MAX_AT_ONCE = 10_000
"""Changes of a committed bundle that are recorded before other green threads may run."""


def in_order(
    flows: DesiredActual[FlowKey, Flow], groups: DesiredActual[int, Group]
) -> Iterator[Change]:
    """Yield added groups, then flows, then deleted groups."""
    unused = []
    for group in groups.differences():
        change = GroupChange(group.key, group.want, group.have is not None)
        if group.want is None:
            unused.append(change)
        else:
            yield change
    for flow in flows.differences():
        is_reported = flow.want is None and flow.have is not None and flow.have.watched
        yield FlowChange(flow.key, flow.want, is_reported)
    yield from unused


def whole(key: FlowKey) -> Hashable | None:
    """Return what a flow belongs to of which no part may be in force without the rest.

    Flows of an optional table that match the same carried registers decide together what becomes
    of a frame. None for flows of other tables.
    """
    if key.table not in _DECIDING:
        return None
    carried = RULES[Table(key.table)].carried
    return key.table, *(field for field in key.match if field[0] in carried)


def _is_part(change: Change) -> bool:
    return isinstance(change, FlowChange) and change.key.table in _DECIDING


_DECIDING = {table for table, rules in RULES.items() if rules.carried}


class Bundles:
    """The bundles of one switch: at most one is in flight, and refused changes are left out."""

    def __init__(
        self, switch: SwitchState, timers: Timers, faults: FaultLog, reaction: Reaction
    ) -> None:
        self.is_in_flight = False
        self.failures = 0
        """The number of bundles in a row that failed for no known reason."""
        self._switch = switch
        self._faults = faults
        self._reaction = reaction
        self._refusals = Refusals()
        self._retry = timers.timer(f"refused changes of {switch.name}", self.retry_refused)
        self._is_after_refusal = False
        self._has_new_refusals = False

    def reset(self) -> None:
        """Forget the bundle in flight and refused changes: the switch is to be read back."""
        self._refusals.clear()
        self._retry.stop()
        self.is_in_flight = False
        self.failures = 0
        self._reaction.reset()

    def disconnect(self) -> None:
        """Handle the loss of the connection: nothing is in flight, or tried again."""
        self._retry.stop()
        self.is_in_flight = False
        self._reaction.reset()

    def wanted(self) -> Iterator[Change]:
        """Yield the changes that are due, without those that the switch refused."""
        every = in_order(self._switch.flows, self._switch.groups)
        return (change for change in every if change not in self._refusals)

    def take(self) -> Sequence[Change]:
        """Return the changes of the next bundle, now in flight, or none if no change is due."""
        if self._has_new_refusals:
            self._leave_out_refused()
        changes = self._next_part()
        self._is_after_refusal &= bool(changes)
        self.is_in_flight = bool(changes)
        are_rows_complete = self._reaction.is_waiting and self._switch.are_tunnels_up()
        self._reaction.sent(len(changes), are_rows_complete)
        return changes

    def _next_part(self) -> Sequence[Change]:
        if not self._is_after_refusal:
            return in_one_bundle(self.wanted(), MAX_CHANGES, whole)
        if any(map(_is_part, self.wanted())):
            return in_one_bundle(self.wanted(), MAX_AFTER_REFUSAL, whole)
        return list(islice(self.wanted(), MAX_AFTER_REFUSAL))

    def answered(self, event: Applied) -> Iterator[None]:
        """Handle the answer to the bundle in flight; yield now and then if it is large."""
        self.is_in_flight = False
        if event.made:
            self._reaction.made()
            yield from self._made(event.changes)
        else:
            self._reaction.failed()
            if event.rejected:
                self._refused(event)
            else:
                self.failures += 1
        if not self._has_new_refusals:
            self._find_faults()

    def _leave_out_refused(self) -> None:
        """Leave out what was refused and is still wanted: a feature may want something else now."""
        self._has_new_refusals = False
        self._refusals.keep(in_order(self._switch.flows, self._switch.groups))
        if self._refusals and not self._retry.runs():
            pause = self._refusals.take_pause()
            what = "%s: the switch refused %s; trying again in %g s"
            LOG.warning(what, self._switch.name, self._refusals.numbers(), pause)
            self._retry.start(pause)
        source = self._switch.name, "refused"
        self._faults.put(source, faults_of(self._switch.physical, self._refusals))

    def retry_refused(self) -> None:
        """Retry the changes that the switch refused."""
        self._retry.stop()
        self._refusals.begin_to_try(in_order(self._switch.flows, self._switch.groups))
        self._find_faults()

    def _made(self, changes: Sequence[Change]) -> Iterator[None]:
        self.failures = 0
        self._refusals.made(changes)
        for number, change in enumerate(changes, 1):
            if isinstance(change, FlowChange):
                self._switch.flows.put(change.key, change.flow)
            else:
                self._switch.groups.have(change.id, change.group)
            if number % MAX_AT_ONCE == 0:
                yield

    def _refused(self, event: Applied) -> None:
        """Leave out the refused changes of a bundle that failed; tell the features of the flows."""
        refused = list(event.rejected)
        self._is_after_refusal = self._has_new_refusals = True
        self._refusals.add(event.rejected)
        if event.is_full:
            known = self._switch.flows.actual
            further = beyond(event.rejected[0], event.changes, known)
            self._refusals.add(further)
            refused += further
        keys = (change.key for change in refused if isinstance(change, FlowChange))
        self._switch.invalidate(FlowsRefused(frozenset(keys)))

    def _find_faults(self) -> None:
        faults = faults_of(self._switch.physical, self._refusals)
        self._faults.find((self._switch.name, "refused"), faults)
