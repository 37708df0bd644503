"""The one loop that owns all state: events come in, each turn ends in what they change."""

import logging
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar
from uuid import UUID

import eventlet
from eventlet.greenthread import GreenThread

from ..engine.network import Network, OfRefused, OfStation, Row, Topic
from ..engine.switch_state import SwitchState
from ..features.learning.stations import LearnedMacs
from ..features.tunnels.vxlan_ports import VxlanPorts
from ..process import host
from ..process.settings import Settings
from ..process.systemd import ServiceManager
from ..values.events import (
    AccountIsDue,
    AddressesAreDue,
    Alive,
    AnswerIsDue,
    Applied,
    Away,
    Bridges,
    BridgesInSync,
    CheckIsDue,
    ChecksAreDue,
    ClaimIsOld,
    Committed,
    Connected,
    Connection,
    Counters,
    Disconnected,
    EmptyGraceIsOver,
    Event,
    FlowRemoved,
    FlowsChanged,
    GraceIsOver,
    GroupsChanged,
    HoldIsOver,
    LockIs,
    PacketIn,
    PatienceIsOver,
    ReadBack,
    RefusedAreDue,
    RetryIsDue,
    RoleIs,
    RoleIsDue,
    StatisticsAreDue,
    TunnelsAreDue,
    VtepInSync,
    VtepRows,
    WatchdogIsDue,
    WorkIsLeft,
    Writer,
)
from ..values.faults import Fault, of_switch
from ..values.rows import Bridge, Gone, LocalMac, LocalMcastMac, PhysicalSwitch, RemoteMac, VtepRow
from ..values.writes import VtepWrite
from .bridge_choice import Choice, choose
from .change_queue import ChangeQueue
from .claims import Claim, Refusal, Shared, judge, remedy, shared_ids
from .fault_log import FaultLog
from .forgotten_steps import ON_LOOPBACK, Listener, missing
from .inbox import Inbox
from .publisher import Publisher
from .switch_driver import SwitchDriver
from .transactions import Transactions

LOG = logging.getLogger("vtep_ofapp.loop")
REFUSED = logging.getLogger("vtep_ofapp.refused")
ACCOUNT = logging.getLogger("vtep_ofapp.account")


MAX_IN_REPORT = 10_000
"""Writes in one report to the NVC: all that a change in an ordinary case asks for."""
ROLE_PAUSE = 1.0
"""Seconds after which a switch that refused to have us as its master is asked again."""
ADDRESS_INTERVAL = 5.0
"""Seconds between two looks at this host's addresses."""
MAX_REFUSED = 1000
"""Datapaths of which it is remembered that the log mentions them."""
LOOK_TIME = 5.0
"""Seconds between looks at the groups of a switch, which does not tell who changes them."""
CHECK_TIME = 1.0
"""Seconds from a change of flows by others until the switch is read back."""
CLAIM_TIME = 10.0
"""Seconds for which a connection may wait until its bridge's datapath id is in the database."""
ANSWER_TIME = 1.0
"""Seconds for a switch to answer on its connection, when there is a second one of it."""
MAX_UNCLAIMED = 100
"""Datapaths that wait until the databases are read; one more costs the first its place."""


class Alarm:
    """One timer for an event whose time may come sooner or later than it was known to."""

    def __init__(
        self,
        event: Event,
        later: Callable[[float, Event], GreenThread | None],
        clock: Callable[[], float],
    ) -> None:
        self._event = event
        self._later = later
        self._clock = clock
        self._due: float | None = None
        self._timer: GreenThread | None = None

    def set(self, due: float | None) -> None:
        """Let the event come at this time of the clock, or not at all."""
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        pause = None if due is None else max(0.0, due - self._clock())
        self._timer = None if pause is None else self._later(pause, self._event)

    def over(self) -> None:
        """Take note that the event has come."""
        self._due = self._timer = None


