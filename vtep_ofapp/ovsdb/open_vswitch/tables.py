"""The tables of Open_vSwitch for a database connection."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...process import lowest
from ...values.events import Bridges, BridgesInSync, Event
from ...values.rows import Bridge
from ...values.writes import SwitchWrite
from ..bulk import Bulk
from ..declarations import Contents, Writers, columns_of
from ..schemas import Columns, Missing
from . import bridges, ports

LOG = logging.getLogger("vtep_ofapp.databases")

GROUPS = (ports.GROUP, bridges.GROUP)


class OpenVSwitchTables:
    """Reads and writes Open_vSwitch: a bridge with its ports is one value."""

    schema: ClassVar[str] = "Open_vSwitch"
    columns: ClassVar[Columns] = columns_of(GROUPS)

    def __init__(self, name: str, mark: str) -> None:
        """Read the database of this name; ``mark`` is the mark of our bridges."""
        self.bulk: Bulk = {}
        self._contents = Contents(name, mark)
        self._ports = ports.Ports(self._contents)
        self._writers = Writers(GROUPS, self._contents)
        self._bridges: dict[str, Bridge] = {}
        self._is_changed = False
        self._too_old: str | None = None

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Set the IDL's tables, which are empty yet, and the columns that the schema lacks."""
        self._contents.attach(tables, missing)
        self.forget()

    def forget(self) -> None:
        """Forget all rows: the server sends all rows again, before the next in_sync()."""
        self._ports.forget()
        self._bridges.clear()
        self._is_changed = False

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Handle a new, changed or deleted row."""
        self._is_changed = True
        self._ports.notice(table, row, gone)

    def take(self, more: bool) -> Iterable[Event]:
        """Return the change of bridges from the noticed rows."""
        if not self._is_changed:
            return ()
        self._is_changed = False
        self._ports.take()
        self._check_version()
        former = self._bridges
        rows = self._contents.rows("Bridge").values()
        self._bridges = {
            row.name: bridges.read(row, self._ports.of(row), self._contents) for row in rows
        }
        changed: dict[str, Bridge | None] = {
            name: self._bridges.get(name)
            for name in former.keys() | self._bridges.keys()
            if former.get(name) != self._bridges.get(name)
        }
        return (Bridges(self._contents.name, changed, more),) if changed else ()

    def _check_version(self) -> None:
        """Log once that Open vSwitch is too old. Its start script writes the version, if any."""
        reasons = (
            lowest.too_old("Open vSwitch", version, lowest.OPEN_VSWITCH)
            for row in self._contents.rows("Open_vSwitch").values()
            for version in row.ovs_version
        )
        reason = next(filter(None, reasons), None)
        if reason and reason != self._too_old:
            LOG.warning("%s: %s", self._contents.name, reason)
        self._too_old = reason

    def in_sync(self) -> Event:
        """Return the event for the end of the initial rows; it ends a change."""
        return BridgesInSync(self._contents.name, frozenset(self._bridges))

    def takes(self, write: SwitchWrite) -> bool:
        """Return whether the schema has the columns of a write."""
        return self._writers.takes(write)

    def perform(self, transaction: Any, writes: Sequence[SwitchWrite]) -> None:
        """Perform the writes within the transaction."""
        self._writers.perform(transaction, writes)
