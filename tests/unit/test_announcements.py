"""What routers tell hosts without being asked: a new address, another MAC."""

from dataclasses import replace

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA
from scapy.layers.l2 import ARP, Ether

from vtep_ofapp.features.announcements import MOST_AT_ONCE, Announcements
from vtep_ofapp.pipeline import multicast, resolution
from vtep_ofapp.values.flows import FlowKey
from vtep_ofapp.values.routers import parse_interface
from vtep_ofapp.values.rows import Gone

from .builders import BLUE, RED, logical_router, physical_port, physical_switch
from .routed_worlds import GATEWAY, LR, Routed

OTHER_MAC = "02:00:00:00:00:fe"


def keys(world: Routed, ip: str) -> list[FlowKey]:
    flows = resolution.own_address(world.number(BLUE), ip, GATEWAY, True)
    return [flow.key for flow in flows]


def added(world: Routed, *ips: str) -> None:
    """The switch says that it answers for addresses in blue from now on."""
    for ip in ips:
        for key in keys(world, ip):
            world.switch.view[Announcements].put(key)


def told(world: Routed) -> list[tuple[str, str]]:
    """Return the addresses, each with its MAC, that the hosts in blue are told."""
    found = []
    for packet in world.pass_time(1):
        assert packet == multicast.to_all(packet.frame, world.number(BLUE))
        frame = Ether(packet.frame)
        is_arp = ARP in frame
        found.append((frame[ARP].psrc if is_arp else frame[ICMPv6ND_NA].tgt, frame.src))
    return found


@pytest.fixture
def world() -> Routed:
    world = Routed()
    world.sent()
    return world


IP, IP6 = "10.0.2.1", "2001:db8:2::1"


def test_a_new_address_is_announced_once(world: Routed) -> None:
    added(world, IP, IP6)
    assert told(world) == [(IP, GATEWAY), (IP6, GATEWAY)]
    added(world, IP, IP6)
    assert told(world) == []


def test_another_mac_is_announced(world: Routed) -> None:
    added(world, IP)
    told(world)
    world.tell(replace(world.router(), mac=OTHER_MAC))
    world.calm_down()
    added(world, IP)
    assert told(world) == [(IP, OTHER_MAC)]


def test_after_a_restart_nothing_is_announced_that_was_there(world: Routed) -> None:
    state = world.switch.view[Announcements]
    flows = {
        flow.key: flow
        for ip in (IP, IP6)
        for flow in resolution.own_address(world.number(BLUE), ip, GATEWAY, True)
    }
    state.begin(flows)
    for key in flows:
        state.found(key)
    added(world, IP, IP6)
    assert told(world) == []


def test_an_address_that_is_gone_is_new_when_it_comes_back(world: Routed) -> None:
    added(world, IP)
    told(world)
    world.tell(Gone(LR))
    world.calm_down()
    added(world, IP)
    assert told(world) == []
    world.tell(world.router())
    world.calm_down()
    added(world, IP)
    assert told(world) == [(IP, GATEWAY)]


def test_where_nothing_is_bound_nobody_is_told(world: Routed) -> None:
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.calm_down()
    added(world, IP)
    assert told(world) == []


def test_very_many_are_announced_in_parts() -> None:
    world = Routed()
    ips = [f"10.0.{number}.1" for number in range(100, 100 + MOST_AT_ONCE + 1)]
    addresses = tuple(parse_interface(f"{ip}/24") for ip in ips)
    world.tell(logical_router(row=LR, interfaces={BLUE: addresses}))
    world.calm_down()
    world.sent()
    added(world, *ips)
    world.switch.due()
    assert len(world.sent()) == MOST_AT_ONCE
    assert len(told(world)) == 1
