"""What routers drop, and hosts that lie: nothing of it reaches anybody or harms the others."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6NDOptDstLLAddr,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from sim.wire.frames import BROADCAST
from tests.lab.asking_routers import answered, asks, echoed, pings
from tests.lab.packets import Station
from tests.lab.routed_network import (
    GW,
    GW_A,
    GW_A6,
    GW_B,
    REMOTE_A,
    RoutedNetwork,
    Sent,
    drops,
    routes,
    to,
)
from tests.lab.wire import new_mac
from tests.routers import router_mac


def of_4(net: RoutedNetwork, payload: Packet, **header: Any) -> Sent:
    """Return an IPv4 packet of hA for hB, by the router, unless the header says another."""
    fields = {"src": net.a.ip, "dst": net.b.ip, **header}
    return net.packets(net.a, net.b).frame(IP(**fields) / payload)


def of_6(net: RoutedNetwork, payload: Packet, **header: Any) -> Sent:
    """Return an IPv6 packet of hA for hB, likewise."""
    fields = {"src": net.a.ip6, "dst": net.b.ip6, **header}
    return net.packets(net.a, net.b).frame(IPv6(**fields) / payload)


def udp() -> Packet:
    return UDP(sport=40000, dport=9)


def well(net: RoutedNetwork) -> None:
    """Check that what is honest is routed, and the gateway is where it was."""
    routes(net.packets(net.a, net.b).tcp(80), net.b)()
    routes(net.packets(net.b, net.a).tcp6(80), net.a)()
    answered(asks(net, net.a2), net.a2)


def test_packets_to_martians_are_dropped(routed: RoutedNetwork) -> None:
    """Case R18."""
    to_them = ["224.1.1.1", "255.255.255.255", "192.168.2.255", "192.168.2.0", "127.0.0.1"]
    to_them += ["0.0.0.1", "169.254.1.1", "239.1.1.1"]
    to_them6 = ["ff02::1", "ff05::1:3", "::1", "fe80::77"]
    well(routed)
    routed.holds(
        drops(*(of_4(routed, udp(), dst=each) for each in to_them)),
        drops(*(of_6(routed, udp(), dst=each) for each in to_them6)),
    )


def test_packets_from_martians_are_dropped(routed: RoutedNetwork) -> None:
    well(routed)
    from_them = ["224.1.1.1", "255.255.255.255", "127.0.0.1", "0.0.0.0", GW_A, GW_B]
    routed.holds(
        drops(*(of_4(routed, udp(), src=each) for each in from_them)),
        drops(*(of_6(routed, udp(), src=each) for each in ("ff02::1", "::", "::1", GW_A6))),
    )


def test_frames_of_other_types_for_the_router_are_dropped(routed: RoutedNetwork) -> None:
    well(routed)
    strange = routed.wire.frame(routed.lab.vm1, dst=GW)
    reply = ARP(op=2, hwsrc=routed.a.mac, psrc=routed.a.ip, hwdst=GW, pdst=GW_A)
    routed.holds(drops(strange, routed.packets(routed.a, routed.b).frame(reply)))


def test_packets_for_the_router_that_it_does_not_serve_reach_nobody(
    routed: RoutedNetwork,
) -> None:
    well(routed)
    fragment = IP(src=routed.a.ip, dst=GW_B, flags="MF") / ICMP(type=8, id=77, seq=5)
    routed.holds(
        drops(
            of_4(routed, TCP(dport=22), dst=GW_A),
            of_4(routed, TCP(dport=22), dst=GW_B),
            of_4(routed, ICMP(type=0), dst=GW_A),
            routed.packets(routed.a, routed.b).frame(fragment / Raw(bytes(8))),
        )
    )


def test_who_says_to_have_the_gateways_address_is_not_believed(routed: RoutedNetwork) -> None:
    a = routed.packets(routed.a, routed.a2)
    mac = routed.a.mac
    well(routed)
    header = IPv6(src=routed.a.ip6, dst="ff02::1", hlim=255)
    claim6 = header / ICMPv6ND_NA(tgt=GW_A6, R=0, S=0) / ICMPv6NDOptDstLLAddr(lladdr=mac)
    routed.holds(
        drops(
            a.frame(ARP(op=2, hwsrc=mac, psrc=GW_A, hwdst=BROADCAST, pdst=GW_A), BROADCAST),
            a.frame(ARP(op=1, hwsrc=mac, psrc=GW_A, pdst=GW_A), BROADCAST),
            a.frame(ARP(op=1, hwsrc=mac, psrc=GW_A, pdst=routed.a2.ip), BROADCAST),
            a.frame(ARP(op=2, hwsrc=mac, psrc=GW_A, pdst=routed.a2.ip), routed.a2.mac),
            a.frame(claim6, "33:33:00:00:00:01"),
        ),
        lambda: well(routed),
    )
    rows = {row["MAC"]: row["ipaddr"] for row in routed.nvc.rows("Ucast_Macs_Local")}
    assert GW_A not in [ip for each, ip in rows.items() if each != GW]
    routed.nvc.wait(lambda: GW_A in routed.lab.app.log_text, "what the log says of it")


def test_who_sends_from_the_routers_mac_is_not_believed(routed: RoutedNetwork) -> None:
    well(routed)
    stranger = routed.packets(routed.a, routed.a2)
    routed.holds(
        drops(
            routed.wire.frame(routed.lab.vm1, src=GW),
            routed.wire.frame(routed.lab.vm1, dst=routed.a2.mac, src=GW),
            stranger.of_4(udp(), dst=routed.a2.mac, src=GW),
            stranger.of_4(udp(), src=GW),
        ),
        lambda: well(routed),
    )


def test_fragments_and_further_headers_of_ipv6_are_routed(routed: RoutedNetwork) -> None:
    b = routed.b
    later6 = IPv6ExtHdrFragment(offset=100, m=1, id=7, nh=17) / Raw(b"x" * 64)
    first6 = IPv6ExtHdrFragment(offset=0, m=1, id=7) / udp() / Raw(b"x" * 64)
    well(routed)
    routed.holds(
        routes(of_4(routed, udp() / Raw(b"x" * 64), flags="MF", id=7), b),
        routes(of_4(routed, Raw(b"x" * 64), flags="MF", frag=9, proto=17, id=7), b),
        routes(of_4(routed, Raw(b"x" * 64), frag=100, proto=17, id=7), b),
        routes(of_6(routed, first6), b),
        routes(of_6(routed, later6), b),
        routes(of_6(routed, IPv6ExtHdrDestOpt() / udp()), b),
        routes(of_6(routed, udp(), tc=0xB8, fl=0x12345), b),
        routes(of_4(routed, udp(), tos=0xB8, flags="DF"), b),
        routes(of_4(routed, Raw(b"x" * 8), proto=89), b),
    )


def test_the_ttl_is_decremented_down_to_one_and_no_further(routed: RoutedNetwork) -> None:
    """Packets with 0 or 1 hop left reach nobody; what is told of these is another test's."""
    well(routed)
    routed.holds(
        routes(of_4(routed, udp(), ttl=2), routed.b),
        routes(of_6(routed, udp(), hlim=2), routed.b),
        routes(of_4(routed, udp(), ttl=255), routed.b),
        drops(of_4(routed, udp(), ttl=1), of_4(routed, udp(), ttl=0)),
        drops(of_6(routed, udp(), hlim=1), of_6(routed, udp(), hlim=0)),
    )


