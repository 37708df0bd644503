"""Access lists of routers: which packets they judge, in both directions, and which never.

What holds once a row is written is looked at a second time after a restart of the application,
which sends none of its flows again.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from scapy.layers.inet import TCP as TcpHeader
from scapy.layers.inet import UDP as UdpHeader

from tests.access_lists import Entry
from tests.lab.acl_network import ICMP, TCP, UDP, deny, permit, to_port
from tests.lab.asking_routers import advertised, answered, asks, echoed, pings, solicits
from tests.lab.packets import PacketShot, Station
from tests.lab.routed_network import (
    GW,
    GW_A,
    GW_A6,
    GW_B,
    Check,
    RoutedNetwork,
    RoutedPackets,
    routes,
    to,
)
from tests.lab.traffic import RoutedTraffic

SSH = deny(**TCP, **to_port(22))
INVALID = deny(10, source_mask="255.0.0.0")
IPV4 = {"ethertype": "0x0800"}


def filter_by(net: RoutedNetwork, keys: Mapping[str, str], **lists: tuple[Entry, ...]) -> None:
    """Write access lists, and let r1 name them: acl_binding by names."""
    for name, entries in lists.items():
        net.acls.put(name, *entries)
    net.put_r1(acls=keys)


def denies(*shots: PacketShot) -> Check:
    """Return the check that packets arrive nowhere."""

    def check() -> None:
        for shot in shots:
            shot.arrives({})

    return check


def arrives(shot: PacketShot, station: Station) -> Check:
    return lambda: shot.arrives(to(station))


def tcp6(packets: RoutedPackets, port: int) -> PacketShot:
    return packets.of_6(TcpHeader(sport=40000, dport=port))


def wait_for_faults(net: RoutedNetwork, *words: str) -> None:
    """Wait until the columns of x, its entries, the router and the switch hold these words."""
    seen = lambda: net.acls.faults("x") | net.routers.faults() == set(words)  # noqa: E731
    net.nvc.wait(seen, f"the faults {words}")


@pytest.mark.parametrize("key", [GW_A, f"{GW_A}/24"])
def test_what_comes_to_a_router_is_judged_and_nothing_else(routed: RoutedNetwork, key: str) -> None:
    """Case R22."""
    net, a, b = routed, routed.a, routed.b
    filter_by(net, {key: "x"}, x=(SSH,))
    there, back = net.packets(a, b), net.packets(b, a)
    switched = net.packets(a, net.a2, to=net.a2.mac)
    net.holds(
        denies(there.tcp(22)),
        routes(there.tcp(80), b),
        routes(back.tcp(22), a),
        routes(net.packets(net.b2, net.a2).tcp(22), net.a2),
        arrives(switched.tcp(22), net.a2),
        lambda: answered(asks(net, a), a),
        lambda: echoed(pings(net, a, GW_A), a, GW_A),
        lambda: echoed(pings(net, a, GW_B), a, GW_B),
    )
    wait_for_faults(net)


def test_a_key_of_one_family_leaves_the_other_alone(routed: RoutedNetwork) -> None:
    """Case R22 with IPv6."""
    net, a, b = routed, routed.a, routed.b
    there = net.packets(a, b)
    filter_by(net, {GW_A6: "x"}, x=(SSH,))
    net.holds(
        denies(tcp6(there, 22)),
        routes(tcp6(there, 80), b),
        routes(there.tcp(22), b),
        lambda: echoed(pings(net, a, GW_A6), a, GW_A6),
        lambda: advertised(net, solicits(net)) and None,
    )
    filter_by(net, {GW_A: "x"})
    net.holds(denies(there.tcp(22)), routes(tcp6(there, 22), b))


def test_what_a_router_forwards_into_a_logical_switch_is_judged(routed: RoutedNetwork) -> None:
    """Case R23."""
    net, a, b = routed, routed.a, routed.b
    there, back = net.packets(a, b), net.packets(b, a)
    filter_by(net, {GW_B: "x", "2001:db8:2::1/64": "x"}, x=(deny(direction="out", **UDP),))
    udp6 = there.of_6(UdpHeader(sport=40000, dport=53))
    net.holds(
        denies(there.udp(53), udp6),
        routes(there.tcp(80), b),
        routes(back.udp(53), a),
        routes(net.packets(net.a2, a).udp(53), a),
    )
    wait_for_faults(net)


def test_the_next_hop_is_known_where_a_packet_leaves(routed: RoutedNetwork) -> None:
    """Of egress, ``dest_mac`` is that of the next hop, and ``source_mac`` that of the router."""
    net, a, b, b2 = routed, routed.a, routed.b, routed.b2
    lists = {"x": (deny(direction="out", dest_mac=b.mac), deny(20, source_mac=b.mac))}
    filter_by(net, {GW_B: "x"}, **lists)
    net.holds(
        denies(net.packets(a, b).tcp(80), net.packets(b, a).tcp(80)),
        routes(net.packets(a, b2).tcp(80), b2),
        routes(net.packets(b2, a).tcp(80), a),
    )
    filter_by(net, {GW_B: "x"}, x=(deny(direction="out", source_mac=GW),))
    net.holds(denies(net.packets(a, b2).tcp(80)), routes(net.packets(b, a).tcp(80), a))


def test_both_lists_of_the_way_have_to_permit_a_packet(routed: RoutedNetwork) -> None:
    net, a, b = routed, routed.a, routed.b
    lists = {"x": (deny(**UDP),), "y": (permit(10, "out", **TCP), deny(20, "out"))}
    filter_by(net, {GW_A: "x", GW_B: "y"}, **lists)
    there = net.packets(a, b)
    net.holds(
        denies(there.udp(53), there.icmp(), there.sctp(80)),
        routes(there.tcp(80), b),
        routes(net.packets(b, a).udp(53), a),
    )


def test_arp_and_neighbor_discovery_are_never_judged(routed: RoutedNetwork) -> None:
    net, a, b = routed, routed.a, routed.b
    entries = deny(), deny(20, "out")
    keys = dict.fromkeys((GW_A, GW_A6, GW_B, "2001:db8:2::1"), "x")
    filter_by(net, keys, x=entries)
    there = net.packets(a, b)
    net.holds(
        denies(there.tcp(80), tcp6(there, 80), pings(net, a, GW_A), pings(net, a, GW_A6)),
        lambda: answered(asks(net, a), a),
        lambda: answered(asks(net, a, dst=GW), a),
        lambda: advertised(net, solicits(net)) and None,
    )


def test_first_fragments_without_all_ports_are_dropped(routed: RoutedNetwork) -> None:
    net, a, b = routed, routed.a, routed.b
    there = net.packets(a, b)
    there.cut(80).arrives(to(b))
    filter_by(net, {GW_A: "x"}, x=(SSH,))
    net.holds(denies(there.cut(80)), routes(there.tcp(80), b))


def test_a_key_that_is_no_address_of_the_router_harms_nothing(routed: RoutedNetwork) -> None:
    """Case R24."""
    net, a, b = routed, routed.a, routed.b
    filter_by(net, {"192.168.1.77": "x"}, x=(deny(),))
    wait_for_faults(net, "invalid_ACL_binding")
    there = net.packets(a, b)
    net.holds(routes(there.tcp(22), b), routes(net.packets(b, a).tcp(22), a))
    filter_by(net, {GW_A: "x"})
    wait_for_faults(net)
    there.tcp(22).arrives({})


def test_a_list_with_a_fault_drops_packets_of_its_direction(routed: RoutedNetwork) -> None:
    net, a, b = routed, routed.a, routed.b
    filter_by(net, {GW_B: "x"}, x=(INVALID, deny(20, **ICMP)))
    wait_for_faults(net, "invalid_acl_entry", "invalid_acl", "invalid_ACL_binding")
    there, back = net.packets(a, b), net.packets(b, a)
    back.tcp(80).arrives({})
    routes(there.tcp(80), b)()
    net.acls.change("x", 0, source_ip="10.0.0.1")
    wait_for_faults(net)
    net.holds(routes(back.tcp(80), a), denies(back.icmp(0)))


def test_a_list_is_replaced_under_routed_traffic(routed: RoutedNetwork) -> None:
    """No packet is judged by half of a list: none that it permits is lost, none denied passes."""
    net, a, b = routed, routed.a, routed.b
    few = [deny(10, **IPV4, **UDP, **to_port(9))]
    many = [deny(10 * each, **IPV4, **UDP, **to_port(1000 + each)) for each in range(1, 3001)]
    many[1500] = deny(15010, **IPV4, **UDP, **to_port(9))
    filter_by(net, {GW_A: "x"}, x=tuple(few))
    there = net.packets(a, b)
    there.udp(9).arrives({})
    routes(there.udp(10), b)()
    ends = GW, (a.ip, b.ip)
    with (
        RoutedTraffic(net.wire, a.host, *ends, port=10) as passes,
        RoutedTraffic(net.wire, a.host, *ends, port=9) as dropped,
    ):
        for entries in (many, few, many, few):
            passes.run_on(300)
            net.acls.put("x", *entries)
            net.nvc.wait(lambda: _entries(net) == len(entries), "its flows")  # noqa: B023
        passes.run_on(300)
    passes.arrived_as({b.host.name: 1})
    dropped.arrived_as({})
    assert passes.sent > 1000


def _entries(net: RoutedNetwork) -> int:
    """Return how many flows entries have in the table of packets that come to a router."""
    flows = net.lab.vtep.ofctl("--no-names", "dump-flows", "br0", "table=47").splitlines()[1:]
    return sum("reg8=" in flow for flow in flows)
