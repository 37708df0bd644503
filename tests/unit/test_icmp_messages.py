"""ICMP errors about packets: their bytes, and the packets about which there must be none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_Redirect,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import NoPayload, Packet, Raw

from tests.icmp_checker import ETHERNET, icmp_error, sum_of
from vtep_ofapp.features.icmp_errors.messages import HOP_LIMIT, Kind, error
from vtep_ofapp.pipeline.shown import LONGEST_QUOTED
from vtep_ofapp.values.checksums import checksum

HOST, ROUTER = "02:00:00:00:00:01", "02:76:1d:35:ce:33"
IP4, GATEWAY, FAR = "192.168.1.11", "192.168.1.1", "192.168.2.11"
IP6, GATEWAY6, FAR6 = "2001:db8:1::11", "2001:db8:1::1", "2001:db8:2::11"
CODES = {Kind.EXPIRED: (11, 0), Kind.NO_ROUTE: (3, 0), Kind.NO_HOST: (3, 1), Kind.NO_PORT: (3, 3)}
CODES6 = {Kind.EXPIRED: (3, 0), Kind.NO_ROUTE: (1, 0), Kind.NO_HOST: (1, 3), Kind.NO_PORT: (1, 4)}


def ether(packet: Packet, **fields: Any) -> bytes:
    return bytes(Ether(**{"src": HOST, "dst": ROUTER, **fields}) / packet)


def ip4(payload: Packet, **fields: Any) -> bytes:
    return ether(IP(**{"src": IP4, "dst": FAR, "ttl": 1, **fields}) / payload)


def ip6(payload: Packet, **fields: Any) -> bytes:
    return ether(IPv6(**{"src": IP6, "dst": FAR6, "hlim": 1, **fields}) / payload)


def udp(size: int = 10, **fields: Any) -> Packet:
    return UDP(**{"sport": 1111, "dport": 2222, **fields}) / Raw(b"\xa5" * size)


def changed(frame: bytes, at: int, *octets: int) -> bytes:
    """Return a frame with other bytes in its packet, and the IPv4 checksum that fits them."""
    packet = bytearray(frame[ETHERNET:])
    packet[at : at + len(octets)] = octets
    if frame[12:14] == b"\x08\x00":
        packet[10:12] = bytes(2)
        packet[10:12] = (0xFFFF - sum_of(bytes(packet[: (packet[0] & 0xF) * 4]))).to_bytes(2, "big")
    return frame[:ETHERNET] + bytes(packet)


def answer(frame: bytes, kind: Kind = Kind.EXPIRED) -> bytes | None:
    """Return the error about a frame, from the gateway of its family."""
    return error(frame, kind, GATEWAY6 if frame[12:14] == b"\x86\xdd" else GATEWAY)


# What is sent


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, 519, 520, 521, 1400])
def test_error_of_ipv4(kind: Kind, size: int) -> None:
    frame = ip4(udp(size))
    read = icmp_error(answer(frame, kind) or b"")
    assert read is not None
    assert (read.eth_src, read.eth_dst) == (ROUTER, HOST)
    assert (read.source, read.target, read.ttl) == (GATEWAY, IP4, HOP_LIMIT)
    assert read.kind == CODES[kind]
    came = changed(frame, 8, 2) if kind is Kind.NO_HOST else frame
    assert read.quoted == came[ETHERNET:][: 576 - 28]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("size", [0, 100, 1183, 1184, 1185, 1400])
def test_error_of_ipv6(kind: Kind, size: int) -> None:
    frame = ip6(udp(size))
    read = icmp_error(answer(frame, kind) or b"")
    assert read is not None
    assert (read.eth_src, read.eth_dst) == (ROUTER, HOST)
    assert (read.source, read.target, read.ttl) == (GATEWAY6, IP6, HOP_LIMIT)
    assert read.kind == CODES6[kind]
    came = changed(frame, 7, 2) if kind is Kind.NO_HOST else frame
    assert read.quoted == came[ETHERNET:][: 1280 - 48]


@pytest.mark.parametrize("frame", [ip4(udp(3000)), ip6(udp(3000))], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("kind", [Kind.EXPIRED, Kind.NO_ROUTE])
def test_read_part_of_a_frame_is_enough(frame: bytes, kind: Kind) -> None:
    whole = answer(frame, kind)
    assert whole is not None
    assert answer(frame[:LONGEST_QUOTED], kind) == whole
    assert answer(frame[: LONGEST_QUOTED - 1], kind) is None, "its length is a lie then"


def test_padding_is_not_quoted() -> None:
    frame = ip4(NoPayload()).ljust(60, b"\x55")
    read = icmp_error(answer(frame) or b"")
    assert read is not None
    assert read.quoted == frame[ETHERNET:][:20]


def test_options_are_quoted() -> None:
    frame = ip4(udp(), options=[IPOption_NOP()] * 8)
    read = icmp_error(answer(frame) or b"")
    assert read is not None
    assert read.quoted == frame[ETHERNET:]


ANSWERED = {
    "echo request": ip4(ICMP(type="echo-request")),
    "echo reply": ip4(ICMP(type="echo-reply")),
    "timestamp request": ip4(Raw(bytes((13,)) + bytes(19)), proto=1),
    "TCP": ip4(TCP()),
    "no payload": ip4(Raw(b""), proto=6),
    "first fragment": ip4(udp(), flags="MF"),
    "another type of service": ip4(udp(), tos=0xFF),
    "destination far away": ip4(udp(), dst="10.9.9.9", ttl=64),
    "echo request over IPv6": ip6(ICMPv6EchoRequest()),
    "TCP over IPv6": ip6(TCP()),
    "no payload over IPv6": ip6(Raw(b""), nh=59),
    "first fragment of IPv6": ip6(IPv6ExtHdrFragment(m=1) / udp()),
    "the only fragment of IPv6": ip6(IPv6ExtHdrFragment() / ICMPv6EchoRequest()),
    "extension headers": ip6(IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / udp()),
    "routing header": ip6(IPv6ExtHdrRouting() / udp()),
}


@pytest.mark.parametrize("kind", [Kind.EXPIRED, Kind.NO_ROUTE])
@pytest.mark.parametrize("frame", ANSWERED.values(), ids=ANSWERED)
def test_other_packets_are_answered(frame: bytes, kind: Kind) -> None:
    read = icmp_error(answer(frame, kind) or b"")
    assert read is not None
    assert read.quoted == frame[ETHERNET:]


@pytest.mark.parametrize("ttl", [0, 1, 63, 254])
def test_packet_that_was_routed_is_quoted_as_it_came(ttl: int) -> None:
    for came, routed in (
        (ip4(udp(), ttl=ttl + 1), ip4(udp(), ttl=ttl)),
        (ip6(udp(), hlim=ttl + 1), ip6(udp(), hlim=ttl)),
    ):
        read = icmp_error(answer(routed, Kind.NO_HOST) or b"")
        assert read is not None
        assert read.quoted == came[ETHERNET:]


# What is not sent

ABOUT_ERRORS = {
    **{f"ICMP {each}": ip4(ICMP(type=each) / Raw(bytes(8))) for each in (3, 4, 5, 11, 12)},
    "ICMP of an unknown type": ip4(ICMP(type=200) / Raw(bytes(8))),
    "ICMP without a type": ip4(Raw(b""), proto=1),
    "ICMPv6 3/3": ip6(ICMPv6DestUnreach(code=3)),
    "ICMPv6 redirect": ip6(ICMPv6ND_Redirect()),
    "ICMPv6 without a type": ip6(Raw(b""), nh=58),
    "ICMPv6 of type 127": ip6(Raw(bytes((127, 0, 0, 0))), nh=58),
    "ICMPv6 error behind headers": ip6(IPv6ExtHdrHopByHop() / ICMPv6DestUnreach()),
    "ICMPv6 error behind an authentication header": ip6(
        Raw(bytes((58, 1)) + bytes(10) + bytes((1, 4, 0, 0))), nh=51
    ),
    "ICMPv6 error in a first fragment": ip6(IPv6ExtHdrFragment(m=1) / ICMPv6DestUnreach()),
}
FRAGMENTS = {
    "later fragment": ip4(udp(), frag=1),
    "last fragment": ip4(udp(), frag=0x1FFF),
    "later fragment of IPv6": ip6(IPv6ExtHdrFragment(offset=1) / udp()),
    "later fragment behind headers": ip6(IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(offset=9)),
}
GROUPS = {
    **{
        f"frame for {mac}": ether(packet, dst=mac)
        for mac in ("ff:ff:ff:ff:ff:ff", "01:00:5e:01:01:01", "33:33:00:00:00:01")
        for packet in (IP(src=IP4, dst=FAR) / udp(), IPv6(src=IP6, dst=FAR6) / udp())
    },
    **{
        f"packet for {each}": ip4(udp(), dst=each)
        for each in ("224.0.0.1", "239.255.255.250", "255.255.255.255", "0.0.0.0", "127.0.0.1")
    },
    **{f"packet for {each}": ip6(udp(), dst=each) for each in ("ff02::1", "ff0e::1", "::", "::1")},
}
SOURCES = {
    **{
        f"packet from {each}": ip4(udp(), src=each)
        for each in (
            *("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
            *("169.254.1.1", GATEWAY),
        )
    },
    **{
        f"packet from {each}": ip6(udp(), src=each)
        for each in ("::", "::1", "ff02::1", "fe80::1", "febf::1", "::ffff:10.0.0.1", GATEWAY6)
    },
    "frame from a group": ether(IP(src=IP4, dst=FAR) / udp(), src="03:00:00:00:00:01"),
    "frame from nobody": ether(IP(src=IP4, dst=FAR) / udp(), src="00:00:00:00:00:00"),
}
FOUR, SIX = ip4(udp(100)), ip6(udp(100))
MALFORMED = {
    "nothing": b"",
    "a part of an Ethernet header": FOUR[:13],
    "no packet": FOUR[:14],
    "a part of an IPv4 header": FOUR[:33],
    "a part of an IPv6 header": SIX[:53],
    "less than the length": FOUR[:-1],
    "less than the length of IPv6": SIX[:-1],
    "version 5": changed(FOUR, 0, 0x55),
    "version 4 as IPv6": changed(SIX, 0, 0x40),
    "IHL 0": changed(FOUR, 0, 0x40),
    "IHL 4": changed(FOUR, 0, 0x44),
    "IHL beyond the packet": changed(ip4(Raw(bytes(30))), 0, 0x4F),
    "IHL beyond the length": changed(changed(FOUR, 2, 0, 30), 0, 0x4F),
    "length 0": changed(FOUR, 2, 0, 0),
    "length 19": changed(FOUR, 2, 0, 19),
    "length 65535": changed(FOUR, 2, 0xFF, 0xFF),
    "length 65535 of IPv6": changed(SIX, 4, 0xFF, 0xFF),
    "wrong checksum": ip4(udp(), chksum=0x1234),
    "extension header of 0 bytes": ip6(Raw(b""), nh=0),
    "extension header of 7 bytes": ip6(Raw(bytes(7)), nh=60),
    "extension header beyond the packet": ip6(Raw(bytes((17, 255)) + bytes(30)), nh=60),
    "extension headers without an end": ip6(Raw(bytes((60, 0, 0, 0, 0, 0, 0, 0)) * 40), nh=60),
    "hop-by-hop header behind another": ip6(IPv6ExtHdrDestOpt() / IPv6ExtHdrHopByHop() / udp()),
    "hop-by-hop header twice": ip6(IPv6ExtHdrHopByHop() / IPv6ExtHdrHopByHop() / udp()),
    "ARP": ether(ARP(), type=0x0806),
    "a tag": bytes(Ether(src=HOST, dst=ROUTER) / Dot1Q(vlan=5) / IP(src=IP4, dst=FAR) / udp()),
    "a length in place of the type": ether(Raw(bytes(60)), type=60),
    "IPv4 as IPv6": FOUR[:12] + b"\x86\xdd" + FOUR[14:],
    "IPv6 as IPv4": SIX[:12] + b"\x08\x00" + SIX[14:],
}
NOT_ANSWERED = ABOUT_ERRORS | FRAGMENTS | GROUPS | SOURCES | MALFORMED


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("frame", NOT_ANSWERED.values(), ids=NOT_ANSWERED)
def test_no_error(frame: bytes, kind: Kind) -> None:
    assert answer(frame, kind) is None


@pytest.mark.parametrize("kind", Kind)
def test_headers_longer_than_what_is_read(kind: Kind) -> None:
    """Whether it is an error about an error cannot be known."""
    endless = ip6(Raw(bytes((60, 0, 0, 0, 0, 0, 0, 0)) * 400), nh=60)
    assert answer(endless, kind) is None
    assert answer(endless[:LONGEST_QUOTED], kind) is None


def test_source_of_the_other_family() -> None:
    assert error(FOUR, Kind.EXPIRED, GATEWAY6) is None
    assert error(SIX, Kind.EXPIRED, GATEWAY) is None


NO_DATAGRAM = {
    "TCP": ip4(TCP()),
    "ICMP": ip4(ICMP()),
    "TCP over IPv6": ip6(TCP()),
    "first fragment": ip4(udp(), flags="MF"),
    "first fragment of IPv6": ip6(IPv6ExtHdrFragment(m=1) / udp()),
    "a part of a UDP header": ip4(Raw(bytes(7)), proto=17),
    "length 7": ip4(udp(len=7)),
    "length beyond the packet": ip4(udp(10, len=19)),
    "length beyond the packet, no checksum": ip4(udp(10, len=19, chksum=0)),
    "wrong checksum": ip4(udp(chksum=0x1234)),
    "wrong checksum over IPv6": ip6(udp(chksum=0x1234)),
    "no checksum over IPv6": ip6(udp(chksum=0)),
}


@pytest.mark.parametrize("frame", NO_DATAGRAM.values(), ids=NO_DATAGRAM)
def test_no_error_about_what_a_udp_port_would_not_get(frame: bytes) -> None:
    assert answer(frame, Kind.NO_PORT) is None
    assert answer(frame, Kind.EXPIRED) is not None


def test_error_about_datagrams() -> None:
    assert answer(ip4(udp(chksum=0)), Kind.NO_PORT) is not None
    assert answer(ip6(IPv6ExtHdrHopByHop() / udp()), Kind.NO_PORT) is not None


# Whatever comes in


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a frame that may begin as a right one, with some bytes changed, or cut."""
    frames = st.sampled_from([FOUR, SIX, *NOT_ANSWERED.values(), *NO_DATAGRAM.values()])
    frame = bytearray(draw(frames) + draw(st.binary(max_size=40)))
    for _ in range(draw(st.integers(0, 4))):
        if frame:
            frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    frame = frame[: draw(st.integers(0, len(frame)))] if draw(st.booleans()) else frame
    return changed(bytes(frame), 1) if len(frame) > 60 else bytes(frame)


@given(frame=st.binary(max_size=200) | damaged(), kind=st.sampled_from(Kind))
def test_no_bytes_make_it_raise(frame: bytes, kind: Kind) -> None:
    """What it sends is right, smaller than the limits, quotes the packet, and has no answer."""
    made = answer(frame, kind)
    if made is None:
        return
    read = icmp_error(made)
    assert read is not None
    assert len(made) - ETHERNET <= (1280 if ":" in read.source else 576)
    size = min(len(read.quoted), 12)
    assert read.quoted[:7] == frame[ETHERNET:][:7]
    assert read.quoted[size:] in frame
    assert answer(made, kind) is None


@given(data=st.binary(max_size=2000))
def test_checksum(data: bytes) -> None:
    assert checksum(data) == 0xFFFF - sum_of(data)
