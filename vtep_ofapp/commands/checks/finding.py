"""What a check finds, and what a check is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias, TypeVar

from ...loop.switch_driver import SwitchDriver
from ..command import Running

T = TypeVar("T")

_AT_ONCE = 500
"""Items that are looked at without a pause."""
_MOST = 20
"""Findings of one check that are not well, and are listed."""


class Level(Enum):
    """How well something is."""

    PASS = "PASS"
    WARN = "WARN"
    """It may be meant, or passes by itself."""
    FAIL = "FAIL"


class Finding(NamedTuple):
    """What a check found, in one line, with what to type if it is not well."""

    level: Level
    text: str


Look: TypeAlias = Callable[[SwitchDriver, Running], Iterable[Finding]]
"""Looks at one switch."""
LookAtProcess: TypeAlias = Callable[[Running], Iterable[Finding]]


class Check(NamedTuple):
    """A check of each switch, by its name for programs."""

    name: str
    look: Look


class ProcessCheck(NamedTuple):
    """A check of what all switches share."""

    name: str
    look: LookAtProcess


def passed(text: str) -> Finding:
    """Return a finding that something is well."""
    return Finding(Level.PASS, text)


def warned(text: str) -> Finding:
    """Return a finding that something may be meant, or passes by itself."""
    return Finding(Level.WARN, text)


def failed(text: str) -> Finding:
    """Return a finding that something is not well."""
    return Finding(Level.FAIL, text)


def gently(items: Iterable[T], running: Running) -> Iterator[T]:
    """Yield very many items, and let turns run in between; the items are those of now."""
    for number, item in enumerate(list(items), 1):
        yield item
        if number % _AT_ONCE == 0:
            running.components.turns.let_run()


def or_passed(bad: Sequence[Finding], text: str) -> Iterator[Finding]:
    """Yield the first findings that are not well, or one that all is; the worst come first."""
    worst_first = sorted(bad, key=lambda finding: finding.level is not Level.FAIL)
    yield from worst_first[:_MOST]
    if len(bad) > _MOST:
        yield Finding(worst_first[_MOST].level, f"and {len(bad) - _MOST} more")
    if not bad:
        yield passed(text)
