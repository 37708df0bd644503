"""A connection's bundles, read-backs and counts, message by message."""

import struct
from collections.abc import Iterable, Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from os_ken.lib import hub
from os_ken.ofproto import ofproto_parser
from os_ken.ofproto import ofproto_v1_3 as ofp
from os_ken.ofproto import ofproto_v1_3_parser as parser

from vtep_ofapp.openflow import replies
from vtep_ofapp.openflow.connection import SwitchConnection
from vtep_ofapp.openflow.outbox import MAX_PACKET_OUTS
from vtep_ofapp.openflow.oxm import encode_match
from vtep_ofapp.pipeline import flooding, learning, unicast
from vtep_ofapp.pipeline.layout import COUNTING, DROPPING, Cookie, Table, cookie_of
from vtep_ofapp.values.counters import Counter, PortCounter, Traffic
from vtep_ofapp.values.events import (
    Applied,
    Counters,
    FlowCounters,
    FlowRemoved,
    FlowsChanged,
    NotMonitored,
    PacketIn,
    PortCounters,
    ReadBack,
    RoleIs,
)
from vtep_ofapp.values.flow_changes import Change, FlowChange, GroupChange
from vtep_ofapp.values.flows import Bucket, FlowKey, GoTo, Group, Output, Resubmit, SetField, match
from vtep_ofapp.values.packets import PacketOut

from . import osken
from .builders import FAR, MAC1, MAC2
from .produced import CHANGES

FLOW = unicast.remote(7, MAC1, FAR)
OTHER = unicast.remote(7, MAC2, FAR)
PUT = FlowChange(FLOW.key, FLOW)
PUT_OTHER = FlowChange(OTHER.key, OTHER)
PUT_GROUP = GroupChange(flooding.alive().id, flooding.alive(), exists=False)
TOO_LARGE = GroupChange(0xA1000001, Group(0xA1000001, (Bucket((Output(1),)),) * 3000), exists=False)


NOT_COUNTED = (1 << 64) - 1
"""What a switch reports for a counter that a port does not have."""


class Far:
    """A connection, and the switch at its far end."""

    def __init__(self, xid: int = 0) -> None:
        self.datapath = osken.Datapath(xid)
        self.events: list[Any] = []
        self.asked: dict[int, int] = {}
        """The numbers of the questions that the switch has yet to answer, by their kinds."""
        self.connection = SwitchConnection(self.datapath, self.events.append)

    def take(self) -> list[bytes]:
        """Return the messages that were sent since this was last called."""
        xid = self.datapath.xid
        self.connection.ask()  # its question is sent after all of them
        asked = ofp.OFP_VERSION, ofp.OFPT_ECHO_REQUEST, 8, self.datapath.xid
        self.datapath.xid = xid  # frames get their numbers when they are sent
        question = struct.pack("!BBHI", *asked)
        while not self.datapath.sent.endswith(question):
            hub.sleep(0)
        sent, self.datapath.sent = self.datapath.sent.removesuffix(question), b""
        return list(split(sent))

    def tell(self, buf: bytes) -> None:
        message = osken.received_as(buf)
        assert message is not None
        self.connection.received(message)


def split(sent: bytes) -> Iterator[bytes]:
    while sent:
        _, _, length, _ = ofproto_parser.header(sent)
        yield sent[:length]
        sent = sent[length:]


def xid_of(message: bytes) -> int:
    return int(ofproto_parser.header(message)[3])


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.connection.end()


def control(kind: int, xid: int, bundle_id: int = 1) -> bytes:
    return osken.serialized(osken.bundle_control(bundle_id, xid, kind))


def error(
    xid: int, type_: int = ofp.OFPET_FLOW_MOD_FAILED, code: int = ofp.OFPFMFC_TABLE_FULL
) -> bytes:
    message = parser.OFPErrorMsg(osken.Datapath(), type_, code, bytes(64))
    message.set_xid(xid)
    return osken.serialized(message)


# Bounds


