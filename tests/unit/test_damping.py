"""Stations that move too often stay where they are for a while."""

import pytest

from vtep_ofapp.features.learning.damping import HOLD, MAX_MOVES, WINDOW
from vtep_ofapp.features.learning.stations import LearnedMacs, Place, Stay

from .builders import BLUE, MAC1, MAC2, RED

HERE, THERE, ELSEWHERE = (Place("br0", port, 1 << 12, RED) for port in ("p0", "p1", "p2"))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def macs(clock: Clock) -> LearnedMacs:
    macs = LearnedMacs(clock)
    macs.learn(MAC1, HERE)
    macs.take_changed()
    return macs


def flap(macs: LearnedMacs, times: int = MAX_MOVES) -> None:
    for number in range(times):
        assert macs.learn(MAC1, HERE if number % 2 else THERE)


def test_a_station_moves_a_few_times_and_is_held_where_it_is_then(macs: LearnedMacs) -> None:
    flap(macs)
    stays = macs.place(RED, MAC1)
    assert not macs.is_held(RED, MAC1)
    assert not macs.learn(MAC1, ELSEWHERE)
    assert macs.is_held(RED, MAC1)
    assert macs.place(RED, MAC1) == stays
    assert macs.take_changed() == {(RED, MAC1)}


def test_what_comes_in_while_it_is_held_changes_nothing(macs: LearnedMacs) -> None:
    flap(macs)
    macs.learn(MAC1, ELSEWHERE)
    macs.take_changed()
    assert not any(macs.learn(MAC1, place) for place in (HERE, THERE, ELSEWHERE) * 100)
    assert macs.take_changed() == set()


def test_it_is_released_when_its_time_is_over_and_may_move_at_once(
    macs: LearnedMacs, clock: Clock
) -> None:
    flap(macs)
    macs.learn(MAC1, ELSEWHERE)
    macs.take_changed()
    assert macs.next_release() == HOLD
    clock.now += HOLD - 1
    macs.release()
    assert macs.next_release() == 1
    assert macs.is_held(RED, MAC1)
    clock.now += 1
    macs.release()
    assert macs.take_changed() == {(RED, MAC1)}
    assert not macs.is_held(RED, MAC1)
    assert macs.next_release() is None
    assert macs.learn(MAC1, ELSEWHERE)


def test_slow_moves_are_not_damped(macs: LearnedMacs, clock: Clock) -> None:
    for number in range(20 * MAX_MOVES):
        assert macs.learn(MAC1, HERE if number % 2 else THERE)
        clock.now += WINDOW / MAX_MOVES


def test_others_move_as_they_like(macs: LearnedMacs) -> None:
    flap(macs)
    macs.learn(MAC1, ELSEWHERE)
    assert macs.learn(MAC2, HERE)
    assert macs.learn(MAC2, THERE)
    assert macs.learn(MAC1, Place("br0", "p0", 1 << 12, BLUE))
    assert not macs.is_held(BLUE, MAC1)


def test_a_station_that_is_nowhere_is_not_held(macs: LearnedMacs) -> None:
    flap(macs)
    macs.learn(MAC1, ELSEWHERE)
    place = macs.place(RED, MAC1)
    assert place is not None
    macs.forget_place(place)
    assert not macs.is_held(RED, MAC1)
    assert macs.next_release() is None
    assert macs.learn(MAC1, ELSEWHERE)


def test_it_is_known_since_when_a_station_is_where_it_is(macs: LearnedMacs, clock: Clock) -> None:
    assert macs.stay(RED, MAC1) == Stay(clock.now, 0, None)
    clock.now += 100
    macs.learn(MAC1, HERE)
    assert macs.stay(RED, MAC1) == Stay(clock.now - 100, 0, None)
    flap(macs)
    clock.now += 1
    macs.learn(MAC1, ELSEWHERE)
    assert macs.stay(RED, MAC1) == Stay(clock.now - 1, MAX_MOVES, clock.now + HOLD)
    macs.forget(RED, MAC1)
    macs.find(MAC1, HERE)
    assert macs.stay(RED, MAC1) == Stay(None, 0, None)
