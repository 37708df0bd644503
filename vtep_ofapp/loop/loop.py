"""The one loop that owns all state: each turn handles events and sends the differences."""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain

import eventlet

from ..engine.report import FaultsChanged
from ..process.systemd import ServiceManager
from ..values.events import AccountIsDue, Event, TimerIsDue, WorkIsLeft
from ..values.writes import VtepWrite
from .components import Components
from .dispatch import Dispatcher
from .inbox import Inbox

LOG = logging.getLogger("vtep_ofapp.loop")
ACCOUNT = logging.getLogger("vtep_ofapp.account")


class Loop:
    """Takes turns: each handles events, works out the desired state and sends differences.

    ``in_turn`` returns the context of the turn with these events.
    """

    def __init__(
        self,
        components: Components,
        inbox: Inbox,
        service: ServiceManager,
        in_turn: Callable[[Sequence[Event]], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._components = components
        self._inbox = inbox
        self._service = service
        self._in_turn = in_turn
        components.timers.every(service.watchdog_interval, "watchdog", service.alive)
        self._events = Dispatcher(
            components.publisher.handlers,
            components.changes.handlers,
            components.databases.handlers,
            components.lock.handlers,
            components.connections.handlers,
            components.marks.handlers,
            components.port_counters.handlers,
            components.flow_counters.handlers,
            components.pausing.handlers,
            components.resync.handlers,
            {
                TimerIsDue: components.timers.due,
                AccountIsDue: self._account_is_due,
                WorkIsLeft: self._work_is_left,
            },
        )
        self._changes = Dispatcher(
            components.rows.change_handlers, components.hosts.change_handlers
        )

    def run(self) -> None:
        """Take turns without end. A turn that fails is a bug: log it, and go on."""
        turns = self._components.measures.turns
        stopwatch = self._components.measures.stopwatch(turns.seconds)
        self._components.timers.begin()
        self._notify_service()  # no turn comes before a database is reached
        while True:
            events = self._inbox.take()
            stopwatch.start()
            try:
                self.turn(events)
            except Exception:
                turns.failed += 1
                LOG.exception("a turn failed with these events: %.2000s", events)
            stopwatch.stop()
            self._inbox.gather(_let_run)

    def turn(self, events: Sequence[Event]) -> None:
        """Handle the events, then send each switch and each database its differences.

        One transaction is one change: no owner is worked out before all of the change is taken,
        and nothing is sent before all owners are worked out. Meanwhile stations are learned, their
        rows are written, and packet-outs are sent.
        """
        with self._in_turn(events):
            self._take(events)

    def _take(self, events: Sequence[Event]) -> None:
        components = self._components
        self._events.handle_all(events)
        if not components.switches.are_behind:
            self._changes.handle_all(components.changes.take())
        if components.rows.are_in_sync:
            self._decide()
            if components.lock.leads and self._is_complete():
                self._send_differences()
            elif components.lock.leads:
                self._write(components.publisher.new_station_rows())
            if self._is_complete():
                self._drop_unmanaged()
        self._notify_service()
        self._send_packet_outs()
        components.turns.ended()
        if components.switches.are_behind or components.changes.are_waiting:
            self._inbox.post(WorkIsLeft())

    def _notify_service(self) -> None:
        self._service.be(self._components.is_ready, self._components.status)

    def _decide(self) -> None:
        """Work out the desired state, unless a change was taken only in part."""
        components = self._components
        if not components.changes.are_partial:
            if components.switches.have_changed:
                components.matching.match()
            components.connections.claim()
            if components.switches.have_changed:
                components.marks.compare()
                components.matching.find_missing()
            components.stations.forget_moved_away()
        components.stations.notify()
        components.announcements.tell()
        if not components.changes.are_partial:
            components.rows.find_refused()
            components.switches.recompute()
            if not components.switches.are_behind:
                components.faults.put_found()

    def _is_complete(self) -> bool:
        """Whether all changes are complete, and all invalid owners are recomputed."""
        components = self._components
        return not components.switches.are_behind and not components.changes.are_partial

    def _send_differences(self) -> None:
        """Send each switch and each database what differs from the desired state.

        During a pause only the reports are notified, so that they know what to write after it.
        """
        components = self._components
        is_paused = components.pausing.is_paused
        arrived = components.rows.take_arrival()
        components.switches.rows_changed(None if is_paused else arrived)
        components.switches.open_gates()
        if not is_paused and components.switches.apply():
            _let_run()  # the flows are on their way while the reports are worked out
        for database, transactions in components.databases.openvswitch.items():
            # Without the lock, the process that has it now may have created other ports.
            if components.lock.is_held and not is_paused:
                transactions.commit(components.switches.bridge_writes(database))
        if components.switches.have_changed:
            components.publisher.notify_switches(
                components.switches.open(),
                components.switches.peers(),
                components.rows.physical,
                [*components.connections.blocked(), *components.marks.left],
            )
        components.publisher.notify(FaultsChanged(components.faults.take_changed()))
        if components.changes.are_waiting:  # local rows may be newer than the other rows
            self._write(components.publisher.new_station_rows())
            return
        self._write(components.publisher.writes())
        components.switches.set_timer()

    def _write(self, writes: Iterable[VtepWrite]) -> None:
        """Send writes to hardware_vtep, unless paused or its rows are missing and kept a while."""
        components = self._components
        if not components.rows.grace.lasts and not components.pausing.is_paused:
            components.databases.vtep.commit(writes)

    def _send_packet_outs(self) -> None:
        """Send the packet-outs of features, or drop them during a pause."""
        switches = self._components.switches
        if not self._components.pausing.is_paused:
            switches.send_packet_outs()
            return
        for state in switches.states():
            state.take_packet_outs()

    def _drop_unmanaged(self) -> None:
        components = self._components
        components.switches.have_changed = False
        components.switches.drop_unmanaged(bool(components.lock.leads))
        if components.switches.have_changed:
            self._inbox.post(WorkIsLeft())

    def _account_is_due(self, _event: AccountIsDue) -> None:
        components = self._components
        for account in chain(components.switches.accounts(), components.databases.accounts()):
            ACCOUNT.info("sent to %s", account)

    def _work_is_left(self, _event: WorkIsLeft) -> None:
        """Do nothing: the event only causes another turn."""


def _let_run() -> None:
    """Let other green threads run: two pass on each message to a switch, and each one from it."""
    for _ in range(2):
        eventlet.sleep(0)
