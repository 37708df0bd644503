"""How fast the application is: beside Open vSwitch's emulator, and beside the floor.

The floor is what Open vSwitch's own tools and daemons need for the same data. All three are
measured in the same run on the same machine, black box: on the wire and in the databases. Figures
of ours and of the emulator include everything between the cause and the first frame or row that
shows the effect.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from sim.bench import plot, table
from sim.bench.bulk import Bulk
from sim.bench.hosts import Hosts
from sim.bench.measure import (
    EMULATOR,
    FLOOR,
    OURS,
    SMALLEST,
    Kind,
    Results,
    Target,
    percentile_99,
)
from sim.bench.plan import Plan
from sim.bench.scenario import Scenario
from sim.bench.switches import Switches
from sim.bench.vteps import Vteps

_MANY = 100_000
_ALL = {OURS: "all", EMULATOR: "all", FLOOR: "all"}
_EMULATOR_ONCE = {OURS: "all", EMULATOR: "smallest", FLOOR: "all"}
_MEANWHILE = {OURS: "largest", FLOOR: "largest"}
_IDLE = {OURS: "ends", EMULATOR: "smallest"}
_READING_ADDING = "ovsdb-client dump, ovs-ofctl --bundle add-flows"

KINDS = (
    Kind(
        "react",
        "row of Ucast_Macs_Remote written → first frame follows it",
        "ms",
        floor="row written → another client has it; one flow and a barrier",
        targets=(Target(5), Target(2, SMALLEST)),
        where=_EMULATOR_ONCE,
        is_plotted=True,
    ),
    Kind(
        "new-tunnel",
        "the same, towards a new address",
        "ms",
        where={OURS: "smallest", EMULATOR: "smallest"},
    ),
    Kind(
        "gone",
        "that row deleted → first frame goes elsewhere",
        "ms",
        where={OURS: "all", EMULATOR: "smallest"},
    ),
    Kind(
        "learn",
        "first frame of a new host → its row in Ucast_Macs_Local",
        "ms",
        floor="row written → another client has it",
        targets=(Target(8), Target(2, SMALLEST)),
        where=_EMULATOR_ONCE,
        is_plotted=True,
    ),
    Kind(
        "arrival",
        "remote MACs in one transaction → the last one forwards",
        "s",
        floor=f"transaction, {_READING_ADDING}",
        targets=(Target(2, FLOOR, _MANY),),
        where=_ALL,
        is_plotted=True,
    ),
    Kind(
        "cold-start",
        "started beside remote MACs and an empty switch → the last one forwards",
        "s",
        floor=_READING_ADDING,
        targets=(Target(2.5, FLOOR, _MANY),),
        where=_ALL,
        is_plotted=True,
    ),
    Kind(
        "warm-start",
        "started beside remote MACs that the switch has → a row that came meanwhile forwards",
        "s",
        floor="ovsdb-client dump, ovs-ofctl dump-flows",
        targets=(Target(2.5, FLOOR, _MANY),),
        where=_ALL,
        is_plotted=True,
    ),
    Kind(
        "re-sent",
        "flows that this start changed without need",
        "flows",
        targets=(Target(0),),
        where={OURS: "all"},
    ),
    Kind(
        "meanwhile",
        "while they arrive, after the server's answer: new host → row",
        "ms",
        floor="another client's row at the same time",
        targets=(Target(250),),
        where=_MEANWHILE,
        figure=percentile_99,
        how="p99",
    ),
    Kind(
        "meanwhile-all",
        "the same from the beginning; ovsdb-server answers nobody until the transaction is done",
        "ms",
        floor="another client's row at the same time",
        where=_MEANWHILE,
        figure=percentile_99,
        how="p99",
    ),
    Kind(
        "sessions",
        "sessions dropped while all rows come, move and go, and the VNI changes",
        "sessions",
        targets=(Target(0),),
        where={OURS: "all"},
        figure=sum,
        how="sum",
    ),
    Kind(
        "new-key",
        "VNI of the logical switch changed → the last remote MAC has it",
        "ms",
        where={OURS: "all"},
    ),
    Kind(
        "rewriting",
        "NVC restarts: all rows deleted, and written anew with another locator → the last one "
        "forwards",
        "s",
        floor=f"both transactions, {_READING_ADDING}",
        where=_ALL,
    ),
    Kind(
        "deletion",
        "all rows deleted → the last one is flooded",
        "s",
        floor="transaction, ovs-ofctl del-flows",
        where=_ALL,
    ),
    Kind(
        "hosts",
        "new hosts, 5,000 in a second: first frame → all rows there",
        "s",
        floor="transaction, ovs-ofctl --bundle add-flows",
        where=_ALL,
    ),
    Kind(
        "hosts-after",
        "the same, from the last frame",
        "s",
        targets=(Target(1),),
        where={OURS: "all", EMULATOR: "all"},
    ),
    Kind(
        "hosts-missing",
        "rows that never came, of hosts whose frames the switch forwarded",
        "rows",
        targets=(Target(0),),
        where={OURS: "all", EMULATOR: "all"},
    ),
    Kind(
        "hosts-unheard",
        "hosts whose frames were lost on their way into the switch",
        "hosts",
        where={OURS: "all", EMULATOR: "all"},
    ),
    Kind(
        "switches",
        "logical switches, each with a binding and a remote MAC, in one transaction → the last "
        "one forwards",
        "s",
        floor=f"transaction, {_READING_ADDING}",
        targets=(Target(3, FLOOR, 4_096),),
        where=_ALL,
    ),
    Kind(
        "vteps",
        "remote VTEPs that a logical switch floods to (source_node), in steps → each is reached",
        "s",
        floor="transaction, ovsdb-client dump, ovs-vsctl add-port, ovs-ofctl --bundle add-flows",
        where=_ALL,
    ),
    Kind(
        "vtep",
        "the same, for each VTEP that is added up to that number",
        "ms",
        floor="ovs-vsctl add-port",
        targets=(Target(2, SMALLEST),),
        where={OURS: "largest", FLOOR: "largest"},
    ),
    Kind(
        "idle-cpu",
        "idle: time of one core",
        "%",
        targets=(Target(1),),
        where=_IDLE,
    ),
    Kind(
        "idle-transactions",
        "idle: transactions",
        "transactions",
        targets=(Target(0),),
        where=_IDLE,
    ),
    Kind(
        "idle-flows",
        "idle: flow changes",
        "flows",
        targets=(Target(0),),
        where={OURS: "ends"},
    ),
    Kind(
        "memory",
        "memory after arrival and after the cold start",
        "MB",
        targets=(Target(400),),
        where=_IDLE,
        figure=max,
        how="most",
    ),
)
"""Everything that is measured."""

SCENARIOS: tuple[type[Scenario], ...] = (Bulk, Hosts, Switches, Vteps)


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
    for scenario in SCENARIOS:
        scenario(name, plan, results).run()
    return results


def _machine(load: Sequence[float]) -> str:
    before, after = load
    cores = os.cpu_count()
    return f"{cores} cores; load average {before:.1f} before and {after:.1f} after the run."
