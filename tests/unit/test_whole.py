"""The whole application between a switch and two databases, with everything going wrong in between.

The switch and the databases are doubles that do what they are asked for, when hypothesis lets
them: bundles, transactions and news wait, connections are cut, the process is killed. When all
has come to rest, a new process finds nothing to do.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.features.learning.damping import HOLD
from vtep_ofapp.loop.components import build_components
from vtep_ofapp.loop.forgotten_steps import ON_LOOPBACK
from vtep_ofapp.loop.inbox import Inbox
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.process.systemd import ServiceManager
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.events import (
    Away,
    Bridges,
    BridgesInSync,
    Committed,
    Connected,
    Disconnected,
    Event,
    FlowRemoved,
    LockIs,
    VtepInSync,
    VtepRows,
)
from vtep_ofapp.values.flow_changes import Change, FlowChange
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.rows import (
    BridgePort,
    Gone,
    LocalMac,
    LocalMcastMac,
    LogicalSwitch,
    Mark,
    PhysicalSwitch,
    TunnelRow,
    VtepRow,
)
from vtep_ofapp.values.writes import (
    IntroduceSwitch,
    PutFaultStatus,
    PutLocalMac,
    PutPhysicalPort,
    PutTunnel,
    PutTunnelPort,
    PutUnknownDst,
    ReleaseBridge,
    RemovePhysicalPort,
    RemoveTunnel,
    RemoveTunnelPort,
    SecureBridge,
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
    bridge,
    locator,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    unknown_dst,
    unknown_source,
    uuid,
)
from .doubles import ConnectionDouble, SwitchDouble, TimeDouble
from .reference import Reference, Tunnel, Wire
from .walk import Frame, Pipeline

POLICY = Settings(port_grace=0.0, bound_port_grace=0.0, stats_interval=0.0)
LOGICAL_SWITCHES = st.sampled_from([RED, RED, BLUE])
STATIONS = st.sampled_from([MAC1, MAC1, MAC2, MAC3])
ADDRESSES = st.sampled_from([FAR, FURTHER, OWN])
PORTS = st.sampled_from(["p0", "p1"])
VLANS = st.sampled_from([0, 10])


class Vtep:
    """The hardware_vtep database: its rows, and the news that are still on their way."""

    def __init__(self) -> None:
        self.rows: dict[UUID, VtepRow] = {}
        self.news: deque[Event] = deque()
        self.in_flight: Sequence[Any] | None = None
        self.written = 0
        self._next_row = 0x100000

    def takes(self, write: Any) -> bool:
        return True

    def commit(self, writes: Sequence[Any]) -> None:
        assert self.in_flight is None
        self.in_flight = writes

    def put(self, *rows: VtepRow) -> None:
        for row in rows:
            self.rows[row.uuid] = row
        self.news.append(VtepRows(rows))

    def remove(self, row: UUID) -> None:
        if self.rows.pop(row, None) is not None:
            self.news.append(VtepRows([Gone(row)]))

    def begin(self) -> None:
        """Tell everything from the start, to a new process or after a lost connection."""
        self.news = deque([VtepRows(list(self.rows.values())), VtepInSync(frozenset(self.rows))])

    def finish(self, error: str | None = None) -> None:
        """End the transaction in flight: first come the rows, then the result."""
        if self.in_flight is None:
            return
        writes, self.in_flight = self.in_flight, None
        if error is None:
            before = dict(self.rows)
            for write in writes:
                self._perform(write)
            changed = [row for uuid, row in self.rows.items() if before.get(uuid) != row]
            gone = [Gone(uuid) for uuid in before.keys() - self.rows.keys()]
            self.written += len(changed) + len(gone)
            self.news.append(VtepRows([*changed, *gone]))
        self.news.append(Committed("hardware_vtep", error))

    def _perform(self, write: Any) -> None:
        if isinstance(write, PutLocalMac):
            self._put_local(write, LocalMac, write.mac, address=write.address)
        elif isinstance(write, PutUnknownDst):
            self._put_local(write, LocalMcastMac, UNKNOWN_DST, addresses=write.addresses or None)
        elif isinstance(write, PutFaultStatus):
            self._put_fault_status(write)
        elif write.switch in self.rows:
            self._put_switch(write, self.rows[write.switch])

    def _put_local(self, write: Any, kind: type, mac: str, **value: Any) -> None:
        wanted = next(iter(value.values())) is not None
        for row in write.rows:
            if row in self.rows:
                del self.rows[row]
        if wanted and write.logical_switch in self.rows:
            row = self._new_row()
            self.rows[row] = kind(uuid=row, mac=mac, logical_switch=write.logical_switch, **value)

    def _put_fault_status(self, write: PutFaultStatus) -> None:
        for row in list(self.rows.values()):
            if isinstance(row, PhysicalSwitch):
                ports = tuple(
                    replace(each, fault_status=write.entries)
                    if each.uuid == write.row.uuid
                    else each
                    for each in row.ports
                )
                entries = write.entries if row.uuid == write.row.uuid else row.fault_status
                self.rows[row.uuid] = replace(row, ports=ports, fault_status=entries)

    def _put_switch(self, write: Any, row: Any) -> None:
        if isinstance(write, PutPhysicalPort):
            new = physical_port(write.name, uuid=self._new_row())
            row = replace(row, ports=(*row.ports, new))
        elif isinstance(write, RemovePhysicalPort):
            left = tuple(each for each in row.ports if each.name != write.name)
            row = replace(row, ports=left)
        elif isinstance(write, PutTunnel | RemoveTunnel):
            left = tuple(each for each in row.tunnels if each.locator != write.locator)
            if isinstance(write, PutTunnel):
                address = {locator(each).uuid: each for each in (FAR, FURTHER)}[write.locator]
                new = TunnelRow(
                    uuid=self._new_row(),
                    locator=write.locator,
                    address=address,
                    report=write.report,
                )
                left = (*left, new)
            row = replace(row, tunnels=left)
        else:
            assert isinstance(write, IntroduceSwitch), str(write)
            row = replace(row, description=write.description, management_ips=write.management_ips)
        self.rows[row.uuid] = row

    def _new_row(self) -> UUID:
        self._next_row += 1
        return uuid(self._next_row)


class OpenVSwitch:
    """The Open_vSwitch database, and Open vSwitch giving numbers to its ports."""

    def __init__(self) -> None:
        self.ports: dict[str, BridgePort] = {}
        self.is_secure = False
        self.mark = Mark.NONE
        self.news: deque[Event] = deque()
        self.in_flight: Sequence[Any] | None = None
        self.written = 0
        self._next_number = 100

    def takes(self, write: Any) -> bool:
        return True

    def commit(self, writes: Sequence[Any]) -> None:
        assert self.in_flight is None
        self.in_flight = writes

    def bridge(self):
        return bridge(
            *self.ports.values(),
            is_secure=self.is_secure,
            controllers_are_set=self.is_secure,
            mark=self.mark,
        )

    def put(self, *ports: BridgePort) -> None:
        self.ports.update({each.name: each for each in ports})
        self._tell()

    def remove(self, name: str) -> None:
        if self.ports.pop(name, None) is not None:
            self._tell()

    def _tell(self) -> None:
        self.news.append(Bridges(DATABASE, {"br0": self.bridge()}))

    def begin(self) -> None:
        self.news = deque()
        self._tell()
        self.news.append(BridgesInSync(DATABASE, frozenset({"br0"})))

    def finish(self, error: str | None = None) -> None:
        if self.in_flight is None:
            return
        writes, self.in_flight = self.in_flight, None
        if error is None:
            for write in writes:
                self._perform(write)
            self.written += len(writes)
            self._tell()
        self.news.append(Committed(DATABASE, error))

    def _perform(self, write: Any) -> None:
        if isinstance(write, PutTunnelPort):
            there = self.ports.get(write.name)
            if there is None:
                self._next_number += 1
                there = port(write.name, self._next_number, is_ours=True)
            ends = {"remote": write.remote, "local": write.local, "bfd": write.bfd}
            self.ports[write.name] = replace(there, **ends)
        elif isinstance(write, RemoveTunnelPort):
            self.ports.pop(write.name, None)
        else:
            assert isinstance(write, SecureBridge | ReleaseBridge)
            self.is_secure = True
            self.mark = Mark.OURS if isinstance(write, SecureBridge) else Mark.NONE


class Connection(ConnectionDouble):
    """A connection on which requests wait for the switch, and its answers wait for us."""

    def __init__(self, switch: SwitchDouble) -> None:
        super().__init__(switch)
        self.requests: deque[str] = deque()
        self.news: deque[Event] = deque()
        self.changed = 0

    def lead(self, generation: int | None) -> None:
        super().lead(generation)
        self.requests.append("lead")

    def stand_by(self) -> None:
        self.requests.append("stand by")

    def read_back(self) -> None:
        self.requests.append("read back")

    def apply(self, changes: Sequence[Change]) -> None:
        self.bundles.append(list(changes))
        self.requests.append("apply")

    def disconnect(self) -> None:
        self.requests.append("disconnect")

    def answer(self) -> None:
        """Let the switch do what it was asked for first."""
        request = self.requests.popleft() if self.requests else "nothing"
        if request == "lead":
            self.news.append(self.leading())
        elif request == "read back":
            self.news.append(self.reading())
        elif request == "apply":
            self.tell_of_lost_flows([each.key for each in self.bundles[-1] if _is_removal(each)])
            self.changed += len(self.bundles[-1])
            self.news.append(self.done())

    def tell_of_lost_flows(self, keys, idle: bool = False) -> None:
        self.news.extend(
            FlowRemoved(self, key, idle)
            for key in keys
            if key in self.switch.flows and self.switch.flows[key].watched
        )


def _is_removal(change: Change) -> bool:
    return isinstance(change, FlowChange) and change.flow is None


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
        openvswitch = {DATABASE: self.openvswitch}
        components = build_components(self.vtep, openvswitch, POLICY, timers, ON_LOOPBACK)
        return Loop(components, Inbox(), ServiceManager({}))

    @initialize(source_node=st.booleans(), far=st.booleans())
    def begin(self, source_node, far):
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
    def put_logical_switch(self, row, key, to_all):
        self.vtep.put(logical_switch(row, key, source_node=to_all))

    @rule(number=st.integers(0, 1), mac=STATIONS, of=LOGICAL_SWITCHES, address=ADDRESSES)
    def place_station(self, number, mac, of, address):
        self.vtep.put(remote_mac(mac, address, of=of, row=uuid(0x1000 + number)))

    @rule(number=st.integers(0, 1), of=LOGICAL_SWITCHES, addresses=st.sets(ADDRESSES, min_size=1))
    def put_unknown_dst(self, number, of, addresses):
        self.vtep.put(unknown_dst(*addresses, of=of, row=uuid(0x2000 + number)))

    @rule(row=st.sampled_from([uuid(0x1000), uuid(0x1001), uuid(0x2000), uuid(0x2001)]))
    def remove_row(self, row):
        self.vtep.remove(row)

    @rule(name=PORTS, bindings=st.dictionaries(VLANS, st.sampled_from([RED, BLUE])))
    def bind(self, name, bindings):
        row = self.physical
        if row is not None:
            ports = tuple(
                replace(each, vlan_bindings=bindings) if each.name == name else each
                for each in row.ports
            )
            self.vtep.put(replace(row, ports=ports))

    @rule(tunnel_ips=st.sampled_from([(), (OWN,), ("1.0.0.1", OWN)]))
    def put_tunnel_ips(self, tunnel_ips):
        if self.physical is not None:
            self.vtep.put(replace(self.physical, tunnel_ips=tunnel_ips))

    @rule()
    def remove_switch_row(self):
        self.vtep.remove(SWITCH)

    @precondition(lambda self: self.physical is None)
    @rule()
    def put_switch_row(self):
        self.vtep.put(physical_switch(physical_port("p0", {0: RED}), physical_port("p1")))

    @rule(name=PORTS, number=st.integers(1, 3))
    def put_port(self, name, number):
        if number not in {each.number for each in self.openvswitch.ports.values()}:
            self.openvswitch.put(port(name, number))

    @rule(name=PORTS)
    def remove_port(self, name):
        self.openvswitch.remove(name)

    @rule()
    def lose_a_tunnel_port(self):
        for each in list(self.openvswitch.ports.values()):
            if each.is_ours:
                self.openvswitch.remove(each.name)
                return

    # Frames

    @rule(name=PORTS, tag=st.sampled_from([None, 10]), src=STATIONS, dst=STATIONS)
    def send_frame(self, name, tag, src, dst):
        """A frame meets the flows that the switch has, up to date or not."""
        there = self.openvswitch.ports.get(name)
        if there is None:
            return
        frame = Frame(there.number, src, dst, () if tag is None else (tag,))
        result = Pipeline(self.switch.flows.values(), self.switch.groups.values()).send(frame)
        for fields in result.shown:
            if self.connection is not None:
                self.connection.news.append(unknown_source(self.connection, match(fields), src))

    @rule(mac=STATIONS)
    def station_is_idle(self, mac):
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
    def others_delete_all_flows(self):
        if self.connection is not None:
            self.connection.tell_of_lost_flows(list(self.switch.flows))
        self.switch.flows.clear()
        self.switch.groups.clear()
        self.cut_connection()

    @rule(after_bundle=st.booleans())
    def cut_connection(self, after_bundle=False):
        """The connection ends; the last bundle may have been made all the same."""
        if self.connection is None:
            return
        if after_bundle:
            self.connection.answer()
        connection, self.connection = self.connection, None
        self.loop.turn([Disconnected(connection)])

    @precondition(lambda self: self.connection is None)
    @rule()
    def connect(self):
        self.connection = Connection(self.switch)
        self.loop.turn([Connected(self.switch.datapath_id, self.connection)])

    @rule()
    def restart(self):
        """The process is killed, and a new one begins; transactions may have been made."""
        self.vtep.in_flight = self.openvswitch.in_flight = None
        self.connection = None
        self.loop = self.new_loop()
        self.has_lock = False
        self.vtep.begin()
        self.openvswitch.begin()

    @rule(held=st.booleans())
    def change_lock(self, held):
        """The lock is lost, or it is ours again."""
        if held != self.has_lock:
            self.has_lock = held
            self.vtep.news.append(LockIs(held))

    @rule()
    def lose_database(self):
        """The connection to hardware_vtep ends, and all is told anew on the next one."""
        results = [event for event in self.vtep.news if isinstance(event, Committed)]
        self.vtep.begin()
        if self.vtep.in_flight is not None:
            self.vtep.in_flight = None
            results.append(Committed("hardware_vtep", "the connection ended"))
        self.vtep.news.extendleft(reversed([Away("hardware_vtep"), *results]))
        self.vtep.news.append(LockIs(self.has_lock))

    # Progress

    @rule(count=st.integers(1, 5))
    def hear_of_vtep(self, count):
        self.hear(self.vtep.news, count)

    @rule(count=st.integers(1, 5))
    def hear_of_openvswitch(self, count):
        self.hear(self.openvswitch.news, count)

    @rule(count=st.integers(1, 5))
    def hear_of_switch(self, count):
        if self.connection is not None:
            self.hear(self.connection.news, count)

    def hear(self, news, count):
        self.loop.turn([news.popleft() for _ in range(min(count, len(news)))])

    @rule(is_good=st.booleans())
    def finish_transactions(self, is_good):
        error = None if is_good else "constraint violation"
        self.vtep.finish(error)
        self.openvswitch.finish(error)

    @rule()
    def switch_answers(self):
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
    def come_to_rest(self):
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

    def teardown(self):
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
                assert (fields["metadata"], fields["eth_src"]) not in found
                found[fields["metadata"], fields["eth_src"]] = fields["reg0"]
        return found

    def check_rows(self):
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

    def check_frames(self):
        """Send frames through what the switch has and compare with the reference."""
        if self.physical is None:
            return
        there = self.openvswitch.bridge()
        world = SimpleNamespace(
            rows=self.vtep.rows,
            settings=POLICY,
            switches={"br0": SimpleNamespace(physical=self.physical, bridge=there)},
            tunnel_ports=lambda name: [each for each in there.ports.values() if each.is_ours],
        )
        reference = Reference(world)
        bindings = {
            (there.ports[name].number << 12) | vlan: (name, vlan)
            for name, vlan in reference.bindings("br0")
        }
        for (number, mac), binding in self.learned().items():
            name, vlan = bindings[binding]
            of = reference.bindings("br0")[name, vlan]
            assert self.numbers()[number] == of
            reference.sees("br0", Wire(name, vlan or None), mac, BROADCAST)
        pipeline = Pipeline(self.switch.flows.values(), self.switch.groups.values())
        for name, vlan in [("p0", None), ("p1", None), ("p1", 10)]:
            if name not in there.ports:
                continue
            for dst in (MAC1, MAC2, BROADCAST):
                tags = () if vlan is None else (vlan,)
                frame = Frame(there.ports[name].number, "02:00:00:00:00:99", dst, tags)
                expected = reference.expected("br0", Wire(name, vlan), frame.src, dst, set())
                arrived = [self.place(there, out) for out in pipeline.send(frame).outputs]
                assert expected.is_met_by(arrived), f"{expected} and not {arrived}"

    def place(self, there, out):
        (found,) = (each for each in there.ports.values() if each.number == out.port)
        if found.is_ours:
            return Tunnel(found.remote, out.vni)
        return Wire(found.name, out.tags[0] if out.tags else None)


TestWhole = Whole.TestCase
TestWhole.settings = settings(
    max_examples=2 * settings.default.max_examples, stateful_step_count=40
)
