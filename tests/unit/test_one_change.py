"""A transaction is one change: no state between two of them is ever acted on.

Random transactions go through the real reader of hardware_vtep into the loop, as messages of a
server. They are cut at any place: the loop takes a turn wherever the reader lets it, and turns,
parts and slices are as small as can be. At any time the switch, the faults and what is written are
those of a new reader who is told all rows as they were between two transactions.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch
from uuid import UUID

import ovs.jsonrpc
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.lab.openvswitch import SCHEMA_FILES
from vtep_ofapp.engine import switch_state
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.loop import change_queue, inbox
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.ovsdb import client, hardware_vtep, schemas
from vtep_ofapp.ovsdb.bulk import Malformed
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import Bridges, BridgesInSync, Connected, LockIs, RetryIsDue
from vtep_ofapp.values.writes import PutTunnelPort, RemoveTunnelPort

from .builders import (
    BROADCAST,
    DATABASE,
    FAR,
    FURTHER,
    FURTHEST,
    MAC1,
    MAC2,
    MAC3,
    OWN,
    bridge,
    port,
    to_anyone,
    uuid,
)
from .doubles import ConnectionDouble, ServiceDouble, SwitchDouble, WriterDouble
from .walk import Frame, Pipeline

SERVER = "unix:/nonexistent"
ADDRESSES = (FAR, FURTHER, FURTHEST)
Tables = dict[str, dict[str, dict[str, Any]]]
"""Rows as JSON by table and UUID."""


# What the database holds


@dataclass
class Contents:
    """The NVC's rows, from which each transaction makes others. UUIDs are used only once."""

    switches: dict[str, tuple[UUID, int | None]] = field(default_factory=dict)
    macs: dict[int, tuple[UUID, str, str, str]] = field(default_factory=dict)
    floods: dict[int, tuple[UUID, UUID, str, frozenset[str]]] = field(default_factory=dict)
    bindings: dict[int, str] = field(default_factory=dict)
    locators: dict[str, UUID] = field(default_factory=dict)
    last: int = 0x100

    def new(self) -> UUID:
        self.last += 1
        return uuid(self.last * 7919 % 10007 << 32 | self.last)  # in no order

    def put_switch(self, name: str, key: int | None) -> None:
        row = self.switches[name][0] if name in self.switches else self.new()
        self.switches[name] = row, key

    def drop_switch(self, name: str) -> None:
        self.switches.pop(name, None)
        self.macs = {slot: row for slot, row in self.macs.items() if row[2] != name}
        self.floods = {slot: row for slot, row in self.floods.items() if row[2] != name}
        self.bindings = {vlan: of for vlan, of in self.bindings.items() if of != name}

    def replace_switch(self, name: str) -> None:
        """Delete a logical switch with all that it has, and make all of it again."""
        if name not in self.switches:
            return
        key, bindings = self.switches[name][1], dict(self.bindings)
        macs, floods = dict(self.macs), dict(self.floods)
        self.drop_switch(name)
        self.put_switch(name, key)
        self.macs = {
            slot: row if slot in self.macs else (self.new(), *row[1:]) for slot, row in macs.items()
        }
        self.floods = {
            slot: row if slot in self.floods else (self.new(), self.new(), *row[2:])
            for slot, row in floods.items()
        }
        self.bindings = bindings

    def put_mac(self, slot: int, mac: str, of: str, address: str) -> None:
        if of in self.switches:
            row = self.macs[slot][0] if slot in self.macs else self.new()
            self.macs[slot] = row, mac, of, address

    def replace_mac(self, slot: int) -> None:
        if slot in self.macs:
            self.macs[slot] = self.new(), *self.macs[slot][1:]

    def drop_mac(self, slot: int) -> None:
        self.macs.pop(slot, None)

    def put_flood(self, slot: int, of: str, addresses: frozenset[str]) -> None:
        if of in self.switches:
            self.floods[slot] = self.new(), self.new(), of, addresses

    def replace_flood(self, slot: int) -> None:
        if slot in self.floods:
            self.floods[slot] = self.new(), self.new(), *self.floods[slot][2:]

    def drop_flood(self, slot: int) -> None:
        self.floods.pop(slot, None)

    def bind(self, vlan: int, of: str | None) -> None:
        self.bindings.pop(vlan, None)
        if of in self.switches:
            self.bindings[vlan] = str(of)

    def tables(self) -> Tables:
        """Return all rows; a locator is there for as long as a row names it."""
        named = {row[3] for row in self.macs.values()} | {OWN, FAR}
        named |= {address for row in self.floods.values() for address in row[3]}
        self.locators = {each: self.locators.get(each) or self.new() for each in sorted(named)}
        found: Tables = {
            "Logical_Switch": {
                str(row): {"name": name, "tunnel_key": _set([]) if key is None else key}
                for name, (row, key) in self.switches.items()
            },
            "Physical_Locator": {
                str(row): {"encapsulation_type": "vxlan_over_ipv4", "dst_ip": address}
                for address, row in self.locators.items()
            },
            "Physical_Locator_Set": {
                str(row): {"locators": _set(_ref(self.locators[each]) for each in addresses)}
                for _, row, _, addresses in self.floods.values()
            },
            "Mcast_Macs_Remote": {
                str(row): {"MAC": "unknown-dst", **self.of(of), "locator_set": _ref(locators)}
                for row, locators, of, _ in self.floods.values()
            },
            "Ucast_Macs_Remote": {
                str(row): {"MAC": mac, **self.of(of), "locator": _ref(self.locators[address])}
                for row, mac, of, address in self.macs.values()
            },
            "Physical_Switch": {
                str(uuid(0x51)): {
                    "name": "br0",
                    "tunnel_ips": OWN,
                    "management_ips": "192.0.2.1",
                    "description": "a switch",
                    "ports": _ref(uuid(0x52)),
                    "tunnels": _ref(uuid(0x53)),
                }
            },
            "Physical_Port": {
                str(uuid(0x52)): {
                    "name": "p0",
                    "vlan_bindings": [
                        "map",
                        [[vlan, _ref(self.switches[of][0])] for vlan, of in self.bindings.items()],
                    ],
                }
            },
            "Tunnel": {
                str(uuid(0x53)): {
                    "local": _ref(self.locators[OWN]),
                    "remote": _ref(self.locators[FAR]),
                    "bfd_params": ["map", [["enable", "false"]]],
                }
            },
        }
        return found

    def of(self, name: str) -> dict[str, Any]:
        return {"logical_switch": _ref(self.switches[name][0])}


