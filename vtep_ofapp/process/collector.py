"""When Python's cyclic garbage collector looks for garbage."""

import gc
from collections.abc import Callable

START = 60.0
"""Seconds without any collection. Nearly all that is made in them stays: flows form no cycles."""
THRESHOLDS = 10_000, 10, 100
"""Those of gc.set_threshold(). With the defaults all flows were scanned again and again while
100,000 were loaded, which took half of the time."""


def make_rare() -> None:
    """Look for garbage seldom while modules are imported, of which nearly nothing is garbage."""
    gc.set_threshold(*THRESHOLDS)


def install(later: Callable[[float, Callable[[], None]], object]) -> None:
    """Collect nothing until the START is over; ``later`` calls a function after so many seconds."""
    gc.disable()
    later(START, collect_from_now_on)


def collect_from_now_on() -> None:
    """Begin to collect what is made from now on; what is there already is never scanned."""
    gc.freeze()
    make_rare()
    gc.enable()
