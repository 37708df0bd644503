"""The inbox: events in their order, unknown sources in a fair one."""

from collections import Counter

import eventlet

from vtep_ofapp.loop.inbox import LONGEST_LINE, MAX_EVENTS, MAX_SOURCES, MAX_WAITING, Inbox
from vtep_ofapp.values.events import GraceIsOver, RetryIsDue, UnknownSource
from vtep_ofapp.values.flows import match

from .doubles import ConnectionDouble

CONNECTION = ConnectionDouble()


def source(number: int, binding: int = 1) -> UnknownSource:
    fields = match({"metadata": 7, "reg0": binding << 12})
    return UnknownSource(CONNECTION, fields, f"02:00:00:{number >> 16:02x}:{number:04x}")


def drain(inbox: Inbox) -> list:
    """Return all sources that wait; a mark keeps the inbox from waiting for more."""
    taken = []
    while True:
        inbox.post(GraceIsOver())
        _, *sources = inbox.take()
        if not sources:
            return taken
        taken += sources


def test_events_come_in_the_order_in_which_they_were_posted_and_not_all_at_once():
    inbox = Inbox()
    events = [RetryIsDue(str(number)) for number in range(MAX_EVENTS + 10)]
    for event in events:
        inbox.post(event)
    assert inbox.take() == events[:MAX_EVENTS]
    assert inbox.take() == events[MAX_EVENTS:]


def test_an_empty_inbox_waits_for_the_first_event():
    inbox = Inbox()
    for event in (GraceIsOver(), source(1), GraceIsOver()):
        eventlet.spawn(inbox.post, event)
        assert inbox.take() == [event]


def test_a_source_waits_once():
    inbox = Inbox()
    for _ in range(3):
        inbox.post(source(1))
    inbox.post(source(2))
    assert inbox.take() == [source(1), source(2)]
    inbox.post(source(1))
    assert inbox.take() == [source(1)]


def test_a_binding_that_shows_many_sources_does_not_delay_the_others():
    inbox = Inbox()
    for number in range(5 * MAX_SOURCES):
        inbox.post(source(number))
    inbox.post(source(1, binding=2))
    inbox.post(source(2, binding=2))
    first = inbox.take()
    assert len(first) == MAX_SOURCES
    assert first[:4] == [source(0), source(1, 2), source(1), source(2, 2)]


def test_events_pass_by_sources_and_sources_pass_by_events():
    inbox = Inbox()
    for number in range(2 * MAX_SOURCES):
        inbox.post(source(number))
        inbox.post(GraceIsOver())
    taken = Counter(map(type, inbox.take()))
    assert taken == {UnknownSource: MAX_SOURCES, GraceIsOver: MAX_EVENTS}


def test_a_line_has_an_end_and_so_has_all_that_waits():
    inbox = Inbox()
    for number in range(LONGEST_LINE + 100):
        inbox.post(source(number))
    assert len(drain(inbox)) == LONGEST_LINE
    for number in range(MAX_WAITING + 100):
        inbox.post(source(number, binding=number % 100))
    assert len(drain(inbox)) == MAX_WAITING
    inbox.post(source(1))
    assert inbox.take() == [source(1)]
