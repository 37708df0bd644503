"""What is measured: each kind of figure, its target, and who it is measured of."""

from __future__ import annotations

from sim.bench.measure import (
    EMULATOR,
    FLOOR,
    OURS,
    SMALLEST,
    Kind,
    Target,
    percentile_99,
)

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
        "NVC restarts: all rows deleted, and written again with another locator → the last one "
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
