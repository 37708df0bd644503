"""Access lists under any sequence of events: no packet is ever judged by half of one.

The NVC changes entries that several lists share, and binds lists to ports and VLANs; bindings and
ports come and go, connections are cut, the process is killed. After each bundle the switch passes
and drops packets as the rows say that the application had read when it made the bundle.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from vtep_ofapp.features.routers.here import RouterPackets
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.values.acls import Acl, AclEntry, Refusal
from vtep_ofapp.values.events import Bridges, Event, VtepInSync, VtepRows
from vtep_ofapp.values.routers import LogicalRouter
from vtep_ofapp.values.rows import Bridge, Gone, PhysicalPort, PhysicalSwitch, VtepRow

from . import acl_rule
from .acl_examples import ENTRIES, PACKETS
from .builders import (
    BLUE,
    BROADCAST,
    FAR,
    MAC1,
    MAC2,
    MAC3,
    MULTICAST,
    RED,
    SWITCH,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    unknown_dst,
    uuid,
)
from .packets import Packet
from .reference import Place, Tunnel, Wire
from .running import Running
from .walk import Frame, Pipeline, Result

VLAN = 0x8100
"""The EtherType of a frame with a further tag: sequences.py has those."""
SLOTS = st.integers(0, 3)
LISTS = st.integers(0, 2)
PORTS = st.sampled_from(["p0", "p1"])
KEYS = st.sampled_from([0, 0, 10, 20, 4095])
BINDINGS = st.dictionaries(st.sampled_from([0, 10]), st.sampled_from([RED, BLUE]))
BAD = st.builds(
    AclEntry,
    uuid=st.just(uuid(0)),
    sequence=st.integers(0, 5),
    is_egress=st.booleans(),
    permits=st.booleans(),
    match=st.none(),
    refused=st.just((Refusal("it is no good", "protocol=6"),)),
)
ROUTER = uuid(0x9000)
INTERFACES = {
    "10.0.1.1": RouterPackets(ROUTER, RED, False),
    "10.0.1.1/24": RouterPackets(ROUTER, RED, False),
    "2001:db8:1::1": RouterPackets(ROUTER, RED, True),
    "10.0.2.1/24": RouterPackets(ROUTER, BLUE, False),
}
"""The keys of acl_binding that name interfaces of the router."""
ENTRY = st.one_of(*[ENTRIES] * 7, BAD)
PLACES: list[Place] = [
    *(Wire(name, tag) for name in ("p0", "p1") for tag in (None, 10)),
    Tunnel(FAR, 5001),
]
FRAMES = st.tuples(
    st.sampled_from([MAC1, MAC2]),
    st.sampled_from([MAC1, MAC3, BROADCAST, BROADCAST, MULTICAST]),
    PACKETS.filter(lambda packet: packet.eth_type != VLAN),
)


@dataclass(frozen=True)
class State:
    """What the application had read of both databases when it made a bundle."""

    rows: Mapping[UUID, VtepRow]
    bridge: Bridge

    @property
    def physical(self) -> PhysicalSwitch | None:
        row = self.rows.get(SWITCH)
        return row if isinstance(row, PhysicalSwitch) else None

    def names(self) -> dict[int, str]:
        """Return the ports that bindings may have, by their numbers."""
        ports = self.bridge.ports.values()
        return {each.number: each.name for each in ports if each.number and not each.is_ours}

    def numbers(self, place: Place) -> list[int]:
        """Return the ports by which frames come in from a place."""
        if isinstance(place, Wire):
            return [number for number, name in self.names().items() if name == place.port]
        ports = self.bridge.ports.values()
        return [each.number for each in ports if each.number and each.remote == place.address]

    def lists(self, place: Place) -> Iterator[list[AclEntry]]:
        """Yield the entries of each access list that judges frames at a place."""
        rows = self.physical.ports if self.physical and isinstance(place, Wire) else ()
        for row in rows:
            if isinstance(place, Wire) and row.name == place.port:
                keys = {0, place.tag or 0} & row.acl_bindings.keys()
                for acl in {row.acl_bindings[key] for key in keys}:
                    yield self.entries(acl)

    def router(self) -> LogicalRouter | None:
        """Return the router if it is present, None else."""
        row = self.rows.get(ROUTER)
        ports = self.physical.ports if self.physical else ()
        bound = {each for port in ports for each in port.vlan_bindings.values()}
        is_here = isinstance(row, LogicalRouter) and bound & row.logical_switches
        return row if is_here and isinstance(row, LogicalRouter) else None

    def judging(self) -> dict[RouterPackets, UUID]:
        """Return the access lists of the router's interfaces."""
        row = self.router()
        keys = sorted(row.acls.keys() & INTERFACES.keys(), reverse=True) if row else ()
        return {INTERFACES[key]: row.acls[key] for key in keys} if row else {}

    def entries(self, acl: UUID) -> list[AclEntry]:
        row = self.rows[acl]
        assert isinstance(row, Acl)
        found = [self.rows[each] for each in row.entries]
        return [each for each in found if isinstance(each, AclEntry)]


