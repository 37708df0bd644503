"""The clock of the loop."""

from vtep_ofapp.loop.turn_clock import TurnClock


def test_a_turn_has_one_time() -> None:
    times = iter([1.0, 2.0, 3.0])
    clock = TurnClock(lambda: next(times))
    assert [clock(), clock()] == [1.0, 1.0]
    clock.begin_turn()
    assert [clock(), clock()] == [2.0, 2.0]
