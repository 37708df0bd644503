"""Many remote stations whose IP addresses the NVC writes, beside as many without."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import Overlay, placed, samples_of
from sim.bench.scenario import PATIENCE, Scenario
from sim.bench.traffic import wait_for_all
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.wire.ovsdb import Operation, as_text, transact_text

_SERIES = 0xA2


class WithoutIps(Scenario):
    """As many remote stations as the size, in one transaction.

    With and without addresses have labs of their own: a lab whose stations were all deleted has
    no tunnel any more, and another application would be measured.
    """

    KINDS: tuple[str, ...] = ("without-ips",)

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.stations

    @property
    def emulator_most(self) -> int:
        """It reads no ipaddr."""
        return 0

    def measure(self, lab: Lab, size: int) -> None:
        """Write all rows, until frames for the last one take the tunnel."""
        path = lab.vtep.folder / "db.sock"
        with Watcher(path) as connection, ThreadPoolExecutor(1) as pool:
            overlay = Overlay(lab, connection)
            text = as_text(*self._rows(size, overlay.switch, overlay.locator))
            samples = samples_of(rows.macs(size, _SERIES))
            with lab.hypervisor.capture_underlay() as there:
                begun = time.time()
                answer = pool.submit(transact_text, path, text)
                done = wait_for_all(lab.vm1, samples, there, PATIENCE)
                answer.result()
            self.results.add(self.KINDS[0], OURS, size, done - begun)
        self.keep_dump(lab, size)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Write the same rows, read them and add the flows."""
        text = as_text(*self._rows(size, *floor.add_ground()))
        flows, groups = self.dump(size)
        seconds = floor.transaction(text) + floor.reading() + floor.adding(flows, groups)
        self.results.add(self.KINDS[0], FLOOR, size, seconds)

    def _rows(self, size: int, switch: rows.Reference, locator: rows.Reference) -> list[Operation]:
        return placed(rows.macs(size, _SERIES), switch, locator, self._ips(size))

    def _ips(self, size: int) -> list[str] | None:
        return None


class WithIps(WithoutIps):
    """The same stations, each with an address; measured after those without."""

    KINDS = ("with-ips", "ips-factor")

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Measure the floor, and then how much farther from it the addresses are."""
        super().measure_floor(floor, size)
        more, less = (
            self.results.times_floor(each.KINDS[0], size) for each in (WithIps, WithoutIps)
        )
        if more and less:
            self.results.add("ips-factor", OURS, size, more / less)

    def _ips(self, size: int) -> list[str]:
        return rows.ips(size)
