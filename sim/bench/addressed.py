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
from sim.wire.ovsdb import as_text, transact_text

_SERIES = 0xA2
_WITH, _WITHOUT = "with-ips", "without-ips"


class Addressed(Scenario):
    """As many remote stations as the size, without ipaddr, and then with it."""

    KINDS = (_WITHOUT, _WITH, "ips-factor")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.stations

    @property
    def emulator_most(self) -> int:
        """It reads no ipaddr."""
        return 0

    def measure(self, lab: Lab, size: int) -> None:
        """Write all in one transaction; delete them, and write them again with addresses."""
        macs = rows.macs(size, _SERIES)
        path = lab.vtep.folder / "db.sock"
        with Watcher(path) as connection, ThreadPoolExecutor(1) as pool:
            overlay = Overlay(lab, connection)
            # A locator that nothing refers to is collected.
            anchor = rows.insert("Arp_Sources_Local", src_mac=macs[0], locator=overlay.locator)
            connection.transact(anchor)
            for name, ips in ((_WITHOUT, None), (_WITH, rows.ips(size))):
                text = as_text(*placed(macs, overlay.switch, overlay.locator, ips))
                with lab.hypervisor.capture_underlay() as there:
                    begun = time.time()
                    answer = pool.submit(transact_text, path, text)
                    done = wait_for_all(lab.vm1, samples_of(macs), there, PATIENCE)
                    answer.result()
                self.results.add(name, OURS, size, done - begun)
                self.keep_dump(lab, size, name)
                with lab.service_node.capture_underlay() as elsewhere:
                    connection.transact(rows.delete("Ucast_Macs_Remote"))
                    wait_for_all(lab.vm1, samples_of(macs), elsewhere, PATIENCE)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Write the same rows, read them and add the flows, in the same order."""
        ground = floor.add_ground()
        macs = rows.macs(size, _SERIES)
        for name, ips in ((_WITHOUT, None), (_WITH, rows.ips(size))):
            flows, groups = self.dump(size, name)
            seconds = floor.transaction(as_text(*placed(macs, *ground, ips)))
            seconds += floor.reading() + floor.adding(flows, groups)
            self.results.add(name, FLOOR, size, seconds)
            floor.transaction(as_text(rows.delete("Ucast_Macs_Remote")))
            floor.clear()
        more, less = (self.results.times_floor(name, size) for name in (_WITH, _WITHOUT))
        if more and less:
            self.results.add("ips-factor", OURS, size, more / less)
