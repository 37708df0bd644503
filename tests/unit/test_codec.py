"""Flows, groups and bundles to bytes and back, against os-ken's own encoder and decoder."""

import random
import struct
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from vtep_ofapp.openflow import decoding, encoding
from vtep_ofapp.openflow.actions import Foreign, decode_instructions
from vtep_ofapp.openflow.framing import Malformed
from vtep_ofapp.openflow.oxm import Unreadable
from vtep_ofapp.pipeline import learning, unicast
from vtep_ofapp.pipeline.layout import Cookie, Table, cookie_of
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.flow_changes import Change, FlowChange, GroupChange
from vtep_ofapp.values.flows import (
    Bucket,
    Flow,
    FlowKey,
    GoTo,
    Group,
    MatchValue,
    Output,
    SetField,
    match,
)

from . import osken
from .builders import FAR, MAC1, MAC2
from .produced import CHANGES, FLOWS, GROUPS, PRODUCERS, makers

XIDS = st.integers(0, ofp.MAX_XID)


# To bytes


def test_the_strategies_know_the_whole_pipeline() -> None:
    assert PRODUCERS.keys() == makers()


@given(CHANGES, XIDS, st.integers(0, 0xFFFFFFFF))
def test_a_change_in_a_bundle_is_what_osken_would_send(
    change: Change, xid: int, bundle_id: int
) -> None:
    ours = encoding.bundled(bundle_id, xid, change)
    assert ours == osken.serialized(osken.bundle_add(bundle_id, xid, change))


@pytest.mark.parametrize(
    "fields",
    [
        {"eth_dst": ("01:80:c2:00:00:ff", "ff:ff:ff:ff:ff:f0")},
        {"vlan_vid": (0x1FFF, 0x1000), "in_port": 3},
        {"reg1": (0x1234, 0xFFF), "metadata": (0x99, 0xF0)},
        {"ipv4_dst": "10.0.0.1", "eth_type": 0x0800, "ip_proto": 17, "udp_dst": 3784},
        {"ipv4_dst": ("10.0.0.1", "255.255.255.0"), "eth_type": 0x0800},
        {},
    ],
    ids=str,
)
def test_a_match_of_any_kind_is_what_osken_would_send(fields: dict[str, MatchValue]) -> None:
    flow = Flow(FlowKey(0, 1, match(fields)), (), cookie=0)
    change = FlowChange(flow.key, flow)
    assert encoding.bundled(1, 2, change) == osken.serialized(osken.bundle_add(1, 2, change))


def test_a_group_that_does_not_fit_into_a_message_is_refused() -> None:
    buckets = tuple(Bucket((SetField("reg1", number), Output(1))) for number in range(2000))
    with pytest.raises(ValueError, match="longer than OpenFlow allows"):
        encoding.bundled(1, 2, GroupChange(1, Group(1, buckets), exists=False))


# From bytes


@given(st.lists(FLOWS, max_size=8), st.randoms(use_true_random=False))
def test_flows_are_read_back_as_they_were_put_in(flows: Sequence[Flow], chance: Random) -> None:
    body = b"".join(osken.entry(flow, shuffle=chance.shuffle) for flow in flows)
    assert list(decoding.flows(osken.reply(ofp.OFPMP_FLOW, body))) == flows


@given(st.lists(FLOWS, max_size=8), st.integers(0, 1 << 40), st.integers(0, 1 << 60))
def test_counters_are_read(flows: Sequence[Flow], packets: int, octets: int) -> None:
    body = b"".join(osken.entry(flow, packets, octets) for flow in flows)
    assert list(decoding.counters(osken.reply(ofp.OFPMP_FLOW, body))) == [
        (flow.key, Counter(flow.cookie, packets, octets)) for flow in flows
    ]


@given(st.lists(FLOWS, max_size=8))
def test_flows_with_some_cookies_are_left_out_while_they_count_nothing(
    flows: Sequence[Flow],
) -> None:
    some = {flow.cookie for flow in flows[:4]}
    body = b"".join(osken.entry(flow, number % 2, 0) for number, flow in enumerate(flows))
    assert list(decoding.counters(osken.reply(ofp.OFPMP_FLOW, body), some)) == [
        (flow.key, Counter(flow.cookie, number % 2, 0))
        for number, flow in enumerate(flows)
        if number % 2 or flow.cookie not in some
    ]


@given(st.lists(GROUPS, max_size=4))
def test_groups_are_read_back_as_they_were_put_in(groups: Sequence[Group]) -> None:
    body = b"".join(map(osken.group_entry, groups))
    assert list(decoding.groups(osken.reply(ofp.OFPMP_GROUP_DESC, body))) == groups


