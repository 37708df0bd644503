"""The whole application between a switch and two databases, with everything going wrong in between.

The switch and the databases are doubles that do what they are asked for, when hypothesis lets
them: bundles, transactions and news wait, connections are cut, the process is killed. When all
has come to rest, a new process finds nothing to do.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

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
    LocalMac,
    LocalMcastMac,
    LogicalSwitch,
    PhysicalSwitch,
    VtepRow,
)

from .builders import (
    BLUE,
    BROADCAST,
    DATABASE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MAC3,
    OWN,
    RED,
    SWITCH,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    unknown_dst,
    uuid,
)
from .doubles import SwitchDouble, TimeDouble
from .reference import Place, Reference, Tunnel, Wire
from .step_by_step import Connection, OpenVSwitch, Vtep
from .walk import Frame, Out, Pipeline

POLICY = Settings(port_grace=0.0, bound_port_grace=0.0, stats_interval=0.0)
LOGICAL_SWITCHES = st.sampled_from([RED, RED, BLUE])
STATIONS = st.sampled_from([MAC1, MAC1, MAC2, MAC3])
ADDRESSES = st.sampled_from([FAR, FURTHER, OWN])
PORTS = st.sampled_from(["p0", "p1"])
VLANS = st.sampled_from([0, 10])


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


class Whole(RuleBasedStateMachine):
    """One process after another manages br0, which has p0 and p1."""

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
            POLICY,
            timers,
            ON_LOOPBACK,
            measures,
        )
        inbox = Inbox(measures.packet_ins)
        return Loop(self.components, inbox, ServiceManager({}), record.turn)

    def new_record(self) -> NoRecord:
        """Return the record of a new process."""
        return NoRecord()

    @initialize(source_node=st.booleans(), far=st.booleans())
    def begin(self, source_node: bool, far: bool) -> None:
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: RED, 10: BLUE})
        self.vtep.put(
            logical_switch(RED, 5001, source_node=source_node),
            logical_switch(BLUE, 5002),
            physical_switch(*ports),
        )
        if far:
            self.vtep.put(remote_mac(MAC1, FAR), unknown_dst(FAR, row=uuid(0x2000)))
        self.openvswitch.put(port("p0", 1), port("p1", 2))
        self.restart()

    # The NVC and the operator

    @rule(row=LOGICAL_SWITCHES, key=st.sampled_from([None, 5001, 5002]), to_all=st.booleans())
    def put_logical_switch(self, row: UUID, key: int | None, to_all: bool) -> None:
        self.vtep.put(logical_switch(row, key, source_node=to_all))

    @rule(number=st.integers(0, 1), mac=STATIONS, of=LOGICAL_SWITCHES, address=ADDRESSES)
    def place_station(self, number: int, mac: str, of: UUID, address: str) -> None:
        self.vtep.put(remote_mac(mac, address, of=of, row=uuid(0x1000 + number)))

    @rule(number=st.integers(0, 1), of=LOGICAL_SWITCHES, addresses=st.sets(ADDRESSES, min_size=1))
    def put_unknown_dst(self, number: int, of: UUID, addresses: set[str]) -> None:
        self.vtep.put(unknown_dst(*addresses, of=of, row=uuid(0x2000 + number)))

    @rule(row=st.sampled_from([uuid(0x1000), uuid(0x1001), uuid(0x2000), uuid(0x2001)]))
    def remove_row(self, row: UUID) -> None:
        self.vtep.remove(row)

    @rule(name=PORTS, bindings=st.dictionaries(VLANS, st.sampled_from([RED, BLUE])))
    def bind(self, name: str, bindings: dict[int, UUID]) -> None:
        row = self.physical
        if row is not None:
            ports = tuple(
                replace(each, vlan_bindings=bindings) if each.name == name else each
                for each in row.ports
            )
            self.vtep.put(replace(row, ports=ports))

    @rule(tunnel_ips=st.sampled_from([(), (OWN,), ("1.0.0.1", OWN)]))
    def put_tunnel_ips(self, tunnel_ips: tuple[str, ...]) -> None:
        if self.physical is not None:
            self.vtep.put(replace(self.physical, tunnel_ips=tunnel_ips))

    @rule()
    def remove_switch_row(self) -> None:
        self.vtep.remove(SWITCH)

    @precondition(lambda self: self.physical is None)
    @rule()
    def put_switch_row(self) -> None:
        self.vtep.put(physical_switch(physical_port("p0", {0: RED}), physical_port("p1")))

    @rule(name=PORTS, number=st.integers(1, 3))
    def put_port(self, name: str, number: int) -> None:
        if number not in {each.number for each in self.openvswitch.ports.values()}:
            self.openvswitch.put(port(name, number))

    @rule(name=PORTS)
    def remove_port(self, name: str) -> None:
        self.openvswitch.remove(name)

    @rule()
    def lose_a_tunnel_port(self) -> None:
        for each in list(self.openvswitch.ports.values()):
            if each.is_ours:
                self.openvswitch.remove(each.name)
                return

    # Frames

    @rule(name=PORTS, tag=st.sampled_from([None, 10]), src=STATIONS, dst=STATIONS)
    def send_frame(self, name: str, tag: int | None, src: str, dst: str) -> None:
        """A frame meets the flows that the switch has, up to date or not."""
        if name not in self.openvswitch.ports:
            return
        frame = Frame(self.openvswitch.number(name), src, dst, () if tag is None else (tag,))
        result = Pipeline(self.switch.flows.values(), self.switch.groups.values()).send(frame)
        if self.connection is not None:
            self.connection.news.extend(each.packet_in(self.connection) for each in result.shown)

    @rule(mac=STATIONS)
    def station_is_idle(self, mac: str) -> None:
        known = [
            key
            for key in self.switch.flows
            if key.table == Table.LEARNING and dict(key.match).get("eth_src") == mac
        ]
        if self.connection is not None:
            self.connection.tell_of_lost_flows(known, idle=True)
        for key in known:
            del self.switch.flows[key]

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
            self.connection.answer()
        connection, self.connection = self.connection, None
        self.loop.turn([Disconnected(connection)])

    @precondition(lambda self: self.connection is None)
    @rule()
    def connect(self) -> None:
        self.connection = Connection(self.switch)
        self.loop.turn([Connected(self.switch.datapath_id, self.connection)])

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
        self.loop.turn([news.popleft() for _ in range(min(count, len(news)))])

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
                self.connection.answer()

    @property
    def physical(self) -> PhysicalSwitch | None:
        row = self.vtep.rows.get(SWITCH)
        return row if isinstance(row, PhysicalSwitch) else None

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
        self.check_rows()
        self.check_frames()

    def make_progress(self) -> bool:
        """Let all that waits happen; return whether there was anything."""
        self.time.wait(max(HOLD, POLICY.empty_db_grace))
        due, self.due[:] = list(self.due), []
        self.loop.turn(due)
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
            self.loop.turn([event])
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

    # How it is checked

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

    def check_rows(self) -> None:
        row = self.physical
        local = [each for each in self.vtep.rows.values() if isinstance(each, LocalMac)]
        floods = [each for each in self.vtep.rows.values() if isinstance(each, LocalMcastMac)]
        if row is None:
            assert self.switch.flows == {} or self.connection is None
            return
        own = row.tunnel_ips[0] if row.tunnel_ips else None
        bound = {of for each in row.ports for of in each.vlan_bindings.values()}
        known = self.numbers()
        stations = {(known[number], mac, own) for number, mac in self.learned() if own}
        assert sorted((each.logical_switch, each.mac, each.address) for each in local) == sorted(
            stations
        )
        assert sorted((each.logical_switch, tuple(each.addresses)) for each in floods) == sorted(
            (of, (own,)) for of in bound if own and of in self.vtep.rows
        )
        names = {each.name for each in self.openvswitch.ports.values() if not each.is_ours}
        assert sorted(each.name for each in row.ports) == sorted(names)

    def numbers(self) -> dict[int, UUID]:
        rows = [each.uuid for each in self.vtep.rows.values() if isinstance(each, LogicalSwitch)]
        numbers = StableIds()
        for row in rows:
            numbers.add(row)
        return {numbers.number(row): row for row in rows}

    def check_frames(self) -> None:
        """Send frames through what the switch has and compare with the reference."""
        if self.physical is None:
            return
        there = self.openvswitch.bridge()
        world = _Known(self.vtep.rows, POLICY, {"br0": _KnownSwitch(there, self.physical)})
        reference = Reference(world)
        bindings = {
            (self.openvswitch.number(name) << 12) | vlan: (name, vlan)
            for name, vlan in reference.bindings("br0")
        }
        for (number, mac), binding in self.learned().items():
            name, vlan = bindings[binding]
            of = reference.bindings("br0")[name, vlan]
            assert self.numbers()[number] == of
            reference.sees("br0", Wire(name, vlan or None), mac, BROADCAST)
        pipeline = Pipeline(self.switch.flows.values(), self.switch.groups.values())
        for name, tag in [("p0", None), ("p1", None), ("p1", 10)]:
            if name not in there.ports:
                continue
            for dst in (MAC1, MAC2, BROADCAST):
                tags = () if tag is None else (tag,)
                frame = Frame(self.openvswitch.number(name), "02:00:00:00:00:99", dst, tags)
                expected = reference.expected("br0", Wire(name, tag), frame.src, dst, set())
                arrived = [self.place(there, out) for out in pipeline.send(frame).outputs]
                assert expected.is_met_by(arrived), f"{expected} and not {arrived}"

    def place(self, there: Bridge, out: Out) -> Place:
        (found,) = (each for each in there.ports.values() if each.number == out.port)
        if found.is_ours:
            assert found.remote is not None
            return Tunnel(found.remote, out.vni)
        return Wire(found.name, out.tags[0] if out.tags else None)


TestWhole = Whole.TestCase
TestWhole.settings = settings(max_examples=2 * settings().max_examples, stateful_step_count=40)
