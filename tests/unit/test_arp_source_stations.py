"""No station is learned with the MAC address of an ARP source, and no next hop answers with it."""

from dataclasses import replace

import pytest

from vtep_ofapp.engine.topics import ContentsRead
from vtep_ofapp.features.next_hops.answers import Answers
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.arp_sources import ArpSource, source_mac
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    FAR,
    MAC2,
    MAC3,
    OWN,
    RED,
    locator,
    physical_port,
    physical_switch,
    uuid,
)
from .routed_worlds import LR, Routed, X, Y

ROW = uuid(0xA601)


@pytest.fixture
def world() -> Routed:
    return Routed()


def flows_of(world: Routed, mac: str) -> list[str]:
    """Return the flows that send to a station, or know it; not those of the ARP source."""
    tables = (Table.LEARNING, Table.SNOOPING, Table.NEXT_HOPS, Table.UNICAST)
    flows = [flow for flow in world.flow_values() if flow.key.table in tables and flow.actions]
    return [str(flow) for flow in flows if mac in str(flow)]


def test_a_station_is_forgotten_whose_address_becomes_an_arp_source(world: Routed) -> None:
    world.state(Y)
    before = {flow.key: flow for flow in world.flow_values()}
    assert flows_of(world, MAC2)
    world.tell(ArpSource(ROW, MAC2, locator(FAR)))
    world.calm_down()
    later = world.restarted()
    later.read_back(before, {})
    later.calm_down()
    for each in (world, later):
        assert each.macs.place(BLUE, MAC2) is None
        assert flows_of(world, MAC2) == []


def test_it_is_forgotten_as_well_if_the_address_becomes_our_own(world: Routed) -> None:
    world.state(Y, source_mac(FAR))
    assert world.macs.place(BLUE, source_mac(FAR))
    ports = physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE})
    world.physical(physical_switch(*ports, tunnel_ips=(FAR,)))
    world.calm_down()
    assert world.macs.place(BLUE, source_mac(FAR)) is None


def test_without_a_router_it_is_a_station_as_any_other(world: Routed) -> None:
    world.tell(Gone(LR), ArpSource(ROW, MAC2, locator(FAR)))
    world.state(Y)
    assert world.macs.place(BLUE, MAC2)
    world.tell(world.router())
    world.calm_down()
    assert world.macs.place(BLUE, MAC2) is None


def test_a_row_that_is_not_used_takes_no_address_from_a_station(world: Routed) -> None:
    world.state(Y)
    world.tell(
        ArpSource(ROW, MAC2, locator(OWN)),
        ArpSource(uuid(0xA602), MAC2, locator(FAR), refused="src_mac: it is no good"),
    )
    world.calm_down()
    assert world.macs.place(BLUE, MAC2)


def test_an_answer_with_it_teaches_nothing(world: Routed) -> None:
    world.tell(ArpSource(ROW, MAC3, locator(FAR)))
    world.calm_down()
    for mac in (MAC3, source_mac(OWN)):
        world.unresolved(X)
        world.answer(X, mac)
        assert world.mac(X) is None
        assert world.is_dropped(X)
    world.answer(X, MAC2)
    assert world.mac(X) == MAC2
    world.answer(X, MAC3)
    assert world.mac(X) == MAC2


def test_a_next_hop_is_forgotten_whose_address_becomes_one(world: Routed) -> None:
    world.unresolved(X)
    world.answer(X, MAC3)
    before = {flow.key: flow for flow in world.flow_values()}
    assert world.mac(X) == MAC3
    world.tell(ArpSource(ROW, MAC3, locator(FAR)))
    world.calm_down()
    later = world.restarted()
    later.switch.invalidate(ContentsRead(before, {}, False))
    later.calm_down()
    for each in (world, later):
        assert each.switch.view[Answers].count("br0") == 0
    assert world.mac(X) is None


def test_so_is_one_whose_address_becomes_that_of_a_router(world: Routed) -> None:
    world.unresolved(X)
    world.answer(X, MAC3)
    world.tell(replace(world.router(), mac=MAC3))
    world.calm_down()
    assert world.mac(X) is None
