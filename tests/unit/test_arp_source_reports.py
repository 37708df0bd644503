"""What the NVC is told of routers: our row of Arp_Sources_Local, and their MAC if we are alone."""

from typing import Any

from vtep_ofapp.values.arp_sources import ArpSource, PutArpSource, source_mac
from vtep_ofapp.values.routers import derived_mac, parse_interface
from vtep_ofapp.values.rows import Gone, PhysicalPort
from vtep_ofapp.values.writes import PutLocalMac

from .builders import (
    FAR,
    MAC1,
    OWN,
    RED,
    local_mac,
    locator,
    logical_router,
    physical_port,
    uuid,
)
from .publisher_bench import OTHER, Bench

ROUTER = uuid(0x9000)
RMAC = derived_mac("lr0")


def bound() -> PhysicalPort:
    return physical_port("p0", {0: RED})


def source(mac: str, address: str, row: int = 0, *, is_local: bool = True) -> ArpSource:
    return ArpSource(uuid(0xA6000 + row), mac, locator(address), is_local)


def routing_bench(*names: str) -> Bench:
    """Return switches with a router in red, of which each is managed."""
    bench = Bench()
    bench.world.tell(logical_router(RED, row=ROUTER))
    for number, name in enumerate(names or ("br0",)):
        bench.manage(name, bound(), tunnel_ip=(OWN, OTHER)[number])
    bench.world.settle()
    return bench


def put(bench: Bench, *kinds: type) -> list[Any]:
    bench.world.settle()
    return bench.writes(*kinds or (PutArpSource,))


def test_a_switch_with_a_router_has_one_row_which_goes_with_the_router() -> None:
    bench = routing_bench()
    assert put(bench) == [PutArpSource(source_mac(OWN), OWN)]
    row = source(source_mac(OWN), OWN)
    bench.tell(row)
    assert put(bench) == []
    bench.world.tell(Gone(ROUTER))
    assert put(bench) == [PutArpSource("", None, (row.uuid,))]
    bench.tell(Gone(row.uuid))
    assert put(bench) == []


def test_a_switch_without_a_router_that_is_present_has_none() -> None:
    bench = routing_bench()
    bench.manage("br0", physical_port("p0"))
    assert put(bench) == []


def test_the_row_follows_the_tunnel_ip() -> None:
    bench = routing_bench()
    row = source(source_mac(OWN), OWN)
    bench.tell(row)
    bench.manage("br0", bound(), tunnel_ip="10.7.0.1")
    assert put(bench) == [
        PutArpSource("", None, (row.uuid,)),
        PutArpSource(source_mac("10.7.0.1"), "10.7.0.1"),
    ]


def test_two_switches_have_a_row_each() -> None:
    bench = routing_bench("br0", "br1")
    assert put(bench) == [
        PutArpSource(source_mac(OWN), OWN),
        PutArpSource(source_mac(OTHER), OTHER),
    ]


def test_a_wrong_or_further_row_at_our_address_is_replaced() -> None:
    bench = routing_bench()
    bench.tell(source(MAC1, OWN, 1))
    assert put(bench) == [PutArpSource(source_mac(OWN), OWN, (uuid(0xA6001),))]
    bench.tell(source(source_mac(OWN), OWN))
    rows = uuid(0xA6000), uuid(0xA6001)
    assert put(bench) == [PutArpSource(source_mac(OWN), OWN, rows)]


def test_rows_of_others_stay() -> None:
    bench = routing_bench()
    bench.know("br1", tunnel_ip=OTHER)
    bench.tell(source(source_mac(OWN), OWN))
    bench.turn()
    bench.tell(source(source_mac(OTHER), OTHER, 1), source(MAC1, FAR, 2))
    bench.tell(source(source_mac(FAR), FAR, 3, is_local=False))
    assert put(bench) == []


# The MAC address of the router


def test_the_mac_of_a_router_is_reported_while_we_route_alone() -> None:
    bench = routing_bench()
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, OWN, ip="10.0.1.1")]
    row = local_mac(RMAC)
    bench.tell(row)
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, OWN, (row.uuid,), "10.0.1.1")]
    bench.world.tell(source(MAC1, FAR, is_local=False))
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, None, (row.uuid,))]
    bench.tell(Gone(row.uuid))
    assert put(bench, PutLocalMac) == []
    bench.world.tell(Gone(uuid(0xA6000)))
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, OWN, ip="10.0.1.1")]


def test_it_has_the_least_ipv4_address_or_none() -> None:
    bench = routing_bench()
    addresses = map(parse_interface, ("10.0.2.1/24", "10.0.0.9/24", "2001:db8::1/64"))
    bench.world.tell(logical_router(row=ROUTER, interfaces={RED: tuple(sorted(addresses))}))
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, OWN, ip="10.0.0.9")]
    bench.world.tell(
        logical_router(row=ROUTER, interfaces={RED: (parse_interface("2001:db8::1/64"),)})
    )
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, OWN)]


def test_it_follows_the_tunnel_ip_and_goes_with_the_router() -> None:
    bench = routing_bench()
    bench.manage("br0", bound(), tunnel_ip="10.7.0.1")
    assert put(bench, PutLocalMac) == [PutLocalMac(RED, RMAC, "10.7.0.1", ip="10.0.1.1")]
    bench.world.tell(Gone(ROUTER))
    assert put(bench, PutLocalMac) == []
