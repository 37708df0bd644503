"""The inbox: events in their order, unknown sources in a fair one."""

from collections import Counter
from dataclasses import replace

import eventlet
import pytest

from vtep_ofapp.loop.inbox import (
    MAX_EVENTS,
    MAX_GATHERED,
    MAX_PACKET_INS,
    MAX_PER_QUEUE,
    MAX_READINGS,
    MAX_WAITING,
    MAX_WAITING_BYTES,
    Inbox,
)
from vtep_ofapp.pipeline.layout import Cookie, Table
from vtep_ofapp.pipeline.shown import MOST_WAITING
from vtep_ofapp.values.counters import PacketIns
from vtep_ofapp.values.events import Event, PacketIn, TimerIsDue, WorkIsLeft
from vtep_ofapp.values.flows import MatchValue, match

from .doubles import ConnectionDouble

CONNECTION = ConnectionDouble()


def source(number: int, binding: int = 1) -> PacketIn:
    fields = match({"metadata": 7, "reg0": binding << 12})
    return shown(number.to_bytes(6, "big"), fields)


def shown(header: bytes, fields: tuple[tuple[str, MatchValue], ...]) -> PacketIn:
    return PacketIn(CONNECTION, Cookie.LEARNING, Table.LEARNING, fields, header)


def drain(inbox: Inbox) -> list[Event]:
    """Return all sources that wait; a mark keeps the inbox from waiting for more."""
    taken: list[Event] = []
    while True:
        inbox.post(WorkIsLeft())
        _, *sources = inbox.take()
        if not sources:
            return taken
        taken += sources


def test_events_come_in_the_order_in_which_they_were_posted_and_not_all_at_once() -> None:
    inbox = Inbox(PacketIns())
    events = [TimerIsDue("retry", number) for number in range(MAX_EVENTS + 10)]
    for event in events:
        inbox.post(event)
    assert inbox.take() == events[:MAX_EVENTS]
    assert inbox.take() == events[MAX_EVENTS:]


def test_an_empty_inbox_waits_for_the_first_event() -> None:
    inbox = Inbox(PacketIns())
    for event in (WorkIsLeft(), source(1), WorkIsLeft()):
        eventlet.spawn(inbox.post, event)
        assert inbox.take() == [event]


def test_a_source_waits_once() -> None:
    counts = PacketIns()
    inbox = Inbox(counts)
    for _ in range(3):
        inbox.post(source(1))
    inbox.post(source(2))
    assert inbox.take() == [source(1), source(2)]
    inbox.post(source(1))
    assert inbox.take() == [source(1)]
    assert counts == PacketIns(taken=3, repeated=2)


def test_a_source_behind_those_of_another_binding_in_the_stream_is_gathered_as_well() -> None:
    inbox = Inbox(PacketIns())
    stream = [source(number) for number in range(2 * MAX_PACKET_INS)]
    stream.append(last := source(1, binding=2))
    inbox.gather(lambda: _read(inbox, stream, MAX_PACKET_INS))
    assert stream == []
    assert last in inbox.take()


def test_no_more_is_gathered_than_the_limits_allow() -> None:
    inbox = Inbox(PacketIns())
    stream = [source(number) for number in range(3 * MAX_GATHERED)]
    inbox.gather(lambda: _read(inbox, stream, 10))
    assert inbox.waiting.packet_ins == 10 * MAX_READINGS
    inbox.gather(lambda: _read(inbox, stream, MAX_GATHERED))
    assert inbox.waiting.packet_ins == 10 * MAX_READINGS + MAX_GATHERED
    inbox.gather(lambda: _read(inbox, stream, 1))
    assert inbox.waiting.packet_ins == 10 * MAX_READINGS + MAX_GATHERED + 1


def _read(inbox: Inbox, stream: list[PacketIn], most: int) -> None:
    """Post the first packet-ins of a stream."""
    for event in stream[:most]:
        inbox.post(event)
    del stream[:most]


def test_a_binding_that_shows_many_sources_does_not_delay_the_others() -> None:
    inbox = Inbox(PacketIns())
    for number in range(5 * MAX_PACKET_INS):
        inbox.post(source(number))
    inbox.post(source(1, binding=2))
    inbox.post(source(2, binding=2))
    first = inbox.take()
    assert len(first) == MAX_PACKET_INS
    assert first[:4] == [source(0), source(1, 2), source(1), source(2, 2)]


def test_events_pass_by_sources_and_sources_pass_by_events() -> None:
    inbox = Inbox(PacketIns())
    for number in range(2 * MAX_PACKET_INS):
        inbox.post(source(number))
        inbox.post(WorkIsLeft())
    taken = Counter(map(type, inbox.take()))
    assert taken == {PacketIn: MAX_PACKET_INS, WorkIsLeft: MAX_EVENTS}


def test_a_line_has_an_end_and_so_has_all_that_waits() -> None:
    counts = PacketIns()
    inbox = Inbox(counts)
    for number in range(MAX_PER_QUEUE + 100):
        inbox.post(source(number))
    assert len(drain(inbox)) == MAX_PER_QUEUE
    for number in range(MAX_WAITING + 100):
        inbox.post(source(number, binding=number % 100))
    assert len(drain(inbox)) == MAX_WAITING
    assert counts == PacketIns(taken=MAX_PER_QUEUE + MAX_WAITING, dropped=200)
    inbox.post(source(1))
    assert inbox.take() == [source(1)]


@pytest.mark.parametrize("producer", [Cookie.ROUTING, Cookie.NEXT_HOPS])
def test_packets_without_a_way_leave_room_for_unknown_sources(producer: Cookie) -> None:
    counts = PacketIns()
    inbox = Inbox(counts)
    most = MOST_WAITING[producer]
    for _ in range(2):
        for number in range(most + 100):
            inbox.post(replace(source(number), producer=producer))
        inbox.post(replace(source(1, binding=2), producer=producer))
        inbox.post(source(1))
        taken = drain(inbox)
        assert len(taken) == most + 2
        assert source(1) in taken
    assert counts.dropped == 200


def test_whole_frames_that_wait_take_up_no_more_than_so_many_bytes() -> None:
    inbox = Inbox(PacketIns())
    length = 1 << 14
    for number in range(2 * MAX_WAITING_BYTES // length):
        inbox.post(shown(number.to_bytes(length, "big"), match({"reg0": number % 10 << 12})))
    assert len(drain(inbox)) == MAX_WAITING_BYTES // length
    inbox.post(source(1))
    assert inbox.take() == [source(1)]


def test_frames_that_no_binding_let_in_wait_in_a_line_of_their_port() -> None:
    inbox = Inbox(PacketIns())
    frames = [shown(bytes([number]), match({"in_port": number // 5})) for number in range(10)]
    for frame in frames:
        inbox.post(frame)
    assert inbox.take()[:4] == [frames[0], frames[5], frames[1], frames[6]]
