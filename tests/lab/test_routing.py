"""Logical routers: requests for their addresses, and packets from one logical switch to another.

Each rule is looked at twice: once its row is written, and after a restart of the application,
which sends none of its flows again.
"""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6NDOptDstLLAddr,
)

from tests.lab.asking_routers import advertised, answered, asks, echoed, pings, solicits
from tests.lab.packets import Station
from tests.lab.routed_network import (
    GW,
    GW_A,
    GW_A6,
    GW_B,
    GW_B6,
    RoutedNetwork,
    routes,
    to,
)
from tests.lab.wire import new_mac


def test_a_request_for_the_gateway_is_answered_by_the_routers_mac(routed: RoutedNetwork) -> None:
    """Cases R1, R2: once, where it came in, with its tag."""
    routed.holds(
        lambda: answered(asks(routed, routed.a), routed.a),
        lambda: answered(asks(routed, routed.a2), routed.a2),
        lambda: answered(asks(routed, routed.b2, GW_B), routed.b2, GW_B),
    )


def test_requests_to_one_address_and_probes_are_answered(routed: RoutedNetwork) -> None:
    """Case R3: whatever the destination; who took another VTEP for the gateway heals by it."""
    a = routed.a
    routed.holds(
        lambda: answered(asks(routed, a, dst=GW), a),
        lambda: answered(asks(routed, a, dst=new_mac()), a),
        lambda: answered(asks(routed, a, ip="0.0.0.0"), a, ip="0.0.0.0"),
    )


def test_the_address_in_another_logical_switch_is_not_resolved(routed: RoutedNetwork) -> None:
    answered(asks(routed, routed.a), routed.a)
    everywhere = {"service-node": ["vni 5001"], "hypervisor": ["vni 5001"], **to(routed.a2)}
    routed.holds(lambda: asks(routed, routed.a, GW_B).arrives_at_once(everywhere))


def test_a_packet_reaches_the_host_behind_the_router_unchanged(routed: RoutedNetwork) -> None:
    """Case R4: and back; the TTL and the addresses of the frame alone are others."""
    a, b = routed.a, routed.b
    there, back = routed.packets(a, b), routed.packets(b, a)
    big = there.of_4(UDP(sport=40000, dport=9) / (b"x" * 1400))
    routed.holds(
        *(
            routes(shot, b)
            for shot in (there.tcp(80), there.udp(53), there.sctp(7), there.icmp(), big)
        ),
        *(routes(shot, a) for shot in (back.tcp(80), back.udp(53), back.icmp(0))),
    )


def test_packets_of_ipv6_are_routed(routed: RoutedNetwork) -> None:
    """Case R17."""
    a, b = routed.a, routed.b
    there, back = routed.packets(a, b), routed.packets(b, a)
    routed.holds(
        routes(there.tcp6(80), b),
        routes(there.udp6(53), b),
        routes(back.tcp6(80), a),
    )


def test_packets_between_vlans_of_one_port_leave_by_the_port_they_came_in_by(
    routed: RoutedNetwork,
) -> None:
    a, a2, b, b2 = routed.a, routed.a2, routed.b, routed.b2
    routed.holds(
        routes(routed.packets(a2, b2).tcp(80), b2),
        routes(routed.packets(b2, a2).tcp6(80), a2),
        routes(routed.packets(a, b2).tcp(80), b2),
        routes(routed.packets(a2, b).tcp6(80), b),
    )


@pytest.mark.parametrize("target", [GW_A, GW_B, GW_A6, GW_B6])
def test_echo_requests_for_any_address_of_the_router_are_answered(
    routed: RoutedNetwork, target: str
) -> None:
    """Case R8, and R17 for IPv6: whatever the TTL."""
    routed.holds(
        lambda: echoed(pings(routed, routed.a, target), routed.a, target),
        lambda: echoed(pings(routed, routed.b2, target), routed.b2, target),
        lambda: echoed(pings(routed, routed.a, target, ttl=1), routed.a, target),
    )


def test_a_solicitation_for_the_gateway_is_answered(routed: RoutedNetwork) -> None:
    """Case R17: to the group, and to the router alone; not if it comes from another link."""

    def to_one() -> None:
        advertised(routed, solicits(routed, dst=GW))

    def to_all() -> None:
        reply = advertised(routed, solicits(routed))
        assert reply[ICMPv6NDOptDstLLAddr].lladdr == GW

    flooded = {"service-node": ["vni 5001"], "hypervisor": ["vni 5001"], **to(routed.a2)}
    from_afar = solicits(routed, hops=254)
    routed.holds(to_all, to_one, lambda: from_afar.arrives_at_once(flooded))


def test_the_longest_prefix_decides_the_next_hop(routed: RoutedNetwork) -> None:
    """Cases R12, R13."""
    vm2 = routed.lab.vm2
    b50 = routed.new_station(vm2, "192.168.2.50", "2001:db8:2::50")
    b51 = routed.new_station(vm2, "192.168.2.51", "2001:db8:2::51")
    routed.put_r1(
        routes={
            "10.0.0.0/8": b50.ip,
            "10.1.0.0/16": b51.ip,
            "0.0.0.0/0": b50.ip,
            "2001:db8:a::/48": b50.ip6,
            "2001:db8:a:1::/64": b51.ip6,
        }
    )

    def goes(target: str, station: Station) -> None:
        there = routed.packets(routed.a, Station(vm2, target, target))
        shot = there.tcp6(80) if ":" in target else there.tcp(80)
        routes(shot, station)()

    routed.holds(
        lambda: goes("10.1.2.3", b51),
        lambda: goes("10.2.2.3", b50),
        lambda: goes("8.8.8.8", b50),
        lambda: goes("2001:db8:a:1::3", b51),
        lambda: goes("2001:db8:a:2::3", b50),
        routes(routed.packets(routed.a, routed.a2).tcp(80), routed.a2),
        routes(routed.packets(routed.a, routed.b).tcp(80), routed.b),
    )


def test_a_router_without_faults_says_so(routed: RoutedNetwork) -> None:
    """Case R25: no lr_support_fault."""
    routed.holds(lambda: routed.packets(routed.a, routed.b).tcp(80).arrives(to(routed.b)))
    assert routed.routers.faults() == set()


def test_a_packet_may_leave_by_the_binding_that_it_came_in_by(routed: RoutedNetwork) -> None:
    """Case R29: once, from another subnet of the same logical switch."""
    routed.put_r1({"192.168.7.1/24": "ls-a", "2001:db8:7::1/64": "ls-a"})
    other = routed.new_station(routed.lab.vm1, "192.168.7.5", "2001:db8:7::5", on="ls-a")
    there = routed.packets(routed.a, other)
    routed.holds(
        routes(there.tcp(80), other),
        routes(there.tcp6(80), other),
        lambda: answered(asks(routed, other, "192.168.7.1"), other, "192.168.7.1"),
    )


def test_packets_carry_any_headers_behind_their_own(routed: RoutedNetwork) -> None:
    """Options of IPv4 and further headers of IPv6 are left as they are; TCP flags, too."""
    a, b = routed.a, routed.b
    there = routed.packets(a, b)
    with_options = there.tcp(80)
    with_options.frame[IP].options = [IPOption_NOP()] * 4
    several = there.hop_by_hop(80)
    assert TCP in several.frame
    routed.holds(
        routes(with_options, b),
        routes(several, b),
    )
