"""The MAC address of the VTEP, in place of the router's, in what a router sends into tunnels."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from sim.wire.frames import Captured
from tests.lab.acl_network import R3
from tests.lab.routed_network import GW, REMOTE_B, RoutedNetwork, untagged

SRC, OTHER = "06:76:0a:02:02:01", "06:00:00:00:00:03"
BEHIND_R3 = "192.168.2.99"
EVERYWHERE = {
    "vm2": ("untagged", GW),
    "vm3": ("vlan 20", GW),
    "service-node": ("vni 5002", SRC),
    "hypervisor": ("vni 5002", SRC),
}
"""Where a request for a host in ls-b goes, and from which MAC."""


@pytest.fixture
def distributed(routed: RoutedNetwork) -> Iterator[RoutedNetwork]:
    """Yield the network, where R3 routes as well."""
    rows = routed.nvc.rows("Physical_Locator")
    locator = next(row["_uuid"] for row in rows if row["dst_ip"] == R3)
    routed.nvc.do(f"create Arp_Sources_Remote src_mac='\"{OTHER}\"' locator={locator}")
    await_gateway(routed, is_reported=False)
    yield routed
    for row in routed.nvc.rows("Arp_Sources_Remote"):
        routed.nvc.do(f"destroy Arp_Sources_Remote {row['_uuid']}")
    await_gateway(routed, is_reported=True)


def await_gateway(routed: RoutedNetwork, *, is_reported: bool) -> None:
    """Wait until the router is reported, as it is while nobody else routes, or is not."""
    routed.nvc.wait(
        lambda: (routed.nvc.local(GW, "ls-b") is not None) is is_reported, "the row of the router"
    )


def send(routed: RoutedNetwork, target: str) -> None:
    """Let hA send a packet to a host in ls-b by way of the router."""
    source = routed.a.ip6 if ":" in target else routed.a.ip
    header = (IPv6 if ":" in target else IP)(src=source, dst=target)
    routed.packets(routed.a, routed.b).frame(header / UDP(sport=9, dport=9)).send()


def inner(frame: Captured) -> Packet:
    """Return a frame without its tag, or that within a VXLAN packet."""
    return Ether(frame.vxlan.inner) if frame.vxlan else untagged(frame.packet)


def asks(frame: Packet) -> tuple[str, str] | None:
    """Return the MAC that a request comes from, and the one that it states; None for others."""
    if ARP in frame and frame[ARP].op == 1:
        return frame.src, frame[ARP].hwsrc
    if ICMPv6ND_NS in frame:
        return frame.src, frame[ICMPv6NDOptSrcLLAddr].lladdr
    return None


@pytest.mark.parametrize("target", ["192.168.2.60", "2001:db8:2::60"])
def test_requests_come_from_the_router_at_bindings_and_from_the_vtep_in_tunnels(
    routed: RoutedNetwork, target: str
) -> None:
    """Case S3."""
    await_gateway(routed, is_reported=True)
    begin = routed.wire.now()
    send(routed, target)

    def requests() -> dict[str, set[tuple[str, str, str]]]:
        arrived = routed.wire.carrying(ip_address(target).packed, begin)
        found = {
            name: {(frame.label, *said) for frame in frames if (said := asks(inner(frame)))}
            for name, frames in arrived.items()
        }
        return {name: said for name, said in found.items() if said}

    expected = {name: {(label, mac, mac)} for name, (label, mac) in EVERYWHERE.items()}
    routed.nvc.wait(lambda: requests() == expected, f"the requests for {target}")


def test_routed_packets_come_from_the_router_until_another_vtep_routes(
    routed: RoutedNetwork, request: pytest.FixtureRequest
) -> None:
    (row,) = (each for each in routed.nvc.rows("Ucast_Macs_Remote") if each["MAC"] == REMOTE_B)
    routed.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} ipaddr={BEHIND_R3}")
    mark = ip_address(BEHIND_R3).packed

    def sources() -> set[str]:
        begin = routed.wire.now()
        send(routed, BEHIND_R3)
        frames = routed.wire.carrying(mark, begin).get("hypervisor", [])
        return {inner(frame).src for frame in frames if UDP in inner(frame)}

    routed.nvc.wait(lambda: sources() == {GW}, "the packet from the router")
    request.getfixturevalue("distributed")
    routed.nvc.wait(lambda: sources() == {SRC}, "the packet from the VTEP")
    routed.nvc.do(f"set Ucast_Macs_Remote {row['_uuid']} 'ipaddr=\"\"'")
