"""What a controller costs while nothing happens: time, memory, messages."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from sim.bench.watcher import Watcher
from sim.lab.app import Controller
from sim.lab.vtep import Vtep
from sim.waiting import wait_until

_TICKS = os.sysconf("SC_CLK_TCK")

_CONFIGURATION = {
    "Bridge": ["controller", "fail_mode", "ports"],
    "Controller": ["connection_mode", "max_backoff", "target"],
    "Port": ["external_ids", "interfaces", "name"],
    "Interface": ["bfd", "external_ids", "name", "options", "type"],
}
"""Columns of Open_vSwitch that controllers write; the daemon writes others all the time."""

_QUIET = 1.0


@dataclass(frozen=True)
class Rest:
    """What happened during a rest."""

    cpu: float
    """Percent of one core."""
    transactions: int
    """Transactions in hardware_vtep or in the configuration of Open_vSwitch."""
    flow_changes: int


def rest(vtep: Vtep, settling: float, seconds: float) -> Rest:
    """Return what happened within some seconds, after another time to settle in."""
    path = vtep.folder / "db.sock"
    with (
        FlowMonitor(vtep) as flows,
        Watcher(path) as hardware_vtep,
        Watcher(path, "Open_vSwitch") as open_vswitch,
    ):
        hardware_vtep.monitor_all()
        open_vswitch.monitor(_CONFIGURATION)
        time.sleep(settling + _QUIET)
        before = _cpu_seconds(vtep.app), flows.changes
        updates = hardware_vtep.updates + open_vswitch.updates
        begun = time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - begun
        return Rest(
            (_cpu_seconds(vtep.app) - before[0]) / passed * 100,
            hardware_vtep.updates + open_vswitch.updates - updates,
            flows.changes - before[1],
        )


def memory(controller: Controller) -> float:
    """Return the megabytes (10^6) that a process has in memory. Raises RuntimeError."""
    for line in Path(f"/proc/{controller.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"{controller.NAME} has ended")


class FlowMonitor:
    """Every change of the flows of a VTEP's bridge while the block runs, by any controller.

    A flow that is sent again without need counts, too.
    """

    def __init__(self, vtep: Vtep) -> None:
        """Prepare to monitor br0."""
        self._vtep = vtep
        self._log = vtep.folder / "flow-monitor.log"

    def __enter__(self) -> FlowMonitor:
        """Start the monitor."""
        self._log.unlink(missing_ok=True)
        monitor = ["ovs-ofctl", "monitor", self._vtep.bridge, "watch:!initial"]
        self._process = self._vtep.namespace.spawn(monitor, self._log, env=self._vtep.env)
        wait_until(lambda: "FLOW_MONITOR reply" in self._log.read_text(), "the flow monitor")
        return self

    def __exit__(self, *_: object) -> None:
        """End the monitor."""
        self._process.terminate()
        self._process.wait()

    @property
    def changes(self) -> int:
        """How many flows were added, changed or deleted so far."""
        return self._log.read_bytes().count(b" event=")

    def wait_until_quiet(self) -> None:
        """Return when nothing has changed for a second."""
        before = -1
        while (now := self.changes) != before:
            before = now
            time.sleep(_QUIET)


def _cpu_seconds(controller: Controller) -> float:
    """Return the time that a process and its ended children have had. Raises RuntimeError."""
    with contextlib.suppress(FileNotFoundError):
        fields = Path(f"/proc/{controller.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    raise RuntimeError(f"{controller.NAME} has ended")
