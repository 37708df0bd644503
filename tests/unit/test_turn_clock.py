"""The clock of the loop."""

from vtep_ofapp.loop.turn_clock import TurnClock


def test_a_turn_has_one_time() -> None:
    times = iter([1.0, 2.0, 3.0, 4.0])
    clock = TurnClock(lambda: next(times))
    assert [clock(), clock()] == [1.0, 2.0]
    with clock.turn():
        assert [clock(), clock()] == [3.0, 3.0]
    assert clock() == 4.0
