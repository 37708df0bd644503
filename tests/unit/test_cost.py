"""What the process costs: counters, memory, and how long its work takes."""

from vtep_ofapp.commands.memory_show import _process
from vtep_ofapp.values.events import Disconnected, LockIs
from vtep_ofapp.values.rows import Gone

from .app import App
from .asking import Asking
from .builders import FAR, MAC2, RED, remote_mac

STATUS = """Name:\tosken-manager
VmHWM:\t   90000 kB
VmRSS:\t   81920 kB
Threads:\t3
"""


def test_stopwatches(app: App) -> None:
    connection = app.start()
    app.tell(Gone(RED))
    app.turn(connection.done())
    rows = {
        (row["work"], row["of"]): row for row in Asking(app).json("stopwatch/show")["stopwatches"]
    }
    assert {work for work, of in rows if of is None} == {
        "turn", "read_back", "bundle", "row_to_flow",
    }  # fmt: skip
    assert ("transaction", "hardware_vtep") in rows
    bundle = rows["bundle", None]
    assert bundle["samples"] == 2
    assert bundle["min_ms"] <= bundle["mean_ms"] <= bundle["max_ms"]
    assert bundle["p50_ms"] <= bundle["p99_ms"] <= bundle["max_ms"]
    assert rows["transaction", "Open_vSwitch"]["p50_ms"] is None


def test_counters_of_a_switch_and_of_the_process(app: App) -> None:
    connection = app.start()
    counters = Asking(app).json("counters")
    assert counters["bundles"] == 1
    assert counters["failed_turns"] == 0
    assert set(counters["packet_ins"]) == {"taken", "repeated", "dropped"}
    switch = counters["switches"][0]
    assert switch["connections"] == 1
    assert "flow_mods" in switch
    databases = {row["database"]: row for row in counters["databases"]}
    assert set(databases) == {"hardware_vtep", "Open_vSwitch"}
    drops = {row["reason"] for row in counters["dropped_frames"]}
    assert "unknown-sender" in drops
    app.turn(Disconnected(connection), LockIs(False))
    assert "flow_mods" not in Asking(app).json("counters")["switches"][0]


def test_memory(app: App) -> None:
    app.start()
    app.tell(remote_mac(MAC2, FAR))
    memory = Asking(app).json("memory/show")
    assert memory["resident_bytes"] > 1 << 20
    assert memory["waiting_events"] == 0
    assert {"row_kind": "RemoteMac", "number": 1} in memory["rows"]
    switch = memory["switches"][0]
    assert switch["flows_wanted"] > switch["flows_installed"] > 8
    assert sum(row["number"] for row in memory["owners"] if row["bridge"] == "br0") > 3
    assert len(Asking(app).text("memory/show").splitlines()) < 60


def test_figures_of_a_process() -> None:
    assert _process(STATUS) == {
        "resident_bytes": 81920 * 1024,
        "greatest_resident_bytes": 90000 * 1024,
        "threads": 3,
    }
