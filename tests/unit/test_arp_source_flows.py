"""Frames from and to the MAC addresses of VTEPs that route, taken through the flows of a switch."""

import time
from typing import Any

import pytest

from vtep_ofapp.engine.feature import Clock
from vtep_ofapp.features.next_hops.places import HOLD, MOST_USELESS
from vtep_ofapp.pipeline.drops import Reason
from vtep_ofapp.pipeline.layout import (
    ANSWERS,
    LOGICAL_SWITCH,
    REMOTE,
    SENDER,
    Table,
)
from vtep_ofapp.process.settings import NEVER, Settings
from vtep_ofapp.values.addresses import ip_number
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.routers import derived_mac
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    BROADCAST,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    locator,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    unknown_dst,
    uuid,
)
from .doubles import TimeDouble
from .packets import ICMP, PLAIN, Packet
from .protocols import REPLY, REQUEST, Message, advertisement, arp, number, solicitation
from .switch_worlds import ofport
from .walk import Frame, Pipeline, Result, Shown
from .world import NO_CONNECTION, World

SOURCE, SRC, RMAC = "06:00:00:00:00:03", source_mac(OWN), derived_mac("lr0")
ROW = uuid(0xA601)
IP1, IP2, GW = "10.0.1.11", "10.0.1.12", "10.0.1.1"
LL1, LL2, GW6 = "fe80::11", "fe80::12", "2001:db8::1"
RED_PORT, BLUE_PORT = 1, 2
PING = Packet(source=IP1, dest=IP2, protocol=ICMP, icmp_type=8, icmp_code=0)


def routed(*, others: bool = True, clock: Clock = time.monotonic, **settings: Any) -> World:
    """Return a switch with a router in red, and none in blue; FURTHER gets what is flooded."""
    world = World(settings=Settings(**settings), clock=clock)
    world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002), logical_router(RED))
    world.tell(*(unknown_dst(FURTHER, of=of) for of in (RED, BLUE)))
    if others:
        world.tell(ArpSource(ROW, SOURCE, locator(FAR)))
    world.physical(physical_switch(physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE})))
    world.bridge(port("p0", RED_PORT), port("p1", BLUE_PORT))
    world.calm_down()
    return world


def send(world: World, frame: Frame) -> Result:
    return Pipeline(world.flow_values(), world.group_values()).send(frame)


def ends(world: World, frame: Frame) -> set[tuple[int, int]]:
    """Return the ports by which a frame leaves, each with the VNI."""
    return {(each.port, each.vni) for each in send(world, frame).outputs}


def answers(mac: str) -> list[Message]:
    """Return what a host answers to a MAC address."""
    return [arp(REPLY, MAC1, IP1, GW, mac), advertisement(LL1, LL2, LL1, MAC1)]


@pytest.mark.parametrize("answer", answers(SOURCE))
def test_the_answer_of_a_host_goes_to_the_vtep_that_asked(answer: Message) -> None:
    world = routed()
    frame = Frame(RED_PORT, MAC1, SOURCE, packet=answer)
    assert ends(world, frame) == {(ofport(world, FAR), 5001)}
    world.tell(Gone(ROW))
    world.calm_down()
    assert ends(world, frame) == {(ofport(world, FURTHER), 5001)}


@pytest.mark.parametrize("answer", answers(SOURCE))
def test_where_no_router_is_it_is_a_frame_as_any_other(answer: Message) -> None:
    world = routed()
    frame = Frame(BLUE_PORT, MAC1, SOURCE, packet=answer)
    assert ends(world, frame) == {(ofport(world, FURTHER), 5002)}


@pytest.mark.parametrize("packet", [*answers(SOURCE), PING])
def test_what_comes_for_another_vtep_from_a_tunnel_is_a_copy(packet: Packet) -> None:
    world = routed()
    result = send(world, Frame(ofport(world, FURTHER), MAC1, SOURCE, vni=5001, packet=packet))
    assert (result.outputs, result.shown) == ([], [])
    assert result.dropped == [Reason.NOT_ROUTED]


@pytest.mark.parametrize("answer", answers(SRC))
@pytest.mark.parametrize("others", [False, True])
def test_answers_to_us_are_shown_and_go_nowhere(answer: Message, others: bool) -> None:
    world = routed(others=others)
    for in_port, vni in ((ofport(world, FURTHER), 5001), (RED_PORT, 0)):
        result = send(world, Frame(in_port, MAC2, SRC, vni=vni, packet=answer))
        assert result.outputs == []
        assert ANSWERS in [each.fields.get(SENDER) for each in result.shown]


