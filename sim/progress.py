"""What a command is doing, shown when nothing else was written for a while.

Code that may take long says so by `doing`; `shown` lets a command show it. On a terminal one line
is rewritten in place, and goes when something else is written. Elsewhere lines are written to
standard error, fewer and fewer as the command goes on: one in a minute in the end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

SILENCE = 1.0, 2.0
"""Seconds without output until something is shown: on a terminal, and elsewhere."""
LONGEST = 60.0
"""Seconds that this grows to where there is no terminal; it is a tenth of what has passed."""

_INTERVAL = 0.2
_CLEAR = "\r\033[K"


@dataclass(frozen=True, eq=False)
class Step:
    """Something that goes on, and since when, in seconds of time.monotonic()."""

    what: str | Callable[[], str]
    began: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        """Return what it is, in one line."""
        return " ".join((self.what if isinstance(self.what, str) else self.what()).split())


_steps: list[Step] = []


@contextlib.contextmanager
def doing(what: str | Callable[[], str]) -> Iterator[None]:
    """Say what is done within the context; a function is asked whenever it is shown."""
    step = Step(what)
    _steps.append(step)
    try:
        yield
    finally:
        _steps.remove(step)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show what is done within the context, on the terminal or on standard error."""
    former = sys.stdout, sys.stderr
    reporter = _Reporter(sys.stderr, _is_terminal(*former))
    sys.stdout, sys.stderr = (cast(TextIO, _Watched(each, reporter)) for each in former)
    thread = threading.Thread(target=reporter.run, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        reporter.end()
        thread.join()
        sys.stdout, sys.stderr = former


def line(steps: Sequence[Step], now: float, width: int) -> str:
    """Return what goes on, and since when, in `width` characters.

    That is the first of the steps, which contain each other, and the last one that takes a while.
    """
    first = steps[0]
    last = [first, *(each for each in steps if now - each.began >= SILENCE[0])][-1]
    what = str(first) if first is last else f"{first}: {last}"
    since = f" ({now - last.began:.0f} s)"
    room = width - len(since) - len("... ")
    return f"... {what if len(what) <= room else what[: max(0, room - 1)] + '…'}{since}"


class _Reporter:
    """Decides when something is shown, and writes it."""

    def __init__(self, stream: TextIO, is_terminal: bool) -> None:
        self._stream = stream
        self._is_terminal = is_terminal
        self._began = self._written = time.monotonic()
        self._is_at_line_start = True
        self._drawn = ""
        self._lock = threading.RLock()
        self._has_ended = threading.Event()

    def run(self) -> None:
        """Show what is done until the end, from a thread of its own."""
        while not self._has_ended.wait(_INTERVAL):
            try:
                self._look()
            except (OSError, ValueError):  # nobody reads standard error any more
                return

    def end(self) -> None:
        """Let `run` return, and leave no line behind."""
        with self._lock:
            self._has_ended.set()
            self._clear()

    def write(self, stream: TextIO, text: str) -> int:
        """Write what is not ours, in the place of our line."""
        with self._lock:
            self._clear()
            written = stream.write(text)
            if text:
                self._written = time.monotonic()
                self._is_at_line_start = text.endswith("\n")
        return written

    def _look(self) -> None:
        with self._lock:
            steps, now = tuple(_steps), time.monotonic()
            if self._has_ended.is_set() or not self._is_at_line_start:
                return
            if not steps:
                self._clear()
            elif self._is_terminal and now - self._written >= SILENCE[0]:
                self._draw(line(steps, now, shutil.get_terminal_size().columns - 1))
            elif not self._is_terminal and now - self._written >= self._patience(now):
                self._stream.write(f"{line(steps, now, 160)}\n")
                self._stream.flush()
                self._written = now

    def _patience(self, now: float) -> float:
        return min(LONGEST, max(SILENCE[1], (now - self._began) / 10))

    def _draw(self, text: str) -> None:
        if text != self._drawn:
            self._stream.write(f"{_CLEAR}{text}")
            self._stream.flush()
            self._drawn = text

    def _clear(self) -> None:
        if self._drawn:
            self._drawn = ""
            with contextlib.suppress(OSError):
                self._stream.write(_CLEAR)
                self._stream.flush()


class _Watched:
    """A stream whose writing the reporter knows of; all else is the stream's own."""

    def __init__(self, stream: TextIO, reporter: _Reporter) -> None:
        self._stream = stream
        self._reporter = reporter

    def write(self, text: str) -> int:
        return self._reporter.write(self._stream, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_terminal(stdout: TextIO, stderr: TextIO) -> bool:
    return stdout.isatty() and stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
