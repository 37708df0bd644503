"""Routers send ICMP errors about packets that are shown, from their addresses, within limits."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from tests.icmp_checker import IcmpError, icmp_error
from vtep_ofapp.engine.operator_view import ADDRESS, Passage
from vtep_ofapp.features.icmp_errors.feature import FEATURE
from vtep_ofapp.features.icmp_errors.limits import HOLD, PER_SOURCE, SHARE, Place, Unanswered
from vtep_ofapp.features.icmp_errors.messages import Kind
from vtep_ofapp.features.icmp_errors.sending import IcmpErrors, send
from vtep_ofapp.features.logical_switches.rows import LogicalSwitches
from vtep_ofapp.features.routers.rows import Routers
from vtep_ofapp.pipeline.layout import (
    ARRIVED_IN,
    EXPIRED,
    REMOTE,
    ROUTER,
    SENDER,
    SOURCE_BINDING,
    UNROUTED,
    UNSERVED,
    Cookie,
    Table,
)
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import Resubmit, SetField, match
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    GREEN,
    NO_CONNECTION,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    uuid,
)
from .doubles import TimeDouble
from .router_rows import read_router
from .world import World

R1 = uuid(0x9001)
HOST, RMAC = "02:00:00:00:00:01", derived_mac("r1")
GATEWAY, SECOND, GATEWAY6 = "192.168.1.1", "192.168.7.1", "2001:db8:1::1"
BINDINGS = {
    f"{GATEWAY}/24": RED,
    f"{SECOND}/24": RED,
    f"{GATEWAY6}/64": RED,
    "192.168.2.1/24": BLUE,
}
BINDING, FAR = 0x1000, 0x0A020203


class Network:
    """A switch that binds red and blue, with r1 between them."""

    def __init__(self, **settings: Any) -> None:
        self.time = TimeDouble()
        self.world = World(settings=Settings(**settings), clock=self.time.clock)
        self.world.tell(logical_switch(RED), logical_switch(BLUE), logical_switch(GREEN))
        self.world.bridge(port("p0", 1))
        self.world.physical(physical_switch(physical_port("p0", {0: RED, 7: BLUE})))
        self.put({"10.0.0.0/8": "192.168.2.50"})

    def put(self, routes: dict[str, str]) -> None:
        self.world.tell(read_router(R1, "r1", BINDINGS, routes, mac=RMAC))
        self.world.settle()

    def show(
        self,
        packet: Packet,
        why: int = EXPIRED,
        binding: int = BINDING,
        remote: int = 0,
        arrived_in: UUID = RED,
    ) -> None:
        """Let a packet to the router be shown, for a reason."""
        frame = bytes(Ether(src=HOST, dst=RMAC) / packet)
        self.take(frame, self.fields(why, binding, remote, arrived_in))

    def fields(self, why: int, binding: int, remote: int, arrived_in: UUID) -> dict[str, int]:
        """Return the registers of a packet that came to the router."""
        view = self.world.switch.view
        return {
            SENDER: why,
            SOURCE_BINDING: binding,
            REMOTE: remote,
            ROUTER: view[Routers].number(R1) or 0,
            ARRIVED_IN: view[LogicalSwitches].number(arrived_in) or 0,
        }

    def take(self, frame: bytes, fields: dict[str, int]) -> None:
        """Let a frame be shown; Open vSwitch leaves out registers that are 0."""
        there = match({name: value for name, value in fields.items() if value})
        self.world.switch.packet_in(
            PacketIn(NO_CONNECTION, Cookie.ROUTING, Table.SHOWING, there, frame)
        )

    def sent(self) -> list[IcmpError]:
        """Return the errors that were sent since the last call; all enter the way of routes."""
        view = self.world.switch.view
        errors = []
        for out in self.world.switch.take_packet_outs():
            router, _, resubmit = out.actions
            assert router == SetField(ROUTER, view[Routers].number(R1) or 0)
            assert resubmit == Resubmit(Table.ROUTES)
            read = icmp_error(out.frame)
            assert read is not None
            errors.append(read)
        return errors

    def figures(self) -> tuple[int, int]:
        """Return how many errors were sent and suppressed."""
        errors = self.world.switch.view[IcmpErrors]
        return errors.sent, errors.suppressed

    def unanswered(self) -> set[str]:
        """Return the flows that show no packets of someone."""
        self.world.settle()
        return {flow for flow in self.world.flows() if flow.startswith("SHOWING FORBIDDEN")}


def udp(source: str = "192.168.1.11", target: str = "192.168.2.11", **more: Any) -> Packet:
    header = (IPv6 if ":" in source else IP)(src=source, dst=target, **more)
    return header / UDP(sport=1111, dport=2222)


@pytest.fixture
def net() -> Network:
    return Network()


@pytest.mark.parametrize(
    ("why", "kind", "kind6"),
    [(EXPIRED, (11, 0), (3, 0)), (UNROUTED, (3, 0), (1, 0)), (UNSERVED, (3, 3), (1, 4))],
)
def test_each_reason_has_its_error(
    net: Network, why: int, kind: tuple[int, int], kind6: tuple[int, int]
) -> None:
    net.show(udp(), why)
    net.show(udp("2001:db8:1::11", "2001:db8:2::11"), why)
    first, second = net.sent()
    assert (first.source, first.target, first.kind) == (GATEWAY, "192.168.1.11", kind)
    assert (second.source, second.target, second.kind) == (GATEWAY6, "2001:db8:1::11", kind6)
    assert (first.eth_src, first.eth_dst) == (RMAC, HOST)
    assert net.figures() == (2, 0)


@pytest.mark.parametrize(
    ("source", "where", "address"),
    [
        ("192.168.1.11", RED, GATEWAY),
        ("192.168.7.11", RED, SECOND),
        ("10.1.1.1", RED, GATEWAY),
        ("10.1.1.1", BLUE, "192.168.2.1"),
        ("192.168.1.11", BLUE, "192.168.2.1"),
    ],
)
def test_an_error_is_from_the_address_that_is_next_to_the_host(
    net: Network, source: str, where: UUID, address: str
) -> None:
    net.show(udp(source, "172.16.1.1"), arrived_in=where)
    assert [each.source for each in net.sent()] == [address]


def test_there_is_no_error_without_an_address_or_a_route_to_the_host(net: Network) -> None:
    net.show(udp("172.16.1.1"))
    net.show(udp("2001:db8:1::11", "2001:db8:2::11"), arrived_in=BLUE)
    net.show(udp(), arrived_in=GREEN)
    net.show(IP(src="192.168.1.11", dst="192.168.2.11") / ICMP(type=3))
    assert net.sent() == []
    assert net.figures() == (0, 0)


@pytest.mark.parametrize("target", ["192.168.2.255", "192.168.2.0", "192.168.1.255"])
def test_there_is_no_error_about_a_broadcast_whose_ttl_ends(net: Network, target: str) -> None:
    net.show(udp(target=target))
    assert net.sent() == []
    net.show(udp(target="10.255.255.255"))
    assert len(net.sent()) == 1, "of a network that is not connected nobody knows"


def test_there_is_no_error_of_a_router_that_is_gone(net: Network) -> None:
    net.show(udp())
    assert len(net.sent()) == 1
    net.world.tell(Gone(R1))
    net.world.settle()
    net.show(udp())
    assert net.sent() == []


def test_other_features_send_errors(net: Network) -> None:
    frame, view = bytes(Ether(src=RMAC, dst=RMAC) / udp(ttl=63)), net.world.switch.view
    (out,) = send(Kind.NO_HOST, R1, RED, frame, view)
    read = icmp_error(out.frame)
    assert read is not None
    assert read.kind == (3, 1)
    assert read.quoted == bytes(udp(ttl=64))


def test_a_host_gets_ten_errors_in_a_second(net: Network) -> None:
    for _ in range(15):
        net.show(udp())
    assert len(net.sent()) == PER_SOURCE
    assert net.figures() == (PER_SOURCE, 5)
    net.time.now += 1
    net.show(udp())
    assert len(net.sent()) == 1


def test_an_option_limits_the_errors_of_a_switch() -> None:
    net = Network(icmp_errors_per_second=7)
    for number in range(10):
        net.show(udp(f"192.168.1.{100 + number}"), binding=BINDING + number % 5)
    assert len(net.sent()) == 7
    none = Network(icmp_errors_per_second=0)
    none.show(udp())
    assert none.sent() == []


def test_packets_of_a_host_beyond_its_share_are_not_shown_for_a_while(net: Network) -> None:
    for _ in range(int(PER_SOURCE * SHARE)):
        net.show(udp())
    assert net.unanswered() == {
        f"SHOWING FORBIDDEN eth_type=0x800,nw_src=192.168.1.11,reg0=0x1000,reg11={why:#x},"
        "reg2=0.0.0.0: drop"
        for why in (EXPIRED, UNROUTED, UNSERVED)
    }
    net.sent()
    net.time.now += 1
    net.show(udp())
    assert net.sent() == [], "it was on its way when the flows were made"
    net.show(udp("192.168.1.12"))
    net.show(udp(), binding=0x1007)
    assert len(net.sent()) == 2
    (cause,) = net.world.switch.because(Unanswered(Place(BINDING, 0), "192.168.1.11"))
    assert cause.text.startswith("192.168.1.11 at p0 VLAN 0 sent too many packets")
    key, owner = next(iter(net.world.switch.flows.wanted)), Unanswered(Place(BINDING, 0))
    said = FEATURE.verdicts[Unanswered](Passage(key, owner, {}), net.world.switch.view)
    assert said == "no ICMP error for now: p0 VLAN 0 sent too many packets that need one"
    assert list(FEATURE.subjects[ADDRESS]("192.168.1.11", net.world.switch.view)) == [
        Unanswered(Place(BINDING, 0), "192.168.1.11")
    ]
    net.time.now += HOLD
    net.world.switch.due()
    assert net.unanswered() == set()
    net.show(udp())
    assert len(net.sent()) == 1


def test_packets_of_a_place_beyond_its_share_are_not_shown_whoever_sends_them() -> None:
    net = Network(icmp_errors_per_second=10)
    for number in range(int(10 * SHARE)):
        net.show(udp(f"10.1.{number >> 8}.{number & 255}"), binding=0, remote=FAR)
    assert net.unanswered() == {
        f"SHOWING FORBIDDEN reg0=0x0,reg11={why:#x},reg2=10.2.2.3: drop"
        for why in (EXPIRED, UNROUTED, UNSERVED)
    }
    (cause,) = net.world.switch.because(Unanswered(Place(0, FAR)))
    assert cause.text.startswith("10.2.2.3 sent too many packets")
    net.sent()
    net.time.now += 1
    net.show(udp(), binding=0, remote=FAR + 1)
    assert len(net.sent()) == 1


def test_a_packet_that_is_none_is_counted_for_its_place() -> None:
    net = Network(icmp_errors_per_second=10)
    fields = match({SENDER: EXPIRED, SOURCE_BINDING: BINDING})
    for header in (bytes(14), bytes.fromhex("0200000000010200000000020800"), HEADER_6):
        packet = PacketIn(NO_CONNECTION, Cookie.ROUTING, Table.SHOWING, fields, header)
        for _ in range(int(10 * SHARE / 2)):
            net.world.switch.packet_in(packet)
    assert net.sent() == []
    assert len(net.unanswered()) == 3


HEADER_6 = bytes.fromhex("02000000000102000000000286dd") + bytes(20)


ANY_NETWORK = Network(icmp_errors_per_second=10000)
FRAME = bytes(Ether(src=HOST, dst=RMAC) / udp())


@given(
    header=st.binary(min_size=14, max_size=100)
    | st.binary(max_size=60).map(lambda rest: FRAME[:40] + rest),
    values=st.lists(st.integers(0, (1 << 32) - 1) | st.sampled_from((8, 16, 32)), min_size=5),
)
def test_no_packet_in_makes_it_raise(header: bytes, values: list[int]) -> None:
    """Registers may be those of a router or a binding that was there a moment ago."""
    names = SENDER, SOURCE_BINDING, REMOTE, ROUTER, ARRIVED_IN
    known = ANY_NETWORK.fields(EXPIRED, BINDING, 0, RED)
    fields = {
        name: known[name] if value % 2 else value
        for name, value in zip(names, values, strict=False)
    }
    ANY_NETWORK.take(header, fields)
    assert len(ANY_NETWORK.sent()) <= 1
    ANY_NETWORK.time.now += 1
