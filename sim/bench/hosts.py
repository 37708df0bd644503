"""Many new hosts behind one port that send their first frames within seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import Overlay
from sim.bench.scenario import Scenario
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.wire.frames import probe
from sim.wire.ovsdb import as_text

_SERIES = 0xD0
_SOURCE = slice(6, 12)
"""Where the source address is in a frame."""
_STALLED = 10.0
"""Seconds without a further row, after which the rest counts as missing."""


class Hosts(Scenario):
    """As many new hosts as the size."""

    KINDS = ("hosts", "hosts-after", "hosts-missing", "hosts-unheard")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.hosts

    @property
    def emulator_most(self) -> int:
        """A hundred, for which the emulator takes more than a second."""
        return 100

    def measure(self, lab: Lab, size: int) -> None:
        """Send one frame of each host, and wait for the rows.

        Frames that the switch neither forwards nor sends to the controller were lost before it.
        """
        subject = lab.app.NAME
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            Overlay(lab, connection)
            connection.watch_stations("Ucast_Macs_Local")
            macs = rows.macs(size, _SERIES)
            frames = [bytes(probe(mac, lab.vm2.mac).frame) for mac in macs]
            with lab.vm2.capture() as receiver:
                first, last = self._offer(lab, frames)
                appeared = _wait_for_rows(connection, macs)
        forwarded = {frame.data[_SOURCE] for frame in receiver.frames}
        heard = {mac for mac in macs if bytes.fromhex(mac.replace(":", "")) in forwarded}
        self.results.add("hosts-missing", subject, size, len(heard - appeared.keys()))
        self.results.add("hosts-unheard", subject, size, size - len(heard | appeared.keys()))
        if appeared:
            self.results.add("hosts", subject, size, max(appeared.values()) - first)
            self.results.add("hosts-after", subject, size, max(appeared.values()) - last)
        if subject == OURS:
            self.keep_dump(lab, size)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Write the same rows at once, and the flows."""
        switch, far = floor.add_ground()
        flows, groups = self.dump(size)
        macs = rows.macs(size, _SERIES)
        stations = [rows.station(mac, switch, far, "Ucast_Macs_Local") for mac in macs]
        seconds = floor.transaction(as_text(*stations)) + floor.adding(flows, groups)
        self.results.add("hosts", FLOOR, size, seconds)

    def _offer(self, lab: Lab, frames: Sequence[bytes]) -> tuple[float, float]:
        """Send frames at the plan's rate; return when the first and the last were sent."""
        begun = time.time()
        for number, frame in enumerate(frames):
            due = begun + number / self.plan.host_rate
            if (early := due - time.time()) > 0:
                time.sleep(early)
            lab.vm1.send(frame)
        return begun, time.time()


def _wait_for_rows(connection: Watcher, macs: Sequence[str]) -> dict[str, float]:
    """Return when the rows came, as soon as all have or none has come for some time."""
    wanted = set(macs)
    number, deadline = -1, 0.0
    while True:
        appeared = {mac: at for mac, at in connection.stations().items() if mac in wanted}
        now = time.monotonic()
        if len(appeared) > number:
            number, deadline = len(appeared), now + _STALLED
        if number == len(wanted) or now > deadline:
            return appeared
        time.sleep(0.05)
