"""Timers: each is due once, in a turn, at the time for which it was set last."""

import eventlet
import pytest

from vtep_ofapp.loop.inbox import Inbox
from vtep_ofapp.loop.timers import Timers
from vtep_ofapp.values.counters import PacketIns
from vtep_ofapp.values.events import TimerIsDue

from .doubles import TimeDouble


@pytest.fixture
def time() -> TimeDouble:
    return TimeDouble()


def test_a_timer_is_due_once(time: TimeDouble) -> None:
    rung = []
    timer = time.timers().timer("egg", lambda: rung.append(time.now))
    timer.start(3.0)
    assert timer.runs()
    time.wait(2.9)
    assert rung == []
    time.wait(10.0)
    assert rung == [pytest.approx(103.0)]
    assert not timer.runs()
    timer.start(1.0)
    time.wait(1.0)
    assert len(rung) == 2


def test_a_timer_that_runs_is_not_started_again(time: TimeDouble) -> None:
    rung = []
    timer = time.timers().timer("egg", lambda: rung.append(time.now))
    timer.start(3.0)
    time.wait(2.0)
    timer.start(3.0)
    time.wait(10.0)
    assert rung == [pytest.approx(103.0)]


def test_a_timer_that_is_set_is_due_when_it_was_set_to_last(time: TimeDouble) -> None:
    rung = []
    timer = time.timers().timer("egg", lambda: rung.append(time.now))
    for due in (105.0, 103.0, 103.0):
        timer.set(due)
    time.wait(4.0)
    assert rung == [pytest.approx(103.0)]
    timer.set(110.0)
    timer.set(None)
    time.wait(10.0)
    assert len(rung) == 1
    timer.set(1.0)
    time.wait(0.0)
    assert len(rung) == 2


def test_each_key_has_a_time_of_its_own(time: TimeDouble) -> None:
    rung: list[str] = []
    timer = time.timers().timer("egg", rung.append)
    timer.start(2.0, "one")
    timer.start(1.0, "other")
    timer.stop("none")
    time.wait(1.0)
    assert rung == ["other"]
    assert timer.runs("one")
    timer.stop("one")
    time.wait(5.0)
    assert rung == ["other"]


def test_a_timer_that_is_stopped_while_its_event_waits_does_nothing(time: TimeDouble) -> None:
    waiting: list[TimerIsDue] = []
    timers = time.timers(waiting.append)
    rung = []
    timer = timers.timer("egg", lambda: rung.append(time.now))
    timer.start(1.0)
    time.wait(1.0)
    timer.stop()
    timer.start(5.0)
    timers.due(waiting.pop())
    assert rung == []
    time.wait(5.0)
    timers.due(waiting.pop())
    assert len(rung) == 1


def test_what_is_done_again_and_again_begins_when_all_is_ready(time: TimeDouble) -> None:
    timers = time.timers()
    rung: list[float | None] = []
    timers.every(2.0, "look", lambda: rung.append(time.now))
    timers.every(0.0, "watchdog", lambda: rung.append(None))
    time.wait(10.0)
    assert rung == []
    timers.begin()
    time.wait(6.0)
    assert rung == pytest.approx([112.0, 114.0, 116.0])


def test_to_stop_a_timer_lets_nobody_else_run() -> None:
    inbox = Inbox(PacketIns())
    rung: list[bool] = []
    others: list[bool] = []
    timers = Timers(inbox.post)
    one, other = (timers.timer(name, lambda: rung.append(True)) for name in ("one", "other"))
    one.start(0.001)
    other.start(0.002)
    eventlet.spawn(others.append, True)
    one.stop()
    one.stop()
    assert others == []
    with eventlet.Timeout(10):
        (event,) = inbox.take()
    assert isinstance(event, TimerIsDue)
    timers.due(event)
    assert rung == [True]
    assert not other.runs()


def test_a_moment_of_the_clock_has_a_date_even_if_the_time_of_day_is_set(time: TimeDouble) -> None:
    day = [1_000_000.0]
    timers = Timers(lambda event: None, time.clock, time.later, lambda: day[0])
    assert timers.date(time.now - 10) == 999_990.0
    day[0] += 3600
    assert timers.date(time.now - 10) == 1_003_590.0
