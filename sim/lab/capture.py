"""Recording every frame that an interface receives."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Callable

from sim.lab.namespaces import Namespace
from sim.waiting import Evidence, WaitFailed
from sim.wire.frames import Captured

Predicate = Callable[[Captured], bool]

# From linux/if_packet.h and asm-generic/socket.h; Python's socket module does not name them.
_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_PACKET_AUXDATA = 8
_PACKET_IGNORE_OUTGOING = 23
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_STATUS_VLAN_VALID = 0x10
_STATUS_TPID_VALID = 0x40

_AUXDATA = struct.Struct("@IIIHHHH")
_TIMESPEC = struct.Struct("@qq")
_STATISTICS = struct.Struct("@II")
_BUFFER = 128 * 1024 * 1024
_LARGEST_FRAME = 65536


class CaptureOverrun(AssertionError):
    """The kernel dropped frames that were not read in time: the counts would be wrong."""


class Capture:
    """The frames that an interface receives (never those it sends) from construction to `close`.

    Frames for other stations, which a switch flooded, are recorded as well, unless `station` is the
    one MAC address to record (with group addresses). The kernel queues frames until they are read.
    As a context manager it closes itself; what was recorded stays readable.
    """

    def __init__(
        self,
        namespace: Namespace,
        interface: str,
        *,
        station: str | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        """Start recording at once; `evidence` is for the message of a wait that fails."""
        self.where = f"{interface} of {namespace.name}"
        self._station = bytes.fromhex(station.replace(":", "")) if station else None
        self._evidence = evidence
        self._frames: list[Captured] = []
        self._socket = namespace.call(lambda: _open(interface))

    def __enter__(self) -> Capture:
        """Return the capture, which is recording already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the capture."""
        self.close()

    def close(self) -> None:
        """Take what has arrived so far and stop recording. Raises CaptureOverrun."""
        if self._socket.fileno() < 0:
            return
        try:
            self._take()
        finally:
            self._socket.close()

    def fileno(self) -> int:
        """Return the socket's descriptor, so that `select` can wait for the next frame."""
        return self._socket.fileno()

    @property
    def frames(self) -> list[Captured]:
        """Every frame so far, in the order of arrival. Raises CaptureOverrun."""
        return self.since(0)

    def since(self, number: int) -> list[Captured]:
        """Return the frames so far without the first `number` ones. Raises CaptureOverrun."""
        if self._socket.fileno() >= 0:
            self._take()
        return self._frames[number:]

    def matching(self, predicate: Predicate) -> list[Captured]:
        """Return the frames so far for which `predicate` is true."""
        return [frame for frame in self.frames if predicate(frame)]

    def count(self, predicate: Predicate = lambda frame: True) -> int:
        """Return the number of frames so far for which `predicate` is true."""
        return len(self.matching(predicate))

    def wait_for(
        self, number: int = 1, predicate: Predicate = lambda frame: True, timeout: float = 30.0
    ) -> list[Captured]:
        """Return the matching frames as soon as there are `number` of them or more.

        Raises WaitFailed when `timeout` seconds have passed.
        """
        deadline = time.monotonic() + timeout
        while len(found := self.matching(predicate)) < number:
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitFailed(
                    f"waited {timeout:g} s in vain for {number} frames at {self.where}: "
                    f"{len(found)} of {len(self._frames)} received ones match",
                    self._evidence() if self._evidence else "",
                )
            select.select([self], [], [], left)
        return found

    def _take(self) -> None:
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_LARGEST_FRAME, 256)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    raise
                continue  # said once when the interface is or goes down; frames may still be queued
            if self._station is None or data[0] & 1 or data[:6] == self._station:
                self._frames.append(_restore(data, ancillary))
        # Reading the statistics sets them back to zero.
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        if dropped := _STATISTICS.unpack(statistics)[1]:
            raise CaptureOverrun(f"{dropped} frames lost by the capture at {self.where}")


def _open(interface: str) -> socket.socket:
    # Protocol 0 receives nothing until bind: no frame of another interface slips in.
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    opened.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
    opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    opened.setblocking(False)
    opened.bind((interface, _ETH_P_ALL))
    return opened


def _restore(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> Captured:
    """Put the outermost VLAN tag back, which the kernel delivers beside the frame."""
    arrived = time.time()
    for level, kind, value in ancillary:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = _AUXDATA.unpack(value[: _AUXDATA.size])
            if status & _STATUS_VLAN_VALID:
                ethertype = tpid if status & _STATUS_TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", ethertype, tci) + data[12:]
        elif level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            arrived = seconds + nanoseconds / 1e9
    return Captured(arrived, data)
