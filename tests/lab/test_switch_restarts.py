"""ovs-vswitchd ends and comes back under routed traffic."""

from __future__ import annotations

import contextlib

import pytest
from scapy.layers.inet import IP

from tests.lab.asking_routers import echoed, pings
from tests.lab.conftest import settled_picture
from tests.lab.packets import Station
from tests.lab.routed_network import (
    GW,
    GW_A,
    GW_A6,
    GW_B,
    GW_B6,
    REMOTE_A,
    REMOTE_B,
    RoutedNetwork,
    routes,
)
from tests.lab.test_icmp_errors import EXPIRED, NO_ROUTE, told, udp
from tests.lab.traffic import Copies, RoutedTraffic, Traffic

REMOTE_IP = "192.168.2.99"
NOWHERE = "172.16.9.9"
PORT, RATE = 10, 200


def place_remote(net: RoutedNetwork, ip: str) -> None:
    """Let the row of rB have an address, or none."""
    (row,) = (row for row in net.nvc.rows("Ucast_Macs_Remote") if row["MAC"] == REMOTE_B)
    net.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} 'ipaddr=\"{ip}\"'")


def arrived_once_or_never(stream: Traffic, once: Copies) -> None:
    """Require that nothing was lost at the beginning and at the end.

    Meanwhile frames may be missing several times: on a busy machine some are dropped before the lab
    has given the new ovs-vswitchd room for them.
    """
    phases = stream.phases()
    ways = [copies for copies, _ in phases]
    assert {} in ways
    assert ways[0] == ways[-1] == once, phases
    assert all(copies in (once, {}) for copies in ways), phases


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_each_packet_arrives_once_or_never_and_all_is_as_before(
    routed: RoutedNetwork, end: str
) -> None:
    """None is flooded, nor takes another way, while flows and tunnels are made again."""
    net, a, b, hypervisor = routed, routed.a, routed.b, routed.lab.hypervisor
    b50 = net.new_station(net.lab.vm2, "192.168.2.50", "2001:db8:2::50")
    net.put_r1(routes={"10.0.0.0/8": b50.ip, "2001:db8:a::/48": b50.ip6})
    place_remote(net, REMOTE_IP)
    far = Station(net.lab.vm2, "10.1.2.3", "2001:db8:a::3")
    there = net.packets(a, far)
    routes(there.udp(PORT), b50)()
    routes(there.udp6(PORT), b50)()
    net.packets(a, Station(hypervisor, REMOTE_IP, "::")).udp(PORT).arrives(
        {hypervisor.name: ["vni 5002"]}
    )
    before = settled_picture(net.nvc)
    ways = [(a.ip, b.ip), (a.ip6, b.ip6), (a.ip, far.ip), (a.ip6, far.ip6), (a.ip, REMOTE_IP)]
    with contextlib.ExitStack() as stack:
        streams = {
            ips: stack.enter_context(RoutedTraffic(net.wire, a.host, GW, ips, port=PORT, rate=RATE))
            for ips in ways
        }
        for src, vni, ips in (
            (REMOTE_B, 5002, (REMOTE_IP, a.ip)),
            (REMOTE_A, 5001, ("192.168.1.99", b.ip)),
        ):
            tunnelled = RoutedTraffic(
                net.wire, hypervisor, GW, ips, port=PORT, rate=RATE, src=src, vni=vni
            )
            streams[ips] = stack.enter_context(tunnelled)
        for stream in streams.values():
            stream.run_on(50)
        getattr(net.lab.vtep.ovs_vswitchd, end)()
        net.lab.vtep.ovs_vswitchd.start()
        net.nvc.wait(lambda: settled_picture(net.nvc) == before, "all as it was")
        for stream in streams.values():
            stream.run_on(50)
    places = {REMOTE_IP: hypervisor.name, a.ip: a.host.name}
    for (_, target), stream in streams.items():
        arrived_once_or_never(stream, {places.get(target, b.host.name): 1})
    for target in (GW_A, GW_B, GW_A6, GW_B6):
        echoed(pings(net, a, target), a, target)
    packets = net.packets(a, b)
    expired = packets.frame(IP(src=a.ip, dst=b.ip, ttl=1) / udp())
    unrouted = packets.frame(IP(src=a.ip, dst=NOWHERE) / udp())
    assert [told(net, shot, a).kind for shot in (expired, unrouted)] == [EXPIRED, NO_ROUTE]
    place_remote(net, "")
