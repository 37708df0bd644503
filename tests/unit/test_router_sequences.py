"""Logical routers through any sequence of changes, against a small reference."""

from collections.abc import Iterator
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.engine.topics import Topic
from vtep_ofapp.engine.view import View
from vtep_ofapp.features.logical_switches.rows import WholeLogicalSwitch
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.routers.here import Interface, Route, RoutersHere
from vtep_ofapp.features.routers.rows import Routers
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.routers import LogicalRouter, derived_mac
from vtep_ofapp.values.rows import Gone

from .builders import BLUE, GREEN, RED, logical_switch, physical_port, physical_switch, port, uuid
from .router_rows import read_router
from .router_rule import Amount, Most, Row, amount, longest
from .world import World

SWITCHES = (RED, BLUE, GREEN)
ROUTERS = {uuid(0x9000 + each): f"r{each}" for each in range(4)}
KEYS = [
    "10.1.0.1/16", "10.1.0.2/16", "10.1.0.0/16", "10.1.1.1/24", "10.1.0.1/24", "10.1.255.255/16",
    "10.2.0.1/31", "10.2.0.0/32", "10.3.0.1", "10.3.0.1/0", "127.0.0.1/8",
    "2001:db8::1/64", "2001:DB8::1/64", "2001:db8::/64", "2001:db8::2/127", "2001:db8:1::1/128",
    "fe80::1/64", "fe80::1/10", "fe80::/64", "fe80::76:1dff:fe35:ce33/64", "ff02::1/64",
]  # fmt: skip
PREFIXES = [
    "10.0.0.0/8", "10.7.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "10.1.9.9/32", "10.0.0.0/33",
    "10.9.9.9",    "::/0", "2001:db8:9::/48", "2001:db8:9::1/48", "fe80::/10", "169.254.0.0/16",
]  # fmt: skip
NEXT_HOPS = [
    "10.1.0.1", "10.1.0.9", "10.1.1.9", "10.1.0.0", "10.1.255.255", "10.2.0.0", "10.8.0.1", "x",
    "2001:db8::9", "2001:db8::1", "fe80::9", "ff02::1",
]  # fmt: skip
MACS = ["", "00:00:5e:00:01:01", "02:76:1d:35:ce:33"]
ADDRESSES = [
    "10.1.1.5",
    "10.1.2.5",
    "10.2.0.1",
    "8.8.8.8",
    "2001:db8::5",
    "2001:db8:9::5",
    "fe80::5",
]


def read(row: Row) -> LogicalRouter:
    """Return a row as it is read from the database."""
    refused = "" if row.mac else "no MAC"
    return read_router(
        row.uuid, row.name, row.bindings, row.routes, mac=row.mac, refused_mac=refused
    )


Described: TypeAlias = dict[Any, Any]
"""What RoutersHere says, by Interface and Route."""


