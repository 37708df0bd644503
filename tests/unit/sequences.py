"""Any sequence of events: what is wanted afterwards, and where frames go.

There are two switches, four logical switches whose numbers collide, three stations and a few
VTEPs, of which two are the switches themselves. Some of them come up more often than others, so
that events meet.
"""

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import replace
from itertools import count, cycle
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import BridgePort, Gone, VtepRow

from .builders import (
    BROADCAST,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MAC3,
    MULTICAST,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    refused,
    remote_group,
    remote_mac,
    tunnel_row,
    unknown_dst,
    uuid,
)
from .drop_rule import DropRule
from .leads import check_references
from .reference import Place, Reference, Tunnel, Wire
from .tunnel_rule import TunnelRule
from .walk import Frame, Pipeline, Pipelines, Result
from .world import NO_CONNECTION, World

OWN_OF = {"br0": "10.0.0.1", "br1": "10.0.0.11"}
LIMIT = 7
FIRST_NEW_NUMBER = 0x8000
"""Tunnel ports that get another number get one from here on, which no other port has."""

SWITCHES = st.sampled_from(["br0", "br0", "br0", "br1"])
PORTS = st.sampled_from(["p0", "p1", "p2"])
VLANS = st.sampled_from([0, 10])
LOGICAL_SWITCHES = st.sampled_from([uuid(number) for number in (1, 1, 1, 1, 2, 2, 3, 4)])
KEYS = st.sampled_from([None, None, 5001, 5001, 5002, 5003])
LOCATOR_KEYS = st.sampled_from([None, None, None, 5001, 5002])
STATIONS = st.sampled_from([MAC1, MAC1, MAC1, MAC2, MAC3])
ADDRESSES = st.sampled_from([FAR, FAR, FURTHER, FURTHER, *OWN_OF.values()])
MAC_ROWS = st.sampled_from([uuid(0x1000 + number) for number in (0, 0, 0, 1, 2)])
GROUP_ROWS = st.sampled_from([uuid(0x2000 + number) for number in (0, 0, 1)])
OUTCOMES = st.dictionaries(ADDRESSES, st.sampled_from(["up", "late", "later", "error"]))
TAGS = st.sampled_from([None, 0, 10, 20])
SOURCES = st.sampled_from([MAC1, MAC2, MAC3, "00:00:00:00:00:00", "03:00:00:00:00:01"])
DESTINATIONS = st.sampled_from([MAC1, MAC2, MAC3, BROADCAST, MULTICAST, "01:80:c2:00:00:0e"])


