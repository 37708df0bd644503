"""ICMP errors of a router: real packets that it cannot forward, and who is told of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from tests.icmp_checker import ETHERNET, IcmpError, icmp_error
from tests.lab.acl_network import ICMP as ACL_ICMP
from tests.lab.acl_network import deny
from tests.lab.asking_routers import advertised, answered, asks, echoed, pings, solicits
from tests.lab.packets import Station
from tests.lab.routed_network import (
    GW,
    GW_A,
    GW_A6,
    GW_B,
    GW_B6,
    REMOTE_A,
    RoutedNetwork,
    Sent,
    to,
    untagged,
)

Make = Callable[[Station, Station], Packet]
EXPIRED, NO_ROUTE, NO_PORT = (11, 0), (3, 0), (3, 3)
EXPIRED6, NO_ROUTE6, NO_PORT6 = (3, 0), (1, 0), (1, 4)
_numbers = itertools.count(1000)
NOWHERE, NOWHERE6 = "10.9.9.9", "2001:db8:9::9"


def udp() -> Packet:
    return UDP(sport=40000, dport=33434)


CASES: dict[str, tuple[Make, tuple[int, int]]] = {
    "TTL 1": (lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1) / udp(), EXPIRED),
    "TTL 1 of a ping": (lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1) / ICMP(), EXPIRED),
    "TTL 1 of TCP": (lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1) / TCP(), EXPIRED),
    "TTL 1 of a first fragment": (
        lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1, flags="MF") / udp() / Raw(bytes(600)),
        EXPIRED,
    ),
    "TTL 1 without a route": (lambda a, b: IP(src=a.ip, dst=NOWHERE, ttl=1) / udp(), EXPIRED),
    "no route": (lambda a, b: IP(src=a.ip, dst=NOWHERE) / udp(), NO_ROUTE),
    "no port": (lambda a, b: IP(src=a.ip, dst=GW_A) / udp(), NO_PORT),
    "no port of another interface": (lambda a, b: IP(src=a.ip, dst=GW_B, ttl=1) / udp(), NO_PORT),
}
CASES6: dict[str, tuple[Make, tuple[int, int]]] = {
    "hop limit 1": (lambda a, b: IPv6(src=a.ip6, dst=b.ip6, hlim=1) / udp(), EXPIRED6),
    "hop limit 1 of a ping": (
        lambda a, b: IPv6(src=a.ip6, dst=b.ip6, hlim=1) / ICMPv6EchoRequest(),
        EXPIRED6,
    ),
    "hop limit 1 behind a header": (
        lambda a, b: IPv6(src=a.ip6, dst=b.ip6, hlim=1) / IPv6ExtHdrHopByHop() / udp(),
        EXPIRED6,
    ),
    "hop limit 1 of much": (
        lambda a, b: IPv6(src=a.ip6, dst=b.ip6, hlim=1) / udp() / Raw(bytes(1300)),
        EXPIRED6,
    ),
    "no route": (lambda a, b: IPv6(src=a.ip6, dst=NOWHERE6) / udp(), NO_ROUTE6),
    "no port": (lambda a, b: IPv6(src=a.ip6, dst=GW_A6) / udp(), NO_PORT6),
    "no port of another interface": (lambda a, b: IPv6(src=a.ip6, dst=GW_B6) / udp(), NO_PORT6),
}
SILENT: dict[str, Make] = {
    "ICMP error": lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1) / ICMP(type=3, code=1) / IP() / udp(),
    "ICMP error without a route": lambda a, b: IP(src=a.ip, dst=NOWHERE) / ICMP(type=11),
    "later fragment": lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1, frag=9, proto=17) / Raw(bytes(9)),
    "group": lambda a, b: IP(src=a.ip, dst="239.1.1.1", ttl=1) / udp(),
    "broadcast": lambda a, b: IP(src=a.ip, dst="192.168.2.255", ttl=64) / udp(),
    "broadcast with TTL 1": lambda a, b: IP(src=a.ip, dst="192.168.2.255", ttl=1) / udp(),
    "source of no host": lambda a, b: IP(src="0.0.0.0", dst=b.ip, ttl=1) / udp(),
    "wrong checksum": lambda a, b: IP(src=a.ip, dst=b.ip, ttl=1, chksum=1) / udp(),
    "TCP to the router": lambda a, b: IP(src=a.ip, dst=GW_A) / TCP(),
    "TTL 0": lambda a, b: IP(src=a.ip, dst=b.ip, ttl=0) / udp(),
    "later fragment of IPv6": lambda a, b: (
        IPv6(src=a.ip6, dst=b.ip6, hlim=1) / IPv6ExtHdrFragment(offset=9, nh=17) / Raw(bytes(9))
    ),
    "group of IPv6": lambda a, b: IPv6(src=a.ip6, dst="ff0e::1", hlim=1) / udp(),
    "link-local source": lambda a, b: IPv6(src="fe80::11", dst=b.ip6, hlim=1) / udp(),
}


@pytest.fixture(scope="module")
def net(routed_network: RoutedNetwork) -> RoutedNetwork:
    """The network, as soon as the router is there for all hosts; no test changes a row."""
    net = routed_network
    for station in (net.a, net.a2):
        answered(asks(net, station), station)
    advertised(net, solicits(net))
    for target in (GW_B, GW_B6):
        echoed(pings(net, net.a, target), net.a, target)
    return net


def told(net: RoutedNetwork, shot: Sent, station: Station) -> IcmpError:
    """Send a packet; return the one error about it, which its sender gets and nobody else."""
    mark = send(shot)
    net.nvc.wait(lambda: any(net.wire.errors(mark).values()), f"an error about {shot}")
    ((where, (packet,)),) = net.wire.errors(mark).items()
    assert where == station.host.name
    inner = packet[VXLAN].payload if VXLAN in packet else packet
    read = icmp_error(bytes(untagged(Ether(bytes(inner)))))
    assert read is not None
    return read


def send(shot: Sent) -> bytes:
    """Send a packet; return bytes of it that each error about it quotes."""
    if IP in shot.frame:
        shot.frame[IP].id = next(_numbers)
    else:
        shot.frame[IPv6].fl = next(_numbers)
    shot.send()
    assert shot.last is not None
    packet = came(shot)
    if len(packet) < 500:
        return shot.last.mark
    return packet[4:12] if packet[0] >> 4 == 4 else packet[:8]


def came(shot: Sent) -> bytes:
    """Return the last packet that was sent."""
    assert shot.last is not None
    return bytes(untagged(Ether(bytes(shot.last.frame))))[ETHERNET:]


@pytest.mark.parametrize("case", CASES)
def test_sender_is_told(net: RoutedNetwork, case: str) -> None:
    make, kind = CASES[case]
    for station in (net.a, net.a2):
        shot = net.packets(station, net.b).frame(make(station, net.b))
        read = told(net, shot, station)
        assert (read.eth_src, read.eth_dst) == (GW, station.mac)
        assert (read.source, read.target, read.kind) == (GW_A, station.ip, kind)
        assert read.quoted == came(shot)[: 576 - 28]


@pytest.mark.parametrize("case", CASES6)
def test_sender_is_told_over_ipv6(net: RoutedNetwork, case: str) -> None:
    make, kind = CASES6[case]
    for station in (net.a, net.a2):
        shot = net.packets(station, net.b).frame(make(station, net.b))
        read = told(net, shot, station)
        assert (read.eth_src, read.eth_dst) == (GW, station.mac)
        assert (read.source, read.target, read.kind) == (GW_A6, station.ip6, kind)
        assert read.quoted == came(shot)[: 1280 - 48]


@pytest.mark.parametrize("case", SILENT)
def test_sender_is_not_told(net: RoutedNetwork, case: str) -> None:
    """The application handles a binding's packets in their order: so the marker's error is last."""
    packets = net.packets(net.a, net.b)
    marks = [send(packets.frame(SILENT[case](net.a, net.b))) for _ in range(3)]
    marker = packets.frame(IP(src=net.a.ip, dst=NOWHERE) / udp())
    told(net, marker, net.a)
    for mark in marks:
        assert net.wire.errors(mark) == {}
        assert net.wire.carrying(mark) == {}


def denies_expired(net: RoutedNetwork) -> bool:
    """Return whether a flow of ACL_ROUTER_EGRESS matches the error that a TTL ended."""
    return "icmp_type=11" in net.lab.vtep.ofctl("dump-flows", "br0", "table=57")


def test_errors_are_judged_where_they_leave_as_all_that_a_router_sends(net: RoutedNetwork) -> None:
    """An access list of egress denies that the TTL ended, and permits that there is no route."""
    packets = net.packets(net.a, net.b)
    expired = packets.frame(IP(src=net.a.ip, dst=net.b.ip, ttl=1) / udp())
    unrouted = packets.frame(IP(src=net.a.ip, dst=NOWHERE) / udp())
    told(net, expired, net.a)
    net.acls.put("x", deny(direction="out", icmp_type=11, **ACL_ICMP))
    net.put_r1(acls={GW_A: "x"})
    net.nvc.wait(lambda: denies_expired(net), "the access list")
    mark = send(expired)
    told(net, unrouted, net.a)
    assert net.wire.errors(mark) == {}
    net.put_r1()
    net.nvc.wait(lambda: not denies_expired(net), "the end of the access list")
    told(net, expired, net.a)
    net.acls.wipe()


NOBODY, NOBODY6 = "192.168.2.200", "2001:db8:2::200"


def test_sender_is_told_when_a_host_does_not_answer(net: RoutedNetwork) -> None:
    """The packet is quoted as it came to the router, which had decremented its TTL."""
    packets = net.packets(net.a, net.b)
    shot, shot6 = (
        packets.frame(header / udp())
        for header in (IP(src=net.a.ip, dst=NOBODY), IPv6(src=net.a.ip6, dst=NOBODY6))
    )
    read = told(net, shot, net.a)
    assert (read.source, read.target, read.kind) == (GW_A, net.a.ip, (3, 1))
    assert read.quoted == came(shot)
    read = told(net, shot6, net.a)
    assert (read.source, read.target, read.kind) == (GW_A6, net.a.ip6, (1, 3))
    assert read.quoted == came(shot6)


def test_host_behind_a_tunnel_is_told_there(net: RoutedNetwork) -> None:
    ip = "192.168.1.99"
    (row,) = (each for each in net.nvc.rows("Ucast_Macs_Remote") if each["MAC"] == REMOTE_A)
    net.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} ipaddr={ip}")
    remote = Station(net.lab.hypervisor, ip, "2001:db8:1::99", mac=REMOTE_A)
    frame = Ether(src=REMOTE_A, dst=GW) / IP(src=ip, dst=net.b.ip, ttl=1) / udp()
    shot = Sent(net.wire, net.lab.hypervisor, frame, vni=5001)
    read = told(net, shot, remote)
    assert (read.eth_src, read.eth_dst) == (GW, REMOTE_A)
    assert (read.source, read.target, read.kind) == (GW_A, ip, EXPIRED)
    net.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} 'ipaddr=\"\"'")


def test_a_real_host_finds_the_way_and_its_end(net: RoutedNetwork) -> None:
    vm1, vm2 = net.lab.vm1, net.lab.vm2
    vm1.add_address("192.168.1.51")
    vm2.add_address("192.168.2.51")
    vm1.set_gateway(GW_A)
    vm2.set_gateway(GW_B)
    assert vm1.trace("192.168.2.51") == [GW_A, "192.168.2.51"]
    assert vm2.trace("192.168.1.51") == [GW_B, "192.168.1.51"]
    told_by = vm1.answer(NOWHERE)
    assert told_by is not None
    assert told_by[0] == GW_A
    assert "Destination Net Unreachable" in told_by[1]


def test_each_router_on_the_way_is_heard(routed: RoutedNetwork) -> None:
    """The second one is next to the host, and so tells it directly."""
    second, far = "192.168.1.2", "10.8.0.9"
    routed.put_r1(routes={"10.8.0.0/16": second})
    routed.nvc.do("bind-ls br0 p1 30 ls-c")
    routed.routers.put("r2", {f"{second}/24": "ls-a", "10.8.0.1/16": "ls-c"})
    pings(routed, routed.a, "10.8.0.1").arrives(to(routed.a))
    packets = routed.packets(routed.a, routed.b)
    for ttl, router in ((1, GW_A), (2, second)):
        shot = packets.frame(IP(src=routed.a.ip, dst=far, ttl=ttl) / udp())
        read = told(routed, shot, routed.a)
        assert (read.source, read.target, read.kind) == (router, routed.a.ip, EXPIRED)
