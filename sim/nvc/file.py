"""The NVC's file, read again when it changes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import ovs.poller

from sim.command import Refused
from sim.nvc import reading
from sim.nvc.plan import Plan

LOG = logging.getLogger("nvc")

_INTERVAL = 0.5
"""Seconds between two looks at the file. One that two looks find the same is written to its end."""


class PlanFile:
    """A file, the plan in it, and whether it has another one now."""

    def __init__(self, path: Path, parse: Callable[[str], Plan]) -> None:
        """Read the file. Raises Refused with a line for each problem."""
        self._path = path
        self._parse = parse
        self._taken = self._last = self._signature()
        self._look_at = time.monotonic() + _INTERVAL
        self.plan = reading.read_file(path, parse)

    def changed(self) -> bool:
        """Return whether `plan` is another one than before.

        What is wrong in the file is logged, and the former plan stays.
        """
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + _INTERVAL
        signature = self._signature()
        is_settled, self._last = signature == self._last, signature
        if not is_settled or signature == self._taken:
            return False
        self._taken = signature
        try:
            former, self.plan = self.plan, reading.read_file(self._path, self._parse)
        except Refused as error:
            for problem in str(error).splitlines():
                LOG.warning("%s", problem)
            LOG.warning("what the file said before still holds")
            return False
        if self.plan == former:
            return False
        LOG.info("%s has changed", self._path)
        return True

    def wait(self, poller: ovs.poller.Poller) -> None:
        """Let the poller wake up for the next look."""
        poller.timer_wait(max(0, round((self._look_at - time.monotonic()) * 1000)))

    def _signature(self) -> object:
        """Return what differs after each change of the file; None if there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
