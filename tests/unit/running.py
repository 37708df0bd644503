"""The application, one process after another, between a switch and two databases.

These are doubles that do what they are asked for when hypothesis lets them: bundles, transactions
and news wait, connections are cut, the process is killed. When all has come to rest, a new process
finds nothing to do.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.features.learning.damping import HOLD
from vtep_ofapp.loop.components import build_components
from vtep_ofapp.loop.inbox import Inbox
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.process.systemd import ServiceManager
from vtep_ofapp.recording.recorder import NoRecord
from vtep_ofapp.values.events import (
    Away,
    Committed,
    Connected,
    Disconnected,
    Event,
    LockIs,
)
from vtep_ofapp.values.listen_address import ON_LOOPBACK
from vtep_ofapp.values.rows import (
    Bridge,
    BridgePort,
    LogicalSwitch,
    PhysicalSwitch,
    VtepRow,
)

from .builders import (
    BROADCAST,
    DATABASE,
    SWITCH,
)
from .doubles import SwitchDouble, TimeDouble
from .reference import Known, Place, Reference, Tunnel, Wire
from .step_by_step import Connection, OpenVSwitch, Vtep
from .walk import Frame, Out, Pipeline, Result


@dataclass(frozen=True)
class _KnownSwitch:
    bridge: Bridge
    physical: PhysicalSwitch


@dataclass(frozen=True)
class _Known:
    """What the databases have, as the reference looks at it."""

    rows: Mapping[UUID, VtepRow]
    settings: Settings
    switches: Mapping[str, _KnownSwitch]

    def tunnel_ports(self, name: str) -> list[BridgePort]:
        return [each for each in self.switches[name].bridge.ports.values() if each.is_ours]

    def ports_to_anyone(self, name: str) -> list[BridgePort]:
        return []


class Surrounded:
    """The loop of a process, and the doubles of all that it is connected to."""

    POLICY = Settings(port_grace=0.0, bound_port_grace=0.0, stats_interval=0.0)

    def __init__(self) -> None:
        super().__init__()
        self.vtep, self.openvswitch, self.switch = Vtep(), OpenVSwitch(), SwitchDouble()
        self.connection: Connection | None = None
        self.loop = self.new_loop()
        self.has_lock = False

    def new_loop(self) -> Loop:
        self.time = TimeDouble()
        self.due: list[Event] = []
        timers = self.time.timers(self.due.append)
        record, measures = self.new_record(), Measures(self.time.clock)
        self.components = build_components(
            record.writer("hardware_vtep", self.vtep),
            {DATABASE: record.writer(DATABASE, self.openvswitch)},
            self.POLICY,
            timers,
            ON_LOOPBACK,
            measures,
        )
        inbox = Inbox(measures.packet_ins)
        return Loop(self.components, inbox, ServiceManager({}), record.turn)

    def turn(self, events: Sequence[Event]) -> None:
        self.loop.turn(events)

    def new_record(self) -> NoRecord:
        """Return the record of a new process."""
        return NoRecord()

    def answer(self, connection: Connection) -> None:
        """Let the switch do what it was asked for first."""
        is_bundle = bool(connection.requests) and connection.requests[0] == "apply"
        connection.answer()
        if is_bundle:
            self.bundle_made()

    def bundle_made(self) -> None:
        """Judge what the switch has after a bundle."""

    # What there is

    @property
    def physical(self) -> PhysicalSwitch | None:
        row = self.vtep.rows.get(SWITCH)
        return row if isinstance(row, PhysicalSwitch) else None

    def numbers(self) -> dict[int, UUID]:
        rows = [each.uuid for each in self.vtep.rows.values() if isinstance(each, LogicalSwitch)]
        numbers = StableIds()
        for row in rows:
            numbers.add(row)
        return {numbers.number(row): row for row in rows}

    def known(
        self, rows: Mapping[UUID, VtepRow] | None = None, there: Bridge | None = None
    ) -> Known:
        """Return what the databases have, or had, as the reference looks at it."""
        rows, there = rows or self.vtep.rows, there or self.openvswitch.bridge()
        physical = rows[SWITCH]
        assert isinstance(physical, PhysicalSwitch)
        return _Known(rows, self.POLICY, {"br0": _KnownSwitch(there, physical)})

    def learned(self) -> dict[tuple[int, str], int]:
        """Return the stations that the switch knows, with the numbers of their bindings."""
        found = {}
        for key in self.switch.flows:
            fields = dict(key.match)
            if key.table == Table.LEARNING and "reg0" in fields and "eth_src" in fields:
                number, mac, binding = fields["metadata"], fields["eth_src"], fields["reg0"]
                assert isinstance(number, int)
                assert isinstance(mac, str)
                assert isinstance(binding, int)
                assert (number, mac) not in found
                found[number, mac] = binding
        return found

    def reference(
        self, rows: Mapping[UUID, VtepRow] | None = None, there: Bridge | None = None
    ) -> Reference:
        """Return a VTEP that knows the stations that the switch knows."""
        reference = Reference(self.known(rows, there))
        bindings, ports = reference.bindings("br0"), reference.ports("br0")
        by_number = {
            (ports[name].number or 0) << 12 | vlan: (name, vlan) for name, vlan in bindings
        }
        for (number, mac), binding in self.learned().items():
            name, vlan = by_number[binding]
            assert self.numbers()[number] == bindings[name, vlan]
            reference.sees("br0", Wire(name, vlan or None), mac, BROADCAST)
        return reference

    def send(self, frame: Frame) -> Result:
        """Send a frame through the flows that the switch has, up to date or not."""
        result = Pipeline(self.switch.flows.values(), self.switch.groups.values()).send(frame)
        if self.connection is not None:
            self.connection.news.extend(each.packet_in(self.connection) for each in result.shown)
        return result

    def place(self, there: Bridge, out: Out) -> Place:
        (found,) = (each for each in there.ports.values() if each.number == out.port)
        if found.is_ours:
            assert found.remote is not None
            return Tunnel(found.remote, out.vni)
        return Wire(found.name, out.tags[0] if out.tags else None)

    def change_port_row(self, name: str, **columns: Any) -> None:
        if self.physical is not None:
            ports = tuple(
                replace(each, **columns) if each.name == name else each
                for each in self.physical.ports
            )
            self.vtep.put(replace(self.physical, ports=ports))


class Running(Surrounded, RuleBasedStateMachine):
    """One process after another manages br0. What rows and ports there are is up to others."""

    # Trouble

    @rule()
    def others_delete_all_flows(self) -> None:
        if self.connection is not None:
            self.connection.tell_of_lost_flows(list(self.switch.flows))
        self.switch.flows.clear()
        self.switch.groups.clear()
        self.cut_connection()

    @rule(after_bundle=st.booleans())
    def cut_connection(self, after_bundle: bool = False) -> None:
        """The connection ends; the last bundle may have been made all the same."""
        if self.connection is None:
            return
        if after_bundle:
            self.answer(self.connection)
        connection, self.connection = self.connection, None
        self.turn([Disconnected(connection)])

    @precondition(lambda self: self.connection is None)
    @rule()
    def connect(self) -> None:
        self.connection = Connection(self.switch)
        self.turn([Connected(self.switch.datapath_id, self.connection)])

    @rule()
    def restart(self) -> None:
        """The process is killed, and a new one begins; transactions may have been made."""
        self.vtep.in_flight = self.openvswitch.in_flight = None
        self.connection = None
        self.loop = self.new_loop()
        self.has_lock = False
        self.vtep.begin()
        self.openvswitch.begin()

    @rule(held=st.booleans())
    def change_lock(self, held: bool) -> None:
        """The lock is lost, or it is ours again."""
        if held != self.has_lock:
            self.has_lock = held
            self.vtep.news.append(LockIs(held))

    @rule()
    def lose_database(self) -> None:
        """The connection to hardware_vtep ends, and the next one sends all rows."""
        results = [event for event in self.vtep.news if isinstance(event, Committed)]
        self.vtep.begin()
        if self.vtep.in_flight is not None:
            self.vtep.in_flight = None
            results.append(Committed("hardware_vtep", "the connection ended"))
        self.vtep.news.extendleft(reversed([Away("hardware_vtep"), *results]))
        self.vtep.news.append(LockIs(self.has_lock))

    # Progress

    @rule(count=st.integers(1, 5))
    def hear_of_vtep(self, count: int) -> None:
        self.hear(self.vtep.news, count)

    @rule(count=st.integers(1, 5))
    def hear_of_openvswitch(self, count: int) -> None:
        self.hear(self.openvswitch.news, count)

    @rule(count=st.integers(1, 5))
    def hear_of_switch(self, count: int) -> None:
        if self.connection is not None:
            self.hear(self.connection.news, count)

    def hear(self, news: deque[Event], count: int) -> None:
        self.turn([news.popleft() for _ in range(min(count, len(news)))])

    @rule(is_good=st.booleans())
    def finish_transactions(self, is_good: bool) -> None:
        error = None if is_good else "constraint violation"
        self.vtep.finish(error)
        self.openvswitch.finish(error)

    @rule()
    def switch_answers(self) -> None:
        if self.connection is not None:
            if self.connection.requests and self.connection.requests[0] == "disconnect":
                self.cut_connection()
            else:
                self.answer(self.connection)

    # Rest

    @rule()
    def come_to_rest(self) -> None:
        self.change_lock(held=True)
        for _ in range(100):
            if self.physical is not None and self.connection is None:
                self.connect()
            connection = self.connection
            if not self.make_progress() and self.connection is connection:
                break
        else:
            raise AssertionError("it does not come to rest")
        self.check()

    def check(self) -> None:
        """Judge what has come of it, at rest."""
        raise NotImplementedError

    def make_progress(self, seconds: float | None = None) -> bool:
        """Let time pass and all that waits happen; return whether there was anything."""
        self.time.wait(max(HOLD, self.POLICY.empty_db_grace) if seconds is None else seconds)
        due, self.due[:] = list(self.due), []
        self.turn(due)
        self.vtep.finish()
        self.openvswitch.finish()
        while self.connection is not None and self.connection.requests:
            self.switch_answers()
        news = [*self.vtep.news, *self.openvswitch.news]
        self.vtep.news.clear()
        self.openvswitch.news.clear()
        if self.connection is not None:
            news += self.connection.news
            self.connection.news.clear()
        for event in news:
            self.turn([event])
        return bool(news)

    def teardown(self) -> None:
        self.come_to_rest()
        flows, groups = dict(self.switch.flows), dict(self.switch.groups)
        self.vtep.written = self.openvswitch.written = 0
        self.restart()
        self.come_to_rest()
        assert self.switch.flows == flows
        assert self.switch.groups == groups
        assert self.vtep.written == self.openvswitch.written == 0
        assert self.connection is None or self.connection.changed == 0
        super().teardown()