@pytest.mark.parametrize("answer", answers(SRC))
def test_a_place_that_sends_too_many_answers_is_not_looked_at_for_a_while(answer: Message) -> None:
    """Nobody asked for them: each costs the application as much as one that is of use."""
    now = TimeDouble()
    world = routed(clock=now.clock)
    places = [(RED_PORT, 0), (ofport(world, FURTHER), 5001)]
    for in_port, vni in places:
        frame = Frame(in_port, MAC2, SRC, vni=vni, packet=answer)
        for _ in range(MOST_USELESS):
            (shown,) = [each for each in send(world, frame).shown if is_answer(each)]
            world.switch.packet_in(shown.packet_in(NO_CONNECTION))
        world.settle()
        assert not [each for each in send(world, frame).shown if is_answer(each)]
        assert send(world, frame).outputs == []
    now.wait(HOLD)
    world.switch.due()
    world.settle()
    for in_port, vni in places:
        result = send(world, Frame(in_port, MAC2, SRC, vni=vni, packet=answer))
        assert [each for each in result.shown if is_answer(each)]


def is_answer(shown: Shown) -> bool:
    return shown.fields.get(SENDER) == ANSWERS


def test_frames_from_the_mac_of_a_vtep_do_not_come_in_by_a_binding() -> None:
    world = routed()
    for mac in (SOURCE, SRC):
        result = send(world, Frame(RED_PORT, mac, BROADCAST, packet=PLAIN))
        assert (result.outputs, result.dropped) == ([], [Reason.BAD_SOURCE])


def test_they_come_in_by_a_tunnel() -> None:
    world = routed()
    request = arp(REQUEST, SOURCE, GW, IP1)
    frame = Frame(ofport(world, FAR), SOURCE, BROADCAST, vni=5001, packet=request)
    assert {out for out, _ in ends(world, frame)} == {RED_PORT}


# What a router sends into tunnels


def departing(world: World, packet: Packet, src: str = RMAC) -> dict[str, int]:
    """Return the fields of a frame of the router as it leaves by the tunnel to FURTHER."""
    number_of_red = world.logical_switches.number(RED)
    assert number_of_red is not None
    carried = {LOGICAL_SWITCH: number_of_red, REMOTE: ip_number(FURTHER)}
    pipeline = Pipeline(world.flow_values(), world.group_values())
    result = pipeline.send(Frame(0, src, MAC1, packet=packet), Table.ENCAPSULATION, carried)
    (out,) = result.outputs
    assert (out.port, out.vni) == (ofport(world, FURTHER), 5001)
    return dict(out.fields)


def test_requests_come_from_our_own_mac_always() -> None:
    for world in (routed(others=False), routed()):
        fields = departing(world, arp(REQUEST, RMAC, GW, IP1))
        assert (fields["eth_src"], fields["arp_sha"]) == (number(SRC), number(SRC))
        fields = departing(world, solicitation(GW6, "2001:db8::11", RMAC))
        assert (fields["eth_src"], fields["ipv6_nd_sll"]) == (number(SRC), number(SRC))


@pytest.mark.parametrize(
    ("others", "settings", "mac"),
    [
        (False, {}, RMAC),
        (True, {}, SRC),
        (False, {"gateway_for_tunnels": NEVER}, SRC),
    ],
)
def test_all_else_does_unless_we_route_for_tunnels(
    others: bool, settings: dict[str, Any], mac: str
) -> None:
    world = routed(others=others, **settings)
    reply = arp(REPLY, RMAC, GW, IP1, MAC1)
    assert departing(world, PING)["eth_src"] == number(mac)
    fields = departing(world, reply)
    assert (fields["eth_src"], fields["arp_sha"]) == (number(mac), number(RMAC))


def test_frames_of_hosts_keep_their_mac() -> None:
    assert departing(routed(), arp(REQUEST, MAC2, IP2, IP1), MAC2)["eth_src"] == number(MAC2)


def test_a_router_with_the_mac_of_this_vtep_is_no_loop() -> None:
    world = routed(others=False)
    world.tell(logical_router(RED, mac=SRC))
    world.calm_down()
    assert departing(world, PING, SRC)["eth_src"] == number(SRC)
