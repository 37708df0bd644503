"""``fault/show``: all that is wrong now, also what is not logged yet."""

from collections.abc import Sequence

from ..loop.fault_log import Standing
from ..values.faults import FaultEntry
from .answer import Answer, Blocks, Content
from .command import Command, Running


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    now = running.components.timers.clock()
    faults = running.components.faults.standing()
    return Answer({"faults": Blocks([_fault(each, now) for each in faults])})


def _fault(standing: Standing, now: float) -> Content:
    fault = standing.fault
    return {
        "fault": str(fault),
        "shown_to_nvc": _shown(fault.entry) if fault.entry else None,
        "standing_for_s": int(now - standing.since),
        "is_logged": not standing.is_early,
        "is_information": fault.is_information,
    }


def _shown(entry: FaultEntry) -> Content:
    row = entry.row
    return {
        "word": entry.word.value,
        "column": row.table.column,
        "table": row.table.value,
        "row": str(row.uuid),
    }


COMMANDS = (
    Command(
        "fault/show",
        "",
        "Print what is wrong now, since when, and what of it the NVC is shown.",
        _show,
    ),
)
