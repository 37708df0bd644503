"""Waiting for a condition with a deadline, and saying what was seen when it does not come true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sim.progress import doing

T = TypeVar("T")

Evidence = Callable[[], str]
"""Describes the state of what is waited for: called once, when a wait has failed."""


class WaitFailed(AssertionError):
    """A condition did not come true in time.

    `awaited` is the one line that says what was waited for; the message adds the evidence.
    """

    def __init__(self, awaited: str, evidence: str = "") -> None:
        """Keep the two parts apart, so that a caller can show the line without the evidence."""
        super().__init__(f"{awaited}\n{evidence}".rstrip())
        self.awaited = awaited
        self.evidence = evidence


def wait_until(
    condition: Callable[[], T],
    what: str,
    *,
    timeout: float = 30.0,
    interval: float = 0.02,
    evidence: Evidence | None = None,
) -> T:
    """Call `condition` until it is true, and return what it returned.

    The pause between two calls is `interval` seconds at first. It is never shorter than a call
    took, nor than a tenth of the wait so far: what is waited for needs the processor too.
    Raises WaitFailed, with `what` and the evidence, when `timeout` seconds have passed.
    """
    begin = called = time.monotonic()
    with doing(f"waiting for {what}"):
        while not (result := condition()):
            now = time.monotonic()
            if now - begin >= timeout:
                raise WaitFailed(
                    f"waited {timeout:g} s in vain for: {what}", evidence() if evidence else ""
                )
            time.sleep(max(interval, now - called, (now - begin) / 10))
            called = time.monotonic()
    return result
