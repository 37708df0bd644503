"""What routers make of rows: flows of interfaces and routes."""

from dataclasses import replace

from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.routers import Prefix, parse_interface

from .builders import BLUE, MAC2, RED, logical_router
from .routed_worlds import Routed, Y
from .switch_worlds import a_world
from .world import World

LINK_LOCAL = "fe80::1"


def served(world: World, ip: str) -> int:
    """Return the number of flows that answer pings to an address of a router."""
    world.settle()
    flows = world.flows("TERMINATION")
    return sum(f"ipv6_dst={ip}," in flow and "icmpv6_type=0x80" in flow for flow in flows)


def test_interfaces_may_have_the_same_link_local_address() -> None:
    world = a_world()
    of_red, of_blue = parse_interface("10.0.1.1/24"), parse_interface("10.0.2.1/24")
    extra = parse_interface(f"{LINK_LOCAL}/64")
    both = {RED: (of_red, extra), BLUE: (of_blue, extra)}
    world.tell(logical_router(interfaces=both))
    assert served(world, LINK_LOCAL) == 1
    world.tell(logical_router(interfaces={RED: (of_red, extra), BLUE: (of_blue,)}))
    assert served(world, LINK_LOCAL) == 1
    world.tell(logical_router(interfaces={RED: (of_red,), BLUE: (of_blue,)}))
    assert served(world, LINK_LOCAL) == 0


def test_subnets_may_have_an_end_in_common() -> None:
    world = a_world()
    large, small = parse_interface("10.1.0.1/16"), parse_interface("10.1.0.2/24")

    def ends() -> set[object]:
        world.settle()
        dropped = (each for each in world.flow_values() if each.key.priority == 1065)
        return {dict(each.key.match)["ipv4_dst"] for each in dropped}

    world.tell(logical_router(interfaces={RED: (large, small)}))
    assert ends() == {"10.1.0.0", "10.1.255.255", "10.1.0.255"}
    world.tell(logical_router(interfaces={RED: (large,)}))
    assert ends() == {"10.1.0.0", "10.1.255.255"}


def test_a_route_is_one_flow_and_the_longest_prefix_has_the_highest_priority() -> None:
    world = a_world()
    world.tell(
        logical_router(
            RED,
            BLUE,
            routes={Prefix("10.0.0.0", 8): "10.0.2.5", Prefix("0.0.0.0", 0): "10.0.1.5"},
        )
    )
    world.settle()
    routes = sorted(
        (flow.key.priority, str(dict(flow.key.match).get("ipv4_dst")))
        for flow in world.flow_values()
        if flow.key.table == 52 and len(flow.actions) > 2
    )
    assert routes == [
        (1000, "None"),
        (1016, "('10.0.0.0', '255.0.0.0')"),
        (1049, "('10.0.1.0', '255.255.255.0')"),
        (1049, "('10.0.2.0', '255.255.255.0')"),
    ]


def test_a_station_with_the_mac_of_a_router_is_forgotten() -> None:
    """Its frames are dropped, and what is for it is for the router: it is not to be reported."""
    world = Routed()
    world.state(Y)
    before = {flow.key: flow for flow in world.flow_values()}
    world.tell(replace(world.router(), mac=MAC2))
    world.calm_down()
    later = world.restarted()
    later.read_back(before, {})
    later.calm_down()
    for each in (world, later):
        assert each.macs.place(BLUE, MAC2) is None
        flows = [flow for flow in each.flow_values() if flow.idle_timeout]
        assert [flow for flow in flows if ("eth_src", MAC2) in flow.key.match] == []
        hops = [flow for flow in each.flow_values() if flow.key.table == Table.NEXT_HOPS]
        assert all(MAC2 not in str(flow) for flow in hops)
