"""What a new feature costs: this file, and nothing of vtep_ofapp but a line in the registry.

A made-up feature drops frames for MAC addresses that rows of its own block in a logical switch. It
shows each of them in a row, has a fault, a timer, packet-ins, packet-outs and counters, and mirrors
frames to a remote VTEP once there is a tunnel to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import pytest

from vtep_ofapp.engine.cause import Cause, RowOf
from vtep_ofapp.engine.desired import NOTHING, Desired
from vtep_ofapp.engine.desired_actual import Difference
from vtep_ofapp.engine.dirty import Pace
from vtep_ofapp.engine.feature import (
    Announcer,
    Clock,
    Feature,
    FlowWatcher,
    Index,
    Owner,
    Timer,
    TunnelUser,
)
from vtep_ofapp.engine.model import Model
from vtep_ofapp.engine.needs import Choice
from vtep_ofapp.engine.report import ManagedSwitches, Report, SwitchRows
from vtep_ofapp.engine.topics import Topic
from vtep_ofapp.engine.view import Known, View
from vtep_ofapp.features.bindings.ports import Ports, VlanBinding
from vtep_ofapp.features.logical_switches.rows import LogicalSwitches, WholeLogicalSwitch
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, Cookie, Priority, Table, flow
from vtep_ofapp.pipeline.ways import Step
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.addresses import only
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import FlowKey, Match, Output, match
from vtep_ofapp.values.packets import PacketOut
from vtep_ofapp.values.rows import Gone, PhysicalSwitch
from vtep_ofapp.values.writes import PutLocalMac, VtepWrite

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    uuid,
)
from .world import NO_CONNECTION, World


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A row of the made-up table, which blocks a MAC, and names a remote VTEP."""

    uuid: UUID
    logical_switch: UUID
    mac: str
    mirror: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The owner of what blocks a MAC."""

    row: UUID


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The owner of what is there for the remote VTEP."""

    row: UUID


@dataclass(frozen=True, slots=True)
class BlockedEntry:
    """The key of a row that shows a MAC as blocked."""

    logical_switch: UUID
    mac: str


class Blocks(Index):
    """The rows of the made-up table."""

    ROWS = (BlockRow,)

    def __init__(self) -> None:
        self.rows: dict[UUID, BlockRow] = {}
        self.of: defaultdict[UUID, set[UUID]] = defaultdict(set)

    def row_changed(self, former: BlockRow | None, new: BlockRow | None) -> Iterator[Topic]:
        for row in filter(None, (former, new)):
            self.rows.pop(row.uuid, None)
            self.of[row.logical_switch].discard(row.uuid)
            yield from (Blocked(row.uuid), Mirrored(row.uuid))
        if new is not None:
            self.rows[new.uuid] = new
            self.of[new.logical_switch].add(new.uuid)


class Seen(FlowWatcher):
    """What one switch told of the frames that are blocked."""

    def __init__(self, view: View) -> None:
        self.packets = 0
        self.shown: list[bytes] = []
        self.put_flows: set[FlowKey] = set()
        self.end: float | None = None

    def put(self, key: FlowKey) -> None:
        self.put_flows.add(key)


def numbered(row: UUID, view: View) -> tuple[BlockRow, int] | None:
    """Return a row with the number of its logical switch, if that is bound here."""
    found = view[Blocks].rows.get(row)
    number = view[LogicalSwitches].number(found.logical_switch) if found else None
    if found is None or number is None or not view[Ports].is_bound(found.logical_switch):
        return None
    return found, number


def blocked(key: Blocked, view: View) -> Desired:
    found = numbered(key.row, view)
    if found is None:
        return NOTHING
    row, number = found
    fields: Match = match({LOGICAL_SWITCH: number, "eth_dst": row.mac})
    drop = flow(Table.UNICAST, Priority.FORBIDDEN, fields, producer=Cookie.UNICAST)
    faults = (view.switch_fault("it is blocked", f"MAC {row.mac}"),)
    entry = BlockedEntry(row.logical_switch, row.mac)
    return Desired((drop,), faults=faults, rows=((entry, row.mirror),))


def mirrored(key: Mirrored, view: View, choose: Choice) -> Desired:
    found = numbered(key.row, view)
    if found is None:
        return NOTHING
    row, number = found
    targets = choose(only(row.mirror))
    flows = (
        flow(
            Table.REMOTE_FLOODING,
            Priority.FORBIDDEN,
            match({LOGICAL_SWITCH: number, "eth_dst": f"03{row.mac[2:14]}:0{target[-1]}"}),
            producer=Cookie.FLOODING,
        )
        for target in targets
    )
    return Desired(tuple(flows), uses=targets)


