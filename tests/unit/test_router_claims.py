"""Hosts that claim an address of a router, or its MAC address, as the log tells of them."""

from __future__ import annotations

import logging

import pytest

from vtep_ofapp.features.bursts import QUIET
from vtep_ofapp.features.routing.claims import Claims
from vtep_ofapp.pipeline import routing, snooping
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.flows import Flow

from .builders import RED
from .routed_worlds import GATEWAY, Routed

IP, IPV6 = "10.0.1.1", "2001:db8:1::1"


class Bench:
    """A world whose router has IP and IPV6 in red, and counters of the flows about them."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.world = Routed()
        self.caplog = caplog
        self.number = self.world.number(RED)

    def count(self, **packets: int) -> list[str]:
        """Return what is said of these counts."""
        flows = {
            "arp": snooping.claims(self.number, IP)[0],
            "mac": routing.imitation(self.number, GATEWAY),
            "solicitations": snooping.claims(self.number, IPV6)[0],
            "advertisements": snooping.claims(self.number, IPV6)[1],
        }
        self.caplog.clear()
        self.told({flows[name]: number for name, number in packets.items()})
        return [record.getMessage() for record in self.caplog.records]

    def told(self, packets: dict[Flow, int]) -> None:
        counters = {
            each.key: Counter(each.cookie, number, 60 * number) for each, number in packets.items()
        }
        self.world.switch.view[Claims].count(counters)


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.INFO, "vtep_ofapp")
    return Bench(caplog)


def test_an_address_is_said_once_and_after_a_quiet_time_again(bench: Bench) -> None:
    line = (
        "br0: {} frames were dropped: a host of Logical_Switch red claims 10.0.1.1, an address of "
        "Logical_Router lr0; one of both needs another one"
    )
    assert bench.count(arp=0) == []
    assert bench.count(arp=3) == [line.format(3)]
    bench.world.time.now += QUIET - 1
    assert bench.count(arp=4) == []
    bench.world.time.now += QUIET
    assert bench.count(arp=4) == []
    assert bench.count(arp=6) == [line.format(2)]


def test_a_mac_address(bench: Bench) -> None:
    assert bench.count(mac=2) == [
        f"br0: 2 frames were dropped: a host of Logical_Switch red sends from {GATEWAY}, "
        "the MAC address of Logical_Router lr0; that is a loop, or a copy of it"
    ]


def test_both_kinds_of_neighbor_messages_are_one_claim(bench: Bench) -> None:
    (line,) = bench.count(solicitations=1, advertisements=2)
    assert line.startswith(
        f"br0: 3 frames were dropped: a host of Logical_Switch red claims {IPV6}"
    )


def test_the_flows_of_the_switch_are_those_that_are_meant(bench: Bench) -> None:
    flows = bench.world.flow_values()
    meant = {each.key: snooping.claimed(each.key) or routing.imitated(each.key) for each in flows}
    claims = {each for each in meant.values() if each is not None}
    assert {(bench.number, IP), (bench.number, IPV6), (bench.number, GATEWAY)} <= claims
