"""Worlds of one switch: br0 has p0 in red, untagged, unless a test says more."""

from typing import Any

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import PhysicalPort, VtepRow

from .builders import (
    BLUE,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
)
from .world import World


def a_world(*ports: PhysicalPort, settings: Settings | None = None, **more: Any) -> World:
    """Return br0 with p0 and p1 as OpenFlow ports 1 and 2, and these rows of Physical_Port."""
    world = World(settings=settings)
    world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002))
    world.physical(physical_switch(*(ports or [physical_port("p0", {0: RED})]), **more))
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    return world


def with_tunnel(*rows: VtepRow, **more: Any) -> World:
    """Return a world whose tunnels to what the rows name are up."""
    world = a_world(**more)
    world.tell(*rows)
    world.calm_down()
    return world


def ofport(world: World, address: str) -> int:
    (number,) = (each.number for each in world.tunnel_ports() if each.remote == address)
    assert number is not None
    return number
