"""Many new hosts behind one port that send an ARP request each, all at once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.meanwhile import Meanwhile
from sim.bench.measure import OURS
from sim.bench.overlay import Overlay
from sim.bench.scenario import PATIENCE, Scenario
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.waiting import WaitFailed
from sim.wire.frames import arp_request

_SERIES = 0xD1
_ASKED = "10.255.255.1"
"""Whom they ask for; nobody has it."""
_INTERVAL, _AGAIN = 0.05, 1.0
"""Seconds between two looks at the rows, and between two requests of one host."""


class Speakers(Scenario):
    """As many new hosts as the size behind p0, while others appear behind p1."""

    KINDS = ("arp", "arp-meanwhile")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.speakers

    @property
    def emulator_most(self) -> int:
        """It reads no ARP."""
        return 0

    def measure(self, lab: Lab, size: int) -> None:
        """Send a request of each host, again each second while its address is not there.

        Open vSwitch drops what it cannot queue for the application.
        """
        hosts = zip(rows.macs(size, _SERIES), rows.ips(size), strict=True)
        waiting = {mac: bytes(arp_request(mac, ip, _ASKED)) for mac, ip in hosts}
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            with Meanwhile(Overlay(lab, connection)) as meanwhile:
                begun = time.monotonic()
                while waiting:
                    if time.monotonic() > begun + PATIENCE:
                        raise WaitFailed(f"waited {PATIENCE:g} s in vain for {len(waiting)} hosts")
                    for frame in waiting.values():
                        lab.vm1.send(frame)
                    _wait(connection, waiting, _AGAIN)
                self.results.add("arp", OURS, size, time.monotonic() - begun)
                meanwhile.go_on()
            for subject, samples in meanwhile.latencies().items():
                self.results.add("arp-meanwhile", subject, size, *samples)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """It is measured beside the application."""


def _wait(connection: Watcher, waiting: dict[str, bytes], seconds: float) -> None:
    """Remove the hosts whose addresses are in Ucast_Macs_Local, until all are or time is up."""
    query = {"op": "select", "table": "Ucast_Macs_Local", "where": [], "columns": ["MAC", "ipaddr"]}
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        time.sleep(_INTERVAL)
        for row in connection.transact(query)[0]["rows"]:
            if row["ipaddr"]:
                waiting.pop(row["MAC"], None)
