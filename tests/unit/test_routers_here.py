"""Logical routers at a switch: which interfaces and routes are used, and what a change concerns."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.topics import Topic
from vtep_ofapp.engine.view import View
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.routers.here import Interface, Route, RoutersHere
from vtep_ofapp.features.routers.rows import Routers
from vtep_ofapp.values.routers import (
    LogicalRouter,
    Prefix,
    parse_destination,
    prefix_of,
)
from vtep_ofapp.values.rows import Gone

from .builders import BLUE, GREEN, RED, logical_switch, physical_port, physical_switch, port, uuid
from .router_rows import read_router
from .world import World

R1, R2 = uuid(0x9001), uuid(0x9002)
BINDINGS = {
    "192.168.1.1/24": RED,
    "2001:db8:1::1/64": RED,
    "192.168.2.1/24": BLUE,
    "2001:db8:2::1/64": BLUE,
}


class Here:
    """One switch that binds red; ``topics`` are what it raised since they were last taken."""

    def __init__(self) -> None:
        self.topics: list[Topic] = []
        watching = Feature(invalidated_by={Interface: self._note, Route: self._note})
        self.world = World(features=(*FEATURES, watching))
        self.world.tell(logical_switch(RED), logical_switch(BLUE), logical_switch(GREEN))
        self.world.bridge(port("p0", 1))
        self.bind(RED)

    @property
    def routers(self) -> RoutersHere:
        return self.world.switch.view[RoutersHere]

    def bind(self, *logical_switches: UUID) -> None:
        vlans = dict(enumerate(logical_switches))
        self.world.physical(physical_switch(physical_port("p0", vlans)))
        self.world.settle()

    def tell(self, *rows: Any) -> None:
        self.world.tell(*rows)
        self.world.settle()

    def taken(self) -> set[tuple[str, Any]]:
        taken, self.topics = self.topics, []
        return {
            (type(each).__name__, str(each[1]) if isinstance(each, Route) else each[1])
            for each in taken
        }

    def _note(self, topic: Topic, view: View) -> Iterator[Topic]:
        self.topics.append(topic)
        yield from ()


@pytest.fixture
def here() -> Here:
    return Here()


def router(
    bindings: dict[str, UUID] | None = None,
    routes: dict[str, str] | None = None,
    row: UUID = R1,
    name: str = "r1",
    **more: Any,
) -> LogicalRouter:
    """Return a row as it is read: by default that of the router in the specification."""
    column = BINDINGS if bindings is None else bindings
    return read_router(row, name, column, routes or {}, **more)


def prefix(text: str) -> Prefix:
    return parse_destination(text)


def test_a_router_is_used_where_a_logical_switch_of_it_is_bound(here: Here) -> None:
    here.tell(router())
    assert set(here.routers.routers()) == {R1}
    assert here.routers.name(R1) == "Logical_Router r1"
    red, blue = (here.routers.interface(Interface(R1, each)) for each in (RED, BLUE))
    assert red
    assert blue
    assert list(here.routers.interfaces(R1)) == [red, blue]
    assert here.routers.on(RED) == [red]
    assert red.mac == blue.mac == "02:76:1d:35:ce:33"
    assert red.link_local == "fe80::76:1dff:fe35:ce33"
    assert red.number == here.world.model[Routers].number(R1)
    assert (red.ips(False), red.ips(True)) == (["192.168.1.1"], ["2001:db8:1::1"])
    here.bind(GREEN)
    assert list(here.routers.routers()) == list(here.routers.interfaces(R1)) == []
    assert here.routers.interface(Interface(R1, RED)) is None
    assert here.routers.on(RED) == []


def test_an_address_and_a_mac_have_an_owner(here: Here) -> None:
    here.tell(router())
    (red,) = here.routers.on(RED)
    for ip in ("192.168.1.1", "2001:db8:1::1", "fe80::76:1dff:fe35:ce33"):
        assert here.routers.owner_of(RED, ip) == red
    assert here.routers.owner_of(RED, "192.168.2.1") is None
    assert here.routers.with_mac(RED, red.mac) == red
    assert here.routers.with_mac(GREEN, red.mac) is None


def test_packets_come_from_the_address_of_the_subnet(here: Here) -> None:
    here.tell(router({"192.168.7.1/24": RED, "192.168.1.1/24": RED, "2001:db8::1/64": RED}))
    (red,) = here.routers.on(RED)
    assert red.source_for("192.168.7.5") == "192.168.7.1"
    assert red.source_for("10.0.0.1") == "192.168.1.1"
    assert red.source_for("2001:db9::1") == "2001:db8::1"
    here.tell(router({"192.168.7.1/24": RED}))
    assert here.routers.on(RED)[0].source_for("2001:db8::1") == ""


def test_the_longest_prefix_wins_and_a_connected_one_before_a_static_one(here: Here) -> None:
    routes = {
        "10.0.0.0/8": "192.168.2.50",
        "10.1.0.0/16": "192.168.1.51",
        "192.168.2.0/24": "192.168.1.51",
        "0.0.0.0/0": "192.168.2.50",
    }
    here.tell(router(routes=routes))
    found = {
        ip: here.routers.lookup(R1, ip) for ip in ("10.1.2.3", "10.2.2.3", "192.168.2.9", "8.8.8.8")
    }
    assert {
        ip: (str(each.prefix), each.logical_switch, each.next_hop)
        for ip, each in found.items()
        if each
    } == {
        "10.1.2.3": ("10.1.0.0/16", RED, "192.168.1.51"),
        "10.2.2.3": ("10.0.0.0/8", BLUE, "192.168.2.50"),
        "192.168.2.9": ("192.168.2.0/24", BLUE, ""),
        "8.8.8.8": ("0.0.0.0/0", BLUE, "192.168.2.50"),
    }
    assert here.routers.lookup(R1, "2001:db8:3::1") is None
    assert here.routers.lookup(R2, "10.1.2.3") is None
    assert here.routers.route_of(Route(R1, prefix("10.0.0.0/8"))) == found["10.2.2.3"]
    assert len(here.routers.routes(R1)) == 7


@pytest.mark.parametrize(
    ("ip", "next_hop", "bits"),
    [("10.85.85.85", "192.168.2.50", 32), ("2001:db9:5555:5555::5555", "2001:db8:2::50", 128)],
)
def test_each_length_of_a_prefix_is_found_until_it_is_gone(
    here: Here, ip: str, next_hop: str, bits: int
) -> None:
    prefixes = [prefix_of(ip, length) for length in range(8, bits + 1)]
    while prefixes:
        here.tell(router(routes={str(each): next_hop for each in prefixes}))
        found = here.routers.lookup(R1, ip)
        assert found is not None
        assert found.prefix == prefixes.pop()
        del prefixes[-7:]
    here.tell(router())
    assert here.routers.lookup(R1, ip) is None


def test_without_an_interface_a_router_needs_no_flow(here: Here) -> None:
    """It is present, as its keys name a logical switch, also if none of them can be used."""
    none = here.world.flows()
    here.tell(router({"192.168.1.1": RED}))
    assert list(here.routers.routers()) == [R1]
    here.world.switch.invalidate_all()
    here.world.settle()
    assert here.world.flows() == none
    here.tell(router())
    assert here.world.flows() != none
    here.tell(Gone(R1))
    assert here.world.flows() == none


def test_topics_are_what_differs(here: Here) -> None:
    here.tell(router())
    connected = {("Route", str(each)) for each in map(prefix, BINDINGS)}
    both = {("Interface", RED), ("Interface", BLUE)}
    assert here.taken() == both | connected
    here.tell(router(routes={"10.0.0.0/8": "192.168.2.50"}))
    assert here.taken() == {("Route", "10.0.0.0/8")}
    here.tell(router({**BINDINGS, "192.168.7.1/24": RED}, {"10.0.0.0/8": "192.168.2.51"}))
    assert here.taken() == {
        ("Interface", RED),
        ("Route", "192.168.7.0/24"),
        ("Route", "10.0.0.0/8"),
    }
    here.tell(router(mac="00:00:5e:00:01:01"))
    assert here.taken() == both | connected | {("Route", "10.0.0.0/8"), ("Route", "192.168.7.0/24")}
    here.bind(GREEN)
    assert here.taken() == both | connected
    here.tell(router({"192.168.1.1/24": RED}))
    assert here.taken() == set()
    here.bind(RED)
    assert here.taken() == {("Interface", RED), ("Route", "192.168.1.0/24")}
    here.tell(Gone(R1))
    assert here.taken() == {("Interface", RED), ("Route", "192.168.1.0/24")}


def test_a_router_without_a_mac_has_no_interfaces(here: Here) -> None:
    here.tell(router(mac="", refused_mac="no MAC address"))
    assert list(here.routers.interfaces(R1)) == []
    assert list(here.routers.routes(R1)) == []
