"""Streams by way of a router, which is the Linux kernel here."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sim.lab import links
from sim.lab.hosts import Host
from sim.lab.lifetime import Lifetime
from sim.lab.network import lab_mac

NETWORKS = ("192.0.2", "2001:db8:1:"), ("198.51.100", "2001:db8:2:")


class Routed(Lifetime):
    """Two hosts in networks of their own, and a router between them."""

    def _build(self) -> None:
        super()._build()
        self.router = self.state.create_namespace("router")
        self.hosts = [self._host(number) for number in range(2)]
        links.forward(self.router)

    def _host(self, number: int) -> Host:
        space, port = self.state.create_namespace(f"host{number}"), f"port{number}"
        ipv4, ipv6 = NETWORKS[number]
        mac = lab_mac(0, number)
        host = Host(f"host{number}", space, interface="eth0", mac=mac, ip=f"{ipv4}.2")
        links.add_veth(space, "eth0", self.router, port, mac=mac)
        for end, interface, last in ((space, "eth0", "2"), (self.router, port, "1")):
            links.enable_ipv6(end, interface)
            links.add_address(end, interface, f"{ipv4}.{last}")
            links.add_address(end, interface, f"{ipv6}:{last}", 64)
        host.set_gateway(f"{ipv4}.1")
        host.set_gateway(f"{ipv6}:1")
        return host


@pytest.fixture(scope="module")
def lab() -> Iterator[Routed]:
    with Routed(f"t{os.getpid()}routed") as lab:
        yield lab


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_a_stream_goes_by_way_of_the_router(lab: Routed, family: str) -> None:
    one, other = lab.hosts
    separator = "." if family == "IPv4" else ":"
    here, there = (pair[family == "IPv6"] + separator for pair in NETWORKS)
    assert one.ping(f"{there}2") == 3
    gateway = one.neighbour(f"{here}1")
    assert gateway is not None
    ips = (f"{here}2", f"{there}2")
    with other.capture() as received:
        with one.routed_stream(other, gateway, ips=ips) as stream:
            stream.await_arrival(10.0)
        numbers = [number for _, number in stream.seen_by(received)]
    account = stream.account()
    assert account.received == account.sent == len(numbers)
    assert not account.duplicated
    frame = next(each for each in received.frames if stream.number_of(each) is not None)
    packet = frame.packet
    left = packet.payload.ttl if family == "IPv4" else packet.payload.hlim
    assert (packet.dst, left) == (other.mac, 63)
    assert packet.src != one.mac


def test_the_way_to_a_host_and_a_network_without_one(lab: Routed) -> None:
    one, other = lab.hosts
    assert one.trace(other.ip) == ["192.0.2.1", other.ip]
    assert one.trace("2001:db8:2::2") == ["2001:db8:1::1", "2001:db8:2::2"]
    assert one.trace("203.0.113.1", most=1) == ["192.0.2.1"]
    answered = one.answer("203.0.113.1")
    assert answered == ("192.0.2.1", "icmp_seq=1 Destination Net Unreachable")


def test_a_neighbour_that_is_not_there(lab: Routed) -> None:
    one, _ = lab.hosts
    assert one.neighbour("192.0.2.77") is None