def test_groups_of_others_are_left_out() -> None:
    body = osken.group_entry(Group(7, (Bucket((Output(1),)),)))
    assert list(decoding.groups(osken.reply(ofp.OFPMP_GROUP_DESC, body))) == []


def test_equal_actions_and_addresses_are_one_object() -> None:
    near, far = (unicast.remote(7, mac, FAR) for mac in (MAC1, MAC2))
    known = learning.known(0x1000, 7, MAC1, 300)
    one, other, third = decoding.flows(osken.flow_reply(near, far, known))
    assert one.actions is other.actions
    assert dict(one.key.match)["eth_dst"] is dict(third.key.match)["eth_src"]


@given(FLOWS, st.sampled_from([ofp.OFPRR_IDLE_TIMEOUT, ofp.OFPRR_DELETE]))
def test_the_end_of_a_flow_is_read(flow: Flow, reason: int) -> None:
    removed = decoding.flow_removed(osken.flow_removed(flow, reason))
    assert removed == (flow.cookie, flow.key, reason == ofp.OFPRR_IDLE_TIMEOUT)


def test_a_frame_is_read() -> None:
    fields = {"in_port": 1, "metadata": 7, "reg0": 0x1000, "reg3": 0}
    assert decoding.packet_in(osken.packet_in(fields, MAC1)) == (
        cookie_of(Cookie.LEARNING),
        Table.LEARNING,
        match(fields),
        bytes.fromhex("ff" * 6 + MAC1.replace(":", "") + "0806"),
    )


FOREIGN_ACTIONS = [
    [parser.OFPActionSetMplsTtl(3)],
    [parser.OFPActionPushVlan(0x88A8)],
    [parser.NXActionResubmitTable(in_port=3, table_id=4)],
    [parser.NXActionRegLoad(ofs_nbits=31, dst="in_port", value=5)],
    [parser.NXActionRegLoad(ofs_nbits=0, dst="reg11", value=1)],
    [parser.NXActionRegMove("reg0", "reg1", n_bits=16)],
    [parser.NXActionRegMove("reg0", "reg1", n_bits=16, src_ofs=16, dst_ofs=16)],
    [parser.NXActionRegMove("reg0", "eth_src", n_bits=32)],
    [parser.OFPActionExperimenterUnknown(0x1234, b"12345678")],
]


@pytest.mark.parametrize("actions", FOREIGN_ACTIONS, ids=str)
def test_a_flow_that_does_something_else_is_said_and_has_no_actions(
    actions: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    flow = learning.known(0x1000, 7, MAC1, 300)
    bare = osken.entry(Flow(flow.key, (), flow.cookie))
    instructions = bytearray()
    parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions).serialize(instructions, 0)
    body = (len(bare) + len(instructions)).to_bytes(2, "big") + bare[2:] + instructions
    assert list(decoding.flows(osken.reply(ofp.OFPMP_FLOW, body))) == [Flow(flow.key, (), cookie=0)]
    (line,) = caplog.messages
    assert "a flow with our cookie is not one of ours" in line


def test_an_action_inside_of_another_one_is_not_read() -> None:
    """os-ken would read one with a length of 0 without end."""
    ct = bytes.fromhex("ffff0020000023200023 0000000000000000 0a0000000000 0000000000000000")
    apply = struct.pack("!HH4x", ofp.OFPIT_APPLY_ACTIONS, 8 + len(ct)) + ct
    with pytest.raises(Foreign, match="an experimenter's action"):
        decode_instructions(apply)


def test_an_instruction_of_another_kind_is_foreign(caplog: pytest.LogCaptureFixture) -> None:
    flow = learning.known(0x1000, 7, MAC1, 300)
    bare = osken.entry(Flow(flow.key, (), flow.cookie))
    meter = bytearray()
    parser.OFPInstructionMeter(1).serialize(meter, 0)
    body = (len(bare) + len(meter)).to_bytes(2, "big") + bare[2:] + meter
    assert list(decoding.flows(osken.reply(ofp.OFPMP_FLOW, body))) == [Flow(flow.key, (), cookie=0)]
    assert "an instruction of type 6" in caplog.text


def test_a_group_of_another_type_is_said_and_has_no_buckets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = bytearray(osken.group_entry(Group(0xA1000001, (Bucket((Output(1),)),))))
    entry[2] = ofp.OFPGT_INDIRECT
    found = list(decoding.groups(osken.reply(ofp.OFPMP_GROUP_DESC, bytes(entry))))
    assert found == [Group(0xA1000001, (), fast_failover=True)]
    assert "group 0xa1000001 is not one of ours: group type 2" in caplog.text