class RouterSequences(RuleBasedStateMachine):
    """``rows`` are what the database holds, ``bound`` what the switch binds."""

    most = Most()

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[UUID, Row] = {}
        self.bound: frozenset[UUID] = frozenset({RED})
        self.topics: list[Topic] = []
        self.said: Described = {}
        self.present: set[UUID] = set()
        self.world = self.new_world(*SWITCHES)
        self.bind(self.bound)

    def new_world(self, *switches: UUID) -> World:
        topics = (Interface, Route, WholeLogicalSwitch)
        watching = Feature(invalidated_by=dict.fromkeys(topics, self._note))
        routers, interfaces, routes = self.most
        options = Settings(max_routers=routers, max_interfaces=interfaces, max_routes=routes)
        world = World(features=(*FEATURES, watching), settings=options)
        world.model[Routers].ids = StableIds(4)  # numbers collide
        world.tell(*(logical_switch(each, 5000 + each.int) for each in switches))
        world.bridge(port("p0", 1))
        return world

    def _note(self, topic: Topic, view: View) -> Iterator[Topic]:
        self.topics.append(topic)
        yield from ()

    @rule(bound=st.frozensets(st.sampled_from(SWITCHES)))
    def bind(self, bound: frozenset[UUID]) -> None:
        self.bound = bound
        self.world.physical(physical_switch(physical_port("p0", dict(enumerate(sorted(bound))))))

    @rule(
        router=st.sampled_from(list(ROUTERS)),
        mac=st.sampled_from(MACS) | st.none(),
        bindings=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(SWITCHES), max_size=5),
        routes=st.dictionaries(st.sampled_from(PREFIXES), st.sampled_from(NEXT_HOPS), max_size=4),
        is_renamed=st.booleans(),
    )
    def put(
        self,
        router: UUID,
        mac: str | None,
        bindings: dict[str, UUID],
        routes: dict[str, str],
        is_renamed: bool,
    ) -> None:
        name = f"q{router.int}" if is_renamed else ROUTERS[router]
        row = Row(router, name, derived_mac(name) if mac is None else mac, bindings, routes)
        self.tell(row)

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        """One key of a column changes, which is what an NVC does most."""
        if not self.rows:
            return
        row = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        key, next_hop = data.draw(st.sampled_from(PREFIXES)), data.draw(st.sampled_from(NEXT_HOPS))
        routes = {**row.routes, key: next_hop}
        if data.draw(st.booleans()):
            del routes[key]
        self.tell(row._replace(routes=routes))

    @rule(router=st.sampled_from(list(ROUTERS)))
    def delete(self, router: UUID) -> None:
        self.rows.pop(router, None)
        self.world.tell(Gone(router))

    def tell(self, row: Row) -> None:
        self.rows[row.uuid] = row
        self.world.tell(read(row))

    @invariant()
    def holds(self) -> None:
        self.world.settle()
        now, expected = described(self.world), amount(self.rows.values(), self.bound, self.most)
        assert said_of(now) == expected
        check_queries(self.world, now)
        self.check_topics(now)
        self.said = now

    def check_topics(self, now: Described) -> None:
        """What differs from before has a topic; what does not has none."""
        raised, self.topics = set(self.topics), []
        of_routers = {each for each in raised if not isinstance(each, WholeLogicalSwitch)}
        before = self.said
        differing = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
        assert differing <= raised
        readdressed = {
            key[0]
            for key in before.keys() & now.keys()
            if isinstance(key, Interface) and before[key][1:3] != now[key][1:3]
        }
        present, self.present = self.present, set(self.world.switch.view[RoutersHere].routers())
        if self.most == Most():  # else a router may have no room for a moment
            for key in of_routers - differing:
                is_of_interface = isinstance(key, Route) and key.router in readdressed
                has_it = now.get(key) if isinstance(key, Route) else key
                is_whole = has_it and WholeLogicalSwitch(has_it.logical_switch) in raised
                assert is_of_interface or is_whole or key.router in present ^ self.present, key

    def teardown(self) -> None:
        """The order of rows does not matter, nor how they became what they are."""
        there = self.said, self.world.faults()
        self.world = self.new_world(*reversed(SWITCHES))
        for row in reversed(self.rows.values()):
            self.world.tell(read(row))
        self.bind(self.bound)
        self.world.settle()
        assert (described(self.world), self.world.faults()) == there


def described(world: World) -> Described:
    """Return what is said of each interface and route."""
    here = world.switch.view[RoutersHere]
    found: Described = {}
    for router in ROUTERS:
        for each in here.interfaces(router):
            texts = set(map(str, each.addresses))
            key = Interface(router, each.logical_switch)
            found[key] = texts, each.number, each.mac, each.name, each.link_local
        for route in here.routes(router):
            found[Route(router, route.prefix)] = route
    return found


def said_of(described: Described) -> Amount:
    said = Amount({}, {})
    for key, value in described.items():
        if isinstance(key, Interface):
            said.interfaces[key] = value[0]
        else:
            assert value.prefix == key.prefix
            said.routes[key.router, str(key.prefix)] = value.logical_switch, value.next_hop
    return said


def check_queries(world: World, now: Described) -> None:
    """Each other way to ask has the same answers."""
    here, routes = world.switch.view[RoutersHere], said_of(now).routes
    for where in SWITCHES:
        there = here.on(where)
        assert [each.router for each in there] == [
            router
            for router in sorted(ROUTERS, key=lambda each: row_name(world, each))
            if Interface(router, where) in now
        ]
        for each in there:
            assert here.interface(Interface(each.router, where)) == each
            assert here.with_mac(where, each.mac) == each
            for ip in (*each.ips(False), *each.ips(True), each.link_local):
                assert here.owner_of(where, ip) == each
    for router in ROUTERS:
        for ip in ADDRESSES:
            found = here.lookup(router, ip)
            assert (found and str(found.prefix)) == longest(routes, router, ip)
            if found is not None:
                assert here.route_of(Route(router, found.prefix)) == found


def row_name(world: World, router: UUID) -> str:
    row = world.model[Routers].row(router)
    return row.name if row else ""


class LimitedRouterSequences(RouterSequences):
    """There is room for less than comes."""

    most = Most(routers=3, interfaces=4, routes=5)


FEWER = settings(max_examples=max(5, settings().max_examples // 3), stateful_step_count=25)
TestRouterSequences = RouterSequences.TestCase
TestRouterSequences.settings = FEWER
TestLimitedRouterSequences = LimitedRouterSequences.TestCase
TestLimitedRouterSequences.settings = FEWER
