"""MAC move damping, for stations that seem to be at two places at once.

A station that moves MAX_MOVES times within WINDOW seconds is held at its place for HOLD seconds,
even if its frames come in elsewhere. Then its next frame may move it.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import TypeAlias
from uuid import UUID

LOG = logging.getLogger("vtep_ofapp.damping")

MAX_MOVES = 5
WINDOW = 10.0
HOLD = 10.0

Station: TypeAlias = tuple[UUID, str]
"""A logical switch and a MAC address."""


class Damping:
    """Counts the moves of stations, and holds those that move too often."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._moves: dict[Station, deque[float]] = {}
        self._held: dict[Station, float] = {}

    def may_move(self, station: Station) -> bool:
        """Count a move of a station; return whether the move is allowed.

        If not, the station is held from now on.
        """
        now = self._clock()
        moves = self._moves.setdefault(station, deque(maxlen=MAX_MOVES))
        if len(moves) == MAX_MOVES and now - moves[0] < WINDOW:
            LOG.warning("%s moves too often; it stays where it is for %g s", station[1], HOLD)
            self._held[station] = now + HOLD
            del self._moves[station]
            return False
        moves.append(now)
        return True

    def is_held(self, station: Station) -> bool:
        """Whether a station is held at its place."""
        return station in self._held

    def held_until(self, station: Station) -> float | None:
        """Return the end of a station's hold by the clock, None if it is not held."""
        return self._held.get(station)

    def next_release(self) -> float | None:
        """Return the seconds until the first station may move again, None if none is held."""
        first = next(iter(self._held.values()), None)
        return None if first is None else max(0.0, first - self._clock())

    def release(self) -> list[Station]:
        """Release and return the stations whose hold has ended."""
        now = self._clock()
        over = [station for station, end in self._held.items() if end <= now]
        for station in over:
            del self._held[station]
        return over

    def forget(self, station: Station) -> None:
        """Forget the moves of a station that was forgotten."""
        self._moves.pop(station, None)
        self._held.pop(station, None)
