"""Green threads that wait for what turns do, and let turns run."""

import eventlet

from vtep_ofapp.loop.turns import Turns

PATIENCE = 60.0


def test_a_condition_that_holds_needs_no_turn() -> None:
    assert Turns().wait_until(lambda: True, 0.0)


def test_each_turn_wakes_up_all_that_wait() -> None:
    turns, done = Turns(), set[int]()
    waiting = [
        eventlet.spawn(turns.wait_until, lambda number=number: number in done, PATIENCE)
        for number in range(2)
    ]
    for number in range(2):
        eventlet.sleep(0)
        assert not any(each.dead for each in waiting[number:])
        done.add(number)
        turns.ended()
    assert [each.wait() for each in waiting] == [True, True]


def test_waiting_ends_without_the_condition() -> None:
    turns = Turns()
    assert not turns.wait_until(lambda: False, 0.01)


def test_others_run_during_long_work() -> None:
    pause, other = Turns().pacer(), eventlet.spawn(lambda: None)
    while not other.dead:
        pause()
