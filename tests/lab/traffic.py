"""Steady traffic of numbered frames, and where each of them arrived."""

from __future__ import annotations

import itertools
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence

from sim.capture import Capture
from sim.frames import lab_frame
from sim.hosts import Host, VxlanEndpoint
from sim.lab import Lab
from sim.waiting import WaitFailed, wait_until
from tests.lab.control import PATIENCE

_NUMBER = struct.Struct("!I")

Copies = dict[str, int]
"""How many copies of a frame each host received; hosts without any are left out."""


class Traffic:
    """Numbered frames from one host, watched at every host of the lab. A context manager.

    On leaving, all frames are sent; `deliveries` then says for each where it arrived.
    """

    def __init__(
        self,
        lab: Lab,
        sender: Host,
        dst: str,
        *,
        src: str | None = None,
        rate: float = 1000,
        vlans: Sequence[int] = (),
    ) -> None:
        self._lab = lab
        self._sender = sender
        self._rate = rate
        self._mark = uuid.uuid4().bytes
        frame = bytes(lab_frame(src or sender.mac, dst, self._mark + _NUMBER.pack(0), vlans))
        place = frame.index(self._mark) + len(self._mark)
        self._begin, self._end = frame[:place], frame[place + _NUMBER.size :]
        self.name = f"{src or sender.mac} > {dst}"
        self.sent = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send, name=f"traffic of {sender.name}")
        self._error: OSError | None = None
        self._captures: dict[str, Capture] = {}
        self._deliveries: list[Copies] = []

    def __enter__(self) -> Traffic:
        self._captures = {
            host.name: host.capture_underlay()
            if isinstance(host, VxlanEndpoint)
            else host.capture()
            for host in self._lab.hosts.values()
        }
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._stopping.set()
        self._thread.join()
        if self._error:
            raise self._error
        self._settle()
        for capture in self._captures.values():
            capture.close()
        self._deliveries = self._collect()

    def run_on(self, frames: int = 200) -> None:
        """Return when this many more frames have been sent."""
        goal = self.sent + frames
        wait_until(
            lambda: self.sent >= goal or self._error, f"{frames} more frames", timeout=PATIENCE
        )

    def phases(self) -> list[tuple[Copies, int]]:
        """Return how the frames arrived, in the order of sending: (copies, number of frames)."""
        return [
            (dict(copies), len(list(group)))
            for copies, group in itertools.groupby(
                tuple(sorted(copies.items())) for copies in self._deliveries
            )
        ]

    def arrived_as(self, *expected: Copies) -> None:
        """Require that all frames arrived in these ways, one after the other, each by some."""
        phases = self.phases()
        if [copies for copies, _ in phases] != list(expected):
            summary = "\n".join(f"{number} frames: {copies}" for copies, number in phases[:40])
            raise WaitFailed(
                f"{self.name}: {self.sent} frames, to arrive as {list(expected)}, "
                f"arrived as\n{summary}",
                self._lab.evidence(),
            )

    def _send(self) -> None:
        started = time.monotonic()
        try:
            while not self._stopping.is_set():
                self._sender.send(self._begin + _NUMBER.pack(self.sent) + self._end)
                self.sent += 1
                self._stopping.wait(max(0.0, started + self.sent / self._rate - time.monotonic()))
        except OSError as error:
            self._error = error

    def _settle(self) -> None:
        """Let what is on the way arrive: wait until nothing more has come for a while."""
        before, quiet_since = -1, time.monotonic()
        while time.monotonic() - quiet_since < 0.3:
            now = sum(capture.count() for capture in self._captures.values())
            if now != before:
                before, quiet_since = now, time.monotonic()
            time.sleep(0.02)

    def _collect(self) -> list[Copies]:
        deliveries: list[Counter[str]] = [Counter() for _ in range(self.sent)]
        for name, capture in self._captures.items():
            for frame in capture.frames:
                place = frame.data.find(self._mark)
                if place >= 0:
                    (number,) = _NUMBER.unpack_from(frame.data, place + len(self._mark))
                    deliveries[number][name] += 1
        return [dict(copies) for copies in deliveries]