def because(key: Blocked | Mirrored, view: View) -> Iterator[Cause]:
    if key.row in view[Blocks].rows:
        yield Cause("the NVC blocks a MAC", (RowOf("Made_Up", key.row),))


def whole(topic: WholeLogicalSwitch, view: View) -> Iterator[Topic]:
    for row in view[Blocks].of[topic.logical_switch]:
        yield from (Blocked(row), Mirrored(row))


def packet_in(packet: PacketIn, view: View) -> Iterable[Topic]:
    view[Seen].shown.append(packet.header)
    return [PacketOut(packet.header, (Output(1),))]


def count(counters: Mapping[FlowKey, Counter], view: View) -> None:
    view[Seen].packets += sum(counter.packets for counter in counters.values())


def write(view: View, physical: PhysicalSwitch, entry: Difference[BlockedEntry, str]) -> VtepWrite:
    return PutLocalMac(entry.key.logical_switch, entry.key.mac, entry.want)


def report(known: Known, settings: Settings, clock: Clock) -> Report:
    return SwitchRows(lambda view: view.rows[BlockedEntry], write)


def due(view: View) -> Iterable[Topic]:
    view[Seen].end = None
    return [WholeLogicalSwitch(RED), HELLO]


BLOCKING = Feature(
    indices=(Blocks,),
    states=(Seen,),
    owners=(
        Owner(Blocked, blocked, because),
        TunnelUser(Mirrored, mirrored, because, Pace.IN_PARTS),
    ),
    invalidated_by={WholeLogicalSwitch: whole},
    packets={Cookie.UNICAST: packet_in},
    counters=(count,),
    counted=lambda view: [row.int & 0xFFFF for row in view[Blocks].rows],
    timers=(Timer(lambda view: view[Seen].end, due),),
    rows=(BlockedEntry,),
    reports=(report,),
)
HELLO = PacketOut(b"hello", (Output(1),))
ROW = BlockRow(uuid(0xB10C), RED, MAC1, FAR)


@pytest.fixture
def world() -> World:
    world = World(features=(*FEATURES, BLOCKING))
    world.tell(logical_switch(RED, 5001), ROW)
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.settle()
    return world


def written(world: World) -> list[VtepWrite]:
    """Return what the feature's report, which is the last one, has to write."""
    report = world.model.reports(world.settings)[-1]
    managed = {"br0": world.switch.view}
    report.handlers[ManagedSwitches](ManagedSwitches(managed, {}, {}))
    return list(report.writes())


def blocks(world: World, name: str = "br0") -> set[str]:
    return {flow for flow in world.flows(name=name) if "UNICAST FORBIDDEN" in flow}


def mirrors(world: World) -> set[str]:
    return {flow.split()[2] for flow in world.flows() if "FLOODING FORBIDDEN" in flow}


def test_a_feature_has_flows_faults_and_rows(world: World) -> None:
    assert blocks(world) == {f"UNICAST FORBIDDEN eth_dst={MAC1},metadata=red: drop"}
    assert world.complaints() == {f"MAC {MAC1}: it is blocked"}
    assert written(world) == [PutLocalMac(RED, MAC1, FAR)]
    world.tell(Gone(ROW.uuid))
    world.settle()
    assert blocks(world) == world.complaints() == set()
    assert written(world) == []


def test_it_says_why(world: World) -> None:
    (cause,) = world.switch.because(Blocked(ROW.uuid))
    assert str(cause) == f"the NVC blocks a MAC (Made_Up {ROW.uuid})"
    assert world.switch.because(Blocked(uuid(0xDEAD))) == ()


def test_it_follows_the_logical_switch_and_its_bindings(world: World) -> None:
    world.physical(physical_switch(physical_port("p0", {0: BLUE})))
    world.settle()
    assert blocks(world) == set()
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.tell(BlockRow(ROW.uuid, RED, MAC2, FAR))
    world.settle()
    assert blocks(world) == {f"UNICAST FORBIDDEN eth_dst={MAC2},metadata=red: drop"}
    world.physical(None)
    world.settle()
    assert blocks(world) == set()


def test_it_uses_tunnels_make_before_break(world: World) -> None:
    assert (world.tunnels(), mirrors(world)) == ({(FAR, OWN)}, set())
    world.calm_down()
    to_far = mirrors(world)
    assert len(to_far) == 1
    world.tell(BlockRow(ROW.uuid, RED, MAC1, FURTHER))
    world.settle()
    assert mirrors(world) == to_far
    assert world.tunnels() == {(FAR, OWN), (FURTHER, OWN)}
    world.calm_down()
    assert len(mirrors(world)) == 1
    assert mirrors(world).isdisjoint(to_far)
    assert world.tunnels() == {(FURTHER, OWN)}


