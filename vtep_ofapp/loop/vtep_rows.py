"""The rows of hardware_vtep, as far as they were heard, and who is told that they changed."""

from collections.abc import Callable, Iterable
from uuid import UUID

from ..engine.network import Network, OfRefused, Topic
from ..process.settings import Settings
from ..values.events import VtepInSync, VtepRows
from ..values.faults import Fault
from ..values.rows import Gone, LocalMac, LocalMcastMac, PhysicalSwitch, VtepRow
from .dispatch import Handlers
from .empty_grace import EmptyGrace
from .fault_log import FaultLog
from .switches import Switches
from .timers import Timers


class HeardRows:
    """Keeps the Physical_Switch rows; the others go to the network, which says what they touch.

    ``remember`` is called with each other row, or its end, before that is heard.
    """

    def __init__(
        self,
        network: Network,
        switches: Switches,
        faults: FaultLog,
        settings: Settings,
        timers: Timers,
        remember: Callable[[VtepRow], None],
    ) -> None:
        self.physical: dict[UUID, PhysicalSwitch] = {}
        self.are_in_sync = False
        """Whether hardware_vtep was read to the end."""
        self.grace = EmptyGrace(settings.empty_db_grace, timers, self._give_up)
        self._network = network
        self._switches = switches
        self._faults = faults
        self._has_grace = settings.empty_db_grace > 0
        self._remember = remember
        self._refused: set[UUID] = set()
        self.hearers: Handlers = {VtepRows: self._rows_changed, VtepInSync: self._all_told}

    def by_name(self) -> dict[str, PhysicalSwitch]:
        """Return the Physical_Switch rows by their name."""
        return {row.name: row for row in self.physical.values()}

    def find_refused(self) -> None:
        """Find the faults of rows that cannot be used."""
        for row in self._refused:
            refused = self._network.refused(row)
            faults = [Fault(refused.subject, refused.reason)] if refused else []
            self._faults.find(OfRefused(row), faults)
        self._refused.clear()

    def _rows_changed(self, event: VtepRows) -> None:
        for row in event.rows:
            self._update(row)

    def _all_told(self, event: VtepInSync) -> None:
        """Drop the rows that no longer exist, unless the database came back empty."""
        gone = {*self.physical, *self._network.rows()} - event.rows
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
            self._touch(self._network.update(row))

    def _update_switch(self, uuid: UUID, row: PhysicalSwitch | None) -> None:
        if row is None:
            del self.physical[uuid]
        else:
            self.physical[uuid] = row
        self._switches.changed()
        self._touch(self._network.update_switch(uuid, row))

    def _touch(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            if isinstance(topic, OfRefused):
                self._refused.add(topic.row)
            self._switches.touch(topic)
