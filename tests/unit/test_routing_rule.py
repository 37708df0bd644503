"""The model of routers that judges the flows: what the specification says of single packets."""

from dataclasses import replace
from typing import Any

import pytest

from . import protocols
from .builders import BLUE, BROADCAST, RED
from .packets import Packet, icmp, tcp, udp
from .protocols import REPLY, REQUEST
from .routing_rule import Arrival, Fabric, Fate, Outcome, Router

GW, OWN, FOREIGN = "02:76:1d:35:ce:33", "06:76:0a:02:02:01", "06:00:00:00:00:03"
HOST_A, HOST_B, HOST_C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
A, B, A6, B6 = "192.168.1.11", "192.168.2.11", "2001:db8:1::11", "2001:db8:2::11"
R1 = Router(
    "r1",
    GW,
    {RED: ["192.168.1.1/24", "2001:db8:1::1/64"], BLUE: ["192.168.2.1/24", "2001:db8:2::1/64"]},
    {"10.0.0.0/8": "192.168.2.50", "10.1.0.0/16": "192.168.2.11"},
)
FABRIC = Fabric([R1], OWN, known={(BLUE, B): HOST_B, (BLUE, B6): HOST_B})
DISTRIBUTED = replace(FABRIC, foreign=frozenset({FOREIGN}))


def sent(packet: Packet, dst: str = GW, fabric: Fabric = FABRIC, **more: Any) -> Outcome:
    """Return what becomes of a packet of host A."""
    return fabric.outcome(Arrival(RED, HOST_A, dst, packet, **more))


@pytest.mark.parametrize(("source", "dest"), [(A, B), (A6, B6)])
def test_a_packet_is_routed_once_with_its_ttl_less_one(source: str, dest: str) -> None:
    routed = Outcome(Fate.ROUTED, BLUE, GW, HOST_B, 63, dest, ("r1",))
    assert sent(tcp(source, dest, 1, 80)) == routed
    assert sent(tcp(source, dest, 1, 80), ttl=1).fate is Fate.EXPIRED
    assert sent(tcp(source, dest, 1, 80), ttl=0).fate is Fate.DROPPED


def test_the_longest_prefix_is_taken() -> None:
    assert sent(tcp(A, "10.1.2.3", 1, 80)).next_hop == "192.168.2.11"
    far = sent(tcp(A, "10.2.2.3", 1, 80))
    assert (far.fate, far.next_hop) == (Fate.UNRESOLVED, "192.168.2.50")
    assert sent(tcp(A, "8.8.8.8", 1, 80)).fate is Fate.UNROUTED


@pytest.mark.parametrize(
    "dest",
    ["224.1.1.1", "255.255.255.255", "192.168.2.255", "192.168.2.0", "127.0.0.1", "169.254.1.1"],
)
def test_martians_are_dropped(dest: str) -> None:
    assert sent(udp(A, dest, 1, 9)).fate is Fate.DROPPED


@pytest.mark.parametrize("own", ["192.168.1.1", "192.168.2.1"])
def test_echo_requests_to_any_own_address_are_answered(own: str) -> None:
    assert sent(icmp(A, own, 8), ttl=1) == Outcome(
        Fate.ECHOED, RED, GW, HOST_A, 64, routers=("r1",)
    )
    assert sent(icmp(A, own, 8).first_fragment()).fate is Fate.DROPPED
    assert sent(udp(A, own, 1, 9)).fate is Fate.UNSERVED
    assert sent(tcp(A, own, 1, 9)).fate is Fate.DROPPED


def test_requests_for_the_routers_address_are_answered_by_its_mac() -> None:
    answered = Outcome(Fate.ANSWERED, RED, GW, HOST_A)
    request = protocols.arp(REQUEST, HOST_A, A, "192.168.1.1")
    assert sent(request, BROADCAST) == sent(request, GW) == answered
    assert sent(protocols.arp(REQUEST, HOST_A, A, "192.168.2.1"), BROADCAST).fate is Fate.SWITCHED
    asks = protocols.solicitation(A6, R1.link_local, HOST_A)
    assert sent(asks, "33:33:ff:00:00:01", ttl=255) == answered
    assert sent(request, BROADCAST, DISTRIBUTED, from_tunnel=True).fate is Fate.DROPPED


def test_frames_of_spoofers_are_dropped() -> None:
    claim = protocols.arp(REPLY, HOST_A, "192.168.1.1", A, HOST_B)
    assert sent(claim, BROADCAST).fate is Fate.DROPPED
    spoofed = Arrival(RED, GW, HOST_B, tcp(A, B, 1, 80))
    assert FABRIC.outcome(spoofed).fate is Fate.DROPPED


def test_who_is_alone_routes_for_tunnels() -> None:
    packet = tcp(A, B, 1, 80)
    assert sent(packet, from_tunnel=True).fate is Fate.ROUTED
    assert sent(packet, GW, DISTRIBUTED, from_tunnel=True).fate is Fate.DROPPED
    assert sent(packet, OWN, DISTRIBUTED, from_tunnel=True).fate is Fate.ROUTED
    assert sent(packet, FOREIGN, DISTRIBUTED, from_tunnel=True).fate is Fate.DROPPED
    assert sent(packet, FOREIGN, DISTRIBUTED).fate is Fate.ROUTED
    reply = protocols.arp(REPLY, HOST_A, A, "192.168.1.1", FOREIGN)
    assert sent(reply, FOREIGN, DISTRIBUTED).fate is Fate.PASSED_ON
    assert sent(reply, OWN, DISTRIBUTED).fate is Fate.TAKEN


def test_two_routers_in_a_row_take_one_each_and_a_loop_ends() -> None:
    there = Router("r2", "02:76:00:00:00:02", {BLUE: ["192.168.2.2/24"]}, {"9.0.0.0/8": B})
    to_r2 = replace(R1, routes={"9.0.0.0/8": "192.168.2.2"})
    both = replace(FABRIC, routers=[to_r2, there])
    routed = Outcome(Fate.ROUTED, BLUE, there.mac, HOST_B, 62, B, ("r1", "r2"))
    assert sent(tcp(A, "9.9.9.9", 1, 80), fabric=both) == routed
    back = replace(there, routes={"9.0.0.0/8": "192.168.2.1"})
    loop = replace(FABRIC, routers=[to_r2, back])
    assert sent(tcp(A, "9.9.9.9", 1, 80), fabric=loop).fate is Fate.EXPIRED
    assert sent(tcp(A, "9.9.9.9", 1, 80), fabric=loop, ttl=255).fate is Fate.DROPPED


def test_each_access_list_on_the_way_has_a_say() -> None:
    def no_ssh(src: str, dst: str, packet: Packet, is_egress: bool) -> bool:
        return packet.dest_port != 22 or is_egress

    one = replace(FABRIC, routers=[replace(R1, lists={(RED, 0x0800): no_ssh})])
    assert sent(tcp(A, B, 1, 22), fabric=one).fate is Fate.DROPPED
    assert sent(tcp(A, B, 1, 80), fabric=one).fate is Fate.ROUTED
    assert sent(tcp(A6, B6, 1, 22), fabric=one).fate is Fate.ROUTED
    other = replace(FABRIC, routers=[replace(R1, lists={(BLUE, 0x0800): no_ssh})])
    assert sent(tcp(A, B, 1, 22), fabric=other).fate is Fate.ROUTED
