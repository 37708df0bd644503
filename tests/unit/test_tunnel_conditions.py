"""The state of each tunnel and of its BFD session, and since when."""

from dataclasses import replace

import pytest

from vtep_ofapp.features.tunnels.conditions import Bfd, Condition, State, TunnelConditions
from vtep_ofapp.process.settings import Settings

from .builders import (
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    uuid,
)
from .doubles import TimeDouble
from .world import World


@pytest.fixture
def time() -> TimeDouble:
    return TimeDouble()


def a_world(time: TimeDouble, settings: Settings | None = None) -> World:
    """Return a switch to which the NVC has just named FAR, and which has worked that out."""
    world = World(clock=time.clock, settings=settings)
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.settle()
    return world


def state(world: World, address: str = FAR) -> tuple[State, float] | None:
    found = world.switch.view[TunnelConditions].of(address)
    return (found.tunnel.value, found.tunnel.since) if found else None


def bfd(world: World) -> tuple[Bfd | None, float]:
    found = world.switch.view[TunnelConditions].of(FAR)
    assert found is not None
    return found.bfd.value, found.bfd.since


def test_a_tunnel_is_created_comes_up_and_ends(time: TimeDouble) -> None:
    world = a_world(time)
    begin = time.now
    time.wait(2)
    world.settle()
    assert state(world) == (State(Condition.CREATING), begin)
    world.make_tunnels()
    time.wait(5)
    world.calm_down()
    assert state(world) == (State(Condition.UP), begin + 2)
    assert state(world, FURTHER) is None
    world.tell(remote_mac(MAC1, FURTHER))
    world.calm_down()
    assert state(world) is None
    assert state(world, FURTHER) == (State(Condition.UP), time.now)


def test_a_tunnel_that_fails_has_the_reason(time: TimeDouble) -> None:
    world = a_world(time)
    world.calm_down(lambda address: "error")
    time.wait(3)
    assert state(world) == (State(Condition.FAILED, "could not"), time.now - 3)


def test_a_tunnel_beyond_the_limit_and_one_whose_name_is_taken(time: TimeDouble) -> None:
    world = a_world(time, Settings(max_tunnels=1))
    world.calm_down()
    world.tell(remote_mac(MAC2, FURTHER, row=uuid(0x1001)))
    world.calm_down()
    assert state(world, FURTHER) == (State(Condition.REFUSED), time.now)
    (name,) = (each.name for each in world.tunnel_ports())
    time.wait(1)
    world.exactly(port("p0", 1), port(name, 2))
    assert state(world) == (State(Condition.TAKEN), time.now)


def test_after_a_change_of_our_address_the_former_port_forwards(time: TimeDouble) -> None:
    world = a_world(time)
    world.calm_down()
    begin = time.now
    time.wait(1)
    row = physical_switch(physical_port("p0", {0: RED}))
    world.physical(replace(row, tunnel_ips=("10.0.0.9",)))
    world.settle()
    assert state(world) == (State(Condition.UP), begin)
    world.exactly(port("p0", 1))
    assert state(world) == (State(Condition.CREATING), time.now)


def test_bfd_has_a_time_of_its_own(time: TimeDouble) -> None:
    world = a_world(time)
    world.calm_down()
    assert bfd(world) == (None, time.now)
    (tunnel,) = world.tunnel_ports()
    up = {"state": "up", "forwarding": "true", "diagnostic": "No Diagnostic"}
    down = {"state": "down", "forwarding": "false", "diagnostic": "Control Detection Time Expired"}
    anyone = world.ports_to_anyone()
    for status, expected in ((up, Bfd("up", True)), (down, Bfd("down", False, down["diagnostic"]))):
        time.wait(1)
        begin = time.now
        world.exactly(port("p0", 1), replace(tunnel, bfd_status=status), *anyone)
        time.wait(1)
        flaps = {**status, "flap_count": "7"}
        world.exactly(port("p0", 1), replace(tunnel, bfd_status=flaps), *anyone)
        assert bfd(world) == (expected, begin)
        known = world.switch.view[TunnelConditions].of(FAR)
        assert known is not None
        assert known.forwards is expected.is_forwarding
    assert state(world) == (State(Condition.UP), 100.0)