@pytest.mark.parametrize("kind", ["flows", "groups", "counters"])
def test_a_switch_that_tells_of_flows_without_end_is_closed(
    far: Far, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "MAX_READ", 1)
    if kind == "counters":
        far.connection.read_counters()
    else:
        far.connection.read_back()
    xid = xid_of(far.take()[-1 if kind == "groups" else -2])
    groups = [Group(0xA1000001 + number, ()) for number in range(2)]
    parts = (
        [osken.reply(ofp.OFPMP_GROUP_DESC, osken.group_entry(each), xid, 1) for each in groups]
        if kind == "groups"
        else [osken.flow_reply(each, xid=xid, flags=1) for each in (FLOW, OTHER)]
    )
    far.tell(parts[0])
    assert far.datapath.is_open
    far.tell(parts[1])
    assert not far.datapath.is_open


# Bundles


@settings(max_examples=30)
@given(st.lists(CHANGES, max_size=5), st.sampled_from([0, 41, ofp.MAX_XID - 2, ofp.MAX_XID]))
def test_a_bundle_is_what_osken_would_send(changes: list[Change], xid: int) -> None:
    far = Far(xid)
    far.connection.apply(changes)
    sent = far.take()
    far.connection.end()
    xids = [(xid + 1 + number) % (1 << 32) for number in range(len(changes) + 2)]
    assert sent == [
        control(ofp.ONF_BCT_OPEN_REQUEST, xids[0]),
        *(
            osken.serialized(osken.bundle_add(1, number, change))
            for number, change in zip(xids[1:-1], changes, strict=True)
        ),
        control(ofp.ONF_BCT_COMMIT_REQUEST, xids[-1]),
    ]
    assert far.datapath.xid == xids[-1]


def test_a_bundle_that_is_committed_was_made(far: Far) -> None:
    far.connection.apply([PUT, PUT_GROUP])
    first, *_, last = map(xid_of, far.take())
    far.tell(control(ofp.ONF_BCT_OPEN_REPLY, first))
    assert far.events == []
    far.tell(control(ofp.ONF_BCT_COMMIT_REPLY, last))
    assert far.events == [Applied(far.connection, [PUT, PUT_GROUP], made=True)]


@pytest.mark.parametrize("xid", [0, ofp.MAX_XID - 2])
def test_the_change_that_the_switch_refuses_is_found_by_its_number(
    xid: int, caplog: pytest.LogCaptureFixture
) -> None:
    far = Far(xid)
    changes: list[Change] = [PUT, PUT_GROUP, PUT_OTHER]
    far.connection.apply(changes)
    *_, third, last = map(xid_of, far.take())
    far.tell(error(third))
    far.tell(error(third))
    far.tell(error(last))
    far.connection.end()
    assert far.events == [
        Applied(far.connection, changes, made=False, rejected=(PUT_OTHER,), is_full=True)
    ]
    assert str(PUT_OTHER) in caplog.messages[0]


def test_an_error_for_another_message_rejects_nothing(far: Far) -> None:
    far.connection.apply([PUT])
    first, _, last = map(xid_of, far.take())
    for xid in (last + 1, first - 1):
        far.tell(error(xid))
    far.tell(control(ofp.ONF_BCT_COMMIT_REPLY, last))
    assert far.events == [Applied(far.connection, [PUT], made=True)]


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_bundle_whose_beginning_the_switch_has_forgotten_was_not_made(
    far: Far, is_sent: bool
) -> None:
    """It answers so to a bundle that is not sent to its end for 10 s; the rest is a new one."""
    far.connection.apply([PUT])
    if is_sent:
        first, _, last = map(xid_of, far.take())
        far.tell(error(first))
    else:
        first, last = far.datapath.xid - 2, far.datapath.xid
        far.tell(error(first))
        assert far.take()[-1] == control(ofp.ONF_BCT_DISCARD_REQUEST, last)
    far.tell(control(ofp.ONF_BCT_COMMIT_REPLY, last))
    assert far.events == [Applied(far.connection, [PUT], made=False)]


