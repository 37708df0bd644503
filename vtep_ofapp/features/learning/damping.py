"""Stations that seem to be at two places at once: their moves are damped.

The rule: a station that has moved MAX_MOVES times within WINDOW seconds stays where it is then for
HOLD seconds, whatever comes in from elsewhere. After that its next frame decides.
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
        """Note that a station has come in elsewhere; return whether it has moved there.

        If not, it is held from now on.
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
        """Whether a station stays where it is for now."""
        return station in self._held

    def next_release(self) -> float | None:
        """Return the seconds until the first station may move again, None if none is held."""
        first = next(iter(self._held.values()), None)
        return None if first is None else max(0.0, first - self._clock())

    def release(self) -> list[Station]:
        """Return the stations that may move again now."""
        now = self._clock()
        over = [station for station, end in self._held.items() if end <= now]
        for station in over:
            del self._held[station]
        return over

    def forget(self, station: Station) -> None:
        """Forget the moves of a station that is nowhere any more."""
        self._moves.pop(station, None)
        self._held.pop(station, None)
