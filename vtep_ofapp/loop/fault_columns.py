"""The report of the fault columns: the words of vtep(5) for the faults of each row."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..engine.desired_actual import DesiredActual
from ..engine.report import FaultColumn, FaultsChanged, ManagedSwitches, Report
from ..values.faults import FaultRow
from ..values.rows import Gone
from ..values.writes import PutFaultStatus, VtepWrite
from .fault_log import FaultLog


@dataclass(frozen=True, slots=True)
class _Held:
    """The actual content of a fault column, and the row value that contains it."""

    column: FaultColumn
    row: Any
    words: frozenset[str]


class FaultColumns(Report):
    """Compares current faults with the fault columns that features declare.

    A row is compared after a change of the row, of its faults or of the managed switches, all in
    writes(), after everything else is recomputed. After a change of the switches these are only
    the rows with faults or with words in their column, as there may be very many others.
    """

    def __init__(self, faults: FaultLog, columns: Iterable[FaultColumn]) -> None:
        self._faults = faults
        self._columns: defaultdict[type, list[FaultColumn]] = defaultdict(list)
        for column in columns:
            self._columns[column.row_type].append(column)
        self._managed = ManagedSwitches({}, {}, {})
        self._rows: dict[UUID, Any] = {}
        self._held: dict[FaultRow, _Held] = {}
        self._with_words: set[FaultRow] = set()
        self._ours: set[FaultRow] = set()
        """The rows of ours that had faults or words when they were last compared."""
        self._to_compare: set[FaultRow] = set()
        self._words: DesiredActual[FaultRow, frozenset[str]] = DesiredActual()
        self.handlers = {
            ManagedSwitches: self._switches_changed,
            FaultsChanged: self._faults_changed,
            Gone: self._gone,
            **dict.fromkeys(self._columns, self._row_changed),
        }

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows that have fault columns."""
        return self._rows.keys()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield the content of each fault column that differs."""
        while self._to_compare:
            self._compare(self._to_compare.pop())
        for column in self._words.differences():
            yield PutFaultStatus(column.key, column.want or frozenset())

    def desired(self) -> Iterator[VtepWrite]:
        """Yield the content of each fault column that is not empty."""
        for row, words in self._words.wanted.items():
            yield PutFaultStatus(row, words)

    def _switches_changed(self, managed: ManagedSwitches) -> None:
        self._managed = managed
        self._to_compare.update(self._with_words, self._faults.rows())

    def _faults_changed(self, event: FaultsChanged) -> None:
        self._to_compare.update(event.rows)

    def _row_changed(self, row: Any) -> None:
        self._forget(row.uuid)
        self._rows[row.uuid] = row
        for key, held in self._columns_in(row):
            self._held[key] = held
            if held.words:
                self._with_words.add(key)
            if held.words or self._faults.entries(key):
                self._to_compare.add(key)

    def _gone(self, gone: Gone) -> None:
        self._forget(gone.uuid)

    def _forget(self, uuid: UUID) -> None:
        if uuid in self._rows:
            for key, _ in self._columns_in(self._rows.pop(uuid)):
                self._held.pop(key, None)
                self._with_words.discard(key)
                if key in self._words.wanted or key in self._words.actual:
                    self._to_compare.add(key)

    def _columns_in(self, row: Any) -> Iterator[tuple[FaultRow, _Held]]:
        for column in self._columns[type(row)]:
            for each in column.rows(row):
                yield FaultRow(column.table, each.uuid), _Held(column, row, each.fault_status)

    def _compare(self, row: FaultRow) -> None:
        held = self._held.get(row)
        if held is not None and self._is_ours(row, held):
            entries = self._faults.entries(row)
            if entries or held.words:
                self._ours.add(row)
            else:
                self._ours.discard(row)
            self._words.want(row, entries or None)
            self._words.have(row, held.words or None)
        else:
            self._ours.discard(row)
            self._words.want(row, None)
            self._words.have(row, None)

    def _is_ours(self, row: FaultRow, held: _Held) -> bool:
        if held.column.is_ours(held.row, self._managed):
            return True
        return held.column.is_cleared_after_use and row in self._ours and bool(held.words)
