"""Read back the flows and groups of a switch, and check them for changes by others."""

from collections.abc import Iterator
from enum import Enum, auto

from ..engine.switch_state import SwitchState
from ..engine.topics import ContentsRead
from ..values.events import Connection, FlowRemoved, FlowsChanged, GroupsChanged, ReadBack
from .changes_by_others import OwnChanges, differing, log_changed
from .measures import Measures
from .timers import Timers

CHECK_TIME = 1.0
"""Seconds from a change of flows by others to reading the switch back."""
FLOWS_FOR_A_CHECK = 10_000
"""Flows for which one more look() passes until a switch without flow monitoring is read back."""


class Knowledge(Enum):
    """Whether the flows and groups of a switch are known."""

    NONE = auto()
    BEING_READ = auto()
    BEING_CHECKED = auto()
    """They are known, and read again because others may have changed them."""
    FULL = auto()


class SwitchContents:
    """Reads a switch back, and detects changes by others."""

    def __init__(self, switch: SwitchState, timers: Timers, measures: Measures) -> None:
        self.own_changes = OwnChanges()
        self.read_at: float | None = None
        """When the switch was read back last, by the clock; None for never."""
        self.changed_by_others = 0
        """How many flows and groups were seen to be changed by others."""
        self._clock = timers.clock
        self._stopwatch = measures.stopwatch(measures.read_backs)
        self._switch = switch
        self._connection: Connection | None = None
        self._knowledge = Knowledge.NONE
        self._check = timers.timer(f"check of {switch.name}", self._check_is_due)
        self._lost_flows = 0
        self._looks = 0
        self._is_monitored = True
        self._is_after_another = False

    @property
    def are_known(self) -> bool:
        """Whether the switch was read back, and no change by others is suspected since."""
        return self._knowledge is Knowledge.FULL

    def connect(self, connection: Connection | None) -> None:
        """Use a connection to read the switch back; None when it is lost."""
        self._connection = connection
        self._is_monitored = True
        self.forget()

    def forget(self) -> None:
        """Forget what is known: another process may change the switch."""
        self._knowledge = Knowledge.NONE
        self._stopwatch.reset()
        self._check.stop()
        self.own_changes.reset()

    def read(self, is_after_another: bool = False) -> None:
        """Request all flows and groups; nothing is known until the answer arrives.

        With ``is_after_another``, another process may have led the switch since this one did.
        """
        self._is_after_another |= is_after_another
        self._ask(Knowledge.BEING_READ)

    def check(self) -> None:
        """Read the switch back again, unless it is not known yet."""
        if self.are_known:
            self._ask(Knowledge.BEING_CHECKED)

    def take(self, event: ReadBack) -> Iterator[None]:
        """Handle the answer to read(); yield now and then, as SwitchFlows.read_back() does.

        The answer to a request from before forget() is ignored.
        """
        if self._knowledge is Knowledge.NONE:
            return
        is_check = self._knowledge is Knowledge.BEING_CHECKED
        before = differing(self._switch) if is_check else None
        self._switch.groups.have_only(event.groups)
        yield from self._switch.flows.read_back(event.flows)
        self._knowledge = Knowledge.FULL
        self.read_at = self._clock()
        self._stopwatch.stop()
        if before is None:
            after_another, self._is_after_another = self._is_after_another, False
            self._switch.invalidate(ContentsRead(event.flows, event.groups, after_another))
        else:
            self.changed_by_others += log_changed(self._switch, before, self._lost_flows)
        self._lost_flows = 0

    def flow_removed(self, event: FlowRemoved) -> None:
        """Handle a removed flow. If it was neither idle nor deleted by us, others deleted it."""
        if self.own_changes.take_deletion(event):
            return
        self._switch.flows.have(event.key, None)
        if event.idle:
            self._switch.flows.ended(event.key)
        elif event.key in self._switch.flows.wanted and self.are_known:
            self._lost_flows = 1
            self._ask(Knowledge.BEING_CHECKED)

    def flows_changed(self, event: FlowsChanged) -> None:
        """Schedule a check of the switch after others changed flows.

        It is delayed because such changes come in bursts, and a check reads all flows back.
        """
        wanted = self._switch.flows.wanted
        if event.are_ours or any(key in wanted for key in event.keys):
            self._check.start(CHECK_TIME)

    def not_monitored(self) -> None:
        """Have look() read the flows back: the switch has no flow monitor."""
        self._is_monitored = False

    def groups_changed(self, event: GroupsChanged) -> None:
        """Handle changed groups, unless the report may be from before a change of ours."""
        if not self.are_known or not self.own_changes.are_before_groups():
            self.own_changes.forget_groups()
            return
        before = differing(self._switch)
        for id, group in event.groups.items():
            self._switch.groups.have(id, group)
        self.changed_by_others += log_changed(self._switch, before)

    def look(self) -> None:
        """Request groups, which have no monitor; and flows if the switch has no flow monitor."""
        if self._connection is None or not self.are_known:
            return
        tells_all = self.own_changes.ask_for_groups()
        self._connection.compare_groups(self._switch.groups.actual if tells_all else None)
        self._looks += 1
        pause = 1 + len(self._switch.flows.actual) // FLOWS_FOR_A_CHECK
        if not self._is_monitored and self._looks % pause == 0:
            self._ask(Knowledge.BEING_CHECKED)

    def _check_is_due(self) -> None:
        """Check the switch, or later if a read-back from before the change is under way."""
        if self.are_known:
            self.check()
        else:
            self._check.start(CHECK_TIME)

    def _ask(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        if self._connection is not None:
            self._stopwatch.start()
            self._connection.read_back()
