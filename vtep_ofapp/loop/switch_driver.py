"""One switch and its connection: role, reading back, and sending differences."""

import logging
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import Any

from ..engine.switch_state import SwitchState
from ..values.events import (
    Applied,
    Connection,
    Counters,
    FlowRemoved,
    FlowsChanged,
    GroupsChanged,
    NotMonitored,
    PacketIn,
    ReadBack,
    RoleIs,
)
from ..values.writes import SwitchWrite
from .bridge_writes import bridge_writes
from .bundles import Bundles
from .claims import Claim
from .contents import SwitchContents
from .fault_log import FaultLog
from .measures import Measures
from .reaction import Reaction
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.session")

MAX_FAILURES = 3
"""Bundles that may fail in a row for no known reason before the switch has to reconnect."""


class Role(Enum):
    """Our role at a switch, as far as the switch has confirmed it."""

    SLAVE = auto()
    """Another process is in charge of the switch, or none yet."""
    ASKED = auto()
    """We requested the role of master, and the switch has not answered."""
    MASTER = auto()
    REFUSED = auto()
    """The switch has a master with a newer generation id."""


class Gate(Enum):
    """Whether flows are sent to a switch, and its rows in hardware_vtep are written."""

    NEVER_OPENED = auto()
    OPEN = auto()
    CLOSED = auto()