class Sequences(RuleBasedStateMachine):
    """The rows, ports and stations of two switches change in any way."""

    POLICY = Settings()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(OWN_OF, limit=LIMIT, settings=self.POLICY)
        self.reference = Reference(self.world)
        self.drop_rule = DropRule(self.world, self.reference)
        self.tunnel_rule = TunnelRule(self.world, self.reference)
        self.world.watch = self.watch
        self.new_numbers = count(FIRST_NEW_NUMBER)
        self.tunnels: dict[str, dict[str, bool]] = {name: {} for name in OWN_OF}
        self.bindings: dict[str, dict[str, dict[int, UUID]]] = {name: {} for name in OWN_OF}
        self.tunnel_ips: dict[str, tuple[str, ...]] = {
            name: (address,) for name, address in OWN_OF.items()
        }
        self.row_of = {name: uuid(0x5000 + index) for index, name in enumerate(OWN_OF)}
        self.ports: dict[str, dict[str, BridgePort]] = {name: {} for name in OWN_OF}
        self.named: dict[UUID, set[str]] = {}
        self.pipelines = Pipelines()

    @initialize(
        keys=st.lists(KEYS, min_size=2, max_size=4),
        far=st.booleans(),
        paces=st.lists(st.sampled_from(["wait", "settle", "calm down"]), min_size=1, max_size=4),
        vlan_limit=st.integers(1, 2),
    )
    def begin(self, keys: list[int | None], far: bool, paces: list[str], vlan_limit: int) -> None:
        """Begin with a network that works, so that short sequences are to the point."""
        self.vlan_limit = vlan_limit
        self.paces = cycle(paces)
        for number, key in enumerate(keys, 1):
            self.tell(logical_switch(uuid(number), key))
        for name in OWN_OF:
            self.bindings[name] = {"p0": {0: uuid(1)}, "p1": {0: uuid(1), 10: uuid(2)}}
            self.ports[name] = {"p0": port("p0", 1), "p1": port("p1", 2)}
            self.tell_switch(name)
            self.tell_ports(name)
        if far:
            self.tell(unknown_dst(FAR, of=uuid(1)))
        self.world.calm_down()

    def watch(self) -> None:
        """Judge each turn: with which tunnels it left the owners, and which are wanted."""
        self.tunnel_rule.check()

    # What is told

    def go_on(self) -> None:
        """After each event let some time pass, or none."""
        pace = next(self.paces)
        if pace == "settle":
            self.world.settle()
        elif pace == "calm down":
            self.world.calm_down()

    def tell(self, row: VtepRow) -> None:
        self.world.tell(row)
        of = getattr(row, "logical_switch", None)
        if of is not None:
            one = getattr(row, "locator", None)
            locators = getattr(row, "locators", set() if one is None else {one})
            self.named.setdefault(of, set()).update(each.address for each in locators)
        self.go_on()

    def tell_switch(self, name: str) -> None:
        rows = [
            physical_port(
                each,
                dict(bindings),
                uuid=uuid(0x6000 + 16 * sorted(OWN_OF).index(name) + int(each[1])),
            )
            for each, bindings in self.bindings[name].items()
        ]
        tunnels = [
            tunnel_row(address, bfd_params={"enable": str(is_enabled).lower()})
            for address, is_enabled in self.tunnels[name].items()
        ]
        row = physical_switch(
            *rows,
            name=name,
            row=self.row_of[name],
            tunnel_ips=self.tunnel_ips[name],
            tunnels=tuple(tunnels),
        )
        self.world.physical(row, name)
        self.reference.forget_what_moved()
        self.go_on()

    def tell_ports(self, name: str) -> None:
        self.world.bridge(*self.ports[name].values(), name=name)
        self.reference.forget_what_moved()
        self.go_on()

    # The NVC

    @rule(
        row=LOGICAL_SWITCHES,
        key=KEYS,
        source_node=st.booleans(),
        name=st.sampled_from(["", "new name"]),
    )
    def put_logical_switch(self, row: UUID, key: int | None, source_node: bool, name: str) -> None:
        more = {"name": f"{name} {row.int}"} if name else {}
        self.tell(logical_switch(row, key, source_node=source_node, **more))

    @rule(row=LOGICAL_SWITCHES)
    def remove_logical_switch(self, row: UUID) -> None:
        self.tell(Gone(row))

    @rule(address=ADDRESSES)
    def move_station(self, address: str) -> None:
        self.tell(remote_mac(MAC1, address, of=uuid(1), row=uuid(0x1000)))

    @rule(addresses=st.sets(ADDRESSES))
    def move_replication(self, addresses: set[str]) -> None:
        self.tell(unknown_dst(*addresses, of=uuid(1), row=uuid(0x2000)))

    @rule(row=MAC_ROWS, mac=STATIONS, of=LOGICAL_SWITCHES, address=ADDRESSES, key=LOCATOR_KEYS)
    def place_station(self, row: UUID, mac: str, of: UUID, address: str, key: int | None) -> None:
        self.tell(remote_mac(mac, address, of=of, row=row, key=key))

    @rule(row=GROUP_ROWS, of=LOGICAL_SWITCHES, addresses=st.sets(ADDRESSES), key=LOCATOR_KEYS)
    def put_unknown_dst(self, row: UUID, of: UUID, addresses: set[str], key: int | None) -> None:
        self.tell(unknown_dst(*addresses, of=of, row=row, key=key))

    @rule(row=GROUP_ROWS, of=LOGICAL_SWITCHES, addresses=st.sets(ADDRESSES), key=LOCATOR_KEYS)
    def put_multicast(self, row: UUID, of: UUID, addresses: set[str], key: int | None) -> None:
        self.tell(remote_group(MULTICAST, *addresses, of=of, row=row, key=key))

    @rule(joined=st.sets(LOGICAL_SWITCHES, max_size=2))
    def put_router(self, joined: set[UUID]) -> None:
        self.tell(logical_router(*joined))

    @rule(name=SWITCHES, address=ADDRESSES, is_enabled=st.booleans())
    def put_tunnel_row(self, name: str, address: str, is_enabled: bool) -> None:
        self.tunnels[name][address] = is_enabled
        self.tell_switch(name)

    @rule(row=MAC_ROWS | GROUP_ROWS, of=LOGICAL_SWITCHES | st.none())
    def refuse_row(self, row: UUID, of: UUID | None) -> None:
        self.tell(refused(row, of))

    @rule(row=MAC_ROWS | GROUP_ROWS)
    def remove_row(self, row: UUID) -> None:
        self.tell(Gone(row))

    @rule(
        name=SWITCHES,
        each=PORTS,
        bindings=st.dictionaries(VLANS, LOGICAL_SWITCHES),
    )
    def bind(self, name: str, each: str, bindings: dict[int, UUID]) -> None:
        self.bindings[name][each] = bindings
        self.tell_switch(name)

    @rule(name=SWITCHES, each=PORTS)
    def remove_physical_port(self, name: str, each: str) -> None:
        if self.bindings[name].pop(each, None) is not None:
            self.tell_switch(name)

    @rule(name=SWITCHES, more=st.lists(st.sampled_from([FAR, "1.0.0.1", "10.0.0.21"]), max_size=2))
    def put_tunnel_ips(self, name: str, more: list[str]) -> None:
        self.tunnel_ips[name] = tuple(sorted({OWN_OF[name], *more}))
        self.tell_switch(name)

    @rule(name=SWITCHES)
    def remove_tunnel_ips(self, name: str) -> None:
        self.tunnel_ips[name] = ()
        self.tell_switch(name)

    @rule(name=SWITCHES)
    def replace_switch_row(self, name: str) -> None:
        self.row_of[name] = uuid(self.row_of[name].int + 16)
        self.tell_switch(name)

    @rule(name=SWITCHES)
    def remove_switch_row(self, name: str) -> None:
        self.world.physical(None, name)
        self.reference.forget_what_moved()
        self.go_on()

    # Open vSwitch

    @rule(name=SWITCHES, each=PORTS, number=st.integers(1, 4), more=st.sets(st.just(5)))
    def put_port(self, name: str, each: str, number: int, more: set[int]) -> None:
        """A port has a number, and is a bond if it has more of them."""
        members = {number, *more}
        others = {
            other: there
            for other, there in self.ports[name].items()
            if other != each and members.isdisjoint({there.number, *there.members})
        }
        self.ports[name] = {**others, each: port(each, number, members=tuple(sorted(members)))}
        self.tell_ports(name)

    @rule(name=SWITCHES, each=PORTS)
    def change_bond(self, name: str, each: str) -> None:
        """A member leaves a bond, whose number stays what it was."""
        there = self.ports[name].get(each)
        if there is not None and len(there.members) > 1:
            self.ports[name][each] = replace(there, members=there.members[1:])
            self.tell_ports(name)

    @rule(name=SWITCHES, each=PORTS, is_up=st.booleans(), has_vlans=st.booleans())
    def change_port(self, name: str, each: str, is_up: bool, has_vlans: bool) -> None:
        if each in self.ports[name]:
            there = self.ports[name][each]
            self.ports[name][each] = replace(there, is_up=is_up, has_vlans=has_vlans)
            self.tell_ports(name)

    @rule(name=SWITCHES)
    def exchange_port_numbers(self, name: str) -> None:
        numbers = [(each.number, each.members) for each in self.ports[name].values()]
        self.ports[name] = {
            each: replace(there, number=number, members=members)
            for (each, there), (number, members) in zip(
                self.ports[name].items(), reversed(numbers), strict=True
            )
        }
        self.tell_ports(name)

    @rule(name=SWITCHES, each=PORTS)
    def break_port(self, name: str, each: str) -> None:
        self.ports[name][each] = port(each, None, error="no such device")
        self.tell_ports(name)

    @rule(name=SWITCHES, each=PORTS)
    def remove_port(self, name: str, each: str) -> None:
        if self.ports[name].pop(each, None) is not None:
            self.tell_ports(name)

    @rule(name=SWITCHES)
    def remove_bridge(self, name: str) -> None:
        self.world.no_bridge(name)
        self.ports[name] = {}
        self.tunnel_rule.forget(name)
        self.reference.forget_what_moved()
        self.go_on()

    @rule(name=SWITCHES, outcomes=OUTCOMES)
    def make_tunnels(self, name: str, outcomes: dict[str, str]) -> None:
        self.world.make_tunnels(name, lambda address: outcomes.get(address, "up"))

    @rule(name=SWITCHES, addresses=st.sets(ADDRESSES))
    def mend_tunnels(self, name: str, addresses: set[str]) -> None:
        """Ports that Open vSwitch gave up get a number late, and others get another one."""
        numbered = []
        for each in self.world.tunnel_ports(name):
            if each.remote in addresses:
                number = next(self.new_numbers)
                each = replace(each, number=number, members=(number,), error=None)
            numbered.append(each)
        others = [*self.ports[name].values(), *self.world.ports_to_anyone(name)]
        self.world.exactly(*others, *numbered, name=name)

    @rule(name=SWITCHES, addresses=st.sets(ADDRESSES))
    def lose_some_tunnels(self, name: str, addresses: set[str]) -> None:
        left = [each for each in self.world.tunnel_ports(name) if each.remote not in addresses]
        others = [*self.ports[name].values(), *self.world.ports_to_anyone(name)]
        self.world.exactly(*others, *left, name=name)

    @rule(name=SWITCHES)
    def lose_tunnels(self, name: str) -> None:
        self.world.exactly(*self.ports[name].values(), name=name)

    @rule(name=SWITCHES, down=st.sets(ADDRESSES))
    def report_bfd(self, name: str, down: set[str]) -> None:
        tunnels = [
            replace(each, bfd_status={"forwarding": str(each.remote not in down).lower()})
            for each in self.world.tunnel_ports(name)
        ]
        self.world.exactly(*self.ports[name].values(), *tunnels, name=name)

    # Stations

    @rule(name=SWITCHES, each=PORTS, vlan=VLANS, mac=STATIONS)
    def see_station(self, name: str, each: str, vlan: int, mac: str) -> None:
        """A frame was shown, at a time when the flows were not yet up to date perhaps."""
        if each in self.ports[name] and not self.ports[name][each].is_up:
            return
        self.world.see(mac, each, vlan, name)
        self.reference.sees(name, Wire(each, vlan or None), mac, BROADCAST)

    @rule(name=SWITCHES, source_binding=st.integers(0, 5), number=st.integers(1, LIMIT))
    def see_what_is_no_longer(self, name: str, source_binding: int, number: int) -> None:
        """A frame was shown that came in by a binding, or for a logical switch, now gone."""
        found = {
            (self.reference.ports(name)[each].number or 0) << 12 | vlan: (each, vlan, of)
            for (each, vlan), of in self.reference.bindings(name).items()
        }
        each = found.get(source_binding << 12)
        if each is None or self.world.logical_switches.number(each[2]) != number:
            self.world.show(source_binding << 12, number, MAC1, name)

    @rule(mac=STATIONS, of=LOGICAL_SWITCHES)
    def station_is_idle(self, mac: str, of: UUID) -> None:
        self.world.settle()
        if self.world.logical_switches.number(of) is not None:
            self.world.idle(mac, of)
            self.reference.forget(of, mac)

    # What has to hold

    @rule()
    def settle(self) -> None:
        self.world.settle()
        for name in OWN_OF:
            self.check_safety(name)

    @rule(outcomes=OUTCOMES)
    def check(self, outcomes: dict[str, str]) -> None:
        """Nothing of the past is left but what a new process would want as well."""
        self.calm_down(outcomes)
        mine, fresh = self.world.summary(), self.world.restarted_and_settled().summary()
        for what in mine:
            left, missing = mine[what] - fresh[what], fresh[what] - mine[what]
            assert (left, missing) == (set(), set()), what
        for name in OWN_OF:
            check_references(self.world, self.reference, name)
            switch = self.world.switches[name]
            assert all(switch.because(key) for key, _ in switch.owned.all())

    def calm_down(self, outcomes: dict[str, str]) -> None:
        self.world.calm_down(lambda address: "error" if outcomes.get(address) == "error" else "up")

    @rule(
        name=SWITCHES,
        place=st.builds(Wire, PORTS, TAGS) | st.builds(Tunnel, ADDRESSES, st.integers(5000, 5003)),
        src=SOURCES,
        dst=DESTINATIONS,
        dead=st.sets(ADDRESSES),
        inner=st.sampled_from([(), (), (10,)]),
        outcomes=OUTCOMES,
    )
    def send_frame(
        self,
        name: str,
        place: Place,
        src: str,
        dst: str,
        dead: Set[str],
        inner: tuple[int, ...],
        outcomes: dict[str, str],
    ) -> None:
        self.calm_down(outcomes)
        self.check_frame(name, place, src, dst, dead, inner)

    def teardown(self) -> None:
        self.check({})
        for name in OWN_OF:
            self.check_safety(name)
            for place in self.places(name):
                for dst in (MAC1, MAC2, MAC3, BROADCAST):
                    self.check_frame(name, place, "02:00:00:00:00:99", dst, set())
        super().teardown()

    # How it is checked

    def places(self, name: str) -> list[Place]:
        wires = [Wire(each, tag) for each in ("p0", "p1", "p2") for tag in (None, 0, 10, 20)]
        tunnels = [
            Tunnel(address, vni)
            for address in (FAR, FURTHER, *OWN_OF.values())
            for vni in (0, 5001, 5002, 5003, 5004)
        ]
        return [*wires, *tunnels]

    def pipeline(self, name: str, dead: Set[str] = frozenset()) -> Pipeline:
        """Return the flows and groups of a switch as they are, while some remote VTEPs are dead."""
        ways_out = self.reference.ways_out(name) if dead else {}
        dead_ports = {ways_out[address] for address in dead if address in ways_out}
        flows, groups = self.world.flow_values(name), self.world.group_values(name)
        return self.pipelines.of(name, flows, groups, dead_ports, self.vlan_limit)

    def send(
        self,
        pipeline: Pipeline,
        name: str,
        place: Place,
        src: str,
        dst: str,
        inner: tuple[int, ...] = (),
    ) -> list[Result]:
        """Send a frame in, by every OpenFlow port that there is for it.

        ``inner`` are tags that it has inside.
        """
        if self.world.switches[name].bridge is None:
            return []
        if isinstance(place, Tunnel):
            numbers = self.reference.ways_in(name).get(place.address, [])
            if not self.reference.is_named(name, place.address):
                numbers = numbers or self.reference.ways_in_of_anyone(name)
            frames = [Frame(number, src, dst, inner, place.vni) for number in numbers]
            return [pipeline.send(frame) for frame in frames]
        tags = inner if place.tag is None else (place.tag, *inner)
        there = self.ports[name].get(place.port)
        members = there.members if there and there.is_up else ()
        return [pipeline.send(Frame(number, src, dst, tags)) for number in members]

    def arrivals(self, name: str, result: Result, inner: tuple[int, ...] = ()) -> list[Place]:
        """Return where the copies of a frame arrive, each with the tags that it has inside."""
        bridge = self.world.switches[name].bridge
        assert bridge is not None
        by_number = {number: each for each in bridge.ports.values() for number in each.members}
        places: list[Place] = []
        for out in result.outputs:
            there = by_number[out.port]
            if there.is_ours:
                assert out.tags == ()
                assert there.remote is not None
                places.append(Tunnel(there.remote, out.vni))
            else:
                count = len(out.tags) - len(inner)
                assert out.tags[count:] == inner
                assert count <= 1
                places.append(Wire(there.name, out.tags[0] if count else None))
        return places

    def check_frame(
        self,
        name: str,
        place: Place,
        src: str,
        dst: str,
        dead: Set[str],
        inner: tuple[int, ...] = (),
    ) -> None:
        if isinstance(place, Wire) and place.tag is None and inner:
            place, inner = Wire(place.port, inner[0]), inner[1:]
        expected = self.reference.expected(name, place, src, dst, dead, bool(inner))
        results = self.send(self.pipeline(name, dead), name, place, src, dst, inner)
        for result in results:
            arrived = self.arrivals(name, result, inner)
            assert expected.is_met_by(arrived), f"{expected} and not {arrived}"
            self.drop_rule.check(result, name, place, src, dst, bool(inner))
        if results and isinstance(place, Wire):
            is_news = self.reference.sees(name, place, src, dst)
            assert {len(result.shown) for result in results} == {int(is_news)}
            for shown in results[0].shown:
                self.world.switches[name].packet_in(shown.packet_in(NO_CONNECTION))
            self.world.settle()

    def check_safety(self, name: str) -> None:
        """Whatever is still to come: no frame goes where it must never go."""
        bindings, pipeline = self.reference.bindings(name), self.pipeline(name)
        for place in self.places(name):
            for dst in (MAC1, BROADCAST):
                for result in self.send(pipeline, name, place, "02:00:00:00:00:77", dst):
                    arrived = self.arrivals(name, result)
                    assert max(Counter(arrived).values(), default=1) == 1
                    for each in arrived:
                        self.check_arrival(name, place, each, bindings)

    def check_arrival(
        self, name: str, place: Place, arrival: Place, bindings: Mapping[tuple[str, int], UUID]
    ) -> None:
        """Check one copy; what was named before counts until what is named now is there."""
        if isinstance(place, Wire):
            source = bindings.get((place.port, place.tag or 0))
        else:
            source = self.reference.let_in(name, place)
        assert source is not None
        if isinstance(arrival, Wire):
            assert arrival != Wire(*place) or isinstance(place, Tunnel)
            assert bindings[arrival.port, arrival.tag or 0] == source
        else:
            assert isinstance(place, Wire)
            row = self.reference.logical_switch(source)
            assert row is not None
            assert arrival.vni in (
                row.tunnel_key,
                self.reference.vni(name, source, arrival.address),
            )
            assert arrival.address in self.named[source]
            assert arrival.address not in self.reference.own(name)
