"""IGMP, MLD and PIM in frames: what hosts say, what we ask, and bytes that are neither."""

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import ICMPv6MLQuery2, IPv6, IPv6ExtHdrHopByHop, RouterAlert
from scapy.layers.l2 import Ether
from scapy.utils import checksum

from tests.multicast_frames import (
    ALL_HOSTS,
    ALL_NODES,
    ALL_ROUTERS,
    ALL_ROUTERS_6,
    ALLOW,
    BLOCK,
    IS_EXCLUDE,
    IS_INCLUDE,
    LEAVE,
    MLD_DONE,
    MLD_QUERY,
    MLD_REPORT,
    QUERY,
    TO_EXCLUDE,
    TO_INCLUDE,
    V1_REPORT,
    V2_REPORT,
    Record,
    igmp_v2,
    igmp_v3,
    igmp_v3_query,
    mld_v1,
    mld_v2,
    mld_v2_query,
    pim_hello,
)
from vtep_ofapp.features.multicast.groups import (
    group_mac,
    is_flooded,
    is_reportable,
    parse_group,
)
from vtep_ofapp.features.multicast.messages import (
    Family,
    Hello,
    Joined,
    Left,
    Message,
    Query,
    messages,
    querier_address,
    query,
)
from vtep_ofapp.pipeline.multicast import LONGEST_READ

HOST, SWITCH = "02:00:00:00:00:01", "02:00:00:00:00:99"
GROUP, GROUP6 = "239.1.1.1", "ff05::1:1"
IP4, IP6 = "192.168.1.11", "fe80::11"


def v2(kind: int, group: str = GROUP, to: str = "", source: str = IP4, code: int = 0) -> bytes:
    return igmp_v2(HOST, source, kind, group, to, code)


def v3(*records: Record) -> bytes:
    return igmp_v3(HOST, IP4, *records)


def mld1(kind: int, group: str = GROUP6, to: str = "", source: str = IP6, delay: int = 0) -> bytes:
    return mld_v1(HOST, source, kind, group, to, delay)


def mld2(*records: Record) -> bytes:
    return mld_v2(HOST, IP6, *records)


def meaning(frame: bytes) -> list[Message]:
    source, found = messages(frame)
    assert not found or source == HOST
    return found


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (v2(V1_REPORT), [Joined(GROUP)]),
        (v2(V2_REPORT), [Joined(GROUP)]),
        (v2(V2_REPORT, source="0.0.0.0"), [Joined(GROUP)]),
        (v2(LEAVE, to=ALL_ROUTERS), [Left(GROUP)]),
        (mld1(MLD_REPORT), [Joined(GROUP6)]),
        (mld1(MLD_REPORT, source="::"), [Joined(GROUP6)]),
        (mld1(MLD_DONE, to=ALL_ROUTERS_6), [Left(GROUP6)]),
        (mld2((TO_EXCLUDE, GROUP6, ())), [Joined(GROUP6)]),
        (mld2((TO_INCLUDE, GROUP6, ())), [Left(GROUP6)]),
        (mld2((IS_INCLUDE, GROUP6, ("2001:db8::1",))), [Joined(GROUP6)]),
    ],
)
def test_reports_and_leaves(frame: bytes, expected: list[Message]) -> None:
    assert meaning(frame) == expected


@pytest.mark.parametrize(
    ("kind", "sources", "expected"),
    [
        (IS_INCLUDE, (), []),
        (IS_INCLUDE, (IP4,), [Joined(GROUP)]),
        (IS_EXCLUDE, (), [Joined(GROUP)]),
        (IS_EXCLUDE, (IP4,), [Joined(GROUP)]),
        (TO_INCLUDE, (), [Left(GROUP)]),
        (TO_INCLUDE, (IP4,), [Joined(GROUP)]),
        (TO_EXCLUDE, (), [Joined(GROUP)]),
        (ALLOW, (IP4,), [Joined(GROUP)]),
        (ALLOW, (), []),
        (BLOCK, (IP4,), []),
        (7, (IP4,), []),
    ],
)
def test_the_kinds_of_group_records(
    kind: int, sources: tuple[str, ...], expected: list[Message]
) -> None:
    assert meaning(v3((kind, GROUP, sources))) == expected


