"""Rows of hardware_vtep: pass changes to the model, and the topics from it to the switches."""

from collections.abc import Callable, Iterable
from uuid import UUID

from ..engine.model import Model
from ..engine.topics import Topic
from ..features.refused_rows import RefusedRow, RefusedRows
from ..process.settings import Settings
from ..values.events import VtepInSync, VtepRows
from ..values.rows import Gone, LocalMac, LocalMcastMac, PhysicalSwitch, VtepRow
from .dispatch import Handlers
from .empty_grace import EmptyGrace
from .fault_log import FaultLog
from .switches import Switches
from .timers import Timers


class KnownRows:
    """Keeps the Physical_Switch rows, and passes all rows to the model, which returns topics.

    ``remember`` is called with each other row, or Gone, before the model is updated.
    """

    def __init__(
        self,
        model: Model,
        switches: Switches,
        faults: FaultLog,
        settings: Settings,
        timers: Timers,
        remember: Callable[[VtepRow], None],
    ) -> None:
        self.physical: dict[UUID, PhysicalSwitch] = {}
        self.are_in_sync = False
        """Whether the initial rows of hardware_vtep are complete."""
        self.grace = EmptyGrace(settings.empty_db_grace, timers, self._give_up)
        self._model = model
        self._switches = switches
        self._faults = faults
        self._has_grace = settings.empty_db_grace > 0
        self._remember = remember
        self._refused: set[UUID] = set()
        self.change_handlers: Handlers = {VtepRows: self._rows_changed, VtepInSync: self._in_sync}

    def by_name(self) -> dict[str, PhysicalSwitch]:
        """Return the Physical_Switch rows by their name."""
        return {row.name: row for row in self.physical.values()}

    def find_refused(self) -> None:
        """Report the faults of rows that cannot be used to the fault log."""
        for row in self._refused:
            self._faults.find(RefusedRow(row), self._model[RefusedRows].faults(row))
        self._refused.clear()

    def _rows_changed(self, event: VtepRows) -> None:
        for row in event.rows:
            self._update(row)

    def _in_sync(self, event: VtepInSync) -> None:
        """Drop the rows that no longer exist, unless the database came back empty."""
        gone = {*self._model.rows()} - event.rows
        self.are_in_sync = True
        self._switches.changed()
        if self.physical and gone.issuperset(self.physical) and self._has_grace:
            self.grace.begin(gone, self._switches.drivers)
            return
        if self.grace.lasts:
            self.grace.end(has_returned=not gone.issuperset(self.physical))
        self._drop(gone)

    def _give_up(self) -> None:
        self._drop(self.grace.end(has_returned=False))

    def _drop(self, gone: Iterable[UUID]) -> None:
        for uuid in gone:
            self._update(Gone(uuid))

    def _update(self, row: VtepRow) -> None:
        if not isinstance(row, Gone):
            self.grace.found(row.uuid)
        if isinstance(row, PhysicalSwitch):
            self._update_switch(row.uuid, row)
            if self.grace.lasts:
                self._drop(self.grace.end(has_returned=True))
        elif row.uuid in self.physical:
            self._update_switch(row.uuid, None)
        elif not isinstance(row, LocalMac | LocalMcastMac):
            self._remember(row)
            self._invalidate(self._model.update(row))

    def _update_switch(self, uuid: UUID, row: PhysicalSwitch | None) -> None:
        if row is None:
            del self.physical[uuid]
        else:
            self.physical[uuid] = row
        self._switches.changed()
        self._invalidate(self._model.update(row or Gone(uuid)))

    def _invalidate(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            if isinstance(topic, RefusedRow):
                self._refused.add(topic.row)
            self._switches.invalidate(topic)
