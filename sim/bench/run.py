"""The run: every scenario, one after the other, and the table at the end."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from sim.bench import plot, table
from sim.bench.access_lists import AccessLists
from sim.bench.addressed import WithIps, WithoutIps
from sim.bench.bulk import Bulk
from sim.bench.datapath import Datapath
from sim.bench.hosts import Hosts
from sim.bench.kinds import KINDS
from sim.bench.measure import Results
from sim.bench.plan import Plan
from sim.bench.routed_frames import RoutedFrames
from sim.bench.routing import ManyRouters, OneRouter
from sim.bench.scenario import Scenario
from sim.bench.speakers import Speakers
from sim.bench.switches import Switches
from sim.bench.vteps import Vteps
from sim.progress import doing

SCENARIOS: tuple[type[Scenario], ...] = (
    Bulk,
    Hosts,
    Switches,
    Vteps,
    AccessLists,
    WithoutIps,
    WithIps,
    Datapath,
    RoutedFrames,
    ManyRouters,
    OneRouter,
    Speakers,
)


def run(
    name: str,
    plan: Plan,
    only: Collection[str] = (),
    *,
    output: Path | None = None,
    json_file: Path | None = None,
    plot_file: Path | None = None,
) -> int:
    """Measure and print the table; write it, the record and the picture where files are named.

    Return 1 if something could not be measured, else 0. A target that is missed is no failure: the
    table says it. Raises LabBusy.
    """
    load = [os.getloadavg()[0]]
    results = measure(name, plan, only)
    load.append(os.getloadavg()[0])
    measures = list(results.measures())
    text = f"{table.markdown(measures)}\n\n{_machine(load)}\n"
    print(text, end="")
    if output:
        output.write_text(text)
    if json_file:
        record = {"plan": asdict(plan), "load": load, "measures": table.record(measures)}
        json_file.write_text(json.dumps(record, indent=2) + "\n")
    if plot_file:
        plot.draw(measures, plot_file)
    return 1 if results.failed else 0


def measure(name: str, plan: Plan, only: Collection[str] = ()) -> Results:
    """Measure all kinds, or only those of some names; labs of that name come and go.

    Raises LabBusy.
    """
    results = Results(kind for kind in KINDS if not only or kind.name in only)
    scenarios = [scenario(name, plan, results) for scenario in SCENARIOS]
    attempts = [attempt for scenario in scenarios for attempt in scenario.attempts()]
    began = time.monotonic()
    for number, (what, attempt) in enumerate(attempts, start=1):
        place = f"{number} of {len(attempts)}"
        print(f"{what} ({place}, {time.monotonic() - began:.0f} s so far)", file=sys.stderr)
        with doing(f"{place}, {what}"):
            attempt()
    return results


def _machine(load: Sequence[float]) -> str:
    before, after = load
    cores = os.cpu_count()
    return f"{cores} cores; load average {before:.1f} before and {after:.1f} after the run."
