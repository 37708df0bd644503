"""The frames by which routers ask for MAC addresses and tell theirs, as scapy reads them."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, IPv6, in6_chksum
from scapy.layers.l2 import ARP, Ether

from vtep_ofapp.features.next_hops.frames import announcement, defence, request

GATEWAY, HOST = "02:76:1d:35:ce:33", "00:00:00:00:00:0b"
BROADCAST, NOBODY = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"
MACS = st.binary(min_size=6, max_size=6).map(lambda packed: packed.hex(":"))
IPV4 = st.builds(str, st.builds(IPv4Address, st.integers(0, 2**32 - 1)))
IPV6 = st.builds(str, st.builds(IPv6Address, st.integers(0, 2**128 - 1)))


def arp(frame: bytes) -> Ether:
    packet = Ether(frame)
    assert (packet[ARP].op, packet[ARP].hwtype, packet[ARP].ptype) == (1, 1, 0x0800)
    assert packet.src == packet[ARP].hwsrc
    return packet


def neighbour(frame: bytes) -> Ether:
    """Return an ICMPv6 message that is whole, and comes from this link."""
    packet = Ether(frame)
    ipv6 = packet[IPv6]
    assert (ipv6.hlim, len(bytes(ipv6.payload))) == (255, ipv6.plen)
    assert in6_chksum(58, ipv6, bytes(ipv6.payload)) in (0, 0xFFFF)
    return packet


@given(MACS, IPV4, IPV4)
def test_an_arp_request_is_broadcast_with_our_address(mac: str, source: str, target: str) -> None:
    packet = arp(request(mac, source, target))
    assert (packet.src, packet.dst) == (mac, BROADCAST)
    assert (packet.psrc, packet.pdst, packet.hwdst) == (source, target, NOBODY)


def test_only_who_has_no_address_asks_as_a_probe_does() -> None:
    assert arp(request(GATEWAY, "", "10.0.0.1")).psrc == "0.0.0.0"


@given(MACS, IPV4, IPV4, MACS)
def test_a_host_that_answered_is_asked_alone(mac: str, source: str, target: str, to: str) -> None:
    packet = arp(request(mac, source, target, to))
    assert (packet.dst, packet.psrc, packet.pdst) == (to, source, target)


@given(MACS, IPV6, IPV6)
def test_a_solicitation_goes_to_the_group_of_its_target(mac: str, source: str, target: str) -> None:
    packet = neighbour(request(mac, source, target))
    tail = IPv6Address(target).packed[-3:]
    assert (packet.src, packet.dst) == (mac, f"33:33:ff:{tail.hex(':')}")
    assert IPv6Address(packet[IPv6].dst).packed == IPv6Address("ff02::1:ff00:0").packed[:-3] + tail
    assert IPv6Address(packet[IPv6].src) == IPv6Address(source)
    solicitation = packet[ICMPv6ND_NS]
    assert IPv6Address(solicitation.tgt) == IPv6Address(target)
    assert (solicitation.type, solicitation.code, solicitation.payload.type) == (135, 0, 1)
    assert solicitation.payload.lladdr == mac


@given(MACS, IPV6, IPV6, MACS)
def test_a_solicitation_to_one_host(mac: str, source: str, target: str, to: str) -> None:
    packet = neighbour(request(mac, source, target, to))
    assert (packet.dst, IPv6Address(packet[IPv6].dst)) == (to, IPv6Address(target))
    assert packet[ICMPv6ND_NS].payload.lladdr == mac


@given(MACS, IPV4)
def test_a_gratuitous_request(mac: str, ip: str) -> None:
    packet = arp(announcement(mac, ip))
    assert (packet.src, packet.dst, packet.psrc, packet.pdst) == (mac, BROADCAST, ip, ip)


@given(MACS, IPV6)
def test_an_advertisement_for_all_is_a_routers_and_overrides(mac: str, ip: str) -> None:
    for frame, to in (
        (announcement(mac, ip), "33:33:00:00:00:01"),
        (defence(mac, ip, HOST), HOST),
    ):
        packet = neighbour(frame)
        assert (packet.src, packet.dst, packet[IPv6].dst) == (mac, to, "ff02::1")
        advertisement = packet[ICMPv6ND_NA]
        assert IPv6Address(packet[IPv6].src) == IPv6Address(advertisement.tgt) == IPv6Address(ip)
        assert (advertisement.R, advertisement.S, advertisement.O) == (1, 0, 1)
        assert (advertisement.payload.type, advertisement.payload.lladdr) == (2, mac)


def test_no_frame_is_shorter_than_ethernet_allows() -> None:
    assert len(request(GATEWAY, "10.0.0.1", "10.0.0.2")) == 60
    assert len(request(GATEWAY, "fe80::1", "2001:db8::2")) == 86
