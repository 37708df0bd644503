"""Timers of the loop: the action of a timer runs in the turn after it expires."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from eventlet.hubs import get_hub

from ..values.events import TimerIsDue


class Cancellable(Protocol):
    """A scheduled call."""

    def cancel(self) -> Any:
        """Cancel the call."""


Later: TypeAlias = Callable[..., Cancellable]
"""Schedules a call: takes the seconds, the function, and its arguments."""


def later(seconds: float, function: Callable[..., Any], *arguments: Any) -> Cancellable:
    """Call a function that does not block after so many seconds.

    Unlike with spawn_after(), cancelling it does not switch to another green thread.
    """
    call: Cancellable = get_hub().schedule_call_global(seconds, function, *arguments)
    return call


class Timers:
    """Starts timers. An expired timer posts an event, so that its action runs in a turn.

    The event is ignored if the timer was stopped or set again after it expired.
    """

    def __init__(
        self,
        post: Callable[[TimerIsDue], None],
        clock: Callable[[], float] = time.monotonic,
        later: Later = later,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        """Post events with ``post``; ``clock`` returns seconds, ``later`` schedules calls.

        ``time_of_day`` returns seconds since the epoch.
        """
        self.clock = clock
        self._time_of_day = time_of_day
        self._post = post
        self._later = later
        self._started: Counter[str] = Counter()
        self._running: dict[TimerIsDue, Callable[[], None]] = {}
        self._periodic: list[tuple[Timer, float]] = []

    def date(self, moment: float) -> float:
        """Return a moment of the clock in seconds since the epoch.

        What is remembered is by the clock, because the time of day may be set meanwhile.
        """
        return self._time_of_day() - (self.clock() - moment)

    def timer(self, name: str, action: Callable[..., None]) -> "Timer":
        """Return a timer that does not run yet. ``action`` is called with its key, if it has one.

        The name is for people.
        """
        return Timer(self, name, action)

    def every(self, seconds: float, name: str, action: Callable[[], None]) -> None:
        """Call ``action`` every so many seconds, from begin() on; 0 for never."""

        def again() -> None:
            action()
            timer.start(seconds)

        timer = self.timer(name, again)
        if seconds > 0:
            self._periodic.append((timer, seconds))

    def begin(self) -> None:
        """Start the periodic timers."""
        for timer, seconds in self._periodic:
            timer.start(seconds)

    def due(self, event: TimerIsDue) -> None:
        """Handle the event of a timer: run its action."""
        action = self._running.pop(event, None)
        if action is not None:
            action()

    def run(self, seconds: float, name: str, action: Callable[[], None]) -> "Running":
        """Schedule ``action`` for a turn after so many seconds."""
        self._started[name] += 1
        event = TimerIsDue(name, self._started[name])
        self._running[event] = action
        return Running(event, self._later(seconds, self._post, event))

    def stop(self, running: "Running") -> None:
        """Cancel a timer that run() returned, even if its event is in the inbox already."""
        running.call.cancel()
        self._running.pop(running.event, None)


@dataclass(frozen=True, slots=True)
class Running:
    """A running timer: the event that it posts, and the scheduled call."""

    event: TimerIsDue
    call: Cancellable


class Timer:
    """One timer, or one for each key if keys are given; a key is hashable."""

    def __init__(self, timers: Timers, name: str, action: Callable[..., None]) -> None:
        self._timers = timers
        self._name = name
        self._action = action
        self._running: dict[tuple[Any, ...], tuple[float, Running]] = {}

    def runs(self, *key: Any) -> bool:
        """Whether it was started and has not expired."""
        return key in self._running

    def start(self, seconds: float, *key: Any) -> None:
        """Start it with so many seconds, unless it is running."""
        if key not in self._running:
            self._run(self._timers.clock() + seconds, seconds, key)

    def set(self, due: float | None, *key: Any) -> None:
        """Set it to expire at this time of the clock only; stop it if ``due`` is None."""
        if key in self._running:
            if self._running[key][0] == due:
                return
            self.stop(*key)
        if due is not None:
            self._run(due, max(0.0, due - self._timers.clock()), key)

    def stop(self, *key: Any) -> None:
        """Stop it."""
        if key in self._running:
            self._timers.stop(self._running.pop(key)[1])

    def _run(self, due: float, seconds: float, key: tuple[Any, ...]) -> None:
        def action() -> None:
            del self._running[key]
            self._action(*key)

        self._running[key] = due, self._timers.run(seconds, self._name, action)
