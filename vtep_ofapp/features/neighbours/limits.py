"""Limits of what stations state: addresses that move too often, and statements of no use.

Each costs a packet-in, and a host may send as many as it likes. So beyond these limits its
statements pass without one for a while.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias
from uuid import UUID

from ..learning.damping import Damping
from .pairs import Pair, Station

USELESS_OF_STATION = 8
"""Statements of no use, within WINDOW, after which those of a station are not shown."""
USELESS_AT_PORT = 100
"""The same for all unknown senders of a port."""
WINDOW = 10.0
"""Seconds."""
HOLD = 10.0
"""Seconds for which they are not shown."""


@dataclass(frozen=True, slots=True)
class QuietStation:
    """The owner of the flow by which statements of a station pass without a packet-in."""

    logical_switch: UUID
    mac: str


@dataclass(frozen=True, slots=True)
class QuietPort:
    """The owner of the flows by which statements at a port pass without a packet-in."""

    port: str


Quiet: TypeAlias = QuietStation | QuietPort


class StatementLimits:
    """These limits at one switch; the clock is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._moves = Damping(clock)
        self._useless: Counter[Quiet] = Counter()
        self._begin = clock()
        self._quiet: dict[Quiet, float] = {}
        """When each hold ends, the first one first: all are equally long."""

    def may_move(self, pair: Pair) -> bool:
        """Count a move of an IP address to another MAC; return whether the move is allowed."""
        return self._moves.may_move(pair)

    def is_held(self, pair: Pair) -> bool:
        """Whether an IP address moved too often, and stays where it is."""
        return self._moves.is_held(pair)

    def forget(self, pair: Pair) -> None:
        """Forget the moves of an IP address that has no MAC."""
        self._moves.forget(pair)

    def is_quiet(self, key: Quiet) -> bool:
        """Whether a station or a port made too many statements of no use."""
        return key in self._quiet

    def is_quiet_station(self, station: Station) -> bool:
        """Whether a station made too many statements of no use; nearly always none did."""
        return bool(self._quiet) and QuietStation(*station) in self._quiet

    def useless(self, station: Station, port: str) -> Iterator[Quiet]:
        """Count a statement of no use; yield the station or the port if it is quiet from now on."""
        now = self._clock()
        if now - self._begin >= WINDOW:
            self._useless.clear()
            self._begin = now
        limits: tuple[tuple[Quiet, int], ...] = (
            (QuietStation(*station), USELESS_OF_STATION),
            (QuietPort(port), USELESS_AT_PORT),
        )
        for key, most in limits:
            self._useless[key] += 1
            if self._useless[key] >= most and key not in self._quiet:
                self._quiet[key] = now + HOLD
                yield key

    def end(self) -> float | None:
        """Return when, by the clock, the next hold ends, None if there is none."""
        left, first = self._moves.next_release(), next(iter(self._quiet.values()), None)
        ends = None if left is None else self._clock() + left, first
        return min((end for end in ends if end is not None), default=None)

    def release(self) -> Iterator[Pair | Quiet]:
        """End and yield the holds that are over."""
        for pair in self._moves.release():
            yield Pair(*pair)
        now = self._clock()
        over = takewhile(lambda each: each[1] <= now, self._quiet.items())
        for key, _ in list(over):
            del self._quiet[key]
            self._useless.pop(key, None)
            yield key
