"""Lines that others can provoke: bounded, counted, short."""

import logging
import weakref
from collections.abc import Callable

import pytest

from vtep_ofapp.process.log_limits import INTERVAL, MAX_CHARACTERS, MAX_LINES, RateLimit


class Clock:
    """Stands for eventlet's timers; `pass_by` lets the time of all that are there come."""

    def __init__(self) -> None:
        self.due: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    def later(self, seconds: float, function: Callable[..., object], *args: object) -> None:
        assert seconds == INTERVAL
        self.due.append((function, args))

    def pass_by(self) -> None:
        due, self.due = self.due, []
        for function, args in due:
            function(*args)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock, request: pytest.FixtureRequest) -> logging.Logger:
    """A logger with the filter; its lines go to caplog."""
    logger = logging.getLogger(f"tests.quiet.{request.node.name}")
    logger.addFilter(RateLimit(clock.later, by_subject="subject" in request.node.name))
    return logger


def test_a_few_lines_pass_and_the_others_are_counted(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        log.warning("datapath %x is refused", number)
    assert caplog.messages == [f"datapath {number:x} is refused" for number in range(MAX_LINES)]
    caplog.clear()
    clock.pass_by()
    said = f"{1000 - MAX_LINES} more lines like this one within 60 s: datapath 3e7 is refused"
    assert caplog.messages == [said]
    assert caplog.records[0].levelno == logging.WARNING


def test_the_last_line_that_was_left_out_is_shown_because_it_may_be_what_holds(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for reason in (*["no such file"] * MAX_LINES, "no database"):
        log.warning("%s: %s", "hardware_vtep", reason)
    clock.pass_by()
    assert caplog.messages[-1].endswith(
        "more lines like this one within 60 s: hardware_vtep: no database"
    )
    log.warning("%s: %s", "hardware_vtep", "connected")
    clock.pass_by()
    assert caplog.messages[-1] == "hardware_vtep: connected"


def test_what_a_line_was_made_of_is_not_held_on_to(log: logging.Logger) -> None:
    class Broken(Exception):
        pass

    error = Broken("a socket hangs on its traceback")
    held = weakref.ref(error)
    for _ in range(MAX_LINES + 1):
        log.warning("closed: %s", error)
    del error
    assert held() is None


def test_lines_that_all_passed_are_not_counted(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MAX_LINES):
        log.warning("refused")
    clock.pass_by()
    assert caplog.messages == ["refused"] * MAX_LINES


def test_each_interval_has_lines_of_its_own(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        log.warning("refused")
        clock.pass_by()
    assert caplog.messages == ["refused"] * 3
    assert clock.due == []


def test_kinds_take_nothing_from_each_other(
    log: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MAX_LINES + 1):
        log.warning("refused")
    log.warning("unreadable")
    assert caplog.messages[-1] == "unreadable"
    for kind in range(MAX_LINES + 1):
        for _ in range(MAX_LINES + 1):
            log.warning(f"kind {kind}")
    caplog.clear()
    clock.pass_by()
    assert len(caplog.messages) == MAX_LINES + 2


def test_by_subject_the_first_value_makes_a_kind(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        log.warning("%s: %s", f"database {number}", number)
    assert len(caplog.messages) == 100


def test_a_long_line_is_cut_and_a_traceback_stays(
    log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise ValueError
    except ValueError:
        log.exception("unreadable: %s", "0x00 " * 20_000)
    (line,) = caplog.messages
    assert len(line) == MAX_CHARACTERS + 1
    assert line.startswith("unreadable: 0x00 0x00")
    assert caplog.records[0].exc_info is not None