def test_a_change_without_a_message_is_left_out_and_the_bundle_forgotten(
    far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    far.connection.apply([PUT, TOO_LARGE, PUT_OTHER])
    *_, last = far.take()
    assert last == control(ofp.ONF_BCT_DISCARD_REQUEST, xid_of(last))
    far.tell(control(ofp.ONF_BCT_DISCARD_REPLY, xid_of(last)))
    (applied,) = far.events
    assert (applied.made, applied.rejected) == (False, (TOO_LARGE,))
    assert "there is no message for group group_id=0xa1000001" in caplog.text


# Sending frames

FRAME = bytes(range(60))


def test_a_frame_is_sent_as_osken_would_send_it(far: Far) -> None:
    actions = (SetField("metadata", 7), SetField("reg0", 0x1000), Resubmit(Table.UNICAST))
    far.connection.send([PacketOut(FRAME, actions), PacketOut(FRAME, (Output(3),), in_port=2)])
    sent = far.take()
    into_table = [
        parser.OFPActionSetField(metadata=7),
        parser.OFPActionSetField(reg0=0x1000),
        parser.NXActionResubmitTable(table_id=Table.UNICAST),
    ]
    assert sent == [
        osken.packet_out(1, ofp.OFPP_CONTROLLER, into_table, FRAME),
        osken.packet_out(2, 2, [parser.OFPActionOutput(3)], FRAME),
    ]
    assert far.connection.traffic == Traffic(packet_outs=2)


def test_frames_that_find_too_many_waiting_are_dropped_and_counted(far: Far) -> None:
    packets = [PacketOut(FRAME, (Output(3),))] * (MAX_PACKET_OUTS + 5)
    far.connection.send(packets[:-2])
    far.connection.send(packets[-2:])
    assert len(far.take()) == MAX_PACKET_OUTS
    assert far.connection.traffic == Traffic(packet_outs=MAX_PACKET_OUTS, packet_outs_dropped=5)
    far.connection.send(packets[:1])
    assert len(far.take()) == 1


@pytest.mark.parametrize(
    "bad",
    [PacketOut(bytes(1 << 16), (Output(3),)), PacketOut(FRAME, (GoTo(Table.UNICAST),))],
    ids=["too long", "an instruction"],
)
def test_a_frame_without_a_message_is_left_out(
    far: Far, bad: PacketOut, caplog: pytest.LogCaptureFixture
) -> None:
    far.connection.send([bad, PacketOut(FRAME, (Output(3),))])
    assert len(far.take()) == 1
    assert "there is no message for packet-out" in caplog.text


def test_a_refused_frame_is_said(far: Far, caplog: pytest.LogCaptureFixture) -> None:
    far.connection.send([PacketOut(FRAME, (Output(3),))])
    (sent,) = far.take()
    message = parser.OFPErrorMsg(
        osken.Datapath(), ofp.OFPET_BAD_ACTION, ofp.OFPBAC_BAD_OUT_PORT, sent[:64]
    )
    message.set_xid(xid_of(sent))
    far.tell(osken.serialized(message))
    assert "the switch refused a packet-out: 040d" in caplog.text


# Reading back


def part_of(far: Far, body: bytes, kind: int, last: bool) -> None:
    """Let the switch answer the last question about flows or groups with one part."""
    flags = 0 if last else ofp.OFPMPF_REPLY_MORE
    far.tell(osken.reply(kind, body, xid=far.asked[kind], flags=flags))


@pytest.fixture
def reading(far: Far) -> Far:
    far.connection.read_back()
    _monitor, flows, groups = map(xid_of, far.take())
    far.asked = {ofp.OFPMP_FLOW: flows, ofp.OFPMP_GROUP_DESC: groups}
    return far


def test_parts_are_put_together(reading: Far) -> None:
    part_of(reading, osken.entry(FLOW), ofp.OFPMP_FLOW, last=False)
    part_of(reading, osken.group_entry(flooding.alive()), ofp.OFPMP_GROUP_DESC, last=True)
    assert reading.events == []
    part_of(reading, osken.entry(OTHER), ofp.OFPMP_FLOW, last=True)
    flows, groups = {FLOW.key: FLOW, OTHER.key: OTHER}, {flooding.alive().id: flooding.alive()}
    assert reading.events == [ReadBack(reading.connection, flows, groups)]


def test_an_answer_that_nobody_waits_for_is_nothing(far: Far) -> None:
    far.tell(osken.flow_reply(FLOW))
    far.tell(osken.reply(ofp.OFPMP_GROUP_DESC, b""))
    assert far.events == []


def test_a_part_that_cannot_be_read_to_its_end_is_said(
    reading: Far, caplog: pytest.LogCaptureFixture
) -> None:
    body = osken.entry(FLOW) + bytes(60)
    part_of(reading, body, ofp.OFPMP_FLOW, last=True)
    part_of(reading, bytes(9), ofp.OFPMP_GROUP_DESC, last=True)
    assert reading.events == [ReadBack(reading.connection, {FLOW.key: FLOW}, {})]
    assert [line.split(": ")[1] for line in caplog.messages] == [
        "a message is not read to its end"
    ] * 2


def test_others_have_their_turn_between_two_parts(reading: Far) -> None:
    turns = []

    def take_turns() -> None:
        for turn in range(3):
            turns.append(turn)
            hub.sleep(0)

    other = hub.spawn(take_turns)
    for _ in range(3):
        before = len(turns)
        part_of(reading, osken.entry(FLOW), ofp.OFPMP_FLOW, last=False)
        assert len(turns) == before + 1
    other.wait()


def test_counters_are_put_together(far: Far) -> None:
    far.connection.read_counters((0x77,))
    requests = far.take()
    asked = list(map(xid_of, requests))
    assert len(asked) == len(COUNTING) + len(DROPPING) + 1
    assert requests[-1][-24:-8] == struct.pack("!QQ", 0x77, (1 << 64) - 1)
    body = osken.entry(FLOW, packets=2, octets=120)
    for xid in asked:
        assert far.events == []
        far.tell(osken.reply(ofp.OFPMP_FLOW, body, xid))
    counted = {FLOW.key: Counter(FLOW.cookie, 2, 120)}
    assert far.events == [Counters(far.connection, counted)]


def test_counters_of_ports_are_put_together(far: Far) -> None:
    far.connection.read_ports()
    (asked,) = far.take()
    request = parser.OFPPortStatsRequest(osken.Datapath(), 0, ofp.OFPP_ANY)
    request.set_xid(xid_of(asked))
    assert asked == osken.serialized(request)
    far.tell(
        osken.reply(
            ofp.OFPMP_PORT_STATS, osken.port_entry(1, *range(5, 17)), xid_of(asked), flags=1
        )
    )
    assert far.events == []
    last = osken.port_entry(2, *[7, 8, 9, 10], *[NOT_COUNTED] * 8)
    far.tell(osken.reply(ofp.OFPMP_PORT_STATS, last, xid_of(asked)))
    ports = {1: PortCounter(*range(5, 13)), 2: PortCounter(7, 8, 9, 10, *[None] * 4)}
    assert far.events == [PortCounters(far.connection, ports)]


def test_counters_of_flows_are_read_by_their_cookies(far: Far) -> None:
    cookies = (FLOW.cookie | 1, FLOW.cookie | 2)
    far.connection.read_flows(cookies)
    asked = far.take()
    assert len(asked) == 2
    for cookie, request in zip(cookies, asked, strict=True):
        *_, said, mask = struct.unpack_from(ofp.OFP_FLOW_STATS_REQUEST_0_PACK_STR, request, 16)
        assert (said, mask) == (cookie, (1 << 64) - 1)
    for request in asked:
        assert far.events == []
        far.tell(osken.reply(ofp.OFPMP_FLOW, b"", xid_of(request)))
    assert far.events == [FlowCounters(far.connection, cookies, {})]


# Roles


def role_reply(xid: int, generation: int) -> bytes:
    """Return what a switch answers to a controller that asks for the generation."""
    head = struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_ROLE_REPLY, 24, xid)
    return head + struct.pack(ofp.OFP_ROLE_REQUEST_PACK_STR, ofp.OFPCR_ROLE_EQUAL, generation)


