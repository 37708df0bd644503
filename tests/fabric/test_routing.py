"""Two VTEPs, each with an application and a database of its own, route for each other's hosts."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator

import pytest

from sim.fabric.lab import Lab
from sim.lab.hosts import Host
from sim.lab.vtep import Vtep
from sim.waiting import wait_until
from tests.lab.trial import ForkedApp, new_lab_name, standing
from tests.routers import Routers, router_mac

GW_A, GW_B = "192.168.1.1", "192.168.2.1"
RMAC = router_mac("r1")
SRC1, SRC2 = "06:76:0a:02:02:01", "06:76:0a:02:02:02"
SOURCES = {SRC1: "10.2.2.1", SRC2: "10.2.2.2"}
"""The tunnel IPs of vtep1 and vtep2 by the MAC from which each routes."""
RATE = 200


class RoutedFabric(Lab):
    """vtep1 has a1 in ls-a and b1 in ls-b, vtep2 has a2 and b2; r1 joins the two at both."""

    def _build(self) -> None:
        super()._build()
        switches = [
            self.add_logical_switch("ls-a", 5001, subnet="192.168.1.0/24"),
            self.add_logical_switch("ls-b", 5002, subnet="192.168.2.0/24"),
        ]
        for number in (1, 2):
            vtep = self.add_vtep(f"vtep{number}")
            for port, switch in zip(("p0", "p1"), switches, strict=True):
                switch.bind(vtep, port)
                switch.bind(vtep, f"spare-{port}")
        for number, vtep in enumerate(self.vteps.values(), 1):
            for port, letter, net in (("p0", "a", 1), ("p1", "b", 2)):
                ip = f"192.168.{net}.1{number}"
                self.add_host(f"{letter}{number}", vtep, port, ip=ip)


@pytest.fixture(scope="module")
def fabric() -> Iterator[RoutedFabric]:
    """Yield the fabric, where so far vtep1 alone has the router."""
    with standing(RoutedFabric(new_lab_name(), controller=ForkedApp)) as lab:
        lab.start()
        for host in lab.hosts.values():
            host.set_gateway(gateway_of(host))
        add_router(lab.vteps["vtep1"])
        yield lab


def gateway_of(host: Host) -> str:
    return GW_A if host.name.startswith("a") else GW_B


def add_router(vtep: Vtep) -> None:
    Routers(vtep).put("r1", {f"{GW_A}/24": "ls-a", f"{GW_B}/24": "ls-b"})


def sources(vtep: Vtep, table: str) -> dict[str, str]:
    """Return the addresses of the VTEPs that route, by their MAC."""
    rows, locators = vtep.tables(table, "Physical_Locator")
    named = {row["_uuid"]: row["dst_ip"] for row in locators}
    return {row["src_mac"]: named[row["locator"]] for row in rows}


def are_distributed(fabric: RoutedFabric) -> bool:
    """Whether each VTEP has told its source and knows the other one, and reports no router."""
    one, two = SOURCES.items()
    vteps = zip(fabric.vteps.values(), (one, two), (two, one), strict=True)
    return all(
        sources(vtep, "Arp_Sources_Local") == dict([own])
        and sources(vtep, "Arp_Sources_Remote") == dict([other])
        and RMAC not in {mac for _, mac in vtep.stations("Ucast_Macs_Local")}
        and RMAC not in {mac for _, mac in vtep.stations("Ucast_Macs_Remote")}
        for vtep, own, other in vteps
    )


def distribute(fabric: RoutedFabric) -> None:
    """Let vtep2 have the router as well, and wait until both know of each other."""
    add_router(fabric.vteps["vtep2"])
    wait_until(
        lambda: are_distributed(fabric), "both to know of each other", evidence=fabric.evidence
    )


def pairs(hosts: Iterable[Host]) -> list[tuple[Host, Host]]:
    """Return all ordered pairs of hosts in different logical switches.

    A host that heard the request of a VTEP may have its MAC as that of the gateway (RFC 826).
    """
    found = itertools.permutations(hosts, 2)
    return [(one, other) for one, other in found if gateway_of(one) != gateway_of(other)]


def test_a_vtep_that_routes_alone_does_so_for_the_other_one(fabric: RoutedFabric) -> None:
    vtep1, vtep2 = fabric.vteps.values()
    wait_until(
        lambda: {("ls-a", RMAC), ("ls-b", RMAC)} <= vtep2.stations("Ucast_Macs_Remote").keys(),
        "vtep2 to know where the router is",
        evidence=fabric.evidence,
    )
    assert sources(vtep2, "Arp_Sources_Remote") == {SRC1: vtep1.tunnel_ip}
    for one, other in pairs(fabric.hosts.values()):
        assert one.ping(other.ip) == 3, f"{one} to {other}"
        assert one.neighbour(gateway_of(one)) in (RMAC, SRC1)


def test_both_begin_to_route_under_traffic_without_duplicates(fabric: RoutedFabric) -> None:
    """Before, vtep1 routes what hosts at vtep2 send; afterwards vtep2 does."""
    hosts = fabric.hosts
    ways = [("a1", "b2"), ("b2", "a1"), ("a2", "b2"), ("a2", "b1")]
    streams = [hosts[one].routed_stream(hosts[other], RMAC, RATE) for one, other in ways]
    with contextlib.ExitStack() as stack:
        for stream in streams:
            stack.enter_context(stream)
        distribute(fabric)
        for stream in streams:
            stream.await_arrival(60.0, fabric.evidence)
    for (one, other), stream in zip(ways, streams, strict=True):
        account = stream.account()
        print(f"{one} to {other}: {account}")
        assert not account.duplicated
        assert account.sent - 1 not in account.lost


def test_each_routes_for_the_hosts_of_the_other_and_each_packet_arrives_once(
    fabric: RoutedFabric,
) -> None:
    distribute(fabric)
    for one, other in pairs(fabric.hosts.values()):
        assert one.ping(other.ip) == 3, f"{one} to {other}"
        with one.routed_stream(other, RMAC, RATE) as stream:
            wait_until(lambda: stream.sent >= RATE / 4, "frames", evidence=fabric.evidence)
        account = stream.account()
        assert (account.lost, account.duplicated) == ((), ()), f"{one} to {other}: {account}"


def test_each_asks_for_hosts_of_the_other_from_its_own_mac(fabric: RoutedFabric) -> None:
    """Nothing is known of the hosts: they answer to the VTEP that asked."""
    distribute(fabric)
    for vtep in fabric.vteps.values():
        vtep.app.kill()
    for vtep in fabric.vteps.values():
        vtep.app.start()
    distribute(fabric)
    for one, other in pairs(fabric.hosts.values()):
        assert one.ping(other.ip) == 3, f"{one} to {other}"


def test_a_host_that_moves_keeps_its_gateway(fabric: RoutedFabric) -> None:
    """It goes on to send to the MAC of the router, which is the same everywhere."""
    distribute(fabric)
    moving, far = fabric.hosts["a1"], fabric.hosts["b2"]
    assert far.ping(moving.ip) == 3
    for vtep, port in (("vtep2", "spare-p0"), ("vtep1", "p0")):
        streams = moving.routed_stream(far, RMAC, RATE), far.routed_stream(moving, RMAC, RATE)
        with streams[0], streams[1]:
            fabric.move_vm(moving, fabric.vteps[vtep], port)
            for stream in streams:
                stream.await_arrival(60.0, fabric.evidence)
        for stream in streams:
            print(f"{vtep}: {stream.account()}")
            assert not stream.account().duplicated
        assert moving.ping(far.ip) == 3


def test_a_vtep_whose_router_goes_leaves_the_other_one_alone(fabric: RoutedFabric) -> None:
    distribute(fabric)
    vtep1, vtep2 = fabric.vteps.values()
    Routers(vtep2).wipe()
    wait_until(
        lambda: (
            sources(vtep1, "Arp_Sources_Remote") == {}
            and {("ls-a", RMAC), ("ls-b", RMAC)} <= vtep2.stations("Ucast_Macs_Remote").keys()
        ),
        "vtep1 to route alone",
        evidence=fabric.evidence,
    )
    for one, other in pairs(fabric.hosts.values()):
        assert one.ping(other.ip) == 3, f"{one} to {other}"
