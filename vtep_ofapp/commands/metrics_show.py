"""``metrics/show``: the figures that a monitoring system scrapes; asking costs little."""

import time
from collections.abc import Iterable, Iterator, Sequence

from ..engine.operator_view import Figure
from ..features.drops import Drops
from ..loop.measures import Measures
from ..loop.switch_driver import SwitchDriver
from ..values.histogram import BOUNDS, Histogram
from ..version import VERSION
from .answer import Answer, Blocks, Content, Row, Table
from .command import Command, Running
from .memory_show import process_memory

_FIGURES = ("figure", "meaning")
_DATABASES = ("database", "is_connected", "transactions", "failed")


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    components = running.components
    measures = components.measures
    packet_ins = measures.packet_ins
    figures = components.model.feature_tables.figures
    return Answer(
        {
            "version": VERSION,
            "running_for_s": int(time.time() - running.started),
            "resident_bytes": process_memory()["resident_bytes"],
            "is_ready": components.is_ready,
            "is_paused": running.is_paused,
            "faults": len(components.faults.lasting()),
            "flow_changes": measures.changes,
            "failed_turns": measures.turns.failed,
            "failed_bundles": measures.bundles.failed,
            "packet_ins": {
                "taken": packet_ins.taken,
                "repeated": packet_ins.repeated,
                "dropped": packet_ins.dropped,
            },
            "switches": Blocks(
                [
                    _switch(driver, measures.connections[name], figures)
                    for name, driver in sorted(components.switches.drivers.items())
                ],
                heading=True,
            ),
            "figures": Table(_FIGURES, [(each.name, each.help) for each in figures]),
            "databases": Table(_DATABASES, _databases(running)),
            "bounds_s": BOUNDS,
            "durations": Table(("work", "sum_s", "counts"), _durations(measures)),
        }
    )


def _switch(driver: SwitchDriver, connections: int, figures: Iterable[Figure]) -> Content:
    state, view = driver.switch, driver.switch.view
    return {
        "bridge": state.name,
        "is_connected": driver.connection is not None,
        "connections": connections,
        "flows": len(state.flows.actual),
        "is_settled": state.flows.settled() and state.groups.settled(),
        **{figure.name: figure.value(view) for figure in figures},
        "dropped_frames": {
            reason.value: frames.packets for reason, frames in view[Drops].by_reason.items()
        },
    }


def _databases(running: Running) -> Iterator[Row]:
    works = running.components.measures.transactions
    for name, database in running.components.databases.all().items():
        work = works[name]
        yield name, database.connection is not None, work.seconds.count, work.failed


def _durations(measures: Measures) -> Iterator[Row]:
    """Yield each kind of work with the sum of all durations.

    ``counts`` are how many lasted no longer than each of ``bounds_s``; the last one is of all.
    """
    works: dict[str, Sequence[Histogram]] = {
        "turn": [measures.turns.seconds],
        "bundle": [measures.bundles.seconds],
        "read_back": [measures.read_backs],
        "row_to_flow": [measures.row_to_flow],
        "transaction": [work.seconds for work in measures.transactions.values()],
    }
    for name, histograms in works.items():
        each_has = zip(*(histogram.buckets() for histogram in histograms), strict=True)
        counts = [sum(count for _, count in buckets) for buckets in each_has]
        yield name, sum(histogram.total for histogram in histograms), counts


COMMANDS = (
    Command("metrics/show", "", "Print the figures that a monitoring system scrapes.", _show),
)