def asked_for(far: Far) -> tuple[tuple[int, int], int]:
    """Return the role and the generation of the one request that was sent, and its number."""
    [request] = far.take()
    body = struct.unpack_from(ofp.OFP_ROLE_REQUEST_PACK_STR, request, ofp.OFP_HEADER_SIZE)
    return body, xid_of(request)


def test_one_that_stands_by_asks_again_when_a_new_master_was_faster(
    far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    far.connection.stand_by()
    _, question = asked_for(far)
    far.tell(role_reply(question, 5))
    request, xid = asked_for(far)
    assert request == (ofp.OFPCR_ROLE_SLAVE, 5)
    far.tell(error(xid, ofp.OFPET_ROLE_REQUEST_FAILED, ofp.OFPRRFC_STALE))
    request, question = asked_for(far)
    assert request == (ofp.OFPCR_ROLE_NOCHANGE, 0)
    far.tell(role_reply(question, 6))
    assert asked_for(far)[0] == (ofp.OFPCR_ROLE_SLAVE, 6)
    assert (far.events, caplog.messages) == ([], [])


def test_a_master_sets_the_fragment_mode_and_one_that_stands_by_does_not(far: Far) -> None:
    far.connection.lead(5)
    _, xid = asked_for(far)
    far.tell(role_reply(xid, 5))
    [request] = far.take()
    assert ofproto_parser.header(request)[1:] == (ofp.OFPT_SET_CONFIG, 12, xid + 1)
    assert struct.unpack("!HH", request[ofp.OFP_HEADER_SIZE :]) == (3, 128)
    assert far.events == [RoleIs(far.connection, 5)]
    far.connection.stand_by()
    _, question = asked_for(far)
    far.tell(role_reply(question, 6))
    _, xid = asked_for(far)
    far.tell(role_reply(xid, 6))
    assert far.take() == []


def test_changes_that_came_after_a_new_master_are_not_refused_ones(
    far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    far.connection.apply([PUT, PUT_GROUP])
    sent = list(map(xid_of, far.take()))
    far.connection.stand_by()
    asked_for(far)
    for xid in sent:
        far.tell(error(xid, ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_IS_SLAVE))
    assert (far.events, caplog.messages) == ([], [])


def test_other_refusals_of_a_role_are_said(far: Far, caplog: pytest.LogCaptureFixture) -> None:
    far.connection.stand_by()
    _, question = asked_for(far)
    far.tell(role_reply(question, 5))
    _, xid = asked_for(far)
    far.tell(error(xid, ofp.OFPET_ROLE_REQUEST_FAILED, ofp.OFPRRFC_BAD_ROLE))
    assert far.take() == []
    assert "OFPRRFC_BAD_ROLE" in caplog.text


# What the switch tells by itself


def test_a_source_is_told(far: Far) -> None:
    fields = {"metadata": 7, "reg0": 0x1000}
    far.tell(osken.packet_in(fields, MAC1))
    shown = match(fields), bytes.fromhex(f"{MAC1.replace(':', '')}0806")
    assert far.events == [PacketIn(far.connection, Cookie.LEARNING, Table.LEARNING, *shown)]


@pytest.mark.parametrize(
    "frame",
    [
        osken.packet_in({"reg0": 0x1000}, MAC1, cookie=1),
        osken.packet_in({"reg0": 0x1000}, MAC1, cookie=cookie_of(Cookie.UNICAST)),
        osken.packet_in({"reg0": 0x1000}, MAC1, cookie=cookie_of(cast(Cookie, 0xF))),
        osken.packet_in({"reg0": 0x1000}, "01:00:5e:00:00:01"),
        osken.packet_in({"reg0": 0x1000}, "00:00:00:00:00:00"),
    ],
    ids=["of others", "of flows that show none", "of a later version", "a group", "address zero"],
)
def test_a_frame_that_tells_of_no_station_is_counted(far: Far, frame: bytes) -> None:
    far.tell(frame)
    assert far.events == []
    assert far.connection.traffic == Traffic(packet_ins=1, packet_ins_dropped=1)


def test_the_end_of_a_flow_is_told(far: Far) -> None:
    flow = learning.known(0x1000, 7, MAC1, 300)
    far.tell(osken.flow_removed(flow, ofp.OFPRR_IDLE_TIMEOUT))
    far.tell(osken.flow_removed(flow._replace(cookie=5), ofp.OFPRR_IDLE_TIMEOUT))
    assert far.events == [FlowRemoved(far.connection, flow.key, idle=True)]


def test_traffic_is_counted(far: Far) -> None:
    far.connection.read_back()
    far.connection.read_counters()
    far.connection.apply([PUT, PUT_GROUP, PUT_OTHER])
    far.tell(control(ofp.ONF_BCT_COMMIT_REPLY, xid_of(far.take()[-1])))
    far.connection.apply([PUT])
    far.tell(osken.packet_in({"reg0": 0x1000}, MAC1))
    assert far.connection.traffic == Traffic(
        flow_mods=3,
        group_mods=1,
        bundles_opened=2,
        bundles_committed=1,
        flow_stats_requests=1 + len(COUNTING) + len(DROPPING),
        packet_ins=1,
    )


# What others do


def update(
    event: int, *, cookie: int = 0x76746570 << 32, reason: int = 2, key: FlowKey = FLOW.key
) -> bytes:
    """Return an update of flow monitoring, as Open vSwitch 3.1 sends it."""
    if event == 3:
        return struct.pack("!HHI", 8, 3, 99)
    fields = encode_match(key.match)
    length = 24 + len(fields)
    numbers = length, event, reason, key.priority, 0, 0, 4, key.table, cookie
    return struct.pack("!HHHHHHHBxQ", *numbers) + fields


def updates(*each: bytes) -> bytes:
    return osken.reply(0xFFFF, struct.pack("!II", 0x4F4E4600, 1870) + b"".join(each), xid=0)


def test_the_changes_of_others_are_asked_for_once_and_no_more_while_standing_by(far: Far) -> None:
    far.connection.read_back()
    monitor, *_ = far.take()
    assert monitor == bytes.fromhex(
        "04120030" + f"{xid_of(monitor):08x}" + "ffff000000000000" + "4f4e46000000074e"
        "00000001000e0004ffffffffff000000" + "0001000400000000"
    )  # fmt: skip
    far.connection.read_back()
    assert len(far.take()) == 2
    far.connection.stand_by()
    assert any(each[8:] == bytes.fromhex("4f4e46000000074e00000001") for each in far.take())
    far.connection.read_back()
    assert len(far.take()) == 3


@pytest.mark.parametrize("event", [0, 1, 2])
def test_a_change_by_others_is_told(far: Far, event: int) -> None:
    far.tell(updates(update(3), update(event)))
    far.tell(updates(update(event, cookie=7), update(3)))
    assert far.events == [
        FlowsChanged(far.connection, (), are_ours=True),
        FlowsChanged(far.connection, (FLOW.key,), are_ours=False),
    ]


def test_what_we_changed_or_what_was_idle_is_no_news(far: Far) -> None:
    far.tell(updates(update(3), update(1, reason=0)))
    assert far.events == []


@pytest.mark.parametrize("kind", [1871, 1872])
def test_a_switch_that_left_out_changes_is_not_believed(far: Far, kind: int) -> None:
    far.tell(osken.message(ofp.OFPT_EXPERIMENTER, struct.pack("!II", 0x4F4E4600, kind)))
    assert far.events == [FlowsChanged(far.connection, (), are_ours=True)]


@pytest.mark.parametrize("end", range(17, 48))
def test_an_update_that_is_cut_is_said(
    far: Far, end: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = updates(update(0))
    far.tell(osken.reply(0xFFFF, whole[16:][: end - 8], xid=0))
    assert far.events == []
    assert "a message is not read to its end" in caplog.text or end < 25


def test_a_switch_without_flow_monitoring_does_not_tell(far: Far) -> None:
    far.connection.read_back()
    far.tell(error(xid_of(far.take()[0]), ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_BAD_EXPERIMENTER))
    assert far.events == [NotMonitored(far.connection)]


def test_groups_are_told_when_they_are_others_than_before(far: Far) -> None:
    one, two = (Group(0xA1000001 + number, ()) for number in range(2))
    foreign = Group(7, (Bucket((Output(1),)),))

    def ask(*groups: Group, known: Iterable[int] | None = None) -> list[Any]:
        far.connection.compare_groups(known)
        body = b"".join(map(osken.group_entry, groups))
        far.tell(osken.reply(ofp.OFPMP_GROUP_DESC, body, xid_of(far.take()[-1])))
        told = [each.groups for each in far.events]
        far.events.clear()
        return told

    assert ask(one, two) == [{one.id: one, two.id: two}]
    assert ask(two, one) == []
    changed = Group(one.id, (Bucket((Output(1),)),))
    assert ask(changed, two, foreign) == [{one.id: changed}]
    assert ask(changed) == [{two.id: None}]
    assert ask(changed, known=[one.id, two.id]) == [{one.id: changed, two.id: None}]
