"""What a record holds: a header, and for each turn its time, its events and answers.

A record is a text file, with one JSON object on each line. The header begins a session, the life of
one process; its ``types`` name the fields of all classes. A turn has the events as arrays. An
answer is to a question that the loop asks others at once, such as whether this host has an address.
It is noted when it differs from the last one, after the turn that asked first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.model import Model
from ..features.registry import FEATURES
from ..process.settings import Settings
from ..values import events
from ..values.events import Applied, Connection, Event
from ..values.faults import FaultRow
from ..values.flow_changes import Change
from ..values.listen_address import ListenAddress
from ..values.rows import VtepRow
from .codec import names_of

FORMAT = 1
"""The version of the form of a record; the fields of classes may change without it."""
HEADER = "vtep_ofapp"
"""The first key of a header, which no other line has."""

Question = tuple[Any, ...]
"""Its kind, and what it is about: ("has_address", "10.0.0.1") for example."""


@dataclass(frozen=True, slots=True)
class Header:
    """The process that made a record, and all that its loop was built with.

    ``began`` is the date and time in UTC at which the clock of the loop was ``clock``.
    """

    version: str
    began: str
    clock: float
    settings: Settings
    databases: tuple[str, ...]
    """The names of the Open_vSwitch databases, in their order."""
    listener: ListenAddress


@dataclass(frozen=True, slots=True)
class BundleAnswered:
    """An Applied, with the number of changes in their place: a replay makes the same changes."""

    connection: Connection
    changes: int
    made: bool
    rejected: Sequence[Change]
    is_full: bool

    @classmethod
    def of(cls, event: Applied) -> "BundleAnswered":
        """Return what is recorded of the answer to a bundle."""
        count = len(event.changes)
        return cls(event.connection, count, event.made, event.rejected, event.is_full)


def _events() -> list[type]:
    """Return the types of events, as they are recorded."""
    kinds = [each for each in vars(events).values() if isinstance(each, type)]
    found = [each for each in kinds if issubclass(each, Event) and each not in (Event, Applied)]
    return [*found, BundleAnswered]


def _rows() -> list[type]:
    """Return the types of the rows of hardware_vtep: those that a feature or a report handles."""
    model = Model(FEATURES)
    indexed = {kind for feature in FEATURES for index in feature.indices for kind in index.ROWS}
    handled = {kind for report in model.reports(Settings()) for kind in report.handlers}
    shown = {column.row_type for column in model.feature_tables.fault_columns}
    rows = [each for each in indexed | handled | shown if "uuid" in names_of(each)]
    return sorted(rows, key=lambda kind: kind.__name__)


UNIONS: Mapping[type, Sequence[type]] = {Event: _events(), VtepRow: _rows()}
"""The classes that stand in a record in the place of an abstract one: no other is made."""


def sort_of(write: Any) -> str:
    """Return the sort of a write: databases take either all or none of a sort."""
    row = getattr(write, "row", None)
    table = f" {row.table.value}" if isinstance(row, FaultRow) else ""
    return f"{type(write).__name__}{table}"
