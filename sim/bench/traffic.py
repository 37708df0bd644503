"""Probe frames that tell when a change has reached the wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from sim.lab.capture import Capture
from sim.lab.hosts import Host
from sim.waiting import WaitFailed
from sim.wire.frames import Captured, Probe, probe

PROBE_INTERVAL = 0.001
"""Seconds between probes: the resolution of what is measured with them is about that."""

SETTLED = 20
"""Frames in a row at the right place, after which a change has had its effect."""

Where = Callable[[Captured], bool]

_VNI = slice(46, 49)
_INNER_STATION = slice(50, 56)
_OUTER_DESTINATION = slice(30, 34)


def anywhere(frame: Captured) -> bool:
    """Return that a frame may be any."""
    return True


def with_vni(vni: int) -> Where:
    """Return whether a frame is a VXLAN packet (no options in its IP header) with that VNI."""
    return lambda frame: frame.data[_VNI] == vni.to_bytes(3, "big")


def for_station(mac: str) -> Where:
    """Return whether the frame in a VXLAN packet (no options in its IP header) is for that MAC."""
    expected = bytes.fromhex(mac.replace(":", ""))
    return lambda frame: frame.data[_INNER_STATION] == expected


def sent_to(address: str) -> Where:
    """Return whether an IP packet (in an untagged frame) is for that address."""
    return lambda frame: outer_destination(frame) == address


def outer_destination(frame: Captured) -> str:
    """Return where an IP packet (in an untagged frame) is sent to."""
    return ".".join(map(str, frame.data[_OUTER_DESTINATION]))


class Probes:
    """The same frame from one host, each millisecond while the block runs."""

    def __init__(self, sender: Host, marked: Probe) -> None:
        """Prepare the frame."""
        self._mark = marked.mark
        self._frame = bytes(marked.frame)
        self._sender = sender
        self._sent = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send, name="probes")

    def __enter__(self) -> Probes:
        """Start sending."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending."""
        self._stopping.set()
        self._thread.join()

    def has_begun(self) -> bool:
        """Return whether some frames were sent."""
        return self._sent >= SETTLED

    def first_at(
        self, place: Capture, since: float, patience: float, where: Where = anywhere
    ) -> float:
        """Return when the first of the frames came there after a moment. Raises WaitFailed."""
        return place.wait_for(1, self._arrived(since, where), patience)[0].time

    def settle_at(
        self, place: Capture, since: float, patience: float, where: Where = anywhere
    ) -> None:
        """Return when enough of the frames have come there after a moment. Raises WaitFailed."""
        place.wait_for(SETTLED, self._arrived(since, where), patience)

    def _arrived(self, since: float, where: Where) -> Callable[[Captured], bool]:
        return lambda frame: frame.time > since and self._mark in frame.data and where(frame)

    def _send(self) -> None:
        while not self._stopping.wait(PROBE_INTERVAL):
            self._sender.send(self._frame)
            self._sent += 1


Destinations = Iterable[tuple[str, tuple[int, ...]]]
"""MAC addresses, each with the VLAN tags of the frames for it."""


def wait_for_all(
    sender: Host,
    destinations: Destinations,
    place: Capture,
    patience: float,
    where: Where = anywhere,
) -> float:
    """Return when the last of the destinations was first reached, in seconds since 1970.

    Raises WaitFailed.
    """
    probes = [probe(sender.mac, mac, vlans) for mac, vlans in destinations]
    return wait_for_probes(sender, probes, place, patience, where)


def wait_for_probes(
    sender: Host,
    probes: Iterable[Probe],
    place: Capture,
    patience: float,
    where: Where = anywhere,
) -> float:
    """Return when the last of the probes first arrived at a place, in seconds since 1970.

    One of them is sent each millisecond; whenever it arrives, all others are tried at once, and
    the last one of those that have not arrived yet is sent next. Raises WaitFailed.
    """
    frames = {marked.mark: bytes(marked.frame) for marked in probes}
    reached: dict[bytes, float] = {}
    deadline = time.monotonic() + patience
    seen = 0
    burst: list[bytes] = []
    while len(reached) < len(frames):
        if time.monotonic() > deadline:
            raise WaitFailed(
                f"waited {patience:g} s in vain: {len(reached)} of {len(frames)} destinations "
                f"were reached at {place.where}"
            )
        waiting = [mark for mark in frames if mark not in reached]
        for mark in burst or waiting[-1:]:
            sender.send(frames[mark])
        time.sleep(PROBE_INTERVAL)  # the kernel notes the time at which a frame comes
        arrived = place.frames[seen:]
        seen += len(arrived)
        news = _first_times(arrived, waiting, where)
        reached.update(news)
        burst = [mark for mark in waiting if mark not in news] if news else []
    return max(reached.values())


def _first_times(
    frames: Iterable[Captured], marks: Iterable[bytes], where: Where
) -> Mapping[bytes, float]:
    times: dict[bytes, float] = {}
    for frame in frames:
        if where(frame):
            for mark in marks:
                if mark in frame.data:
                    times.setdefault(mark, frame.time)
    return times
