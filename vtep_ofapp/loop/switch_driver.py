"""One managed switch and its connection: when to read back, when to apply, what was refused."""

import logging
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ..engine.switch_state import SwitchState
from ..values.events import (
    Applied,
    Connection,
    FlowRemoved,
    FlowsChanged,
    GroupsChanged,
    ReadBack,
    RoleIs,
)
from ..values.faults import Fault, of_switch
from ..values.flow_changes import Change, FlowChange, GroupChange, in_one_bundle
from ..values.flows import FlowKey
from ..values.rows import Mark, PhysicalSwitch
from ..values.writes import (
    IntroduceSwitch,
    PutBindingStats,
    PutTunnel,
    PutTunnelPort,
    ReleaseBridge,
    RemoveTunnel,
    RemoveTunnelPort,
    SecureBridge,
    SwitchWrite,
    VtepWrite,
)
from .claims import Claim
from .refused_changes import Refusals, beyond

LOG = logging.getLogger("vtep_ofapp.session")

MAX_CHANGES = 200_000
"""Changes in one bundle, far above what one transaction of an NVC asks for."""
MAX_AFTER_REFUSAL = 2000
"""Changes in one bundle after a refusal, until nothing is left: each one fails the whole bundle."""
MAX_AT_ONCE = 10_000
"""Changes of a bundle that was made which are taken in one go."""
FLOWS_FOR_A_CHECK = 10_000
"""Flows of a switch that does not tell of changes for which they are read back in each look()."""
MAX_FAILURES = 3
"""Bundles that may fail in a row for no known reason before the switch has to reconnect."""


