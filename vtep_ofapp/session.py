"""One managed switch and its connection: when to read back, when to apply, what was refused."""

import logging
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from .changes import Change, FlowChange, GroupChange, in_one_bundle
from .claims import Claim
from .events import Applied, Connection, FlowRemoved, ReadBack, RoleIs
from .flows import FlowKey
from .managed import ManagedSwitch
from .model import Mark, PhysicalSwitch
from .writes import (
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

LOG = logging.getLogger("vtep_ofapp.session")

MOST_CHANGES = 200_000
"""Changes in one bundle, far above what one transaction of an NVC asks for."""
MOST_AFTER_REFUSAL = 2000
"""Changes in one bundle after a refusal, until nothing is left: each one fails the whole bundle."""
MOST_AT_ONCE = 10_000
"""Changes of a bundle that was made which are taken in one go."""
MOST_FAILURES = 3
"""Bundles that may fail in a row for no known reason before the switch has to reconnect."""


class Session:
    """Drives a managed switch towards what is wanted, with one bundle in flight at most."""

    def __init__(self, managed: ManagedSwitch) -> None:
        self.managed = managed
        self.connection: Connection | None = None
        self.claim: Claim | None = None
        self.is_open = False
        self._is_read = False
        self._is_busy = False
        self._is_refusing = False
        self._failures = 0
        self._generation: int | None = None
        self._rejected: set[Change] = set()
        self._deleting: Counter[FlowKey] = Counter()

    # What it is told

    def connect(self, connection: Connection, leads: bool, claim: Claim | None = None) -> None:
        """Take the switch's connection, to lead the switch or to stand by."""
        self.connection = connection
        self.claim = claim
        if leads:
            self._take_charge()
        else:
            self.stand_by()

    def lead(self) -> None:
        """Become the one that controls the switch, after another process or the first one.

        Another one may have learned stations meanwhile: nothing is open before they are read.
        """
        self.is_open = False
        self._generation = None
        self._take_charge()

    def stand_by(self) -> None:
        """Leave the switch to another process, and stay connected."""
        self._is_read = False
        if self.connection is not None:
            self.connection.stand_by()

    def role_is(self, event: RoleIs) -> None:
        """Take the switch's word on who is its master; if we are, ask for what the switch has."""
        if event.generation is None:
            LOG.warning("%s has another master; leaving it alone", self.managed.name)
            self._is_read = False
        else:
            self._generation = event.generation
            self._read_back()

    def disconnect(self) -> None:
        """Take the end of the connection; the switch goes on with what it has."""
        self.connection = self.claim = None
        self._is_read = False

    def read_back(self, event: ReadBack) -> Iterator[None]:
        """Take what the switch has; yields now and then, as ManagedSwitch.read_back() does."""
        yield from self.managed.read_back(event.flows, event.groups)
        self._is_read = True

    def applied(self, event: Applied) -> Iterator[None]:
        """Take the answer to the bundle in flight; yields now and then if that is a large one."""
        self._is_busy = False
        if event.made:
            self._failures = 0
            for number, change in enumerate(event.changes, 1):
                if isinstance(change, FlowChange):
                    self.managed.flows.have(change.key, change.flow)
                    self.managed.statistics.replaced(change.key)
                else:
                    self.managed.groups.have(change.id, change.group)
                if number % MOST_AT_ONCE == 0:
                    yield
            return
        self._deleting.clear()
        if event.rejected:
            self._is_refusing = True
            self._rejected.update(event.rejected)
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
            LOG.warning("%s: someone deleted flows; reading back", self.managed.name)
            self._read_back()

    # What it does

    def open(self) -> bool:
        """Open the gate when all is known; return whether that happened just now."""
        managed = self.managed
        if self.is_open or not self._is_read or managed.is_behind or not managed.tunnels.are_up():
            return False
        self.is_open = True
        if managed.physical is not None:
            LOG.info("%s is managed", managed.name)
        return True

    def apply(self) -> None:
        """Send what differs to the switch, unless it still works on the last bundle."""
        if self.connection is None or not self.is_open or not self._is_read or self._is_busy:
            return
        if self._is_refusing:
            changes = list(islice(self._changes(), MOST_AFTER_REFUSAL))
        else:
            changes = in_one_bundle(self._changes(), MOST_CHANGES)
        self._is_refusing &= bool(changes)
        if changes:
            self._is_busy = True
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
                yield PutTunnelPort(managed.name, port.key, *ends, port.want.bfd)
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
            else:
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

    def _changes(self) -> Iterator[Change]:
        """Yield groups before the flows that use them, and the end of groups after those."""
        unused = []
        for group in self.managed.groups.differences():
            change = GroupChange(group.key, group.want, group.have is not None)
            if change in self._rejected:
                continue
            if group.want is None:
                unused.append(change)
            else:
                yield change
        for flow in self.managed.flows.differences():
            flow_change = FlowChange(flow.key, flow.want)
            if not self._rejected or flow_change not in self._rejected:
                yield flow_change
        yield from unused

    def _ends_watched_flow(self, change: FlowChange) -> bool:
        """Whether the switch will tell that the flow is gone."""
        former = self.managed.flows.actual.get(change.key)
        return change.flow is None and former is not None and former.watched

    def _take_charge(self) -> None:
        self._is_read = False
        self._is_busy = False
        self._failures = 0
        self._rejected.clear()
        self._deleting.clear()
        if self.connection is not None:
            self.connection.lead(self._generation)

    def _read_back(self) -> None:
        self._is_read = False
        if self.connection is not None:
            self.connection.read_back()

    def _fail(self) -> None:
        self._failures += 1
        if self._failures < MOST_FAILURES:
            self._read_back()
        elif self.connection is not None:
            LOG.error("%s: %d bundles failed; reconnecting", self.managed.name, self._failures)
            self.connection.disconnect()