def words(word: str, is_there: bool) -> frozenset[str]:
    return frozenset({word} if is_there else ())


def list_row(number: int) -> UUID:
    return uuid(0xAC00 + number)


def entry_row(number: int) -> UUID:
    return uuid(0xE000 + number)


def without(bindings: Mapping[int, UUID], acl: UUID) -> dict[int, UUID]:
    return {key: each for key, each in bindings.items() if each != acl}


class AclSequences(Running):
    """What an NVC does with access lists, and an operator with ports."""

    def __init__(self) -> None:
        super().__init__()
        self.made: State | None = None

    @initialize(
        entries=st.lists(ENTRY, min_size=1, max_size=3),
        probes=st.lists(FRAMES, min_size=4, max_size=4),
    )
    def begin(self, entries: list[AclEntry], probes: list[tuple[str, str, Packet]]) -> None:
        self.probes = probes
        ports = physical_port("p0", {0: RED}), physical_port("p1", {0: RED, 10: BLUE})
        self.vtep.put(
            logical_switch(RED, 5001, source_node=True),
            logical_switch(BLUE, 5002),
            unknown_dst(FAR, row=uuid(0x2000)),
            physical_switch(*ports),
        )
        self.openvswitch.put(port("p0", 1), port("p1", 2))
        self.put_list(0, dict(enumerate(entries)))
        self.bind_lists("p0", {0: 0})
        self.restart()
        self.come_to_rest()

    # The NVC and the operator

    @rule(number=LISTS, entries=st.dictionaries(SLOTS, ENTRY, min_size=1))
    def put_list(self, number: int, entries: dict[int, AclEntry]) -> None:
        """A transaction inserts or changes a list, and entries that others may have as well."""
        rows = [replace(entry, uuid=entry_row(slot)) for slot, entry in entries.items()]
        acl = Acl(list_row(number), f"acl{number}", frozenset(each.uuid for each in rows))
        self.change(*rows, acl)

    @rule(slot=SLOTS, entry=ENTRY)
    def change_entry(self, slot: int, entry: AclEntry) -> None:
        if entry_row(slot) in self.vtep.rows:
            self.change(replace(entry, uuid=entry_row(slot)))

    @rule(number=LISTS, slots=st.sets(SLOTS, min_size=1))
    def share_entries(self, number: int, slots: set[int]) -> None:
        there = {entry_row(slot) for slot in slots} & self.vtep.rows.keys()
        if there:
            self.change(Acl(list_row(number), f"acl{number}", frozenset(there)))

    @rule(number=LISTS)
    def remove_list(self, number: int) -> None:
        """A transaction unbinds a list everywhere, and deletes it with its last entries."""
        row = self.vtep.rows.get(list_row(number))
        if not isinstance(row, Acl):
            return
        kept = {
            entry
            for each in self.vtep.rows.values()
            if isinstance(each, Acl) and each.uuid != row.uuid
            for entry in each.entries
        }
        changed: list[Any] = []
        if self.physical is not None:
            ports = tuple(
                replace(
                    each, acl_bindings={k: v for k, v in each.acl_bindings.items() if v != row.uuid}
                )
                for each in self.physical.ports
            )
            changed.append(replace(self.physical, ports=ports))
        router = self.vtep.rows.get(ROUTER)
        if isinstance(router, LogicalRouter):
            acls = {key: each for key, each in router.acls.items() if each != row.uuid}
            changed.append(replace(router, acls=acls))
        gone = [row.uuid, *(row.entries - kept)]
        self.vtep.put(*changed, *map(Gone, gone))

    def change(self, *rows: Acl | AclEntry | LogicalRouter) -> None:
        """Insert or update rows, whose fault columns the NVC leaves as they are."""
        former = {row.uuid: self.vtep.rows.get(row.uuid, row) for row in rows}
        faults: dict[UUID, Any] = {
            key: getattr(row, "fault_status", frozenset()) for key, row in former.items()
        }
        self.vtep.put(*(replace(row, fault_status=faults[row.uuid]) for row in rows))

    @rule(name=PORTS, lists=st.dictionaries(KEYS, LISTS))
    def bind_lists(self, name: str, lists: dict[int, int]) -> None:
        there = {
            key: list_row(each) for key, each in lists.items() if list_row(each) in self.vtep.rows
        }
        self.change_port_row(name, acl_bindings=there)

    @rule(
        name=PORTS, bindings=st.dictionaries(st.sampled_from([0, 10]), st.sampled_from([RED, BLUE]))
    )
    def bind(self, name: str, bindings: dict[int, UUID]) -> None:
        self.change_port_row(name, vlan_bindings=bindings)

    @rule(name=PORTS, number=st.integers(1, 3))
    def put_port(self, name: str, number: int) -> None:
        if number not in {each.number for each in self.openvswitch.ports.values()}:
            self.openvswitch.put(port(name, number))

    @rule(name=PORTS)
    def remove_port(self, name: str) -> None:
        self.openvswitch.remove(name)

    # What is read, and when

    def new_loop(self) -> Loop:
        self.told: dict[UUID, VtepRow] = {}
        self.bridge: Bridge | None = None
        self.promised: State | None = None
        return super().new_loop()

    def turn(self, events: Sequence[Event]) -> None:
        for event in events:
            self.read(event)
        before = len(self.connection.bundles) if self.connection else 0
        super().turn(events)
        if self.connection and len(self.connection.bundles) > before:
            assert self.bridge is not None
            self.promised = State(dict(self.told), self.bridge)

    def read(self, event: Event) -> None:
        if isinstance(event, VtepRows):
            for row in event.rows:
                self.told[row.uuid] = row
                if isinstance(row, Gone):
                    del self.told[row.uuid]
        elif isinstance(event, VtepInSync):
            self.told = {key: row for key, row in self.told.items() if key in event.rows}
        elif isinstance(event, Bridges):
            self.bridge = event.bridges["br0"]

    def bundle_made(self) -> None:
        self.made = self.promised
        self.judge_all()

    def judge_all(self) -> None:
        pipeline = Pipeline(self.switch.flows.values(), self.switch.groups.values())
        self.judge(pipeline.send, *((place, *probe) for place in PLACES for probe in self.probes))

    # Frames

    @rule(place=st.sampled_from(PLACES), frame=FRAMES)
    def send_frame(self, place: Place, frame: tuple[str, str, Packet]) -> None:
        self.judge(self.send, (place, *frame))

    def judge(
        self, send: Callable[[Frame], Result], *frames: tuple[Place, str, str, Packet]
    ) -> None:
        """Compare what becomes of frames with what the rows say, of what the last bundle made."""
        made = self.made
        if made is None or made.physical is None or not self.switch.flows:
            return
        reference = self.reference(made.rows, made.bridge)
        names = made.names()
        for place, src, dst, packet in frames:
            for number in made.numbers(place):
                tags = (place.tag,) if isinstance(place, Wire) and place.tag else ()
                vni = place.vni if isinstance(place, Tunnel) else 0
                result = send(Frame(number, src, dst, tags, vni, packet=packet))
                arrived = [
                    Wire(names[out.port], out.tags[0] if out.tags else None)
                    for out in result.outputs
                    if out.port in names
                ]
                reached = reference.expected("br0", place, src, dst, set()).each
                is_let_in = self.permits(made, place, src, dst, packet, is_egress=False)
                expected = {
                    each
                    for each in reached
                    if isinstance(each, Wire) and is_let_in
                    if self.permits(made, each, src, dst, packet, is_egress=True)
                }
                assert Counter(arrived) == Counter(expected), (place, src, dst, packet)
                assert is_let_in or not (result.outputs or result.shown)

    def permits(
        self, made: State, place: Place, src: str, dst: str, packet: Packet, *, is_egress: bool
    ) -> bool:
        """Whether each access list of a place permits a packet; tunnels have none."""
        return all(
            acl_rule.permits(
                entries,
                src,
                dst,
                packet,
                is_egress=is_egress,
                fails_open=self.POLICY.acl_fails_open,
            )
            for entries in made.lists(place)
        )

    def check(self) -> None:
        there = State(dict(self.vtep.rows), self.openvswitch.bridge())
        if self.made != there:
            self.made = there
            self.judge_all()
        if there.physical is not None:
            self.check_faults(there, there.physical.ports)

    def check_faults(self, there: State, ports: tuple[PhysicalPort, ...]) -> None:
        """Check that the columns of what is used say what of it cannot be used.

        A word in a row that nothing uses any more is left if nobody was in charge at that time.
        """
        used = {acl for row in ports for acl in row.acl_bindings.values()}
        router = there.router()
        used |= {*router.acls.values()} if router else set()
        entries = {entry.uuid: entry for acl in used for entry in there.entries(acl)}
        bad = {acl for acl in used if any(each.refused for each in there.entries(acl))}
        for entry in entries.values():
            assert entry.fault_status == words("invalid_acl_entry", bool(entry.refused))
        for acl in used:
            row = there.rows[acl]
            assert isinstance(row, Acl)
            assert row.fault_status == words("invalid_acl", acl in bad)
        for each in ports:
            is_bad = 4095 in each.acl_bindings or bad & {*each.acl_bindings.values()}
            assert each.fault_status == words("invalid_ACL_binding", bool(is_bad))


class OpenAclSequences(AclSequences):
    """The same where entries that cannot be used are left out."""

    POLICY = replace(AclSequences.POLICY, acl_fails_open=True)


TestAclSequences = AclSequences.TestCase
TestAclSequences.settings = settings(max_examples=settings().max_examples, stateful_step_count=30)
TestOpenAclSequences = OpenAclSequences.TestCase
TestOpenAclSequences.settings = settings(
    max_examples=max(2, settings().max_examples // 3), stateful_step_count=30
)