# What is no OpenFlow


def damaged(chance: Random, buf: bytes) -> bytes:
    """Return a message with a few bytes that are others, or without its end."""
    data = bytearray(buf)
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(4, len(data))] = chance.choice((0, 1, 8, 0xFF, chance.randrange(256)))
    if chance.random() < 0.3:
        del data[chance.randrange(8, len(data)) :]
    data[2:4] = len(data).to_bytes(2, "big")
    return bytes(data)


def read_all(buf: bytes) -> None:
    """Read a message as the connection does."""
    try:
        received = osken.received_as(buf)
    except Malformed:
        return  # it ends the connection that it came by
    readers = {
        "OFPFlowStatsReply": (decoding.flows, decoding.counters),
        "OFPGroupDescStatsReply": (decoding.groups,),
        "OFPPortStatsReply": (decoding.port_counters,),
        "OFPFlowRemoved": (lambda buf: [decoding.flow_removed(buf)],),
        "OFPPacketIn": (lambda buf: [decoding.packet_in(buf)],),
    }
    for reader in readers.get(type(received).__name__, ()):
        try:
            list(reader(received.buf))
        except Unreadable as error:
            assert str(error)  # noqa: PT017 - the one thing that may be raised


@given(st.lists(FLOWS, min_size=1, max_size=3), st.lists(GROUPS, max_size=2), st.integers(0))
def test_damaged_bytes_raise_nothing_else(
    flows: Sequence[Flow], groups: Sequence[Group], seed: int
) -> None:
    chance = random.Random(seed)
    messages = [
        osken.flow_reply(*flows),
        osken.reply(ofp.OFPMP_GROUP_DESC, b"".join(map(osken.group_entry, groups))),
        osken.reply(
            ofp.OFPMP_PORT_STATS, osken.port_entry(1, *range(12)) + osken.port_entry(2, *range(12))
        ),
        osken.flow_removed(flows[0], ofp.OFPRR_DELETE),
        osken.packet_in({"in_port": 1, "metadata": 7, "reg0": 0x1000}, MAC1),
    ]
    for each in messages:
        for _ in range(5):
            read_all(damaged(chance, each))


@given(st.binary(max_size=64), st.integers(0, 30))
def test_bytes_that_are_nothing_raise_nothing(body: bytes, kind: int) -> None:
    read_all(osken.message(kind, body))


def test_a_message_that_osken_cannot_read_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    assert osken.received_as(osken.message(ofp.OFPT_PORT_STATUS, b"\x01")) is None
    (line,) = caplog.messages
    assert line.startswith("192.0.2.1: a message of type 12 cannot be read and is dropped")
    assert len(line) < 300


# What other applications see


@given(st.lists(FLOWS, min_size=1, max_size=3))
def test_others_see_the_flows_that_osken_reads(flows: Sequence[Flow]) -> None:
    received = osken.received_as(osken.flow_reply(*flows))
    assert isinstance(received, parser.OFPFlowStatsReply)
    assert [
        FlowKey(each.table_id, each.priority, tuple(sorted(each.match.items())))
        for each in received.body
    ] == [flow.key for flow in flows]


def test_others_see_frames_and_the_end_of_flows() -> None:
    shown = osken.received_as(osken.packet_in({"in_port": 1}, MAC1))
    assert (shown.match["in_port"], shown.data[6:12].hex(":"), shown.table_id) == (1, MAC1, 30)
    flow = learning.known(0x1000, 7, MAC1, 300)
    ended = osken.received_as(osken.flow_removed(flow, ofp.OFPRR_DELETE))
    assert (ended.cookie, ended.match["eth_src"]) == (flow.cookie, MAC1)
    with pytest.raises(AttributeError):
        ended.color  # noqa: B018 - it is asked for, and is not there


def test_os_ken_is_not_asked_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with very many flows costs nothing before we read it."""
    asked = []
    monkeypatch.setattr(parser.OFPFlowStats, "parser", lambda *where: asked.append(where))
    received = osken.received_as(osken.flow_reply(unicast.elsewhere(), flags=ofp.OFPMPF_REPLY_MORE))
    assert (received.xid, received.flags, asked) == (7, ofp.OFPMPF_REPLY_MORE, [])


def test_a_goto_alone_and_no_actions() -> None:
    flows = [
        Flow(FlowKey(3, 4, ()), (GoTo(5),), cookie=6),
        Flow(FlowKey(3, 5, ()), (), cookie=6),
    ]
    assert list(decoding.flows(osken.flow_reply(*flows))) == flows
