"""The report of the fault columns: the words of vtep(5) for the faults of each row."""

from collections.abc import Iterable, Iterator

from ..engine.desired_actual import DesiredActual
from ..engine.report import FaultsChanged, ManagedSwitches, Report
from ..values.faults import FaultRow, FaultTable
from ..values.writes import PutFaultStatus, VtepWrite
from .fault_log import FaultLog


class FaultColumns(Report):
    """Compares current faults with the fault columns of managed switches and their ports."""

    def __init__(self, faults: FaultLog) -> None:
        self._faults = faults
        self._managed = ManagedSwitches({}, {}, {})
        self._words: DesiredActual[FaultRow, frozenset[str]] = DesiredActual()
        self.handlers = {ManagedSwitches: self._take, FaultsChanged: self._faults_changed}

    def writes(self) -> Iterator[VtepWrite]:
        """Yield the content of each fault column that differs."""
        for column in self._words.differences():
            yield PutFaultStatus(column.key, column.want or frozenset())

    def _take(self, managed: ManagedSwitches) -> None:
        self._managed = managed
        self._compare(self._words.wanted.keys() | self._words.actual.keys())

    def _faults_changed(self, event: FaultsChanged) -> None:
        if event.rows:
            self._compare(event.rows)

    def _compare(self, rows: Iterable[FaultRow]) -> None:
        actual = self._actual()
        for row in {*rows, *actual}:
            words = self._faults.entries(row) if row in actual else None
            self._words.want(row, words or None)
            self._words.have(row, actual.get(row) or None)

    def _actual(self) -> dict[FaultRow, frozenset[str]]:
        """Return the content of the fault columns that we write."""
        actual: dict[FaultRow, frozenset[str]] = {}
        managed = self._managed.with_bridge()
        for row in self._managed.rows.values():
            if row.name in managed or row.name in self._managed.blocked:
                actual[FaultRow(FaultTable.PHYSICAL_SWITCH, row.uuid)] = row.fault_status
            if row.name in managed:
                actual.update(
                    (FaultRow(FaultTable.PHYSICAL_PORT, port.uuid), port.fault_status)
                    for port in row.ports
                )
        return actual
