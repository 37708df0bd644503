"""Many logical switches at once, each with a VLAN of a port and a remote station."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import samples_of
from sim.bench.scenario import PATIENCE, Scenario
from sim.bench.traffic import wait_for_all
from sim.lab.guide import Lab
from sim.wire.ovsdb import Operation, as_text, transact_text

_SERIES = 0xE0
_VLANS = 4094
"""VLANs 1 to that of p0; further logical switches take VLANs of p1."""


class Switches(Scenario):
    """As many logical switches as the size, written in one transaction."""

    KINDS = ("switches",)

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.switches

    @property
    def emulator_most(self) -> int:
        """It makes three in a second."""
        return 16

    def measure(self, lab: Lab, size: int) -> None:
        """Write all, and wait until the stations of some can be reached, the last among them."""
        text = as_text(*_operations(size, lab.hypervisor.underlay_ip))
        path = lab.vtep.folder / "db.sock"
        # Those of p1 are few, and vm1 has no way there.
        probed = min(size, _VLANS)
        macs = rows.macs(probed, _SERIES)
        vlans = {mac: (vlan,) for vlan, mac in enumerate(macs, 1)}
        destinations = [(mac, vlans[mac]) for mac, _ in samples_of(macs)]
        with lab.hypervisor.capture_underlay() as there, ThreadPoolExecutor(1) as pool:
            begun = time.time()
            answer = pool.submit(transact_text, path, text)
            done = wait_for_all(lab.vm1, destinations, there, PATIENCE)
            answer.result()
        self.results.add("switches", lab.app.NAME, size, done - begun)
        if lab.app.NAME == OURS:
            self.keep_dump(lab, size)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Write the same rows, read them, add the flows."""
        flows, groups = self.dump(size)
        floor.add_physical_ports("p0", "p1")
        seconds = floor.transaction(as_text(*_operations(size, "10.2.2.9")))
        seconds += floor.reading() + floor.adding(flows, groups)
        self.results.add("switches", FLOOR, size, seconds)


def _operations(size: int, address: str) -> list[Operation]:
    operations = [rows.locator("far", address)]
    bindings: dict[str, list[list[object]]] = {"p0": [], "p1": []}
    for number, mac in enumerate(rows.macs(size, _SERIES)):
        name = f"ls{number}"
        operations.append(rows.insert("Logical_Switch", name, name=name, tunnel_key=1000 + number))
        operations.append(rows.station(mac, rows.named(name), rows.named("far")))
        port, vlan = divmod(number, _VLANS)
        bindings[f"p{port}"].append([vlan + 1, rows.named(name)])
    return operations + [
        rows.update("Physical_Port", "name", port, vlan_bindings=["map", bound])
        for port, bound in bindings.items()
    ]
