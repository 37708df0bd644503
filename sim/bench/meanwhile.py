"""New hosts that appear while the databases have a lot to do, and how long their rows take."""

from __future__ import annotations

import itertools
import threading
import time
from types import TracebackType

from sim.bench import rows
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import Overlay
from sim.bench.watcher import Watcher
from sim.wire.frames import probe

_INTERVAL = 0.04
_LEAST = 20
_SERIES = 0xC0


class Meanwhile:
    """While the block runs, new hosts send their first frames; beside each, a client writes a row.

    That row is one of Arp_Sources_Local, which no controller reads: its latency is that of
    ovsdb-server alone at that moment.
    """

    def __init__(self, overlay: Overlay) -> None:
        """Let vm2 send."""
        self._overlay = overlay
        self._frames: dict[str, float] = {}
        self._written: dict[int, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meanwhile")
        self._path = overlay.lab.vtep.folder / "db.sock"
        self._latencies: dict[str, list[tuple[float, float]]] = {}

    def __enter__(self) -> Meanwhile:
        """Begin."""
        self._watcher = Watcher(self._path)
        self._writer = Watcher(self._path)
        self._watcher.watch_stations("Ucast_Macs_Local")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and wait for all rows. Raises WaitFailed."""
        self._stopping.set()
        self._thread.join()
        with self._watcher, self._writer:
            if error is None:
                self._latencies = {
                    OURS: [(at, self._watcher.appeared(mac)) for mac, at in self._frames.items()],
                    FLOOR: [
                        (at, self._writer.result(each)[1]) for each, at in self._written.items()
                    ],
                }

    def go_on(self) -> None:
        """Return when enough more of them have come for a figure."""
        self._stopping.wait(_LEAST * _INTERVAL)

    def latencies(self, since: float = 0) -> dict[str, list[float]]:
        """Return milliseconds of the hosts, and of the other client, that began after a moment."""
        return {
            subject: [(end - begin) * 1000 for begin, end in pairs if begin > since]
            for subject, pairs in self._latencies.items()
        }

    def _run(self) -> None:
        vm, target = self._overlay.lab.vm2, self._overlay.lab.vm1.mac
        for number in itertools.count():
            mac = f"02:{_SERIES:02x}:" + number.to_bytes(4, "big").hex(":")
            frame = bytes(probe(mac, target).frame)
            self._frames[mac] = time.time()
            vm.send(frame)
            row = rows.insert("Arp_Sources_Local", src_mac=mac, locator=self._overlay.locator)
            begun = time.time()
            self._written[self._writer.post(row)] = begun
            if self._stopping.wait(_INTERVAL):
                return
