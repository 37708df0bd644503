"""Presence: logical switches that routers join to bound ones are programmed as well."""

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.routers import parse_interface

from .builders import (
    BLUE,
    FAR,
    GREEN,
    MAC1,
    RED,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    remote_mac,
    unknown_dst,
    uuid,
)
from .switch_worlds import a_world
from .world import World

TO_FAR = f"UNICAST PREFERRED eth_dst={MAC1},metadata=green,reg3=0x0"


def placed(world: World) -> bool:
    """Return whether br0, which binds red, knows the station that the NVC placed in green."""
    world.calm_down()
    return any(flow.startswith(TO_FAR) for flow in world.flows("UNICAST"))


def with_station(routing: bool = True) -> World:
    world = a_world(settings=Settings(routing=routing))
    world.tell(logical_switch(GREEN, 5003), remote_mac(MAC1, FAR, of=GREEN))
    world.tell(unknown_dst(FAR, of=GREEN))
    return world


def test_a_router_makes_a_logical_switch_present_while_it_joins_a_bound_one() -> None:
    world = with_station()
    assert not placed(world)
    world.tell(logical_router(RED, GREEN))
    assert placed(world)
    world.tell(logical_router(BLUE, GREEN))
    assert not placed(world)


def test_routers_in_a_row_make_all_logical_switches_present() -> None:
    world = with_station()
    other = {BLUE: (parse_interface("10.0.2.2/24"),), GREEN: (parse_interface("10.0.3.1/24"),)}
    further = logical_router(row=uuid(0x9001), name="lr1", interfaces=other)
    world.tell(logical_router(RED, BLUE), further)
    assert placed(world)
    world.physical(physical_switch(physical_port("p0", {})))
    assert not placed(world)
    world.physical(physical_switch(physical_port("p0", {0: BLUE})))
    assert placed(world)


def test_without_routing_only_bound_logical_switches_are_present() -> None:
    world = with_station(routing=False)
    world.tell(logical_router(RED, GREEN))
    assert not placed(world)
