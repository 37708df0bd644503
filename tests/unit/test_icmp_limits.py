"""Limits of ICMP errors: their rate, and who causes none for a while."""

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.icmp_errors.limits import (
    HOLD,
    MAX_SOURCES,
    PER_SOURCE,
    SHARE,
    WINDOW,
    ErrorRate,
    Place,
    Shares,
    Unanswered,
)

HERE, THERE = Place(0x1000, 0), Place(0, 0x0A020203)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def test_a_host_gets_so_many_errors_at_once_and_then_as_many_in_each_second() -> None:
    clock = Clock()
    rate = ErrorRate(1000, clock)
    assert sum(rate.may_send("h", HERE) for _ in range(100)) == PER_SOURCE
    sent = 0
    for _ in range(640):
        clock.advance(1 / 64)
        sent += rate.may_send("h", HERE)
    assert sent == 10 * PER_SOURCE


def test_all_hosts_get_so_many_errors_together() -> None:
    clock = Clock()
    rate = ErrorRate(100, clock)
    assert sum(rate.may_send(host, host) for host in range(1000)) == 100
    clock.advance(0.5)
    assert sum(rate.may_send(host, host) for host in range(1000)) == 50
    clock.advance(100)
    assert sum(rate.may_send(host, host) for host in range(1000)) == 100


def test_a_place_with_many_hosts_leaves_errors_to_others() -> None:
    clock = Clock()
    rate = ErrorRate(100, clock)
    assert sum(rate.may_send(host, HERE) for host in range(1000)) == 75
    sent = 0
    for number in range(640):
        clock.advance(1 / 64)
        sent += sum(rate.may_send((number, host), HERE) for host in range(10))
        assert number % 64 or rate.may_send("h", THERE)
    assert sent == 1000 - 10


def test_none_are_sent_with_a_rate_of_none() -> None:
    clock = Clock()
    rate = ErrorRate(0, clock)
    clock.advance(100)
    assert not rate.may_send("h", HERE)


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 0.1)), max_size=300))
def test_what_is_known_of_hosts_has_a_bound(steps: list[tuple[int, float]]) -> None:
    clock, most = Clock(), 20
    rate = ErrorRate(most, clock)
    for host, wait in steps:
        clock.advance(wait)
        rate.may_send(host, host)
        assert len(rate) <= 2 * (3 * most + 1)


def test_a_host_beyond_its_share_is_held_and_no_other() -> None:
    shares = Shares(100, Clock())
    share = int(PER_SOURCE * SHARE)
    held = [key for _ in range(share) for key in shares.count(HERE, "10.0.0.1")]
    assert held == [Unanswered(HERE, "10.0.0.1")]
    assert not shares.has_share(HERE, "10.0.0.1")
    assert shares.has_share(HERE, "10.0.0.2")
    assert shares.has_share(THERE, "10.0.0.1")


def test_a_place_beyond_its_share_is_held_whoever_sends_there() -> None:
    shares = Shares(100, Clock())
    held = [key for host in range(int(100 * SHARE)) for key in shares.count(HERE, str(host))]
    assert held == [Unanswered(HERE)]
    assert not shares.has_share(HERE, "another")
    assert shares.has_share(THERE, "another")


def test_what_is_within_a_share_is_never_held() -> None:
    clock = Clock()
    shares = Shares(100, clock)
    for number in range(64 * 60):
        clock.advance(1 / 64)
        assert not list(shares.count(HERE, str(number % 20)))


def test_a_hold_ends_and_the_share_begins_anew() -> None:
    clock = Clock()
    shares = Shares(1, clock)
    for _ in range(1000):
        list(shares.count(HERE, ""))
    assert shares.end() == clock() + HOLD
    clock.advance(HOLD - 1)
    assert list(shares.release()) == []
    clock.advance(1)
    assert list(shares.release()) == [Unanswered(HERE)]
    assert shares.end() is None
    assert shares.has_share(HERE, "")
    assert not list(shares.count(HERE, ""))


def test_hosts_that_are_counted_have_a_bound() -> None:
    clock = Clock()
    shares = Shares(10_000, clock)
    for number in range(2 * MAX_SOURCES):
        list(shares.count(Place(number % 100, 0), str(number)))
    assert len(shares) <= MAX_SOURCES + 100
    clock.advance(WINDOW)
    list(shares.count(HERE, "10.0.0.1"))
    assert len(shares) == 2
