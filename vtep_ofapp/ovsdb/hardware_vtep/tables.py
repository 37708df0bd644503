"""The tables of hardware_vtep for a database connection."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...values.events import Event, VtepInSync, VtepRows
from ...values.rows import Gone, VtepRow
from ...values.writes import VtepWrite
from ..bulk import Bulk
from ..declarations import Contents, Keeper, Table, Writers, columns_of
from ..schemas import Columns, Missing
from .registry import GROUPS

ROWS_AT_A_TIME = 250
"""Rows in bulk per event, so that neither the reader nor the loop takes long."""
ROWS_IN_PART = 1000
"""Rows of an event, as a turn of the loop takes about so many."""
_TABLES: Mapping[str, Table] = {each.name: each for group in GROUPS for each in group.tables}


class VtepTables:
    """Reads and writes hardware_vtep as its groups of tables declare it."""

    schema: ClassVar[str] = "hardware_vtep"
    columns: ClassVar[Columns] = columns_of(GROUPS)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Read rows and perform writes; the clock tells when rows were read."""
        self._clock = clock
        self._contents = Contents(self.schema)
        self._keepers: list[Keeper] = []
        self._keeper_of: dict[str, Keeper] = {}
        for group in GROUPS:
            if group.keeper is not None:
                keeper = self._contents.keep(group.keeper)
                self._keepers.append(keeper)
                self._keeper_of.update((table.name, keeper) for table in group.tables)
        self.bulk: Bulk = self._contents.bulk
        self._writers = Writers(GROUPS, self._contents)
        self._rows: list[VtepRow] = []
        self._is_within_change = False

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Set the IDL's tables, which are empty yet, and the columns that the schema lacks."""
        self._contents.attach(tables, missing)
        self.forget()

    def forget(self) -> None:
        """Forget all rows: the server sends all rows again, before the next in_sync()."""
        self._rows.clear()
        for keeper in self._keepers:
            keeper.forget()
        for rows in self.bulk.values():
            rows.clear()

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Handle a new, changed or deleted row."""
        read = _TABLES[table].read
        if read is not None:
            self._rows.append(Gone(row.uuid) if gone else read(row))
        if table in self._keeper_of:
            self._rows.extend(self._keeper_of[table].notice(table, row, gone))

    def take(self, more: bool) -> Iterable[Event]:
        """Return the next parts of a change: the noticed rows, and some of the rows in bulk."""
        for keeper in self._keepers:
            self._rows.extend(keeper.take())
        for in_bulk in self.bulk.values():
            self._rows.extend(in_bulk.take(ROWS_AT_A_TIME))
            more |= in_bulk.is_behind
        rows, self._rows = self._rows, []
        if not rows and (more or not self._is_within_change):
            return ()
        self._is_within_change = more
        now, last = self._clock(), max(0, len(rows) - 1) // ROWS_IN_PART
        parts = (rows[each * ROWS_IN_PART : (each + 1) * ROWS_IN_PART] for each in range(last + 1))
        return [VtepRows(part, more or each < last, now) for each, part in enumerate(parts)]

    def in_sync(self) -> Event:
        """Return the event for the end of the initial rows; it ends a change."""
        self._is_within_change = False
        for keeper in self._keepers:
            keeper.in_sync()
        reported = (
            each.name for each in _TABLES.values() if each.is_reported or each.read is not None
        )
        rows = [self._contents.rows(name) for name in reported if name not in self.bulk]
        return VtepInSync(frozenset().union(*rows, *(each.uuids() for each in self.bulk.values())))

    def takes(self, write: VtepWrite) -> bool:
        """Return whether the schema has the columns of a write."""
        return self._writers.takes(write)

    def perform(self, transaction: Any, writes: Sequence[VtepWrite]) -> None:
        """Perform the writes within the transaction."""
        self._writers.perform(transaction, writes)
