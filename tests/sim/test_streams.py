import pytest

from sim.lab.streams import account


def test_all_arrived() -> None:
    result = account(3, [(0.0, 0), (0.1, 1), (0.2, 2)])
    assert (result.received, result.lost, result.duplicated) == (3, (), ())


def test_lost_and_duplicated_are_named() -> None:
    result = account(5, [(0.0, 0), (0.1, 3), (0.1, 3), (0.2, 4)])
    assert result.received == 3
    assert result.lost == (1, 2)
    assert result.duplicated == (3,)


def test_a_change_of_order_is_no_loss() -> None:
    result = account(3, [(0.0, 1), (0.1, 0), (0.2, 2)])
    assert (result.lost, result.duplicated) == ((), ())


def test_the_longest_gap_is_between_arrivals() -> None:
    assert account(3, [(1.0, 0), (1.5, 1), (1.6, 2)]).longest_gap == pytest.approx(0.5)


def test_nothing_arrived() -> None:
    result = account(2, [])
    assert (result.received, result.lost, result.longest_gap) == (0, (0, 1), 0.0)


def test_the_account_fits_a_line() -> None:
    assert str(account(2, [(0.0, 0), (0.25, 0)])) == (
        "2 sent, 1 received, 1 lost, 1 duplicated, longest gap 250 ms"
    )
