"""What the bench has for routers: rows, and packets that show when they are in effect."""

from __future__ import annotations

import itertools
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from sim.bench.routed_rows import ROUTER_MAC, Routers
from sim.bench.traffic import for_station, with_vni
from sim.wire.frames import Captured, lab_frame, vlans_of, vxlan_packet

SHAPES = [Routers(3, 32), Routers(1, 100)]


def inserted(routers: Routers, table: str) -> list[dict[str, Any]]:
    operations = routers.operations("10.2.2.3")
    return [each["row"] for each in operations if each["op"] == "insert" and each["table"] == table]


@pytest.mark.parametrize("routers", SHAPES, ids=str)
def test_there_are_as_many_rows_as_the_shape_says(routers: Routers) -> None:
    found = inserted(routers, "Logical_Router")
    assert len(found) == routers.number
    assert len(inserted(routers, "Logical_Switch")) == 4 * routers.number
    stations = inserted(routers, "Ucast_Macs_Remote")
    assert len({row["MAC"] for row in stations}) == len(stations) == routers.next_hops
    routes = [prefix for row in found for prefix, _ in row["static_routes"][1]]
    networks = sorted(map(ip_network, routes))
    assert len(networks) == routers.routes
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(networks))


def test_the_largest_shapes_are_those_of_the_promises() -> None:
    many, one = Routers(1_024, 32), Routers(1, 32_768)
    assert many.routes == one.routes == 32_768
    assert many.next_hops == 65_536
    assert (many.ip(65_535), many.prefix(32_767)) == ("10.15.255.25", "172.31.255.224/27")
    assert one.next_hop_of(32_767) == one.next_hops - 1


@pytest.mark.parametrize("routers", SHAPES, ids=str)
def test_each_route_has_a_next_hop_that_a_row_places(routers: Routers) -> None:
    placed = {
        (row["logical_switch"][1], row["ipaddr"]): row["MAC"]
        for row in inserted(routers, "Ucast_Macs_Remote")
    }
    for row in inserted(routers, "Logical_Router"):
        subnets = {
            ip_interface(key).network: switch for key, (_, switch) in row["switch_binding"][1]
        }
        for _, next_hop in row["static_routes"][1]:
            [switch] = [each for subnet, each in subnets.items() if ip_address(next_hop) in subnet]
            assert (switch, next_hop) in placed


def test_a_probe_enters_by_the_vlan_of_its_router() -> None:
    routers = Routers(3, 32)
    for number, vlan in ((0, 1), (31, 1), (32, 2), (95, 3)):
        frame = bytes(routers.probe_of_route(number, "02:00:00:00:00:01").frame)
        assert vlans_of(frame) == (vlan,)
        assert frame[:6].hex(":") == ROUTER_MAC
    frame = bytes(routers.probe_of_next_hop(64, "02:00:00:00:00:01").frame)
    assert vlans_of(frame) == (2,)


def test_routed_packets_of_the_underlay_are_told_apart() -> None:
    routers = Routers(2, 32)
    mac, key = routers.mac(70), routers.key(70)
    inner = lab_frame(ROUTER_MAC, mac, b"")
    frame = Captured(0.0, bytes(14) + bytes(vxlan_packet("10.2.2.1", "10.2.2.3", key, inner)))
    assert for_station(mac)(frame)
    assert not for_station(routers.mac(71))(frame)
    assert with_vni(key)(frame)
    assert key == 1004
