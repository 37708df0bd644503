"""Bindings and remote VTEPs that send too much that is of no use to us.

Each such frame costs a packet-in. So beyond a limit those of a place are not shown for a while.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

from ..multicast.deadlines import Deadlines

Place: TypeAlias = int | str
"""A binding by its number, or a remote VTEP by its IPv4 address; 0 for this switch itself."""
NOWHERE = 0
MOST_USELESS = 100
"""Frames of no use from one place within WINDOW after which further ones are not shown."""
WINDOW = 1.0
"""Seconds."""
HOLD = 2.0
"""Seconds for which they are not shown."""
QUIET = 600.0
"""Seconds without a line in the log after which something is said once more."""


@dataclass(frozen=True, slots=True)
class QuietPlace:
    """The owner of the flows by which the frames of a place are not shown."""

    place: Place


class PlaceLimits:
    """These limits at one switch; the clock is an argument."""

    def __init__(self) -> None:
        self._useless: Counter[Place] = Counter()
        self._begin = float("-inf")
        self._quiet: Deadlines[Place] = Deadlines()
        self._said: dict[object, float] = {}

    def useless(self, place: Place, now: float) -> bool:
        """Count a frame of no use; return whether the place is quiet from now on."""
        if now - self._begin >= WINDOW:
            self._useless.clear()
            self._begin = now
        self._useless[place] += 1
        if place == NOWHERE or self._useless[place] < MOST_USELESS or self.is_quiet(place):
            return False
        self._quiet.set(place, now + HOLD)
        return True

    def is_quiet(self, place: Place) -> bool:
        """Whether the frames of a place are not shown now."""
        return place in self._quiet.ends

    def is_to_be_said(self, what: object, now: float) -> bool:
        """Whether something was not said for long; from now on it was."""
        last = self._said.get(what)
        self._said[what] = now
        return last is None or now - last >= QUIET

    def next_end(self) -> float | None:
        """Return when to call release() again, None for never; it may be too early."""
        return self._quiet.next()

    def release(self, now: float) -> list[Place]:
        """End and return the holds that are over."""
        return self._quiet.take(now)