class Loop:
    """All state of the application, and the turn that brings the world in line with it."""

    def __init__(
        self,
        vtep: Writer,
        openvswitch: Mapping[str, Writer],
        inbox: Inbox,
        settings: Settings,
        service: ServiceManager,
        clock: Callable[[], float] = time.monotonic,
        listener: Listener = ON_LOOPBACK,
    ) -> None:
        """Write to hardware_vtep by ``vtep``, and to each Open_vSwitch by its name.

        The order of these counts where several have a bridge of one name. ``listener`` is where
        switches reach us.
        """
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._service = service
        self._listener = listener
        self._network = Network()
        self._macs = LearnedMacs(clock)
        self._faults = FaultLog(clock)
        self._found: dict[Hashable, Sequence[Fault]] = {}
        self._refused_rows: set[UUID] = set()
        self._news = ChangeQueue()
        self._is_settling = False
        self._former_places: dict[OfStation, str | None] = {}
        self._report = Publisher(
            self._macs, self._faults, settings.port_grace, settings.bound_port_grace, clock
        )
        self._physical: dict[UUID, PhysicalSwitch] = {}
        self._bridges: dict[str, dict[str, Bridge]] = {name: {} for name in openvswitch}
        self._sessions: dict[str, SwitchDriver] = {}
        self._by_connection: dict[Connection, SwitchDriver] = {}
        self._left: set[str] = set()
        self._unclaimed: dict[Connection, Claim] = {}
        self._waiting: set[Connection] = set()
        self._rivals: dict[Connection, tuple[SwitchDriver, Claim]] = {}
        self._shared: Shared = {}
        self._refused_datapaths: dict[int, str] = {}
        self._leads: bool | None = None
        self._holds_lock = False
        self._roles_due: set[Connection] = set()
        self._missed: set[UUID] | None = None
        self._missed_until = 0.0
        self._vtep_is_in_sync = False
        self._unread = set(openvswitch)
        self._choice = Choice()
        self._missing: set[str] = set()
        self._switches_changed = False
        self._hold_is_awaited = False
        self._patience = Alarm(PatienceIsOver(), self._later, clock)
        self._grace = Alarm(GraceIsOver(), self._later, clock)
        self._vxlan_ports = {name: VxlanPorts() for name in openvswitch}
        self._tunnels = Alarm(TunnelsAreDue(), self._later, clock)
        self._vtep = Transactions("hardware_vtep", vtep, self._later, MAX_IN_REPORT)
        self._openvswitch = {
            name: Transactions(name, writer, self._later) for name, writer in openvswitch.items()
        }

    def run(self) -> None:
        """Take turns for ever. A turn that fails is a bug: it is logged, and the next one comes."""
        self._later(LOOK_TIME, ChecksAreDue())
        if self._settings.stats_interval:
            self._later(self._settings.stats_interval, StatisticsAreDue())
        self._later(ADDRESS_INTERVAL, AddressesAreDue())
        if self._service.watchdog_interval:
            self._later(self._service.watchdog_interval, WatchdogIsDue())
        while True:
            events = self._inbox.take()
            try:
                self.turn(events)
            except Exception:
                LOG.exception("a turn failed with these events: %.2000s", events)
            eventlet.sleep(0)

    def turn(self, events: list[Event]) -> None:
        """Take the events, then send each switch and each database what they change.

        What one transaction changed is one change: nothing is decided before all of it is heard,
        and nothing is sent before all of it is worked out. Stations are learned, and their rows
        written, in the meantime.
        """
        for event in events:
            self._HANDLERS[type(event)](self, event)
        if not self._is_settling:
            for part in self._news.hear():
                self._HEARERS[type(part)](self, part)
        if self._vtep_is_in_sync:
            self._decide()
            if self._leads and self._is_whole():
                self._bring_about()
            elif self._leads:
                self._write(self._report.news())
            if self._is_whole():
                self._switches_changed = False
                self._end_sessions()
                if self._switches_changed:
                    self._inbox.post(WorkIsLeft())
            self._service.be(self._is_ready(), self._status())
        if self._is_settling or self._news.wait:
            self._inbox.post(WorkIsLeft())

    def _decide(self) -> None:
        """Work out what is wanted, unless a change is only heard in part."""
        if self._news.are_partial:
            self._learn()
            return
        if self._switches_changed:
            self._match_switches()
        self._claim()
        if self._switches_changed:
            self._find_missing()
        self._give_way()
        self._learn()
        self._settle()

    def _is_whole(self) -> bool:
        """Whether all changes were heard to their end, and what they touch is worked out."""
        return not self._is_settling and not self._news.are_partial

    def _bring_about(self) -> None:
        """Send each switch and each database what differs from what is wanted."""
        for session in self._sessions.values():
            if session.open():
                self._switches_changed = True
            session.apply()
        for database, transactions in self._openvswitch.items():
            if not self._holds_lock:
                break  # the process that has it now may have made other ports
            transactions.commit(
                write
                for session in self._sessions.values()
                if session.managed.bridge and session.managed.bridge.database == database
                for write in session.port_writes()
            )
        if self._switches_changed:
            self._report.set_switches(
                [
                    session.managed
                    for session in self._sessions.values()
                    if session.is_open and session.managed.bridge is not None
                ],
                self._physical.values(),
                [name for names in self._shared.values() for name in names],
            )
            grace = self._report.grace()
            self._grace.set(None if grace is None else self._clock() + grace)
        self._report.faults_changed(self._faults.take_changed())
        if self._news.wait:  # the report's rows may be ahead of what else is known
            self._write(self._report.news())
            return
        rows = (session.row_writes() for session in self._sessions.values())
        self._write(chain(self._report.writes(), *rows))
        ends = [session.managed.tunnels_are_due() for session in self._sessions.values()]
        self._tunnels.set(min((each for each in ends if each is not None), default=None))

    def _write(self, writes: Iterable[VtepWrite]) -> None:
        """Send writes to hardware_vtep, unless they are about rows that it lost."""
        if self._missed is None:
            self._vtep.commit(writes)

    def _is_ready(self) -> bool:
        """Whether all that can be done is done: every switch that is connected is in our hands."""
        return (
            self._leads is not None
            and len(self._unread) < len(self._bridges)
            and not (
                self._leads
                and any(each.connection and not each.is_open for each in self._sessions.values())
            )
        )

    def _status(self) -> str:
        """Return what this process does, in a line for people."""
        if self._leads is None:
            return "waiting for the lock on hardware_vtep"
        if not self._leads:
            return "standing by: another process has the lock"
        connected = sorted(name for name, each in self._sessions.items() if each.connection)
        missing = sorted(self._sessions.keys() - set(connected))
        absent = f"; not connected: {', '.join(missing)}" if missing else ""
        away = "" if self._holds_lock else "; hardware_vtep is away"
        return f"in charge of {', '.join(connected) or 'no switch'}{absent}{away}"

    def _later(self, seconds: float, event: Event) -> GreenThread | None:
        return eventlet.spawn_after(seconds, self._inbox.post, event)

    # Turns

    def _match_switches(self) -> None:
        """Give each Physical_Switch row with a bridge of its name a session.

        A bridge without such a row gets one too if something of ours is left there.
        """
        rows = {row.name: row for row in self._physical.values()}
        read = {
            name: None if name in self._unread else bridges
            for name, bridges in self._bridges.items()
        }
        self._choice = choose(read, rows)
        bridges = self._choice.bridges
        left = {name for name, bridge in bridges.items() if bridge.has_traces} - rows.keys()
        for name in sorted(left - self._left):
            LOG.warning(
                "%s: no Physical_Switch; what is ours there is removed once it is connected", name
            )
        self._left = left
        for name in (rows.keys() & bridges.keys() | left) - self._sessions.keys():
            managed = SwitchState(name, self._network, self._macs, self._settings, self._clock)
            self._sessions[name] = SwitchDriver(managed)
            self._refused_datapaths.clear()
        for name, session in self._sessions.items():
            managed = session.managed
            if managed.physical is not rows.get(name):
                managed.set_physical(rows.get(name))
            bridge = bridges.get(name)
            if bridge and managed.bridge and bridge.database != managed.bridge.database:
                bridge = None  # that of another host: this one ends, and a new one begins
            if managed.bridge is not bridge:
                managed.set_bridge(bridge)
            if managed.bridge is not None:
                managed.set_vxlan_ports(self._vxlan_ports[managed.bridge.database].ports)
        self._compare_ids()

    def _find_missing(self) -> None:
        """Find out which step an operator has forgotten, for each switch."""
        rows = {row.name: row for row in self._physical.values()}
        connected = {name for name, session in self._sessions.items() if session.connection}
        found = missing(
            rows,
            self._choice.bridges,
            self._choice.waiting,
            connected,
            sorted(self._unread),
            self._listener,
        )
        said = {name: [fault] for name, fault in found.items()} | self._choice.faults
        self._found.update(
            {(name, "missing"): said.get(name, ()) for name in said.keys() | self._missing}
        )
        self._missing = set(said)

    def _compare_ids(self) -> None:
        """Part with connections whose datapath id is now that of another bridge, or of several."""
        every = (bridge for bridges in self._bridges.values() for bridge in bridges.values())
        self._shared = shared_ids(every, self._managed_bridges().values())
        for name, session in self._sessions.items():
            bridge, physical = session.managed.bridge, session.managed.physical
            id = bridge.datapath_id if bridge else None
            is_shared = id is not None and id in self._shared
            faults = []
            if id is not None and is_shared and physical is not None:
                subject, reason = f"Physical_Switch {name}", remedy(id, self._shared[id])
                faults = [Fault(subject, reason, of_switch(physical.uuid))]
            self._found[name, "datapath id"] = faults
            claim = session.claim
            is_former = claim is not None and id is not None and claim.datapath_id != id
            if session.connection is not None and (is_shared or is_former):
                session.connection.disconnect()

    def _managed_bridges(self) -> dict[str, Bridge]:
        return {
            name: session.managed.bridge
            for name, session in self._sessions.items()
            if session.managed.bridge is not None
        }

    def _claim(self) -> None:
        """Give each new connection to the session of its bridge, let it wait, or refuse it."""
        unclaimed, self._unclaimed = self._unclaimed, {}
        managed = self._managed_bridges() if unclaimed else {}
        for connection, claim in unclaimed.items():
            verdict = judge(claim, managed, self._shared, is_all_read=not self._unread)
            if verdict is None:
                self._let_wait(connection, claim)
            elif isinstance(verdict, Refusal):
                self._refuse(connection, claim.datapath_id, verdict.reason)
            else:
                self._give(connection, claim, self._sessions[verdict])

    def _give(self, connection: Connection, claim: Claim, session: SwitchDriver) -> None:
        """Give a session its connection; if it has one, ask the switch whether that still works."""
        if session.connection is None:
            session.connect(connection, bool(self._leads), claim, self._holds_lock)
            self._by_connection[connection] = session
        elif any(session is rival for rival, _ in self._rivals.values()):
            self._refuse_second(connection, claim, session)
        else:
            self._rivals[connection] = session, claim
            session.connection.ask()
            self._later(ANSWER_TIME, AnswerIsDue(connection))

    def _let_wait(self, connection: Connection, claim: Claim) -> None:
        self._unclaimed[connection] = claim
        if connection not in self._waiting:
            self._waiting.add(connection)
            self._later(CLAIM_TIME, ClaimIsOld(connection))

    def _refuse_second(self, connection: Connection, claim: Claim, session: SwitchDriver) -> None:
        reason = f"{session.managed.name} is already connected"
        self._refuse(connection, claim.datapath_id, reason)

    def _refuse(self, connection: Connection, datapath_id: int, reason: str) -> None:
        """Close a connection; of a switch that keeps trying each reason is said once."""
        known = self._refused_datapaths.get(datapath_id) == reason
        REFUSED.log(
            logging.DEBUG if known else logging.WARNING,
            "datapath %016x is refused: %s",
            datapath_id,
            reason,
        )
        if len(self._refused_datapaths) >= MAX_REFUSED:
            self._refused_datapaths.clear()
        self._refused_datapaths[datapath_id] = reason
        connection.disconnect()

    def _learn(self) -> None:
        """Let everyone know which stations were learned, moved or forgotten."""
        hold = self._macs.next_release()
        if hold is not None and not self._hold_is_awaited:
            self._hold_is_awaited = True
            self._later(hold, HoldIsOver())
        stations = self._macs.take_changed()
        self._report.stations_changed(stations)
        for session in self._sessions.values():
            session.managed.touch_stations(stations)

    def _settle(self) -> None:
        """Work out what is touched, or some of it; faults are put when all of it is."""
        for row in self._refused_rows:
            refused = self._network.refused(row)
            faults = [Fault(refused.subject, refused.reason)] if refused else []
            self._found[OfRefused(row)] = faults
        self._refused_rows.clear()
        for session in self._sessions.values():
            managed = session.managed
            for cause, found in managed.settle():
                self._found[managed.name, cause] = found
        self._is_settling = any(each.managed.is_behind for each in self._sessions.values())
        if not self._is_settling:
            self._faults.put_all(self._found)
            self._found = {}
            self._patience.set(self._faults.due())

    def _end_sessions(self) -> None:
        """Part with switches that are managed no more, after all of ours is gone from them."""
        for name, session in list(self._sessions.items()):
            managed = session.managed
            if managed.physical is not None and managed.bridge is not None:
                continue
            is_clean = session.is_settled() and managed.tunnels.ports.settled()
            if managed.bridge is not None and (
                managed.bridge.has_traces or (self._leads and session.was_open and not is_clean)
            ):
                continue  # perhaps until the switch connects again
            if session.connection is not None:
                session.connection.disconnect()
            LOG.info("%s is managed no more", name)
            for cause in (*managed.faulty(), "datapath id", "refused"):
                self._faults.put((name, cause), ())
            del self._sessions[name]
            self._by_connection = {
                connection: other
                for connection, other in self._by_connection.items()
                if other is not session
            }
            self._switches_changed = True

    # Events

    def _vtep_rows(self, event: VtepRows) -> None:
        """Let rows wait to be heard, but for what is in the local tables.

        That is known at once, before the answer to the transaction that wrote it.
        """
        for row in event.rows:
            if isinstance(row, Gone | LocalMac | LocalMcastMac):
                self._report.update(row)
        self._news.add(event)

    def _vtep_in_sync(self, event: VtepInSync) -> None:
        for uuid in self._report.rows() - event.rows:
            self._report.update(Gone(uuid))
        self._news.add(event)

    def _bridges_told(self, event: Bridges | BridgesInSync) -> None:
        self._news.add(event)

    def _lock_is(self, event: LockIs) -> None:
        """Take charge of all switches, or leave them to the process that has the lock now.

        Either way the rows, ports and decisions are kept up to date, so that a change of hands
        takes no longer than reading the switches back. When the lock is granted again after the
        database was away, another process may have had it meanwhile: each switch knows.
        """
        led, self._leads = self._leads, event.held
        self._holds_lock = event.held
        self._switches_changed = True
        if event.held:
            LOG.info("this process has the lock: it is in charge")
            self._report.begin_anew()
            self._vtep.back()
        else:
            LOG.info("another process has the lock: standing by")
        for session in self._sessions.values():
            if not event.held:
                session.stand_by()
            elif led:
                session.make_sure()
            else:
                session.lead()

    def _empty_grace_is_over(self, event: EmptyGraceIsOver) -> None:
        if self._missed is not None and self._clock() >= self._missed_until:
            self._drop(self._missed)

    def _away(self, event: Away) -> None:
        """Go on with what is known, and write nothing: nobody has the lock, as far as we know."""
        self._transactions(event.database).away()
        if event.database not in self._openvswitch:
            self._holds_lock = False

    def _committed(self, event: Committed) -> None:
        self._transactions(event.database).committed(event.error)

    def _retry_is_due(self, event: RetryIsDue) -> None:
        self._transactions(event.database).resume()

    def _grace_is_over(self, event: GraceIsOver) -> None:
        self._grace.over()
        self._switches_changed = True

    def _transactions(self, database: str) -> Transactions:
        return self._openvswitch.get(database, self._vtep)

    def _connected(self, event: Connected) -> None:
        self._unclaimed[event.connection] = Claim(event.datapath_id, event.name)
        self._switches_changed = True
        if len(self._unclaimed) > MAX_UNCLAIMED:
            oldest = next(iter(self._unclaimed))
            del self._unclaimed[oldest]
            oldest.disconnect()

    def _disconnected(self, event: Disconnected) -> None:
        self._unclaimed.pop(event.connection, None)
        self._waiting.discard(event.connection)
        self._rivals.pop(event.connection, None)
        session = self._by_connection.pop(event.connection, None)
        if session is not None:
            LOG.warning("%s: connection lost", session.managed.name)
            session.disconnect()
            self._switches_changed = True

    def _claim_is_old(self, event: ClaimIsOld) -> None:
        claim = self._unclaimed.pop(event.connection, None)
        if claim is not None:
            reason = f"Open vSwitch's database has no bridge with that id within {CLAIM_TIME:g} s"
            self._refuse(event.connection, claim.datapath_id, reason)

    def _alive(self, event: Alive) -> None:
        """Refuse the second connection of a switch that answers on its first one."""
        session = self._by_connection.get(event.connection)
        for connection, (wanted, claim) in list(self._rivals.items()):
            if wanted is session:
                del self._rivals[connection]
                self._refuse_second(connection, claim, wanted)

    def _answer_is_due(self, event: AnswerIsDue) -> None:
        """Let the second connection of a switch take the place of one that died silently."""
        rival = self._rivals.pop(event.connection, None)
        if rival is None:
            return
        session, claim = rival
        self._unclaimed[event.connection] = claim
        former = session.connection
        if former is not None and self._by_connection.pop(former, None) is session:
            what = "%s: no answer within %g s from %s; a newer connection takes its place"
            LOG.warning(what, session.managed.name, ANSWER_TIME, former.peer)
            session.disconnect()
            former.disconnect()

    def _role_is(self, event: RoleIs) -> None:
        """Take a switch's word on its master.

        One that refuses us is asked again while we have the lock: then its master is one that has
        lost it. Otherwise that is the process that has it now.
        """
        session = self._by_connection.get(event.connection)
        if session is None or not self._leads:
            return
        was_refused = session.is_refused
        is_outdated = session.role_is(event)
        if event.generation is not None:
            return
        if not self._holds_lock:
            if not was_refused:
                LOG.warning(
                    "%s has another master; leaving it alone while hardware_vtep is away",
                    session.managed.name,
                )
        elif is_outdated:
            self._lead_again(session)
        elif event.connection not in self._roles_due:
            self._roles_due.add(event.connection)
            self._later(ROLE_PAUSE, RoleIsDue(event.connection))

    def _role_is_due(self, event: RoleIsDue) -> None:
        self._roles_due.discard(event.connection)
        session = self._by_connection.get(event.connection)
        if session is not None and self._holds_lock and not session.is_master:
            LOG.warning(
                "%s has another master, and this process has the lock; asking again",
                session.managed.name,
            )
            self._lead_again(session)

    def _lead_again(self, session: SwitchDriver) -> None:
        """Lead a switch that another process may have led meanwhile."""
        self._report.begin_anew(session.managed.name)
        self._switches_changed = True
        session.lead()

    def _read_back(self, event: ReadBack) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None:
            for _ in session.read_back(event):
                eventlet.sleep(0)
            self._find_refused(session)

    def _applied(self, event: Applied) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None:
            for _ in session.applied(event):
                eventlet.sleep(0)
            pause = session.pause()
            if pause is not None:
                self._later(pause, RefusedAreDue(event.connection))
            self._find_refused(session)

    def _refused_are_due(self, event: RefusedAreDue) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None:
            session.try_refused()
            self._find_refused(session)

    def _find_refused(self, session: SwitchDriver) -> None:
        self._found[session.managed.name, "refused"] = session.refused()

    def _flows_changed(self, event: FlowsChanged) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None and session.flows_changed(event):
            self._later(CHECK_TIME, CheckIsDue(event.connection))

    def _check_is_due(self, event: CheckIsDue) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None and session.check():
            self._later(CHECK_TIME, event)

    def _groups_changed(self, event: GroupsChanged) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None:
            session.groups_changed(event)

    def _checks_are_due(self, event: ChecksAreDue) -> None:
        for session in self._sessions.values():
            session.look()
        self._later(LOOK_TIME, event)

    def _flow_removed(self, event: FlowRemoved) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None:
            session.flow_removed(event)

    def _work_is_left(self, event: WorkIsLeft) -> None:
        """Nothing has happened: the turn goes on with the work."""

    def _counters(self, event: Counters) -> None:
        session = self._by_connection.get(event.connection)
        if session is not None:
            session.managed.count(event.flows)

    def _patience_is_over(self, event: PatienceIsOver) -> None:
        self._patience.over()
        self._faults.say_lasting()

    def _tunnels_are_due(self, event: TunnelsAreDue) -> None:
        self._tunnels.over()
        for session in self._sessions.values():
            session.managed.tunnels_due()

    def _addresses_are_due(self, event: AddressesAreDue) -> None:
        for session in self._sessions.values():
            session.managed.check_addresses(host.has_interface, host.has_address)
        self._later(ADDRESS_INTERVAL, event)

    def _hold_is_over(self, event: HoldIsOver) -> None:
        self._macs.release()
        self._hold_is_awaited = False

    def _watchdog_is_due(self, event: WatchdogIsDue) -> None:
        self._service.alive()
        self._later(self._service.watchdog_interval, event)

    def _account_is_due(self, event: AccountIsDue) -> None:
        for name, session in self._sessions.items():
            if session.connection is not None:
                ACCOUNT.info("sent to %s: %s", name, session.connection.traffic)
        for transactions in (*self._openvswitch.values(), self._vtep):
            ACCOUNT.info("sent to %s", transactions.account())

    def _statistics_are_due(self, event: StatisticsAreDue) -> None:
        for session in self._sessions.values():
            session.count()
        self._later(self._settings.stats_interval, event)

    def _packet_in(self, event: PacketIn) -> None:
        """Take a packet-in; while another process is in charge, that one does."""
        session = self._by_connection.get(event.connection)
        if session is not None and self._leads:
            session.managed.packet_in(event)

    # What the databases changed

    def _rows_changed(self, event: VtepRows) -> None:
        for row in event.rows:
            self._update(row)

    def _update(self, row: VtepRow) -> None:
        if self._missed is not None and not isinstance(row, Gone):
            self._missed.discard(row.uuid)
        if isinstance(row, PhysicalSwitch):
            self._physical[row.uuid] = row
            self._switches_changed = True
            self._touch(self._network.update_switch(row.uuid, row))
            if self._missed is not None:
                self._drop(self._missed)
            return
        if isinstance(row, LocalMac | LocalMcastMac):
            return
        if row.uuid in self._physical:
            del self._physical[row.uuid]
            self._switches_changed = True
            self._touch(self._network.update_switch(row.uuid, None))
            return
        self._remember_places(row)
        self._touch(self._network.update(row))

    def _touch(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            if isinstance(topic, OfRefused):
                self._refused_rows.add(topic.row)
            for session in self._sessions.values():
                session.managed.touch(topic)

    def _remember_places(self, row: Row | Gone) -> None:
        """Remember where the NVC placed the learned stations that a row is about, before it."""
        for each in (row, self._network.row(row.uuid)):
            if isinstance(each, RemoteMac) and self._macs.place(each.logical_switch, each.mac):
                station = OfStation(each.logical_switch, each.mac)
                if station not in self._former_places:
                    self._former_places[station] = self._network.place(station)

    def _give_way(self) -> None:
        """Forget stations that we learned when the NVC places them elsewhere.

        They have moved, as far as the NVC knows. If one still is here, its next frame is a new
        claim that the NVC can see; a known station would stay silent.
        """
        former_places, self._former_places = self._former_places, {}
        for station, former in former_places.items():
            address, learned = self._network.place(station), self._macs.place(*station)
            session = self._sessions.get(learned.switch) if learned else None
            physical = session.managed.physical if session else None
            if address in (None, former) or physical is None or address in physical.tunnel_ips:
                continue
            self._macs.forget(*station)

    def _all_rows_told(self, event: VtepInSync) -> None:
        """Drop the rows that do not exist any more, unless the database came back empty."""
        gone = {*self._physical, *self._network.rows()} - event.rows
        self._vtep_is_in_sync = True
        self._switches_changed = True
        if self._physical and gone.issuperset(self._physical) and self._settings.empty_db_grace:
            self._miss(gone)
        else:
            self._drop(gone)

    def _miss(self, rows: set[UUID]) -> None:
        """Keep rows for a while: a database without any Physical_Switch is to be restored.

        That is what it looks like when the server was started with an empty file. Until then
        nothing is written: it would be about rows that do not exist.
        """
        if self._missed is None:
            grace = self._settings.empty_db_grace
            self._missed_until = self._clock() + grace
            self._later(grace, EmptyGraceIsOver())
            LOG.warning(
                "hardware_vtep came back without any Physical_Switch: %s stays as it is for %g s; "
                "restore the database, or let its flows, groups and ports go then",
                ", ".join(sorted(self._sessions)) or "nothing",
                grace,
            )
        self._missed = rows

    def _drop(self, gone: set[UUID]) -> None:
        if self._missed is not None:
            has_returned = not gone.issuperset(self._physical)
            if has_returned:
                LOG.info("hardware_vtep has a Physical_Switch again")
            else:
                LOG.warning("hardware_vtep still has no Physical_Switch: what it had is given up")
        self._missed = None
        for uuid in gone:
            self._update(Gone(uuid))

    def _bridges_changed(self, event: Bridges) -> None:
        bridges = self._bridges[event.database]
        for name, bridge in event.bridges.items():
            if bridge is None:
                bridges.pop(name, None)
            else:
                bridges[name] = bridge
        self._vxlan_ports[event.database].update(event.bridges)
        self._switches_changed = True

    def _all_bridges_told(self, event: BridgesInSync) -> None:
        bridges = self._bridges[event.database]
        gone = bridges.keys() - event.names
        self._vxlan_ports[event.database].update(dict.fromkeys(gone))
        for name in gone:
            del bridges[name]
        self._unread.discard(event.database)
        self._switches_changed = True
        self._openvswitch[event.database].back()

    _HANDLERS: ClassVar[dict[type, Callable[["Loop", Any], None]]] = {
        VtepRows: _vtep_rows,
        VtepInSync: _vtep_in_sync,
        Bridges: _bridges_told,
        BridgesInSync: _bridges_told,
        Committed: _committed,
        RetryIsDue: _retry_is_due,
        GraceIsOver: _grace_is_over,
        TunnelsAreDue: _tunnels_are_due,
        AddressesAreDue: _addresses_are_due,
        Connected: _connected,
        Disconnected: _disconnected,
        LockIs: _lock_is,
        ClaimIsOld: _claim_is_old,
        Alive: _alive,
        AnswerIsDue: _answer_is_due,
        Away: _away,
        EmptyGraceIsOver: _empty_grace_is_over,
        RoleIs: _role_is,
        RoleIsDue: _role_is_due,
        ReadBack: _read_back,
        Applied: _applied,
        RefusedAreDue: _refused_are_due,
        FlowsChanged: _flows_changed,
        CheckIsDue: _check_is_due,
        GroupsChanged: _groups_changed,
        ChecksAreDue: _checks_are_due,
        FlowRemoved: _flow_removed,
        PacketIn: _packet_in,
        WorkIsLeft: _work_is_left,
        Counters: _counters,
        StatisticsAreDue: _statistics_are_due,
        HoldIsOver: _hold_is_over,
        PatienceIsOver: _patience_is_over,
        WatchdogIsDue: _watchdog_is_due,
        AccountIsDue: _account_is_due,
    }
    _HEARERS: ClassVar[dict[type, Callable[["Loop", Any], None]]] = {
        VtepRows: _rows_changed,
        VtepInSync: _all_rows_told,
        Bridges: _bridges_changed,
        BridgesInSync: _all_bridges_told,
    }
