"""The whole application between a switch and two databases, with everything going wrong in between.

The NVC changes rows, ports come and go, stations send frames, and all that running.py lets go
wrong does.
"""

from dataclasses import replace
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.rows import (
    LocalMac,
    LocalMcastMac,
)

from .builders import (
    BLUE,
    BROADCAST,
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
from .reference import Wire
from .running import Running
from .walk import Frame, Pipeline

LOGICAL_SWITCHES = st.sampled_from([RED, RED, BLUE])
STATIONS = st.sampled_from([MAC1, MAC1, MAC2, MAC3])
ADDRESSES = st.sampled_from([FAR, FURTHER, OWN])
PORTS = st.sampled_from(["p0", "p1"])
VLANS = st.sampled_from([0, 10])


class Whole(Running):
    """The NVC, the operator and the hosts of br0, which has p0 and p1."""

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
        if name in self.openvswitch.ports:
            tags = () if tag is None else (tag,)
            self.send(Frame(self.openvswitch.number(name), src, dst, tags))

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

    # How it is checked

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

    def check_frames(self) -> None:
        """Send frames through what the switch has and compare with the reference."""
        if self.physical is None:
            return
        there = self.openvswitch.bridge()
        reference = self.reference()
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

    def check(self) -> None:
        self.check_rows()
        self.check_frames()


TestWhole = Whole.TestCase
TestWhole.settings = settings(max_examples=2 * settings().max_examples, stateful_step_count=40)
