"""Green threads beside the loop: they wait for what turns do, and let turns run."""

import time
from collections.abc import Callable
from typing import Any

import eventlet
from eventlet.event import Event as Signal

_SLICE = 0.002
"""Seconds of work on an answer before other green threads run."""


class Turns:
    """Wakes up green threads at the end of each turn."""

    def __init__(self) -> None:
        self._end: Any = Signal()

    def ended(self) -> None:
        """Wake up all that wait: a turn has ended."""
        end, self._end = self._end, Signal()
        end.send(True)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition is true after a turn; return False if so many seconds pass."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._end.wait(timeout=left)
        return True

    def let_run(self) -> None:
        """Let other green threads run, the loop among them."""
        eventlet.sleep(0)

    def pacer(self) -> Callable[[], None]:
        """Return what long work calls often: it lets others run when a slice of time is over."""
        end = time.monotonic() + _SLICE

        def pause() -> None:
            nonlocal end
            if time.monotonic() >= end:
                self.let_run()
                end = time.monotonic() + _SLICE

        return pause