def test_a_report_has_several_records_with_sources_between() -> None:
    frame = v3(
        (TO_EXCLUDE, GROUP, (IP4, IP4)),
        (TO_INCLUDE, "239.2.2.2", ()),
        (IS_EXCLUDE, "224.0.0.9", ()),
    )
    assert meaning(frame) == [Joined(GROUP), Left("239.2.2.2")]


def test_a_report_that_is_cut_tells_of_the_records_that_are_there() -> None:
    groups = [f"239.1.{each // 250}.{each % 250}" for each in range(400)]
    frame = v3(*((TO_EXCLUDE, each, ()) for each in groups))
    assert len(frame) > LONGEST_READ
    found = meaning(frame)
    assert found == [Joined(each) for each in groups[: len(found)]]
    assert len(found) == (LONGEST_READ - 14 - 24 - 8) // 8


@pytest.mark.parametrize("group", ["224.0.0.5", "224.0.0.251", "225.0.0.5", "10.0.0.1", "0.0.0.0"])
def test_groups_that_are_always_flooded_are_not_joined(group: str) -> None:
    assert meaning(v2(V2_REPORT, group, GROUP)) == []


@pytest.mark.parametrize("group", ["ff02::1", "ff02::1:ff00:1", "ff02::fb", "2001:db8::1", "::"])
def test_groups_of_ipv6_that_are_always_flooded_are_not_joined(group: str) -> None:
    assert meaning(mld1(MLD_REPORT, group, GROUP6)) == []


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (v2(QUERY, "0.0.0.0", ALL_HOSTS, code=100), Query(Family.IGMP, IP4, True)),
        (v2(QUERY, "0.0.0.0", ALL_HOSTS, code=0), Query(Family.IGMP, IP4, True)),
        (v2(QUERY, code=10), Query(Family.IGMP, IP4, False)),
        (igmp_v3_query(HOST, IP4, 0x7F), Query(Family.IGMP, IP4, True)),
        # Hosts may answer this one after almost an hour.
        (igmp_v3_query(HOST, IP4, 0xFF), Query(Family.IGMP, IP4, False)),
        (mld1(MLD_QUERY, "::", ALL_NODES, delay=10000), Query(Family.MLD, IP6, True)),
        (mld_v2_query(HOST, IP6), Query(Family.MLD, IP6, True)),
        (mld_v2_query(HOST, IP6, 0xFFFF), Query(Family.MLD, IP6, False)),
        (mld1(MLD_QUERY, delay=1000), Query(Family.MLD, IP6, False)),
    ],
)
def test_queries(frame: bytes, expected: Query) -> None:
    assert meaning(frame) == [expected]


def test_a_general_query_that_only_one_host_receives_does_not_ask_all() -> None:
    frame = igmp_v3_query(HOST, IP4)
    assert meaning(bytes.fromhex(SWITCH.replace(":", "")) + frame[6:]) == [
        Query(Family.IGMP, IP4, False)
    ]


def test_queries_without_a_sender_are_no_routers() -> None:
    assert meaning(igmp_v3_query(HOST, "0.0.0.0")) == []
    assert meaning(mld_v2_query(HOST, "::")) == []
    assert meaning(mld_v2_query(HOST, "2001:db8::1")) == []


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (pim_hello(HOST, IP4), [Hello(IP4)]),
        (pim_hello(HOST, IP4, first=0x23), []),
        (pim_hello(HOST, IP4, GROUP), []),
    ],
)
def test_pim_hellos(frame: bytes, expected: list[Message]) -> None:
    assert meaning(frame) == expected


# Bytes of which nothing is believed

FRAMES = [
    v2(V2_REPORT),
    v3((TO_EXCLUDE, GROUP, (IP4,)), (TO_INCLUDE, GROUP, ())),
    mld1(MLD_REPORT),
    mld2((TO_EXCLUDE, GROUP6, ("2001:db8::1",)), (TO_INCLUDE, GROUP6, ())),
    mld_v2_query(HOST, IP6),
]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_wrong_checksum_means_nothing(frame: bytes) -> None:
    assert meaning(frame)
    assert meaning(frame[:-1] + bytes([frame[-1] ^ 1])) == []


def test_fragments_mean_nothing() -> None:
    frame = bytearray(v2(V2_REPORT))
    frame[20] |= 0x20
    assert meaning(bytes(frame)) == []