def _ref(row: UUID) -> list[str]:
    return ["uuid", str(row)]


def _set(members: Any) -> list[Any]:
    return ["set", list(members)]


def updates(before: Tables, after: Tables) -> dict[str, Any]:
    """Return the table updates from one to the other, as the first version tells them."""
    found: dict[str, Any] = {}
    for table in after:
        old, new = before.get(table, {}), after[table]
        rows = {
            row: {
                **({"old": old[row]} if row in old else {}),
                **({"new": new[row]} if row in new else {}),
            }
            for row in old.keys() | new.keys()
            if old.get(row) != new.get(row)
        }
        if rows:
            found[table] = rows
    return found


# The server, and all of ours


class Server:
    """The session of a reader: hands out messages."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def recv(self) -> Any:
        return self.messages.pop(0) if self.messages else None

    def run(self) -> None: ...

    def is_connected(self) -> bool:
        return True

    def get_seqno(self) -> int:
        return 1

    def get_name(self) -> str:
        return SERVER

    def force_reconnect(self) -> None: ...

    def send(self, message: Any) -> int:
        return 0


@cache
def schema() -> str:
    return SCHEMA_FILES["vtep"].read_text()


class Application:
    """The reader of hardware_vtep, the loop, and doubles of all that is beyond."""

    def __init__(self) -> None:
        """Make the parts; the server is one that has told its schema."""
        self.vtep, self.openvswitch = WriterDouble("hardware_vtep"), WriterDouble(DATABASE)
        self.inbox = inbox.Inbox()
        self.loop = Loop(
            self.vtep, {DATABASE: self.openvswitch}, self.inbox, Settings(), ServiceDouble()
        )
        self.reader = client.Database(
            "hardware_vtep", SERVER, hardware_vtep.VtepTables(), self.inbox.post
        )
        tables = self.reader._tables
        helper = schemas.helper_for(json.loads(schema()), tables.columns, tables.optional)
        self.idl = client._Idl(SERVER, helper, self.reader)
        tables.attach(self.idl.tables, {})
        self.server = self.idl._session = Server()
        self.idl._last_seqno = 1
        self.connection = ConnectionDouble(SwitchDouble())

    def start(self, tables: Tables, addresses: Iterable[str] = ADDRESSES) -> None:
        """Take br0 over, with a tunnel port to each of the VTEPs."""
        self.tell_anew(tables)
        while self.advance():
            pass
        self.turn(
            LockIs(True),
            Bridges(DATABASE, {"br0": with_tunnels(addresses)}),
            BridgesInSync(DATABASE, frozenset({"br0"})),
            Connected(0xB0, self.connection),
        )
        while self.inbox._events:
            self.turn()
        self.turn(self.connection.leading(), self.connection.reading())
        self.serve()
        while self.inbox._events:
            self.turn()
            self.serve()

    def tell_anew(self, tables: Tables) -> None:
        """Let the server answer to a new monitor, on a new connection."""
        self.reader._is_in_sync = False
        self.idl.restart_fsm()
        self.idl.state = self.idl.IDL_S_DATA_MONITOR_REQUESTED
        self.idl._monitor_request_id = 1
        message = ovs.jsonrpc.Message.create_reply(updates({}, tables), 1)
        self.server.messages.append(message)

    def tell(self, changes: dict[str, Any]) -> None:
        message = ovs.jsonrpc.Message.create_notify("update", [str(self.idl.uuid), changes])
        self.server.messages.append(message)

    def advance(self) -> bool:
        """Let the reader work; return whether there is more to do for it."""
        try:
            self.reader._advance(self.idl)
        except Malformed:
            self.idl.forget()
        return bool(self.server.messages) or self.reader._is_behind()

    def turn(self, *events: Any) -> None:
        self.loop.turn([*events, *(self.inbox.take() if self.inbox._events else ())])

    def serve(self) -> None:
        """Let the switch and the database make what they are asked for."""
        while "apply" in self.connection.take():
            self.turn(self.connection.done())

    def state(self) -> tuple[Any, ...]:
        switch = self.connection.switch
        return dict(switch.flows), dict(switch.groups), set(self.loop._faults._said)


def with_tunnels(addresses: Iterable[str]) -> Any:
    """Return br0 with p0 and tunnel ports, one of them to anyone."""
    ports = [
        port(NAMES_OF[each], NUMBERS[each], is_ours=True, remote=each, local=OWN)
        for each in sorted(addresses)
    ]
    return bridge(port("p0", 1), to_anyone(), *ports)


NUMBERS = {address: number for number, address in enumerate(ADDRESSES, 100)}
NAMES_OF = {address: Tunnels("br0", 10).name(address, OWN) for address in ADDRESSES}


@dataclass
class Whole:
    """What a new reader makes of the rows between two transactions."""

    flows: dict[Any, Any]
    groups: dict[int, Any]
    faults: set[str]
    writes: set[str]
    tunnels: set[str]


def whole(tables: Tables) -> Whole:
    application = Application()
    application.start(tables)
    switch = application.connection.switch
    (writes, *rest) = application.vtep.transactions or [[]]
    assert not rest
    wanted = application.loop._sessions["br0"].managed.tunnels.ports.wanted
    return Whole(
        switch.flows,
        switch.groups,
        set(application.loop._faults._said),
        set(map(str, writes)),
        set(wanted),
    )


# What happens

NAMES = st.sampled_from(["red", "red", "blue"])
SLOTS = st.integers(0, 5)
MACS = st.sampled_from([MAC1, MAC1, MAC2, MAC3, "bad"])
OF = st.sampled_from(ADDRESSES)
KEYS = st.sampled_from([5001, 5001, 5002, None])
OPERATIONS = st.one_of(
    st.tuples(st.just("replace_flood"), SLOTS.map(lambda slot: slot % 2)),
    st.tuples(st.just("replace_mac"), SLOTS),
    st.tuples(st.just("replace_switch"), NAMES),
    st.tuples(
        st.just("put_flood"), SLOTS.map(lambda slot: slot % 2), NAMES, st.frozensets(OF, min_size=1)
    ),
    st.tuples(st.just("put_mac"), SLOTS, MACS, NAMES, OF),
    st.tuples(st.just("bind"), st.sampled_from([0, 10]), NAMES | st.none()),
    st.tuples(st.just("drop_mac"), SLOTS),
    st.tuples(st.just("drop_flood"), SLOTS.map(lambda slot: slot % 2)),
    st.tuples(st.just("put_switch"), NAMES, KEYS),
    st.tuples(st.just("drop_switch"), NAMES),
)
TRANSACTIONS = st.lists(OPERATIONS, min_size=1, max_size=6)
SIZES = st.tuples(*[st.integers(1, 3)] * 5)
WAYS = st.sampled_from(["told", "told", "told", "at once", "reconnect", "malformed"])


def begin() -> Contents:
    """A network that works, with more rows than fit into a part."""
    contents = Contents()
    contents.put_switch("red", 5001)
    contents.put_switch("blue", 5002)
    contents.bind(0, "red")
    contents.bind(10, "blue")
    contents.put_flood(0, "red", frozenset({FAR}))
    for slot, mac in enumerate([MAC1, MAC2, MAC3]):
        contents.put_mac(slot, mac, "red", FURTHER)
    return contents


@given(
    script=st.lists(st.tuples(WAYS, TRANSACTIONS), min_size=1, max_size=6),
    seed=st.integers(0, 1 << 32),
    sizes=SIZES,
)
@settings(max_examples=settings.default.max_examples // 2)
def test_no_state_between_two_transactions_is_acted_on(script, seed, sizes):
    contents = begin()
    tables = contents.tables()
    states = [whole(tables)]
    application = Application()
    application.start(tables)
    storm = Storm(application, states, random.Random(seed))
    with cut_anywhere(sizes, storm.let_others_run):
        for way, operations in script:
            former = tables
            for name, *arguments in operations:
                getattr(contents, name)(*arguments)
            tables = contents.tables()
            states.append(whole(tables))
            storm.happen(way, former, tables)
        storm.calm_down()
    final = states[-1]
    assert application.state() == (final.flows, final.groups, final.faults)


@contextmanager
def cut_anywhere(sizes: tuple[int, ...], sleep: Callable[..., None]) -> Iterator[None]:
    """Let turns, parts and slices be so small, and call a function wherever the reader sleeps."""
    names = (
        (client, "_ROWS_AT_A_TIME"),
        (hardware_vtep, "_ROWS_AT_A_TIME"),
        (change_queue, "MAX_ROWS"),
        (switch_state, "MAX_STATIONS"),
        (inbox, "MAX_EVENTS"),
    )
    with ExitStack() as stack:
        for (module, name), size in zip(names, sizes, strict=True):
            stack.enter_context(patch.object(module, name, size))
        stack.enter_context(patch.object(client.eventlet, "sleep", sleep))
        yield


FLOODED = st.one_of(
    st.tuples(st.just("replace_flood"), st.just(0)),
    st.tuples(st.just("put_flood"), st.just(0), st.just("red"), st.frozensets(OF, min_size=1)),
    st.tuples(st.just("replace_mac"), st.just(0)),
    st.tuples(st.just("put_mac"), st.just(0), st.just(MAC1), st.just("red"), OF),
    st.tuples(st.just("replace_switch"), st.just("blue")),
    st.tuples(st.just("put_mac"), st.integers(1, 5), st.just(MAC2), NAMES, OF),
    st.tuples(st.just("drop_mac"), st.integers(1, 5)),
)


@given(
    script=st.lists(
        st.tuples(WAYS, st.lists(FLOODED, min_size=1, max_size=6)), min_size=1, max_size=6
    ),
    seed=st.integers(0, 1 << 32),
    sizes=SIZES,
)
@settings(max_examples=settings.default.max_examples // 2)
def test_what_always_has_somewhere_to_go_goes_there_while_tunnels_come_and_go(script, seed, sizes):
    """Whatever is replaced by what: frames to all and to a station leave by one tunnel each."""
    contents = begin()
    tables = contents.tables()
    application = Application()
    application.start(tables, {FAR, FURTHER})
    storm = Flood(application, contents, random.Random(seed))
    with cut_anywhere(sizes, storm.let_others_run):
        for way, operations in script:
            former = tables
            for name, *arguments in operations:
                getattr(contents, name)(*arguments)
            tables = contents.tables()
            storm.named(contents)
            storm.happen(way, former, tables)
        storm.calm_down()
    assert storm.places(MAC1) == {contents.macs[0][3]}
    assert storm.places(BROADCAST) <= contents.floods[0][3]


class Storm:
    """What happens to an application, and after each of its turns that it acted on whole states."""

    def __init__(
        self, application: Application, states: list[Whole], chance: random.Random
    ) -> None:
        self._application = application
        self._states = states
        self._chance = chance
        self._share = 0.6
        application.vtep.transactions.clear()
        application.openvswitch.transactions.clear()
        application.turn(
            application.vtep.done(),
            application.openvswitch.done(),
            RetryIsDue("hardware_vtep"),
            RetryIsDue(DATABASE),
        )

    def happen(self, way: str, former: Tables, tables: Tables) -> None:
        application = self._application
        if way == "reconnect":
            application.tell_anew(tables)
        elif way == "malformed":
            changes = updates(former, tables)
            rows = [*changes.get("Ucast_Macs_Remote", {}).items()]
            rows.insert(self._chance.randint(0, len(rows)), (str(uuid(0xBAD)), {"new": {"MAC": 1}}))
            changes["Ucast_Macs_Remote"] = dict(rows)
            application.tell(changes)
            for _ in range(9):  # of which the last ones find nothing more
                application.advance()
                self.let_others_run()
            application.tell_anew(tables)
        else:
            application.tell(updates(former, tables))
        if way != "at once":
            while application.advance():
                self.let_others_run()

    def let_others_run(self, _: float = 0) -> None:
        if self._chance.random() < self._share:
            self._turn()

    def calm_down(self) -> None:
        application = self._application
        while application.advance():
            pass
        self._share = 1.0
        for _ in range(10):
            self._turn()
            while application.inbox._events:
                self._turn()

    def _turn(self) -> None:
        application = self._application
        events: list[Any] = []
        if "apply" in application.connection.asked and self._chance.random() < self._share:
            application.connection.take()
            events.append(application.connection.done())
        if application.vtep.transactions and self._chance.random() < self._share:
            self._check_writes(application.vtep.take())
            events += [application.vtep.done(), RetryIsDue("hardware_vtep")]
        if application.openvswitch.transactions:
            self._check_ports(application.openvswitch.take())
            events += [application.openvswitch.done(), RetryIsDue(DATABASE)]
        application.turn(*events)
        self._check()

    def _check(self) -> None:
        flows, groups, faults = self._application.state()
        assert any((flows, groups) == (each.flows, each.groups) for each in self._states)
        assert any(faults == each.faults for each in self._states)

    def _check_writes(self, writes: list[Any]) -> None:
        assert any(set(map(str, writes)) == each.writes for each in self._states)

    def _check_ports(self, writes: list[Any]) -> None:
        always = set.intersection(*(each.tunnels for each in self._states))
        for write in writes:
            assert isinstance(write, PutTunnelPort | RemoveTunnelPort)
            assert not (isinstance(write, RemoveTunnelPort) and write.name in always)


class Flood(Storm):
    """The same where tunnel ports are made and removed as is asked for, sooner or later."""

    def __init__(self, application: Application, contents: Contents, chance: random.Random) -> None:
        """Begin with what the database holds."""
        super().__init__(application, [], chance)
        self._there = {FAR, FURTHER}
        self._asked: list[Any] = []
        self._named: dict[str, set[str]] = {MAC1: set(), BROADCAST: set()}
        self.named(contents)

    def named(self, contents: Contents) -> None:
        """Take note of where frames may go from now on; where they went before stays allowed."""
        self._named[MAC1].add(contents.macs[0][3])
        self._named[BROADCAST] |= contents.floods[0][3]

    def places(self, dst: str) -> set[str]:
        """Return the VTEPs that a frame goes to."""
        switch = self._application.connection.switch
        pipeline = Pipeline(switch.flows.values(), switch.groups.values())
        outputs = pipeline.send(Frame(1, "02:00:00:00:00:77", dst)).outputs
        by_number = {number: address for address, number in NUMBERS.items()}
        return {by_number[each.port] for each in outputs}

    def _check_writes(self, writes: list[Any]) -> None:
        """Any are right here."""

    def _check_ports(self, writes: list[Any]) -> None:
        self._asked += writes

    def _turn(self) -> None:
        if self._asked and self._chance.random() < self._share:
            for write in self._asked:
                (address,) = (each for each in ADDRESSES if NAMES_OF[each] == write.name)
                if isinstance(write, PutTunnelPort):
                    self._there.add(address)
                else:
                    self._there.discard(address)
            self._asked.clear()
            self._application.inbox.post(Bridges(DATABASE, {"br0": with_tunnels(self._there)}))
        super()._turn()

    def _check(self) -> None:
        for dst, named in self._named.items():
            (place,) = self.places(dst)
            assert place in named
