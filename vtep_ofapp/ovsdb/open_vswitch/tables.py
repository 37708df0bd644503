"""All of Open_vSwitch, for a database connection."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...values.events import Bridges, BridgesInSync, Event
from ...values.rows import Bridge
from ...values.writes import SwitchWrite
from ..bulk import RemoteMacs
from ..declarations import Contents, Writers, columns_of
from ..schemas import Columns, Missing
from . import bridges, ports

GROUPS = (ports.GROUP, bridges.GROUP)


class OpenVSwitchTables:
    """Reads and writes Open_vSwitch: a bridge is told with its ports, as one value."""

    schema: ClassVar[str] = "Open_vSwitch"
    columns: ClassVar[Columns] = columns_of(GROUPS)

    def __init__(self, name: str, mark: str) -> None:
        """Read the database of this name; ``mark`` is what our bridges carry."""
        self.bulk: Mapping[str, RemoteMacs] = {}
        self._contents = Contents(name, mark)
        self._ports = ports.Ports(self._contents)
        self._writers = Writers(GROUPS, self._contents)
        self._bridges: dict[str, Bridge] = {}
        self._is_changed = False

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Take the IDL's tables, before any row is there, and the columns that the schema lacks."""
        self._contents.attach(tables, missing)
        self.forget()

    def forget(self) -> None:
        """Forget all rows: those that there are will be told again, before the next in_sync()."""
        self._ports.forget()
        self._bridges.clear()
        self._is_changed = False

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""
        self._is_changed = True
        self._ports.notice(table, row, gone)

    def take(self, more: bool) -> Iterable[Event]:
        """Return the change that the noticed rows amount to."""
        if not self._is_changed:
            return ()
        self._is_changed = False
        self._ports.take()
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

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told; it ends a change."""
        return BridgesInSync(self._contents.name, frozenset(self._bridges))

    def takes(self, write: SwitchWrite) -> bool:
        """Return whether the schema has the columns that a write is about."""
        return self._writers.takes(write)

    def perform(self, transaction: Any, writes: Sequence[SwitchWrite]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""
        self._writers.perform(transaction, writes)
