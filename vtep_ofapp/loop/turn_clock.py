"""The clock of the loop, which stands still during a turn."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TurnClock:
    """Returns seconds. During a turn it stands still: all that a turn decides is of one time.

    So the time of each turn and its events are all that a replay needs.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stopped: float | None = None

    def __call__(self) -> float:
        """Return the time, or the time at which the turn began."""
        return self._clock() if self._stopped is None else self._stopped

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Stand still while a turn lasts."""
        self._stopped = self._clock()
        try:
            yield
        finally:
            self._stopped = None