class SwitchDriver:
    """Drives a managed switch towards the desired state, with at most one bundle in flight."""

    def __init__(
        self, switch: SwitchState, timers: Timers, faults: FaultLog, measures: Measures
    ) -> None:
        self.switch = switch
        self.connection: Connection | None = None
        self.claim: Claim | None = None
        self.reaction = Reaction(measures)
        self.contents = SwitchContents(switch, timers, measures)
        self.gate = Gate.NEVER_OPENED
        self.role = Role.SLAVE
        self._generation: int | None = None
        self._was_lost = False
        self.bundles = Bundles(switch, timers, faults, self.reaction)

    @property
    def is_open(self) -> bool:
        """Whether flows are sent to the switch, and its rows in hardware_vtep are written."""
        return self.gate is Gate.OPEN

    # The connection and the role

    def connect(
        self, connection: Connection, leads: bool, claim: Claim | None = None, has_lock: bool = True
    ) -> None:
        """Use a new connection of the switch, to lead the switch or to stand by.

        Without the lock, as the database is away, we only become master again if no other process
        was master since: the switch refuses an outdated generation id.
        """
        self.connection = connection
        self.claim = claim
        self.contents.connect(connection)
        if leads:
            self._take_charge(self._generation if has_lock else self._generation or 0)
        else:
            self.stand_by()

    def disconnect(self) -> None:
        """Handle the loss of the connection; the switch keeps its flows."""
        self.connection = self.claim = None
        self.role = Role.SLAVE
        self.contents.connect(None)
        self.bundles.disconnect()
        self._was_lost = True

    def lead(self) -> None:
        """Take charge of the switch, after another process or as the first one.

        Another process may have learned stations meanwhile: the gate is closed until the switch
        is read back.
        """
        self._close()
        self._generation = None
        self.contents.forget()
        self._take_charge(None)

    def confirm_role(self) -> None:
        """Ask the switch whether we are still its master; the gate is closed until it answers.

        If we are, it is not read back: no other process can have changed it.
        """
        if self._generation is None:
            self.lead()
            return
        self._close()
        self.role = Role.ASKED
        if self.connection is not None:
            self.connection.lead(self._generation)

    def stand_by(self) -> None:
        """Leave the switch to another process, and stay connected."""
        self.contents.forget()
        self.role = Role.SLAVE
        if self.connection is not None:
            self.connection.stand_by()

    def role_is(self, event: RoleIs) -> bool:
        """Handle a role reply; if we are master, read the switch back.

        Return whether it refused us because another process was its master after us.
        """
        if event.generation is None:
            self.role = Role.REFUSED
            self.contents.forget()
            return self._generation is not None
        is_as_before = self.contents.are_known and event.generation == self._generation
        is_after_another = self._generation is None
        self.role = Role.MASTER
        self._generation = event.generation
        if not is_as_before:
            self.contents.read(is_after_another)
        return False

    def _take_charge(self, generation: int | None) -> None:
        self.role = Role.ASKED
        self.bundles.reset()
        if self.connection is not None:
            self.connection.lead(generation)

    def _close(self) -> None:
        if self.is_open:
            self.gate = Gate.CLOSED

    # Events of the switch

    def handle(self, event: Any) -> Iterator[None]:
        """Handle an event of a type in SWITCH_HANDLERS; yield now and then."""
        yield from SWITCH_HANDLERS[type(event)](self, event) or ()

    def _read_back(self, event: ReadBack) -> Iterator[None]:
        yield from self.contents.take(event)
        if not self.contents.are_known:
            return
        if self._was_lost and self.is_open:
            LOG.info("%s: connected again", self.switch.name)
        self._was_lost = False
        self.bundles.retry_refused()

    def _applied(self, event: Applied) -> Iterator[None]:
        yield from self.bundles.answered(event)
        if event.made:
            self.contents.own_changes.made(event.changes)
            return
        self.contents.own_changes.failed()
        if not event.rejected:
            self._recover()

    def _recover(self) -> None:
        """Read the switch back after a bundle that failed for no known reason, or reconnect."""
        failures = self.bundles.failures
        if failures >= MAX_FAILURES and self.connection is not None:
            LOG.error("%s: %d bundles failed; reconnecting", self.switch.name, failures)
            self.connection.disconnect()
        elif self.contents.are_known:
            self.contents.read()

    def _packet_in(self, event: PacketIn) -> None:
        """Handle a packet-in, unless another process is in charge and handles it."""
        if self.role is not Role.SLAVE:
            self.switch.packet_in(event)

    # In a turn

    def open(self) -> bool:
        """Open the gate once state is known and tunnels are up; return whether it opened now."""
        is_known = self.contents.are_known and not self.switch.is_behind
        is_complete = is_known and self.switch.are_tunnels_up()
        if self.is_open or self.role is not Role.MASTER or not is_complete:
            return False
        self.gate = Gate.OPEN
        if self.switch.physical is not None:
            LOG.info("%s is managed", self.switch.name)
        return True

    def apply(self) -> bool:
        """Send the differences to the switch, unless a bundle is in flight; return if there are."""
        can_send = self._is_ready() and not self.bundles.is_in_flight
        changes = self.bundles.take() if can_send else ()
        if changes and self.connection is not None:
            self.contents.own_changes.sent(changes)
            self.connection.apply(changes)
        return bool(changes)

    def send_packet_outs(self) -> None:
        """Send the packet-outs of features; drop them unless we are master and the gate is open."""
        packets = self.switch.take_packet_outs()
        if packets and self.connection and self.role is Role.MASTER and self.is_open:
            self.connection.send(packets)

    def look(self) -> None:
        """Check for changes by others that the switch does not report."""
        if self._is_ready():
            self.contents.look()

    def count(self) -> None:
        """Request the counters of bindings, of dropped frames, and those that features want."""
        if self._is_ready() and self.connection is not None:
            self.connection.read_counters(self.switch.counted())

    def bridge_writes(self) -> Iterator[SwitchWrite]:
        """Yield the writes to Open_vSwitch for the bridge."""
        leads = self.connection is not None and self.role is not Role.SLAVE
        return bridge_writes(self.switch, self.is_settled) if leads else iter(())

    def is_settled(self) -> bool:
        """Whether the switch is known to have exactly the desired flows and groups."""
        return (
            self.is_open
            and self.contents.are_known
            and not self.bundles.is_in_flight
            and not self.switch.is_behind
            and next(self.bundles.wanted(), None) is None
        )

    def _is_ready(self) -> bool:
        return self.connection is not None and self.is_open and self.contents.are_known


SWITCH_HANDLERS: Mapping[type, Callable[[SwitchDriver, Any], Iterator[None] | None]] = {
    ReadBack: SwitchDriver._read_back,
    Applied: SwitchDriver._applied,
    FlowRemoved: lambda driver, event: driver.contents.flow_removed(event),
    FlowsChanged: lambda driver, event: driver.contents.flows_changed(event),
    GroupsChanged: lambda driver, event: driver.contents.groups_changed(event),
    NotMonitored: lambda driver, event: driver.contents.not_monitored(),
    Counters: lambda driver, event: driver.switch.count(event.flows),
    PacketIn: SwitchDriver._packet_in,
}
"""The handlers of a switch's events, by the type of the event."""
