"""The application between a server's messages and a switch, cut at any place.

The loop takes a turn wherever the reader lets it, and turns, parts and slices are as small as can
be. A Storm checks after each turn that what was done is of a whole state.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from sim.lab.openvswitch import SCHEMA_FILES
from vtep_ofapp.engine import switch_state
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.loop import change_queue, inbox
from vtep_ofapp.loop.components import build_components
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.timers import Timers
from vtep_ofapp.ovsdb import reader, schemas
from vtep_ofapp.ovsdb.errors import Malformed
from vtep_ofapp.ovsdb.hardware_vtep import tables as vtep_tables
from vtep_ofapp.ovsdb.hardware_vtep.tables import VtepTables
from vtep_ofapp.ovsdb.reader import Reader
from vtep_ofapp.ovsdb.replica import Replica
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import Bridges, BridgesInSync, Connected, LockIs, TimerIsDue
from vtep_ofapp.values.listen_address import ON_LOOPBACK
from vtep_ofapp.values.writes import PutTunnelPort, RemoveTunnelPort

from .builders import (
    BROADCAST,
    DATABASE,
    FAR,
    FURTHER,
    FURTHEST,
    MAC1,
    OWN,
    bridge,
    port,
    to_anyone,
    uuid,
)
from .doubles import ConnectionDouble, ServiceDouble, SwitchDouble, WriterDouble
from .ovsdb_server import LOCATION, ServerDouble
from .vtep_contents import Contents, Tables, updates
from .walk import Frame, Pipeline

ADDRESSES = (FAR, FURTHER, FURTHEST)


@cache
def schema() -> str:
    return SCHEMA_FILES["vtep"].read_text()


MAX_STEPS = 10_000
"""Steps after which an application that still has work is stuck."""


def all_of(step: Callable[[], bool]) -> Iterator[None]:
    """Repeat a step that returns whether there is more to do; yield after each but the last."""
    for _ in range(MAX_STEPS):
        if not step():
            return
        yield
    raise AssertionError(f"there is more to do after {MAX_STEPS} steps")


class Never:
    """A call that has been made already, or never will be."""

    def cancel(self) -> None:
        """Do nothing: the event of a timer that was stopped is left out."""


class Application:
    """The reader of hardware_vtep, the loop, and doubles of all that is beyond."""

    def __init__(self) -> None:
        """Make the parts; the server is one that has told its schema."""
        self.vtep, self.openvswitch = WriterDouble("hardware_vtep"), WriterDouble(DATABASE)
        measures = Measures()
        self.inbox = inbox.Inbox(measures.packet_ins)
        self.due: list[TimerIsDue] = []
        timers = Timers(self.due.append, later=self.later)
        openvswitch = {DATABASE: self.openvswitch}
        self.components = build_components(
            self.vtep, openvswitch, Settings(), timers, ON_LOOPBACK, measures
        )
        self.loop = Loop(self.components, self.inbox, ServiceDouble())
        tables = VtepTables()
        self.reader = Reader(tables, self.inbox.post)
        helper = schemas.helper_for(json.loads(schema()), tables.columns)
        self.replica = Replica(LOCATION, helper, self.reader)
        tables.attach(self.replica.tables, {})
        self.server = ServerDouble(self.replica.session)
        self.connection = ConnectionDouble(SwitchDouble())

    def start(self, tables: Tables, addresses: Iterable[str] = ADDRESSES) -> None:
        """Take br0 over, with a tunnel port to each of the VTEPs."""
        self.connect(tables)
        for _ in all_of(self.advance):
            pass
        self.turn(
            LockIs(True),
            Bridges(DATABASE, {"br0": with_tunnels(addresses)}),
            BridgesInSync(DATABASE, frozenset({"br0"})),
            Connected(0xB0, self.connection),
        )
        for _ in all_of(self.has_events):
            self.turn()
        self.turn(self.connection.leading(), self.connection.reading())
        self.serve()
        for _ in all_of(self.has_events):
            self.turn()
            self.serve()

    def connect(self, tables: Tables) -> None:
        """Connect again: the server sends all rows."""
        self.reader.finish()
        self.server.rows = updates({}, tables)
        self.server.connect()

    def tell(self, changes: dict[str, Any]) -> None:
        self.server.tell(changes)

    def advance(self) -> bool:
        """Let the reader work; return whether there is more to do for it."""
        try:
            self.reader.read_on(self.replica)
        except Malformed:
            self.replica.forget()
        return self.server.has_more or self.reader.is_behind

    def has_events(self) -> bool:
        """Return whether a turn is due."""
        return self.inbox.has_events

    def later(self, seconds: float, post: Callable[[Any], None], event: TimerIsDue) -> Never:
        """Let pauses between transactions end with the turn; no other timer is ever due."""
        if event.name.startswith("retry of"):
            post(event)
        return Never()

    def turn(self, *events: Any) -> None:
        due, self.due[:] = list(self.due), []
        waiting = self.inbox.take() if self.inbox.has_events else ()
        self.loop.turn([*events, *due, *waiting])

    def serve(self) -> None:
        """Let the switch and the database make what they are asked for."""
        for _ in all_of(lambda: "apply" in self.connection.take()):
            self.turn(self.connection.done())

    def state(self) -> tuple[Any, ...]:
        switch = self.connection.switch
        return dict(switch.flows), dict(switch.groups), set(self.components.faults.lasting())


def with_tunnels(addresses: Iterable[str]) -> Any:
    """Return br0 with p0 and tunnel ports, one of them to anyone."""
    ports = [
        port(NAMES_OF[each], NUMBERS[each], is_ours=True, remote=each, local=OWN)
        for each in sorted(addresses)
    ]
    return bridge(port("p0", 1), to_anyone(), *ports)


NUMBERS = {address: number for number, address in enumerate(ADDRESSES, 100)}
NAMES_OF = {address: Tunnels("br0", 10, time.monotonic).name(address, OWN) for address in ADDRESSES}


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
    wanted = application.components.switches.drivers["br0"].switch.tunnel_ports.wanted
    return Whole(
        switch.flows,
        switch.groups,
        set(application.components.faults.lasting()),
        set(map(str, writes)),
        set(wanted),
    )


@contextmanager
def cut_anywhere(sizes: tuple[int, ...], sleep: Callable[..., None]) -> Iterator[None]:
    """Let turns, parts and slices be so small, and call a function wherever the reader sleeps."""
    names = (
        (reader, "ROWS_AT_A_TIME"),
        (vtep_tables, "ROWS_AT_A_TIME"),
        (change_queue, "MAX_ROWS"),
        (switch_state, "PARTS_PER_TURN"),
        (inbox, "MAX_EVENTS"),
    )
    with ExitStack() as stack:
        for (module, name), size in zip(names, sizes, strict=True):
            stack.enter_context(patch.object(module, name, size))
        stack.enter_context(patch("eventlet.sleep", sleep))
        yield


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
        )

    def happen(self, way: str, former: Tables, tables: Tables) -> None:
        application = self._application
        if way == "reconnect":
            application.connect(tables)
        elif way == "malformed":
            changes = updates(former, tables)
            rows = [*changes.get("Ucast_Macs_Remote", {}).items()]
            rows.insert(self._chance.randint(0, len(rows)), (str(uuid(0xBAD)), {"new": {"MAC": 1}}))
            changes["Ucast_Macs_Remote"] = dict(rows)
            application.tell(changes)
            for _ in range(9):  # of which the last ones find nothing more
                application.advance()
                self.let_others_run()
            application.connect(tables)
        else:
            application.tell(updates(former, tables))
        if way != "at once":
            for _ in all_of(application.advance):
                self.let_others_run()

    def let_others_run(self, _: float = 0) -> None:
        if self._chance.random() < self._share:
            self._turn()

    def calm_down(self) -> None:
        application = self._application
        for _ in all_of(application.advance):
            pass
        self._share = 1.0
        for _ in range(10):
            self._turn()
            for _ in all_of(application.has_events):
                self._turn()

    def _turn(self) -> None:
        application = self._application
        events: list[Any] = []
        if "apply" in application.connection.asked and self._chance.random() < self._share:
            application.connection.take()
            events.append(application.connection.done())
        if application.vtep.transactions and self._chance.random() < self._share:
            self._check_writes(application.vtep.take())
            events.append(application.vtep.done())
        if application.openvswitch.transactions:
            self._check_ports(application.openvswitch.take())
            events.append(application.openvswitch.done())
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
