"""Continuous traffic: numbered frames at a steady rate, and what became of each."""

from __future__ import annotations

import errno
import itertools
import select
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from scapy.packet import Packet

from sim.lab.capture import Capture
from sim.lab.delivery import LATE
from sim.waiting import Evidence, wait_until
from sim.wire.frames import Captured, lab_frame

_NUMBER = struct.Struct("!I")
_MARK_LENGTH = 16
_MAX_LATE = 0.02
"""Seconds that a sender catches up with."""
_QUIET = 0.5
"""Seconds without a further frame, once the last one is there, after which the others are lost."""


@dataclass(frozen=True)
class Account:
    """What the receiver of a stream saw of the frames 0 to `sent` - 1."""

    sent: int
    received: int
    """Different frames that arrived."""
    lost: tuple[int, ...]
    """Numbers of the frames that never arrived."""
    duplicated: tuple[int, ...]
    """Numbers of the frames that arrived more than once."""
    longest_gap: float
    """The longest time between two arrivals, in seconds; 0 if fewer than two arrived."""

    def __str__(self) -> str:
        """Return the account as one line."""
        return (
            f"{self.sent} sent, {self.received} received, {len(self.lost)} lost, "
            f"{len(self.duplicated)} duplicated, longest gap {self.longest_gap * 1000:.0f} ms"
        )


def account(sent: int, arrivals: Iterable[tuple[float, int]]) -> Account:
    """Return the account of a stream from its arrivals: (time in seconds, number)."""
    times: list[float] = []
    copies: Counter[int] = Counter()
    for moment, number in arrivals:
        times.append(moment)
        copies[number] += 1
    return Account(
        sent=sent,
        received=len(copies),
        lost=tuple(number for number in range(sent) if number not in copies),
        duplicated=tuple(sorted(number for number, count in copies.items() if count > 1)),
        longest_gap=max((b - a for a, b in itertools.pairwise(times)), default=0.0),
    )


class Endpoint(Protocol):
    """A host that a stream comes from or goes to."""

    name: str
    mac: str

    def send(self, frame: bytes) -> None:
        """Send an Ethernet frame. Raises OSError."""
        ...

    def capture(self) -> Capture:
        """Return a capture of what the host receives."""
        ...


class Stream:
    """Numbered frames from one host to another, sent by a thread from `start` to `stop`.

    A context manager: it sends while the block runs, and has waited for the last frames at its
    end. Then `account()` tells what became of them.
    """

    def __init__(
        self,
        sender: Endpoint,
        receiver: Endpoint,
        rate: float,
        vlans: Sequence[int] = (),
        dst: str | None = None,
        make: Callable[[bytes], Packet] | None = None,
    ) -> None:
        """Prepare `rate` frames per second from `sender` to the MAC of `receiver`, or to `dst`.

        With `make`, they are what it returns for a payload; they have no checksum over it.
        """
        self.sender = sender
        self.receiver = receiver
        self.dst = dst or receiver.mac
        self.rate = rate
        self.sent = 0
        self._make = make or (lambda payload: lab_frame(sender.mac, self.dst, payload, vlans))
        self._mark = uuid.uuid4().bytes
        self._capture = receiver.capture()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send, name=f"stream from {sender.name}")
        self._error: OSError | None = None

    def __enter__(self) -> Stream:
        """Start sending."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending, and wait for the last frames."""
        self.stop()

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sending; return when all have arrived, or no further one has for a while.

        Raises the error of the sending socket if it had one.
        """
        self._stopping.set()
        self._thread.join()
        arrived = -1
        came = 0.0
        while len(now := {number for _, number in self.seen_by(self._capture)}) < self.sent:
            if len(now) > arrived:
                arrived, came = len(now), time.monotonic()
            patience = _QUIET if self.sent - 1 in now else LATE
            if (left := came + patience - time.monotonic()) <= 0:
                break
            select.select([self._capture], [], [], left)
        self._capture.close()
        if self._error:
            raise self._error

    def await_arrival(self, timeout: float, evidence: Evidence | None = None) -> None:
        """Return when a frame that is sent from now on has arrived. Raises WaitFailed.

        It waits `timeout` seconds; `evidence` is for the message of a wait that fails.
        """
        latest = self.sent  # this one may be on its way already
        wait_until(
            lambda: any(number > latest for _, number in self.seen_by(self._capture)),
            f"a frame of {self.sender.name} at {self.receiver.name}",
            timeout=timeout,
            evidence=evidence,
        )

    def account(self) -> Account:
        """Return what became of the frames sent so far."""
        return account(self.sent, self.seen_by(self._capture))

    def seen_by(self, capture: Capture) -> list[tuple[float, int]]:
        """Return the stream's frames in any capture: when they arrived, and their numbers."""
        return [
            (frame.time, number)
            for frame in capture.frames
            if (number := self.number_of(frame)) is not None
        ]

    def _send(self) -> None:
        # Only the number differs from frame to frame, so that a frame costs little to make.
        payload = self._mark + _NUMBER.pack(0)
        frame = bytes(self._make(payload))
        place = frame.index(self._mark) + _MARK_LENGTH
        begin, end = frame[:place], frame[place + _NUMBER.size :]
        due = time.monotonic()
        try:
            while not self._stopping.is_set():
                self._send_one(begin + _NUMBER.pack(self.sent) + end)
                self.sent += 1
                # Each frame has its moment. A thread that was late catches up, but not in a burst.
                due = max(due + 1 / self.rate, time.monotonic() - _MAX_LATE)
                time.sleep(max(0.0, due - time.monotonic()))
        except OSError as error:
            self._error = error

    def _send_one(self, frame: bytes) -> None:
        try:
            self.sender.send(frame)
        except OSError as error:
            # The other end of the link is away for a moment: a frame is lost like any other.
            if error.errno != errno.ENOBUFS:
                raise

    def number_of(self, frame: Captured) -> int | None:
        """Return the number in a captured frame, None if it is none of the stream."""
        place = frame.data.find(self._mark)
        if place < 0:
            return None
        return int(_NUMBER.unpack_from(frame.data, place + _MARK_LENGTH)[0])