class SwitchDriver:
    """Drives a managed switch towards what is wanted, with one bundle in flight at most."""

    def __init__(self, managed: SwitchState) -> None:
        self.managed = managed
        self.connection: Connection | None = None
        self.claim: Claim | None = None
        self.is_open = False
        self.was_open = False
        self._is_read = False
        self._was_lost = False
        self._is_busy = False
        self._is_refusing = False
        self._failures = 0
        self.is_master = False
        self.is_refused = False
        self._generation: int | None = None
        self._is_checking = False
        self._check_is_due = False
        self._lost = 0
        self._checks = 0
        self._regroupings = 0
        self._regroupings_when_asked: int | None = None
        self._refusals = Refusals()
        self._deleting: Counter[FlowKey] = Counter()

    # What it is told

    def connect(
        self,
        connection: Connection,
        leads: bool,
        claim: Claim | None = None,
        has_lock: bool = True,
    ) -> None:
        """Take the switch's connection, to lead the switch or to stand by.

        Without the lock, because the database is away, it is led only as far as no other process
        led it since we did.
        """
        self.connection = connection
        self.claim = claim
        if leads:
            self._take_charge(self._generation if has_lock else self._generation or 0)
        else:
            self.stand_by()

    def lead(self) -> None:
        """Become the one that controls the switch, after another process or the first one.

        Another one may have learned stations meanwhile: nothing is open before they are read.
        """
        self.is_open = False
        self._generation = None
        self._take_charge(None)

    def make_sure(self) -> None:
        """Ask the switch whether it still has us as its master; nothing is open before it answers.

        If it has, it is not read again: then nobody else changed it.
        """
        if self._generation is None:
            self.lead()
            return
        self.is_open = False
        self.is_master = False
        if self.connection is not None:
            self.connection.lead(self._generation)

    def stand_by(self) -> None:
        """Leave the switch to another process, and stay connected."""
        self._is_read = False
        self.is_master = False
        if self.connection is not None:
            self.connection.stand_by()

    def role_is(self, event: RoleIs) -> bool:
        """Take the switch's word on who is its master; if we are, ask for what the switch has.

        Return whether it refused us because another process led it after us.
        """
        is_as_before = self._is_read and event.generation == self._generation
        self.is_master = event.generation is not None
        self.is_refused = not self.is_master
        if event.generation is None:
            self._is_read = False
            return self._generation is not None
        self._generation = event.generation
        if not is_as_before:
            self._read_back()
        return False

    def disconnect(self) -> None:
        """Take the end of the connection; the switch goes on with what it has."""
        self.connection = self.claim = None
        self.is_master = False
        self._is_read = False
        self._was_lost = True

    def read_back(self, event: ReadBack) -> Iterator[None]:
        """Take what the switch has; yields now and then, as SwitchState.read_back() does."""
        before = self._differing() if self._is_checking else None
        yield from self.managed.read_back(event.flows, event.groups)
        self._is_read = True
        if self._was_lost and self.is_open:
            LOG.info("%s: connected again", self.managed.name)
        self._was_lost = False
        self._refusals.begin_to_try(self._changes(with_refused=True))
        if before is not None:
            flows, groups = self._differing()
            self._say_changed(len(flows - before[0]) + self._lost, len(groups - before[1]))
        self._is_checking, self._lost = False, 0

    def applied(self, event: Applied) -> Iterator[None]:
        """Take the answer to the bundle in flight; yields now and then if that is a large one."""
        self._is_busy = False
        if event.made:
            self._failures = 0
            self._refusals.made(event.changes)
            for number, change in enumerate(event.changes, 1):
                if isinstance(change, FlowChange):
                    self.managed.flows.have(change.key, change.flow)
                    self.managed.statistics.replaced(change.key)
                else:
                    self.managed.groups.have(change.id, change.group)
                    self._regroupings_when_asked = None  # what groups were then is past
                if number % MAX_AT_ONCE == 0:
                    yield
            return
        self._deleting.clear()
        if event.rejected:
            self._is_refusing = True
            self._refusals.add(event.rejected)
            if event.is_full:
                known = self.managed.flows.actual
                self._refusals.add(beyond(event.rejected[0], event.changes, known))
        else:
            self._fail()

    def flow_removed(self, event: FlowRemoved) -> None:
        """Take the end of a flow. One that was not idle, nor deleted by us, others deleted."""
        if not event.idle and self._deleting[event.key]:
            self._deleting[event.key] -= 1
            return
        del self._deleting[event.key]
        self.managed.flows.have(event.key, None)
        if event.idle:
            self.managed.forget(event.key)
        elif event.key in self.managed.flows.wanted and self._is_read:
            self._lost = 1
            self._check()

    def flows_changed(self, event: FlowsChanged) -> bool:
        """Take that others changed flows; return whether check() is to be called soon.

        Not at once, because such changes come in large numbers, and each costs a reading back.
        """
        wanted = self.managed.flows.wanted
        if self._check_is_due or not (event.are_ours or any(key in wanted for key in event.keys)):
            return False
        self._check_is_due = True
        return True

    def groups_changed(self, event: GroupsChanged) -> None:
        """Take groups as they are, unless that may be from before what we changed ourselves."""
        if not self._is_read or self._regroupings != self._regroupings_when_asked:
            self._regroupings_when_asked = None
            return
        _, before = self._differing()
        for id, group in event.groups.items():
            self.managed.groups.have(id, group)
        _, now = self._differing()
        self._say_changed(0, len(now - before))

    # What it does

    def check(self) -> bool:
        """Read the switch back after changes by others; return whether it is too early."""
        if self.connection is None or not self._is_read:
            self._check_is_due = self.connection is not None and self.is_open
            return self._check_is_due
        self._check_is_due = False
        self._check()
        return False

    def look(self) -> None:
        """Ask for groups, of which the switch does not tell; and for flows, where it does not."""
        if self.connection is None or not self.is_open or not self._is_read:
            return
        is_anew = self._regroupings_when_asked is None
        self._regroupings_when_asked = self._regroupings
        self.connection.compare_groups(self.managed.groups.actual if is_anew else None)
        self._checks += 1
        pause = 1 + len(self.managed.flows.actual) // FLOWS_FOR_A_CHECK
        if not self.connection.tells_of_changes and self._checks % pause == 0:
            self._check()

    def try_refused(self) -> None:
        """Try again what the switch refused."""
        self._refusals.begin_to_try(self._changes(with_refused=True))

    def pause(self) -> float | None:
        """Return the seconds until try_refused() is to be called, if that is not awaited yet."""
        pause = self._refusals.take_pause()
        if pause is not None:
            what = "%s: the switch refused %s; trying again in %g s"
            LOG.warning(what, self.managed.name, self._refusals.numbers(), pause)
        return pause

    def refused(self) -> list[Fault]:
        """Return the faults of the switch that does not take all that it should have."""
        if self.managed.physical is None:
            return []
        return [
            Fault(
                f"Physical_Switch {self.managed.name}",
                f"its bridge refuses some of {kind}; frames are lost until it takes them",
                of_switch(self.managed.physical.uuid),
            )
            for kind in self._refusals.where()
        ]

    def open(self) -> bool:
        """Open the gate when all is known; return whether that happened just now."""
        managed = self.managed
        is_known = self.is_master and self._is_read and not managed.is_behind
        if self.is_open or not is_known or not managed.tunnels.are_up():
            return False
        self.is_open = self.was_open = True
        if managed.physical is not None:
            LOG.info("%s is managed", managed.name)
        return True

    def apply(self) -> None:
        """Send what differs to the switch, unless it still works on the last bundle."""
        if self.connection is None or not self.is_open or not self._is_read or self._is_busy:
            return
        if self._is_refusing:
            changes = list(islice(self._changes(), MAX_AFTER_REFUSAL))
        else:
            changes = in_one_bundle(self._changes(), MAX_CHANGES)
        self._is_refusing &= bool(changes)
        if changes:
            self._is_busy = True
            self._regroupings += any(isinstance(change, GroupChange) for change in changes)
            self._deleting += Counter(
                change.key
                for change in changes
                if isinstance(change, FlowChange) and self._ends_watched_flow(change)
            )
            self.connection.apply(changes)

    def count(self) -> None:
        """Ask the switch for the counters of its bindings."""
        if self.connection is not None and self.is_open and self._is_read:
            self.connection.read_counters()

    def port_writes(self) -> Iterator[SwitchWrite]:
        """Yield what Open_vSwitch has to change. Ports go only after the flows that use them."""
        managed = self.managed
        if self.connection is None or managed.bridge is None:
            return
        if managed.physical is not None and not (
            managed.bridge.is_secure
            and managed.bridge.controllers_are_set
            and managed.bridge.mark is Mark.OURS
        ):
            yield SecureBridge(managed.name)
        for port in managed.tunnels.ports.differences():
            if port.want is not None:
                ends = port.want.remote, port.want.local
                yield PutTunnelPort(managed.name, port.key, *ends, port.want.bfd, port.want.attempt)
            elif self.is_settled():
                yield RemoveTunnelPort(managed.name, port.key)
        if managed.physical is None and managed.bridge.mark is Mark.OURS and self.is_settled():
            yield ReleaseBridge(managed.name)

    def is_settled(self) -> bool:
        """Whether the switch is known to have all that is wanted, and nothing else of ours."""
        return (
            self.is_open
            and self._is_read
            and not self._is_busy
            and not self.managed.is_behind
            and next(self._changes(), None) is None
        )

    def row_writes(self) -> Iterator[VtepWrite]:
        """Yield what the switch has to say of its tunnels and bindings, once it is open."""
        physical = self.managed.physical
        if physical is None or not self.is_open:
            return
        addresses = self._management_ips(physical)
        if not physical.description or (addresses and not physical.management_ips):
            description = f"{self.managed.name} of Open vSwitch, managed by vtep_ofapp"
            yield IntroduceSwitch(physical.uuid, addresses, description)
        for row in self.managed.tunnel_rows.differences():
            if row.want is not None:
                yield PutTunnel(physical.uuid, row.key, row.want)
            elif self.managed.unused_tunnel_rows.may_go(row.key):
                yield RemoveTunnel(physical.uuid, row.key)
        for stats in self.managed.statistics.rows.differences():
            port, vlan = stats.key
            yield PutBindingStats(port, vlan, stats.want)

    def _management_ips(self, physical: PhysicalSwitch) -> frozenset[str]:
        """Return where the switch can be managed: where it calls from, unless it is right here."""
        if self.connection is None:
            return frozenset()
        if self.connection.peer.startswith("127."):
            return physical.towards_managers
        return frozenset({self.connection.peer})

    def _changes(self, with_refused: bool = False) -> Iterator[Change]:
        """Yield groups before the flows that use them, and the end of groups after those."""
        refused = Refusals() if with_refused else self._refusals
        unused = []
        for group in self.managed.groups.differences():
            change = GroupChange(group.key, group.want, group.have is not None)
            if change in refused:
                continue
            if group.want is None:
                unused.append(change)
            else:
                yield change
        for flow in self.managed.flows.differences():
            flow_change = FlowChange(flow.key, flow.want)
            if flow_change not in refused:
                yield flow_change
        yield from unused

    def _ends_watched_flow(self, change: FlowChange) -> bool:
        """Whether the switch will tell that the flow is gone."""
        former = self.managed.flows.actual.get(change.key)
        return change.flow is None and former is not None and former.watched

    def _take_charge(self, generation: int | None) -> None:
        self.is_master = False
        self._is_read = False
        self._is_busy = False
        self._failures = 0
        self._refusals.clear()
        self._regroupings_when_asked = None
        self._deleting.clear()
        if self.connection is not None:
            self.connection.lead(generation)

    def _check(self) -> None:
        self._is_checking = True
        self._read_back()

    def _differing(self) -> tuple[set[FlowKey], set[int]]:
        managed = self.managed
        flows = {each.key for each in managed.flows.differences()}
        return flows, {each.key for each in managed.groups.differences()}

    def _say_changed(self, flows: int, groups: int) -> None:
        if flows or groups:
            what = "%s: someone changed %d flows and %d groups of ours; they are put back"
            LOG.warning(what, self.managed.name, flows, groups)

    def _read_back(self) -> None:
        self._is_read = False
        if self.connection is not None:
            self.connection.read_back()

    def _fail(self) -> None:
        self._failures += 1
        if self._failures < MAX_FAILURES:
            self._read_back()
        elif self.connection is not None:
            LOG.error("%s: %d bundles failed; reconnecting", self.managed.name, self._failures)
            self.connection.disconnect()
