"""The clock of the loop, which stands still during a turn."""

import time
from collections.abc import Callable


class TurnClock:
    """Returns the time at which the turn began, in seconds: all that a turn decides is of one time.

    So the time of each turn and its events are all that a replay needs.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now = clock()

    def __call__(self) -> float:
        """Return the time at which the turn began."""
        return self._now

    def begin_turn(self) -> None:
        """Set the time of the next turn."""
        self._now = self._clock()
