"""Handle signals in green threads, where nothing is interrupted half-way.

An exception that a signal handler raises may hit the hub of the green threads between two steps.
The green thread that the hub was about to wake up then sleeps forever, and os-ken waits for it.
"""

import contextlib
import os
import signal
from collections.abc import Callable

import eventlet
from eventlet.hubs import get_hub, trampoline


def on(number: signal.Signals, act: Callable[[], None]) -> None:
    """Call a function in a green thread whenever a signal arrives."""
    asked = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    # Only a file descriptor wakes the hub.
    signal.signal(number, lambda *_: os.eventfd_write(asked, 1))
    eventlet.spawn(_serve, asked, act)


def end() -> None:
    """Raise KeyboardInterrupt in the main green thread, which ends os-ken with exit code 0.

    Other green threads of os-ken would only log it.
    """
    get_hub().schedule_call_global(0, signal.default_int_handler, signal.SIGINT, None)


def _serve(asked: int, act: Callable[[], None]) -> None:
    while True:
        trampoline(asked, read=True)
        with contextlib.suppress(BlockingIOError):  # the hub may wake a green thread for nothing
            os.eventfd_read(asked)
            act()
