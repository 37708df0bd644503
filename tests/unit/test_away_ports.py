"""How long rows of Physical_Port wait for their port, and what is said of those that do."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from vtep_ofapp.features.bindings.away_ports import AwayPorts, PortRow

from .builders import SWITCH

P0, P1 = (SWITCH, "p0"), (SWITCH, "p1")


class Bench:
    """Rows and ports, with a clock that a test moves on."""

    def __init__(self, grace: float = 3.0, bound_grace: float = 600.0) -> None:
        self.now = 100.0
        self.away = AwayPorts(grace, bound_grace, lambda: self.now)

    def update(self, *there: tuple[UUID, str], **bindings: Any) -> set[tuple[UUID, str]]:
        """Take rows with so many bindings, and the ports that are there; return who may stay."""
        rows = {(SWITCH, name): PortRow(name, count) for name, count in bindings.items()}
        return self.away.update(rows, set(there))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    caplog.set_level(logging.INFO, "vtep_ofapp")

    def take() -> list[tuple[str, str]]:
        records = [(record.levelname, record.getMessage()) for record in caplog.records]
        caplog.clear()
        return records

    return take


def test_a_port_that_is_there_waits_for_nothing(
    bench: Bench, said: Callable[[], list[tuple[str, str]]]
) -> None:
    assert bench.update(P0, p0=1) == set()
    assert bench.away.grace() is None
    assert said() == []


def test_a_row_without_bindings_waits_a_moment_and_goes_silently(
    bench: Bench, said: Callable[[], list[tuple[str, str]]]
) -> None:
    assert bench.update(p0=0) == {P0}
    assert bench.away.grace() == pytest.approx(3.0)
    bench.now += 2.9
    assert bench.update(p0=0) == {P0}
    bench.now += 0.1
    assert bench.update(p0=0) == set()
    assert bench.away.grace() is None
    assert said() == []


def test_a_row_that_has_to_go_stays_gone_until_the_database_says_so(bench: Bench) -> None:
    bench.update(p0=0)
    bench.now += 3.0
    for _ in range(3):
        assert bench.update(p0=0) == set()
        bench.now += 1.0
    bench.update()
    assert bench.update(p0=0) == {P0}


def test_a_row_with_bindings_waits_long_and_says_what_is_lost(
    bench: Bench, said: Callable[[], list[tuple[str, str]]]
) -> None:
    assert bench.update(p0=2) == {P0}
    stays = "p0: it is not a port of the bridge; its 2 bindings stay for 600 s (bound_port_grace)"
    assert said() == [("WARNING", stays)]
    bench.now += 599.0
    assert bench.update(p0=2) == {P0}
    assert said() == []
    bench.now += 1.0
    assert bench.update(p0=2) == set()
    lost = "p0: it was not a port of the bridge for 600 s; its row goes, and 2 bindings with it"
    assert said() == [("WARNING", lost)]
    assert bench.update(p0=2) == set()
    assert bench.update() == set()
    assert said() == []


def test_a_port_that_returns_is_said_to_and_waits_as_long_the_next_time(
    bench: Bench, said: Callable[[], list[tuple[str, str]]]
) -> None:
    bench.update(p0=1)
    bench.now += 500.0
    said()
    assert bench.update(P0, p0=1) == set()
    assert said() == [("INFO", "p0: it is a port of the bridge again")]
    assert bench.update(p0=1) == {P0}
    assert bench.away.grace() == pytest.approx(600.0)
    stays = "p0: it is not a port of the bridge; its binding stays for 600 s (bound_port_grace)"
    assert said() == [("WARNING", stays)]


def test_unbinding_begins_the_short_wait_and_says_nothing(
    bench: Bench, said: Callable[[], list[tuple[str, str]]]
) -> None:
    bench.update(p0=1)
    bench.now += 500.0
    said()
    assert bench.update(p0=0) == {P0}
    assert bench.away.grace() == pytest.approx(3.0)
    bench.now += 3.0
    assert bench.update(p0=0) == set()
    assert said() == []


def test_binding_begins_the_long_wait_and_one_binding_more_does_not(bench: Bench) -> None:
    bench.update(p0=0)
    bench.now += 2.0
    assert bench.update(p0=1) == {P0}
    assert bench.away.grace() == pytest.approx(600.0)
    bench.now += 100.0
    assert bench.update(p0=2) == {P0}
    assert bench.away.grace() == pytest.approx(500.0)


def test_the_next_wait_that_ends_counts(bench: Bench) -> None:
    bench.update(p0=1)
    bench.now += 1.0
    assert bench.update(p0=1, p1=0) == {P0, P1}
    assert bench.away.grace() == pytest.approx(3.0)
    bench.now += 3.0
    assert bench.update(p0=1, p1=0) == {P0}
    assert bench.away.grace() == pytest.approx(596.0)


def test_without_any_patience_bindings_go_at_once_and_are_said(
    said: Callable[[], list[tuple[str, str]]],
) -> None:
    bench = Bench(0.0, 0.0)
    assert bench.update(p0=1, p1=0) == set()
    lost = "p0: it was not a port of the bridge for 0 s; its row goes, and 1 binding with it"
    assert said() == [("WARNING", lost)]