def test_it_hears_of_packets_counters_flows_and_the_time(world: World) -> None:
    seen = world.switch.view[Seen]
    world.switch.packet_in(PacketIn(NO_CONNECTION, Cookie.UNICAST, Table.UNICAST, (), b"frame"))
    (key,) = (
        each.key
        for each in world.flow_values()
        if each.key.priority == Priority.FORBIDDEN and each.key.table == Table.UNICAST
    )
    world.switch.count({key: Counter(0, 7, 700)})
    world.switch.flows.put(key, world.switch.flows.wanted[key])
    assert (seen.shown, seen.packets, seen.put_flows) == ([b"frame"], 7, {key})
    assert world.switch.counted() == (0xB10C,)
    assert world.switch.next_due() is None
    seen.end = 5.0
    assert world.switch.next_due() == 5.0
    world.switch.due()
    assert world.switch.next_due() is None


def test_it_sends_packet_outs_for_packet_ins_and_at_a_time(world: World) -> None:
    world.switch.packet_in(PacketIn(NO_CONNECTION, Cookie.UNICAST, Table.UNICAST, (), b"frame"))
    world.switch.due()
    assert world.switch.take_packet_outs() == [PacketOut(b"frame", (Output(1),)), HELLO]
    assert world.switch.take_packet_outs() == []


def test_what_it_wants_is_what_a_new_process_wants(world: World) -> None:
    world.tell(remote_mac(MAC2, FURTHER), BlockRow(uuid(0xB10D), RED, MAC2, FURTHER))
    world.calm_down()
    assert world.summary() == world.restarted_and_settled().summary()


def steps_of_tagged(key: VlanBinding, view: View) -> Iterable[Step]:
    return [Step(Table.DELIVERY)] if key.vlan else []


def test_it_adds_a_step_to_the_way_of_some_bindings() -> None:
    world = World(features=(*FEATURES, Feature(steps={VlanBinding: steps_of_tagged})))
    world.tell(logical_switch(RED, 5001))
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: RED})))
    world.bridge(port("p0", 1))
    world.settle()
    delivered = {flow for flow in world.flows() if flow.startswith("DELIVERY")}
    assert len(delivered) == 2
    assert all("reg1=0x100a" in flow and "push_vlan:10" in flow for flow in delivered)
    out = {flow for flow in world.flows() if flow.startswith("EGRESS DEFAULT")}
    assert {flow for flow in out if "reg1=0x100a" in flow} == {
        "EGRESS DEFAULT metadata=red,reg1=0x100a: goto DELIVERY"
    }
    assert all("output:1" in flow for flow in out if "reg1=0x1000" in flow)


def test_no_owner_belongs_to_two_features() -> None:
    with pytest.raises(ValueError, match="two features"):
        Model((*FEATURES, BLOCKING, Feature(owners=(Owner(Blocked, blocked, because),))))


class Unblocked(Announcer):
    """What hosts at any switch said; all switches have to hear of it."""

    def __init__(self, clock: Clock) -> None:
        self.heard: list[Topic] = []

    def take_topics(self) -> Iterable[Topic]:
        heard, self.heard = self.heard, []
        return heard


def unblock(packet: PacketIn, view: View) -> tuple[()]:
    view[Blocks].rows.clear()
    view[Unblocked].heard.append(Blocked(ROW.uuid))
    return ()


def test_two_features_hear_of_a_packet_and_all_switches_of_what_it_changed() -> None:
    unblocking = Feature(shared=(Unblocked,), packets={Cookie.UNICAST: unblock})
    world = World(["br0", "br1"], features=(*FEATURES, BLOCKING, unblocking))
    world.tell(logical_switch(RED, 5001), ROW)
    for number, name in enumerate(world.switches, 1):
        at = physical_port(f"p{number}", {0: RED})
        world.physical(physical_switch(at, name=name, row=uuid(0xB0 + number)), name)
        world.bridge(port(at.name, 1), name=name)
    world.settle()
    blocking = {name: bool(blocks(world, name)) for name in world.switches}
    assert blocking == {"br0": True, "br1": True}
    packet = PacketIn(NO_CONNECTION, Cookie.UNICAST, Table.UNICAST, (), b"frame")
    world.switches["br0"].packet_in(packet)
    assert world.switches["br0"].view[Seen].shown == [b"frame"]
    world.settle()
    blocking = {name: bool(blocks(world, name)) for name in world.switches}
    assert blocking == {"br0": False, "br1": False}
