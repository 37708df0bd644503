"""Many remote VTEPs to which one logical switch floods, each frame to each of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.scenario import Scenario
from sim.bench.traffic import outer_destination
from sim.bench.watcher import Watcher
from sim.lab.capture import Capture
from sim.lab.guide import Lab
from sim.lab.network import VNI
from sim.waiting import WaitFailed
from sim.wire.frames import BROADCAST, probe
from sim.wire.ovsdb import Operation, as_text

_NETWORK = "10.3.0.0/16"
_QUARTERS = 4
_STEPS_OF_MANY = 5
"""In how many steps a quarter of the VTEPs is added, if it has as many."""
_PATIENCE = 60.0
_PER_COPY = 0.0001
"""Seconds between probes for each copy of them, so that the switch has time for other things."""


class Vteps(Scenario):
    """As many VTEPs as the size, added in steps; each step replaces the set by a larger one."""

    KINDS = ("vteps", "vtep")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.vteps

    @property
    def emulator_most(self) -> int:
        """It takes more than a second for each."""
        return 16

    def measure(self, lab: Lab, size: int) -> None:
        """Add all, step by step, and wait each time until a broadcast reaches the new ones."""
        subject = lab.app.NAME
        far = _addresses(size)
        # All of them are behind one router: the hypervisor, who is none of them.
        gateway = lab.hypervisor.underlay_ip
        lab.vtep.appctl("ovs/route/add", _NETWORK, lab.vtep.UNDERLAY_BRIDGE, gateway)
        begun = time.time()
        try:
            with Watcher(lab.vtep.folder / "db.sock") as connection:
                group = _Group(lab, connection)
                for end, step in _steps(far):
                    self._add_cost(subject, size, end, group.add(step) / len(step))
            self.results.add("vteps", subject, size, time.time() - begun)
        finally:
            # The floor of what should have been is worth knowing even if some are not reached.
            if subject == OURS:
                self.keep_dump(lab, size)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Write the same rows at once, read them, make the ports, add the flows."""
        flows, groups = self.dump(size)
        far = _addresses(size)
        switch, _ = floor.add_ground()
        names = [f"far{number}" for number in range(size)]
        seconds = floor.transaction(
            as_text(
                *(rows.locator(name, address) for name, address in zip(names, far, strict=True)),
                *_replication(switch, map(rows.named, names)),
            )
        )
        seconds += floor.reading() + floor.adding(flows, groups)
        for end, step in _steps(far):
            plugging = floor.plugging(step)
            seconds += plugging
            self._add_cost(FLOOR, size, end, plugging / len(step))
        self.results.add("vteps", FLOOR, size, seconds)

    def _add_cost(self, subject: str, size: int, number: int, seconds: float) -> None:
        """Note what each VTEP of a step has cost, under the number at the end of its quarter."""
        if self.is_due("vtep", subject, size):
            self.results.add("vtep", subject, number, seconds * 1000)


class _Group:
    """unknown-dst of a logical switch, which grows."""

    def __init__(self, lab: Lab, connection: Watcher) -> None:
        """Make the logical switch, with vm1."""
        self._lab = lab
        self._connection = connection
        self._locators: list[rows.Reference] = []
        results = connection.transact(
            rows.insert(
                "Logical_Switch", "ls", name="ls0", tunnel_key=VNI, replication_mode="source_node"
            ),
            rows.update(
                "Physical_Port", "name", "p0", vlan_bindings=["map", [[0, rows.named("ls")]]]
            ),
        )
        self._switch = results[0]["uuid"]

    def add(self, addresses: Sequence[str]) -> float:
        """Add VTEPs; return the seconds until a broadcast of vm1 has reached each of them."""
        names = [f"far{number}" for number in range(len(addresses))]
        new = map(rows.locator, names, addresses)
        members = [*self._locators, *map(rows.named, names)]
        with self._lab.hypervisor.capture_underlay() as there:
            begun = time.time()
            results = self._connection.transact(
                *new, rows.delete("Mcast_Macs_Remote"), *_replication(self._switch, members)
            )
            self._locators += [result["uuid"] for result in results[: len(addresses)]]
            return self._reach(there, addresses) - begun

    def _reach(self, there: Capture, addresses: Sequence[str]) -> float:
        """Return when the last of the addresses got its first frame. Raises WaitFailed."""
        vm = self._lab.vm1
        frame = bytes(probe(vm.mac, BROADCAST).frame)
        waiting = set(addresses)
        deadline = time.monotonic() + _PATIENCE
        seen, last = 0, 0.0
        while waiting:
            if time.monotonic() > deadline:
                raise WaitFailed(
                    f"waited {_PATIENCE:g} s in vain: of {len(self._locators)} VTEPs, "
                    f"{len(waiting)} were not reached"
                )
            vm.send(frame)
            time.sleep(max(0.001, _PER_COPY * len(self._locators)))
            news = there.frames[seen:]
            seen += len(news)
            for each in news:
                if (address := outer_destination(each)) in waiting:
                    waiting.discard(address)
                    last = each.time
        return last


def _addresses(number: int) -> list[str]:
    return [f"10.3.{1 + each // 250}.{1 + each % 250}" for each in range(number)]


def _steps(far: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield parts of the addresses, each with the number at the end of its quarter."""
    quarter = len(far) // _QUARTERS
    step = max(1, quarter // _STEPS_OF_MANY)
    for end in range(quarter, len(far) + 1, quarter):
        for begin in range(end - quarter, end, step):
            yield end, far[begin : min(begin + step, end)]


def _replication(
    switch: rows.Reference, members: Iterator[rows.Reference] | Sequence[rows.Reference]
) -> list[Operation]:
    """Return the operations that flood unknown destinations to all members."""
    return [
        rows.insert("Physical_Locator_Set", "all", locators=rows.as_set(members)),
        rows.insert(
            "Mcast_Macs_Remote",
            MAC="unknown-dst",
            logical_switch=switch,
            locator_set=rows.named("all"),
        ),
    ]