@given(
    st.sampled_from(FRAMES),
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=4),
    st.integers(0, 120),
)
def test_damaged_frames_raise_nothing(
    frame: bytes, changes: list[tuple[int, int]], length: int
) -> None:
    damaged = bytearray(frame)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    for found in messages(bytes(damaged[:length]))[1]:
        if isinstance(found, Joined | Left):
            assert is_reportable(found.group)


@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    messages(data)
    messages(FRAMES[1][:34] + data)
    messages(FRAMES[3][:54] + data)


# Queries of ours


@pytest.mark.parametrize(("group", "to", "code"), [(None, ALL_HOSTS, 100), (GROUP, GROUP, 10)])
def test_our_igmp_query(group: str | None, to: str, code: int) -> None:
    packet = Ether(query(Family.IGMP, SWITCH, group))
    assert (packet.src, packet.dst) == (SWITCH, group_mac(to))
    ip = packet[IP]
    assert (ip.src, ip.dst, ip.ttl, ip.proto) == ("0.0.0.0", to, 1, 2)
    assert (ip.options[0].option, checksum(bytes(ip)[:24])) == (20, 0)
    body = bytes(ip)[24 : ip.len]
    assert (body[:2], checksum(body)) == (bytes([QUERY, code]), 0)
    assert body[4:] == ip_address(group or "0.0.0.0").packed + bytes([2, 125, 0, 0])


@pytest.mark.parametrize(
    ("group", "to", "code"), [(None, ALL_NODES, 10000), (GROUP6, GROUP6, 1000)]
)
def test_our_mld_query(group: str | None, to: str, code: int) -> None:
    packet = Ether(query(Family.MLD, SWITCH, group))
    assert (packet.src, packet.dst) == (SWITCH, group_mac(to))
    ip = packet[IPv6]
    assert (ip.src, ip.dst, ip.hlim) == ("fe80::ffff:200:0:99", to, 1)
    assert isinstance(ip[IPv6ExtHdrHopByHop].options[0], RouterAlert)
    asked = packet[ICMPv6MLQuery2]
    assert (asked.mrd, asked.mladdr, asked.QRV, asked.QQIC) == (code, group or "::", 2, 125)
    again = Ether(bytes(packet))
    del again[ICMPv6MLQuery2].cksum
    assert bytes(again) == bytes(packet)


def test_our_queries_are_no_sign_of_a_router() -> None:
    assert messages(query(Family.IGMP, SWITCH))[1] == []
    (heard,) = messages(query(Family.MLD, SWITCH))[1]
    assert heard == Query(Family.MLD, querier_address(SWITCH), True)


def test_our_address_is_greater_than_those_of_routers() -> None:
    routers = ["fe80::1", "fe80::fc54:ff:fe12:3456", "fe80::fe54:ff:fe12:3456"]
    assert all(IPv6Address(querier_address(SWITCH)) > IPv6Address(each) for each in routers)


# Addresses


@pytest.mark.parametrize(
    ("group", "mac"),
    [
        ("239.1.1.1", "01:00:5e:01:01:01"),
        ("239.129.1.1", "01:00:5e:01:01:01"),
        ("224.0.0.5", "01:00:5e:00:00:05"),
        ("ff05::1:3", "33:33:00:01:00:03"),
        ("ff02::1:ff12:3456", "33:33:ff:12:34:56"),
    ],
)
def test_the_mac_of_a_group(group: str, mac: str) -> None:
    assert group_mac(group) == mac


@pytest.mark.parametrize(
    ("mac", "expected"),
    [
        ("01:00:5e:00:00:05", True),
        ("01:00:5e:00:01:05", False),
        ("33:33:00:00:00:fb", True),
        ("33:33:00:00:01:00", False),
        ("33:33:ff:00:00:01", True),
    ],
)
def test_what_is_always_flooded(mac: str, expected: bool) -> None:
    assert is_flooded(mac) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("239.1.1.1", "239.1.1.1"),
        ("FF05:0::1:3", "ff05::1:3"),
        ("", ""),
        ("10.0.0.1", ""),
        ("224.0.0.5", ""),
        ("ff05::1:3%eth0", ""),
        ("the group", ""),
    ],
)
def test_what_a_row_says_of_a_group(text: str, expected: str) -> None:
    assert parse_group(text) == expected
