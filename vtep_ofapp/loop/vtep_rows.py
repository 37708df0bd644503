"""Rows of hardware_vtep: pass changes to the model, and the topics from it to the switches."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from ..engine.model import Model
from ..features.bindings.switches import PhysicalSwitches
from ..features.refused_rows import RefusedRows
from ..process.settings import Settings
from ..values.events import VtepInSync, VtepRows
from ..values.rows import Gone, PhysicalSwitch, VtepRow
from .dispatch import Dispatcher, Handlers
from .empty_grace import EmptyGrace
from .fault_log import FaultLog
from .switches import Switches
from .timers import Timers


class KnownRows:
    """Passes rows to the model, and its topics to the switches.

    ``row_handlers`` handle the former and the new row of each change, by its type, before the model
    does.
    """

    def __init__(
        self,
        model: Model,
        switches: Switches,
        faults: FaultLog,
        settings: Settings,
        timers: Timers,
        row_handlers: Handlers,
    ) -> None:
        self.are_in_sync = False
        """Whether the initial rows of hardware_vtep are complete."""
        self.grace = EmptyGrace(settings.empty_db_grace, timers, self._give_up)
        self._model = model
        self._arrival: float | None = None
        self._switches = switches
        self._faults = faults
        self._has_grace = settings.empty_db_grace > 0
        self._row_handlers = Dispatcher({PhysicalSwitch: self._switch_changed}, row_handlers)
        self.change_handlers: Handlers = {VtepRows: self._rows_changed, VtepInSync: self._in_sync}

    @property
    def physical(self) -> Mapping[UUID, PhysicalSwitch]:
        """The Physical_Switch rows."""
        return self._model[PhysicalSwitches].rows

    def by_name(self) -> dict[str, PhysicalSwitch]:
        """Return the Physical_Switch rows by their name."""
        return {row.name: row for row in self.physical.values()}

    def find_refused(self) -> None:
        """Report the faults of rows that cannot be used to the fault log."""
        for row, faults in self._model[RefusedRows].take_changed().items():
            self._faults.find(row, faults)

    def take_arrival(self) -> float | None:
        """Return, once, when the oldest change arrived of those that concern anything."""
        arrival, self._arrival = self._arrival, None
        return arrival

    def _rows_changed(self, event: VtepRows) -> None:
        for row in event.rows:
            if self._update(row) and self._arrival is None:
                self._arrival = event.arrived

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

    def _update(self, row: VtepRow) -> bool:
        """Pass a row on; return whether it concerns anything."""
        if not isinstance(row, Gone):
            self.grace.found(row.uuid)
        for each in (self._model.row(row.uuid), row):
            self._row_handlers.handle_known(each)
        topics = self._model.update(row)
        for topic in topics:
            self._switches.invalidate(topic)
        return bool(topics)

    def _switch_changed(self, _row: PhysicalSwitch) -> None:
        self._switches.changed()
        if self.grace.lasts:
            self._drop(self.grace.end(has_returned=True))
