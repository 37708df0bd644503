"""Changes of logical routers: what is routed follows the rows while the application runs."""

from __future__ import annotations

import contextlib

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP

from tests.lab.acl_network import R3
from tests.lab.asking_routers import answered, asks
from tests.lab.packets import Station
from tests.lab.routed_network import GW, GW_A, RoutedNetwork, Sent, drops, routes, to
from tests.lab.traffic import RoutedTraffic
from tests.lab.wire import new_mac
from tests.routers import router_mac

FLOODED_A = {"vm3": ["vlan 10"], "service-node": ["vni 5001"], "hypervisor": ["vni 5001"]}
"""Where frames of hA go that are for nobody known."""


def sources(net: RoutedNetwork) -> list[str]:
    """Return the MACs of Arp_Sources_Local."""
    return [row["src_mac"] for row in net.nvc.rows("Arp_Sources_Local")]


def test_a_route_follows_its_next_hop_and_goes(routed: RoutedNetwork) -> None:
    """Case R14."""
    vm2 = routed.lab.vm2
    b50 = routed.new_station(vm2, "192.168.2.50", "2001:db8:2::50")
    b51 = routed.new_station(vm2, "192.168.2.51", "2001:db8:2::51")
    there = routed.packets(routed.a, Station(vm2, "10.1.2.3", "2001:db8:a::3"))
    for station in (b50, b51):
        routed.put_r1(routes={"10.0.0.0/8": station.ip, "2001:db8:a::/48": station.ip6})
        routed.holds(routes(there.tcp(80), station), routes(there.tcp6(80), station))
    routed.put_r1()
    there.tcp(80).arrives({})
    routed.holds(drops(there.tcp(80), there.tcp6(80)))


def test_nothing_is_left_of_a_router_that_is_deleted(routed: RoutedNetwork) -> None:
    """Case R15: its addresses are unknown, frames for its MAC are those of an unknown station."""
    shot = routed.packets(routed.a, routed.b).tcp(80)
    routes(shot, routed.b)()
    routed.nvc.wait(lambda: sources(routed) == ["06:76:0a:02:02:01"], "the ARP source")
    routed.routers.remove("r1")
    shot.arrives(FLOODED_A)
    routed.nvc.wait(lambda: not sources(routed), "the end of the ARP source")
    routed.holds(
        lambda: asks(routed, routed.a).arrives_at_once(FLOODED_A),
        lambda: shot.arrives_at_once(FLOODED_A),
    )
    assert routed.routers.faults() == set()
    assert GW not in [row["MAC"] for row in routed.nvc.rows("Ucast_Macs_Local")]


def test_two_routers_may_have_the_same_addresses_in_logical_switches_of_their_own(
    routed: RoutedNetwork,
) -> None:
    """Case R16: the second one is of no effect until its logical switch is bound."""
    mac2 = router_mac("r2")
    routed.routers.put("r2", {f"{GW_A}/24": "ls-c"})
    routes(routed.packets(routed.a, routed.b).tcp(80), routed.b)()
    routed.follows()
    assert mac2 not in routed.lab.vtep.ofctl("--no-names", "dump-flows", "br0")
    assert routed.routers.faults() == set()
    routed.nvc.do("bind-ls br0 p1 30 ls-c")
    c = routed.new_station(routed.lab.vm2, "192.168.1.13", "2001:db8:1::13", 30, "ls-c")

    def second_answers() -> None:
        shot = asks(routed, c)
        shot.arrives(to(c))
        assert shot.arrived()[ARP].hwsrc == mac2

    routed.holds(
        lambda: answered(asks(routed, routed.a), routed.a),
        second_answers,
        drops(
            routed.packets(routed.a, c).tcp(80),
            routed.packets(c, routed.a, mac2).tcp(80),
        ),
    )


def test_a_logical_switch_that_is_bound_nowhere_here_is_reached_by_the_router(
    routed: RoutedNetwork,
) -> None:
    """Case R19: with its unknown-dst row and frames from its tunnel, as if it was bound."""
    mac = new_mac()
    routed.nvc.do(f"add-ucast-remote ls-c {mac} {R3}")
    (row,) = (row for row in routed.nvc.rows("Ucast_Macs_Remote") if row["MAC"] == mac)
    routed.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} ipaddr='\"192.168.3.99\"'")
    routed.put_r1({"192.168.3.1/24": "ls-c"})
    there = routed.packets(routed.a, Station(routed.lab.hypervisor, "192.168.3.99", "::"))
    shot = there.frame(IP(src=routed.a.ip, dst="192.168.3.99") / UDP(sport=40000, dport=9))

    def is_reached() -> None:
        shot.arrives({"hypervisor": ["vni 5003"]})
        assert (shot.arrived().dst, shot.arrived().src) == (mac, GW)

    def returns() -> None:
        back = Sent(routed.wire, routed.lab.hypervisor, packet, vni=5003)
        routes(back, routed.a)()

    packet = (
        routed.packets(Station(routed.lab.hypervisor, "192.168.3.99", "::", mac=mac), routed.a)
        .tcp(80)
        .frame
    )
    routed.holds(is_reached, returns)
    found = routed.nvc.local("unknown-dst", "ls-c")
    assert found is not None
    routed.put_r1()
    routed.nvc.wait(lambda: routed.nvc.local("unknown-dst", "ls-c") is None, "the end of the row")
    routed.nvc.do(f"del-ucast-remote ls-c {mac}")


def test_an_interface_comes_and_goes_and_the_others_stay(routed: RoutedNetwork) -> None:
    other = routed.packets(routed.a, routed.b)
    routes(other.tcp(80), routed.b)()
    routed.put_r1({"192.168.7.1/24": "ls-a"})
    shot = asks(routed, routed.a, "192.168.7.1")
    answered(shot, routed.a, "192.168.7.1")
    routes(other.tcp(80), routed.b)()
    routed.put_r1()
    asks(routed, routed.a, "192.168.7.1").arrives(FLOODED_A)
    routed.holds(routes(other.tcp(80), routed.b))


def test_a_routers_own_mac_replaces_the_derived_one(routed: RoutedNetwork) -> None:
    mac = "02:00:5e:00:00:01"
    routes(routed.packets(routed.a, routed.b).tcp(80), routed.b)()
    routed.routers.put("r1", {f"{GW_A}/24": "ls-a", "192.168.2.1/24": "ls-b"}, mac=mac)
    shot = routed.packets(routed.a, routed.b, mac).tcp(80)
    routed.holds(
        routes(shot, routed.b, src=mac),
        lambda: routed.packets(routed.a, routed.b).tcp(80).arrives_at_once(FLOODED_A),
    )


def test_a_restart_of_the_application_under_routed_traffic_loses_nothing(
    routed: RoutedNetwork,
) -> None:
    """Case R27: no flow of a router is sent again, and each packet arrives once."""
    a, b = routed.a, routed.b
    b50 = routed.new_station(routed.lab.vm2, "192.168.2.50", "2001:db8:2::50")
    routed.put_r1(routes={"10.0.0.0/8": b50.ip})
    far = Station(routed.lab.vm2, "10.1.2.3", "2001:db8:a::3")
    routes(routed.packets(a, far).udp(10), b50)()
    ways = ((a.ip, b.ip), (a.ip6, b.ip6), (a.ip, far.ip))
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(RoutedTraffic(routed.wire, a.host, GW, ips, port=10, rate=400))
            for ips in ways
        ]
        streams[0].run_on(200)
        routed.restart()
        streams[0].run_on(200)
    for each in streams:
        each.arrived_as({b.host.name: 1})
