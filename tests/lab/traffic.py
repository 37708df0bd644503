"""Steady traffic of numbered frames, and where each of them arrived."""

from __future__ import annotations

import functools
import itertools
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence

from scapy.layers.inet import UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from sim.lab.hosts import Host, VxlanEndpoint
from sim.waiting import WaitFailed, wait_until
from sim.wire.frames import lab_frame, routed_frame
from tests.lab.control import PATIENCE
from tests.lab.wire import Wire

_NUMBER = struct.Struct("!I")

MAX_LATE = 0.02
"""Seconds that a sender catches up with: after a longer pause, its frames would come in a burst."""

Copies = dict[str, int]
"""How many copies of a frame each host received; hosts without any are left out."""


class Traffic:
    """Numbered frames from one host, watched at every host of the lab. A context manager.

    When it is left, all frames have arrived that will: `phases` then says where each did.
    """

    def __init__(
        self,
        wire: Wire,
        sender: Host,
        dst: str,
        *,
        src: str | None = None,
        rate: float = 1000,
        vlans: Sequence[int] = (),
        make: Callable[[bytes], Packet] | None = None,
    ) -> None:
        """``make`` makes a frame from what it carries; without it, one of the lab's own type."""
        self.sent = 0
        self._wire = wire
        self._sender = sender
        self._send_frame: Callable[[bytes], None] = sender.send
        self._rate = rate
        self._name = f"{src or sender.mac} > {dst}"
        self._mark = uuid.uuid4().bytes
        carried = self._mark + _NUMBER.pack(0)
        made = make(carried) if make else lab_frame(src or sender.mac, dst, carried, vlans)
        frame = bytes(made)
        place = frame.index(self._mark) + len(self._mark)
        self._begin, self._end = frame[:place], frame[place + _NUMBER.size :]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send, name=f"traffic of {sender.name}")
        self._error: OSError | None = None

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        if self._error:
            raise self._error
        if kind is None:
            self._wire.sweep(self._sender)

    def run_on(self, frames: int = 200) -> None:
        """Return when this many more frames have been sent."""
        goal = self.sent + frames
        wait_until(
            lambda: self.sent >= goal or self._error, f"{frames} more frames", timeout=PATIENCE
        )

    def phases(self) -> list[tuple[Copies, int]]:
        """Return how the frames arrived, in the order of sending: (copies, number of frames)."""
        deliveries: list[Counter[str]] = [Counter() for _ in range(self.sent)]
        for name, frames in self._wire.carrying(self._mark).items():
            for frame in frames:
                place = frame.data.index(self._mark) + len(self._mark)
                deliveries[_NUMBER.unpack_from(frame.data, place)[0]][name] += 1
        return [
            (dict(copies), len(list(group)))
            for copies, group in itertools.groupby(
                tuple(sorted(copies.items())) for copies in deliveries
            )
        ]

    def arrived_as(self, *expected: Copies) -> None:
        """Require that the frames arrived in these ways, one after the other, none otherwise."""
        phases = self.phases()
        if [copies for copies, _ in phases] != list(expected):
            summary = "\n".join(f"{number} frames: {copies}" for copies, number in phases[:40])
            raise WaitFailed(
                f"{self._name}: {self.sent} frames, to arrive as {list(expected)}, "
                f"arrived as\n{summary}",
                self._wire.lab.evidence(),
            )

    def _send(self) -> None:
        due = time.monotonic()
        try:
            while not self._stopping.is_set():
                self._send_frame(self._begin + _NUMBER.pack(self.sent) + self._end)
                self.sent += 1
                # Not the event's wait, which costs more than the frame itself.
                due = max(due + 1 / self._rate, time.monotonic() - MAX_LATE)
                time.sleep(max(0.0, due - time.monotonic()))
        except OSError as error:
            self._error = error


class RoutedTraffic(Traffic):
    """UDP packets to a port, from one IP address to another one by way of a router.

    With a VNI the sender is the endpoint of a tunnel.
    """

    def __init__(
        self,
        wire: Wire,
        sender: Host,
        gateway: str,
        ips: tuple[str, str],
        *,
        port: int,
        rate: float = 1000,
        src: str | None = None,
        vni: int = 0,
    ) -> None:
        def packet(carried: bytes) -> Packet:
            frame = routed_frame(src or sender.mac, gateway, *ips, carried)
            frame[UDP].dport = port
            return Ether(bytes(frame))

        super().__init__(wire, sender, gateway, src=src, make=packet, rate=rate)
        if vni:
            assert isinstance(sender, VxlanEndpoint)
            self._send_frame = functools.partial(sender.send_vxlan, vni)
