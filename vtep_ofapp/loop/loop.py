"""The one loop that owns all state: events come in, each turn ends in what they change."""

import logging
from collections.abc import Iterable
from itertools import chain

import eventlet

from ..engine.report import FaultsChanged
from ..process.systemd import ServiceManager
from ..values.events import AccountIsDue, Event, TimerIsDue, WorkIsLeft
from ..values.writes import VtepWrite
from .dispatch import Dispatcher
from .inbox import Inbox
from .rooms import Rooms
from .status import is_ready, status

LOG = logging.getLogger("vtep_ofapp.loop")
ACCOUNT = logging.getLogger("vtep_ofapp.account")


class Loop:
    """Takes turns: each hears what happened, works out what is wanted, and sends what differs."""

    def __init__(self, rooms: Rooms, inbox: Inbox, service: ServiceManager) -> None:
        self._rooms = rooms
        self._inbox = inbox
        self._service = service
        rooms.timers.every(service.watchdog_interval, "watchdog", service.alive)
        self._events = Dispatcher(
            rooms.publisher.handlers,
            rooms.changes.handlers,
            rooms.databases.handlers,
            rooms.lock.handlers,
            rooms.connections.handlers,
            {
                TimerIsDue: rooms.timers.due,
                AccountIsDue: self._account_is_due,
                WorkIsLeft: self._work_is_left,
            },
        )
        self._news = Dispatcher(rooms.rows.hearers, rooms.hosts.hearers)

    def run(self) -> None:
        """Take turns without end. A turn that fails is a bug: it is logged; the next one comes."""
        self._rooms.timers.begin()
        while True:
            events = self._inbox.take()
            try:
                self.turn(events)
            except Exception:
                LOG.exception("a turn failed with these events: %.2000s", events)
            eventlet.sleep(0)

    def turn(self, events: Iterable[Event]) -> None:
        """Take the events, then send each switch and each database what they change.

        What one transaction changed is one change: nothing is decided before all of it is heard,
        and nothing is sent before all of it is worked out. Stations are learned, and their rows
        written, in the meantime.
        """
        rooms = self._rooms
        self._events.handle_all(events)
        if not rooms.switches.are_behind:
            self._news.handle_all(rooms.changes.hear())
        if rooms.rows.are_in_sync:
            self._decide()
            if rooms.lock.leads and self._is_whole():
                self._bring_about()
            elif rooms.lock.leads:
                self._write(rooms.publisher.news())
            if self._is_whole():
                self._drop_unmanaged()
            self._tell_service()
        if rooms.switches.are_behind or rooms.changes.wait:
            self._inbox.post(WorkIsLeft())

    def _decide(self) -> None:
        """Work out what is wanted, unless a change is only heard in part."""
        rooms = self._rooms
        if not rooms.changes.are_partial:
            if rooms.switches.have_changed:
                rooms.matching.match()
            rooms.connections.claim()
            if rooms.switches.have_changed:
                rooms.matching.find_missing()
            rooms.stations.give_way()
        rooms.stations.tell()
        if not rooms.changes.are_partial:
            rooms.rows.find_refused()
            rooms.switches.recompute()
            if not rooms.switches.are_behind:
                rooms.faults.put_found()

    def _is_whole(self) -> bool:
        """Whether all changes were heard to their end, and what they touch is worked out."""
        rooms = self._rooms
        return not rooms.switches.are_behind and not rooms.changes.are_partial

    def _bring_about(self) -> None:
        """Send each switch and each database what differs from what is wanted."""
        rooms = self._rooms
        rooms.switches.apply()
        for database, transactions in rooms.databases.openvswitch.items():
            if rooms.lock.is_held:  # else the process that has it now may have made other ports
                transactions.commit(rooms.switches.bridge_writes(database))
        if rooms.switches.have_changed:
            rooms.publisher.tell_switches(
                rooms.switches.open(),
                rooms.switches.peers(),
                rooms.rows.physical,
                rooms.connections.blocked(),
            )
        rooms.publisher.tell(FaultsChanged(rooms.faults.take_changed()))
        if rooms.changes.wait:  # the local rows may be ahead of what else is known
            self._write(rooms.publisher.news())
            return
        self._write(rooms.publisher.writes())
        rooms.switches.set_timer()

    def _write(self, writes: Iterable[VtepWrite]) -> None:
        """Send writes to hardware_vtep, unless they are about rows that it lost."""
        rooms = self._rooms
        if not rooms.rows.grace.lasts:
            rooms.databases.vtep.commit(writes)

    def _drop_unmanaged(self) -> None:
        rooms = self._rooms
        rooms.switches.have_changed = False
        rooms.switches.drop_unmanaged(bool(rooms.lock.leads))
        if rooms.switches.have_changed:
            self._inbox.post(WorkIsLeft())

    def _tell_service(self) -> None:
        rooms = self._rooms
        leads, connected = rooms.lock.leads, rooms.switches.connected()
        closed = {name for name in connected if not rooms.switches.drivers[name].is_open}
        self._service.be(
            is_ready(leads, not rooms.hosts.are_away(), closed),
            status(leads, rooms.lock.is_held, rooms.switches.drivers, connected),
        )

    def _account_is_due(self, _event: AccountIsDue) -> None:
        rooms = self._rooms
        for account in chain(rooms.switches.accounts(), rooms.databases.accounts()):
            ACCOUNT.info("sent to %s", account)

    def _work_is_left(self, _event: WorkIsLeft) -> None:
        """Nothing has happened: the turn goes on with the work."""
