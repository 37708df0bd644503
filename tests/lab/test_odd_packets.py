"""Routed packets that are not of every day: options, extension headers, fragments, much data."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import (
    ICMP,
    IP,
    UDP,
    IPOption,
    IPOption_NOP,
    IPOption_Router_Alert,
    IPOption_RR,
    IPOption_Timestamp,
)
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    RouterAlert,
)
from scapy.packet import Packet, Raw

from tests.lab.acl_network import UDP as ACL_UDP
from tests.lab.acl_network import deny, permit, to_port
from tests.lab.asking_routers import echoed
from tests.lab.routed_network import GW_A, GW_A6, GW_B, RoutedNetwork, Sent, routes, to
from tests.lab.test_icmp_errors import EXPIRED, EXPIRED6, came, told

Headers = Callable[[], Packet]
IP_OPTIONS: dict[str, list[IPOption]] = {
    "router alert": [IPOption_Router_Alert()],
    "record route": [IPOption_RR(routers=["0.0.0.0"] * 3)],
    "timestamp": [IPOption_Timestamp(flg=0)],
    "40 bytes": [IPOption_NOP()] * 40,
    "a length of zero": [IPOption(b"\x99\0\1\1")],
}
"""Options of IPv4, which go through a router as they are (RFC 791, section 3.1)."""
EXTENSIONS: dict[str, Headers] = {
    "hop-by-hop": IPv6ExtHdrHopByHop,
    "router alert": lambda: IPv6ExtHdrHopByHop(options=[RouterAlert()]),
    "destination": IPv6ExtHdrDestOpt,
    "routing that is done": lambda: IPv6ExtHdrRouting(addresses=["2001:db8::1"], segleft=0),
    "fragment of the whole": lambda: IPv6ExtHdrFragment(offset=0, m=0, id=7),
    "three": lambda: IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(segleft=0),
}
"""Extension headers of IPv6 (RFC 8200, section 4; RFC 6946)."""
JUMBO = 8900
"""Bytes behind the headers of a packet that an MTU of 9,000 lets through."""
QUOTED, QUOTED_6 = 576 - 28, 1280 - 48


def udp(port: int = 33434) -> Packet:
    return UDP(sport=40000, dport=port)


def echo() -> Packet:
    return ICMP(type=8, id=77, seq=5)


def echo6() -> Packet:
    return ICMPv6EchoRequest(id=77, seq=5)


@pytest.mark.parametrize("case", IP_OPTIONS)
def test_options_go_through_and_come_back(routed: RoutedNetwork, case: str) -> None:
    """An echo reply has those of its request, and an error quotes them."""
    a, b, options = routed.a, routed.b, IP_OPTIONS[case]
    there = routed.packets(a, b)
    routes(there.frame(IP(src=a.ip, dst=b.ip, options=options) / udp()), b)()
    for target in (GW_A, GW_B):
        ping = there.frame(IP(src=a.ip, dst=target, options=options) / echo())
        echoed(ping, a, target)
        assert ping.arrived()[IP].ihl == ping.frame.__class__(bytes(ping.frame))[IP].ihl
    expired = there.frame(IP(src=a.ip, dst=b.ip, options=options, ttl=1) / udp())
    read = told(routed, expired, a)
    assert (read.kind, read.quoted) == (EXPIRED, came(expired)[:QUOTED])


@pytest.mark.parametrize("case", EXTENSIONS)
def test_extension_headers_go_through_and_come_back(routed: RoutedNetwork, case: str) -> None:
    a, b, make = routed.a, routed.b, EXTENSIONS[case]
    there = routed.packets(a, b)
    routes(there.frame(IPv6(src=a.ip6, dst=b.ip6) / make() / udp()), b)()
    echoed(there.frame(IPv6(src=a.ip6, dst=GW_A6) / make() / echo6()), a, GW_A6)
    expired = there.frame(IPv6(src=a.ip6, dst=b.ip6, hlim=1) / make() / udp())
    read = told(routed, expired, a)
    assert (read.kind, read.quoted) == (EXPIRED6, came(expired)[:QUOTED_6])


@pytest.fixture
def jumbo(routed: RoutedNetwork) -> Iterator[RoutedNetwork]:
    """The network, whose hosts and ports have an MTU of 9,000, but not the underlay."""
    lab = routed.lab
    ends = [(vm.namespace, vm.interface) for vm in (lab.vm1, lab.vm2)]
    ends += [(lab.vtep.namespace, port) for port in ("p0", "p1")]
    for namespace, interface in ends:
        namespace.run(["ip", "link", "set", interface, "mtu", "9000"])
    yield routed
    for namespace, interface in ends:
        namespace.run(["ip", "link", "set", interface, "mtu", "1500"])


def test_long_packets_are_routed_answered_and_held(jumbo: RoutedNetwork) -> None:
    """They are held whole for a next hop that is to be found, and errors quote their begin."""
    a, b, data = jumbo.a, jumbo.b, Raw(bytes(JUMBO))
    there = jumbo.packets(a, b)
    routes(there.of_4(udp() / data), b)()
    routes(there.of_6(udp() / data), b)()
    echoed(there.frame(IP(src=a.ip, dst=GW_A) / echo() / data), a, GW_A)
    echoed(there.frame(IPv6(src=a.ip6, dst=GW_A6) / echo6() / data), a, GW_A6)
    expired = there.frame(IP(src=a.ip, dst=b.ip, ttl=1) / udp() / data)
    assert told(jumbo, expired, a).quoted == came(expired)[:QUOTED]
    expired6 = there.frame(IPv6(src=a.ip6, dst=b.ip6, hlim=1) / udp() / data)
    assert told(jumbo, expired6, a).quoted == came(expired6)[:QUOTED_6]
    jumbo.lab.vm2.add_address("192.168.2.77")
    held = there.frame(IP(src=a.ip, dst="192.168.2.77") / udp() / data)
    held.send()
    assert held.last is not None
    mark = held.last.mark
    jumbo.nvc.wait(lambda: jumbo.wire.carrying(mark), "the packet that was held")
    assert bytes(held.arrived()).endswith(bytes(JUMBO) + mark)


def first(net: RoutedNetwork, port: int) -> Sent:
    """Return the first fragment of a datagram of IPv4."""
    header = IP(src=net.a.ip, dst=net.b.ip, flags="MF", id=77)
    whole = UDP(sport=40000, dport=port, len=2000, chksum=7)
    return net.packets(net.a, net.b).frame(header / whole / Raw(bytes(64)))


def first6(net: RoutedNetwork, port: int) -> Sent:
    header = IPv6(src=net.a.ip6, dst=net.b.ip6) / IPv6ExtHdrFragment(m=1, id=77)
    whole = UDP(sport=40000, dport=port, len=2000, chksum=7)
    return net.packets(net.a, net.b).frame(header / whole / Raw(bytes(64)))


def later(net: RoutedNetwork) -> list[Sent]:
    """Return fragments without ports, of both families."""
    there, data = net.packets(net.a, net.b), Raw(bytes(64))
    header6 = IPv6(src=net.a.ip6, dst=net.b.ip6) / IPv6ExtHdrFragment(offset=9, id=77, nh=17)
    header = IP(src=net.a.ip, dst=net.b.ip, frag=9, proto=17, id=77)
    return [there.frame(header / data), there.frame(header6 / data)]


def test_fragments_are_judged_by_ports_also_after_a_restart_of_the_switch(
    routed: RoutedNetwork,
) -> None:
    """Open vSwitch forgets then that first fragments are to be matched by their ports."""
    keys = {GW_A: "x", GW_A6: "x"}

    def judged() -> None:
        for shot in (first(routed, 53), first6(routed, 53)):
            shot.arrives({})
        for shot in (first(routed, 80), first6(routed, 80), *later(routed)):
            shot.arrives(to(routed.b))

    routed.acls.put("x", deny(**ACL_UDP, **to_port(53)))
    routed.put_r1(acls=keys)
    judged()
    routed.lab.vtep.ovs_vswitchd.restart()
    routed.follows()
    judged()
    routed.acls.put("x", permit(10, **ACL_UDP, **to_port(80)), deny(20, **ACL_UDP))
    judged()
