"""The timers of the loop: who sets one says what is to be done in the turn in which it is due."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol, TypeAlias

from eventlet.hubs import get_hub

from ..values.events import TimerIsDue


class Cancellable(Protocol):
    """A call that is still to come."""

    def cancel(self) -> Any:
        """Let it not come."""


Later: TypeAlias = Callable[..., Cancellable]
"""Calls a function, after a number of seconds, with the arguments that follow it."""


def later(seconds: float, function: Callable[..., Any], *arguments: Any) -> Cancellable:
    """Call a function, which does not wait for anything, after so many seconds.

    To cancel the call lets no other green thread run, unlike that of eventlet.spawn_after().
    """
    call: Cancellable = get_hub().schedule_call_global(seconds, function, *arguments)
    return call


class Timers:
    """Starts timers. Each of them ends in an event, so that its owner acts in a turn of the loop.

    An event of a timer that was stopped, or set again, after it had run off is left out.
    """

    def __init__(
        self,
        post: Callable[[TimerIsDue], None],
        clock: Callable[[], float] = time.monotonic,
        later: Later = later,
    ) -> None:
        """Put events by ``post``; the clock tells seconds, and ``later`` lets them pass."""
        self.clock = clock
        self._post = post
        self._later = later
        self._numbers = count()
        self._running: dict[int, Callable[[], None]] = {}
        self._periodic: list[tuple[Timer, float]] = []

    def timer(self, name: str, action: Callable[..., None]) -> "Timer":
        """Return a timer that does not run yet. ``action`` is called with the key of what is due.

        The name is for people.
        """
        return Timer(self, name, action)

    def every(self, seconds: float, name: str, action: Callable[[], None]) -> None:
        """Call ``action`` again and again with so many seconds between, from begin() on.

        Never, with 0 seconds.
        """

        def again() -> None:
            action()
            timer.start(seconds)

        timer = self.timer(name, again)
        if seconds > 0:
            self._periodic.append((timer, seconds))

    def begin(self) -> None:
        """Start what is to be done again and again."""
        for timer, seconds in self._periodic:
            timer.start(seconds)

    def due(self, event: TimerIsDue) -> None:
        """Handle the event of a timer: do what its owner has asked for."""
        action = self._running.pop(event.number, None)
        if action is not None:
            action()

    def run(self, seconds: float, name: str, action: Callable[[], None]) -> "Running":
        """Let ``action`` be called in a turn after so many seconds."""
        number = next(self._numbers)
        self._running[number] = action
        return Running(number, self._later(seconds, self._post, TimerIsDue(name, number)))

    def stop(self, running: "Running") -> None:
        """Let what run() returned do nothing, even if its event waits already."""
        running.call.cancel()
        self._running.pop(running.number, None)


@dataclass(frozen=True, slots=True)
class Running:
    """A timer that runs, by its number, and the call that ends it."""

    number: int
    call: Cancellable


class Timer:
    """One timer, or one for each key where keys are given; a key is hashable."""

    def __init__(self, timers: Timers, name: str, action: Callable[..., None]) -> None:
        self._timers = timers
        self._name = name
        self._action = action
        self._running: dict[tuple[Any, ...], tuple[float, Running]] = {}

    def runs(self, *key: Any) -> bool:
        """Whether it was started and is not due yet."""
        return key in self._running

    def start(self, seconds: float, *key: Any) -> None:
        """Let it be due after so many seconds, unless it runs already."""
        if key not in self._running:
            self._run(self._timers.clock() + seconds, seconds, key)

    def set(self, due: float | None, *key: Any) -> None:
        """Let it be due at this time of the clock, and at no other; never, with None."""
        if key in self._running:
            if self._running[key][0] == due:
                return
            self.stop(*key)
        if due is not None:
            self._run(due, max(0.0, due - self._timers.clock()), key)

    def stop(self, *key: Any) -> None:
        """Let it not be due."""
        if key in self._running:
            self._timers.stop(self._running.pop(key)[1])

    def _run(self, due: float, seconds: float, key: tuple[Any, ...]) -> None:
        def action() -> None:
            del self._running[key]
            self._action(*key)

        self._running[key] = due, self._timers.run(seconds, self._name, action)