@pytest.mark.parametrize("ttl", [64, 255])
def test_two_routers_that_point_at_each_other_pass_a_packet_until_it_ends(
    routed: RoutedNetwork, ttl: int
) -> None:
    """By its TTL, or because Open vSwitch looks up no frame more than 64 times again."""
    routed.routers.put("r2", {"192.168.2.2/24": "ls-b"}, {"10.0.0.0/8": GW_B})
    routed.put_r1(routes={"10.0.0.0/8": "192.168.2.2"})
    mac2 = router_mac("r2")
    b2 = asks(routed, routed.b, "192.168.2.2")

    def second_answers() -> None:
        b2.arrives(to(routed.b))
        assert b2.arrived()[ARP].hwsrc == mac2

    daemon = routed.lab.vtep.ovs_vswitchd.pid
    routed.holds(
        second_answers,
        lambda: well(routed),
        drops(of_4(routed, udp(), dst="10.1.2.3", ttl=ttl)),
        lambda: well(routed),
    )
    assert routed.lab.vtep.ovs_vswitchd.pid == daemon


def test_a_packet_passes_two_routers_in_a_row(routed: RoutedNetwork) -> None:
    """Each decrements the TTL; the last one is its sender."""
    host = routed.new_station(routed.lab.vm2, "192.168.2.9", "2001:db8:2::9")
    routed.routers.put("r2", {"192.168.2.2/24": "ls-b"}, {"10.0.0.0/8": host.ip})
    routed.put_r1(routes={"10.0.0.0/8": "192.168.2.2"})
    routed.holds(
        routes(of_4(routed, udp(), dst="10.1.2.3"), host, src=router_mac("r2"), hops=2),
        lambda: well(routed),
    )


def test_who_is_alone_routes_and_answers_for_a_tunnel(routed: RoutedNetwork) -> None:
    """Frames of a station behind a VTEP that does not route."""
    remote = routed.lab.hypervisor
    said = Station(remote, "192.168.1.99", "2001:db8:1::99", mac=REMOTE_A)
    header = Ether(src=REMOTE_A, dst=GW)
    packet = header / IP(src=said.ip, dst=routed.b.ip) / udp()
    packet6 = header / IPv6(src=said.ip6, dst=routed.b.ip6) / udp()
    request = Ether(src=REMOTE_A, dst=BROADCAST) / ARP(
        op=1, hwsrc=REMOTE_A, psrc=said.ip, pdst=GW_A
    )
    asked = Sent(routed.wire, remote, request, vni=5001)

    def is_answered() -> None:
        asked.arrives({"hypervisor": ["vni 5001"]})
        reply = asked.arrived()
        assert (reply.src, reply.dst, reply[ARP].hwsrc) == (GW, REMOTE_A, GW)

    routed.holds(
        routes(Sent(routed.wire, remote, packet, vni=5001), routed.b),
        routes(Sent(routed.wire, remote, packet6, vni=5001), routed.b),
        is_answered,
        lambda: well(routed),
    )


def test_a_host_behind_a_tag_pings_and_is_routed_like_others(routed: RoutedNetwork) -> None:
    """A tag of the sender's port that is not bound carries nothing to the router."""
    routed.holds(
        lambda: echoed(pings(routed, routed.a2, GW_B), routed.a2, GW_B),
        lambda: well(routed),
    )
    unbound = Station(routed.lab.vm3, "192.168.1.12", "2001:db8:1::12", 99, new_mac())
    drops(routed.packets(unbound, routed.b).tcp(80), asks(routed, unbound))()
