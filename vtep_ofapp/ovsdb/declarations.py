"""Declarations of tables of a database: their columns, how rows are read and writes performed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from ovs.db import idl

from .bulk import Bulk, BulkRows
from .column_cache import Members
from .schemas import Columns, Missing

Row: TypeAlias = Any
"""A row of the ovs library: its columns are attributes."""
_Keeper = TypeVar("_Keeper", bound="Keeper")


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its columns that are read or written, and how a row becomes a value.

    ``columns`` has NEEDED, or a type for schemas that lack the column. ``read`` returns the value
    of a row for the loop, or a Refused. Without ``read`` a Keeper handles the rows; ``is_reported``
    means that it reports each of them to the loop.
    """

    name: str
    columns: Mapping[str, Any]
    read: Callable[[Row], Any] | None = None
    is_reported: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A class of writes, and the function that performs them.

    ``about`` returns the tables and columns ("Tunnel", "Tunnel.local") that a write needs, as far
    as a schema may lack them.
    """

    kind: type
    perform: Callable[[Changes, Any], None]
    about: Callable[[Any], Iterable[str]] = lambda write: ()


def always(*names: str) -> Callable[[Any], Iterable[str]]:
    """Return a function that returns these tables and columns for every write."""
    return lambda write: names


class Keeper:
    """Handles tables whose rows have a meaning only together with others.

    ``bulk`` are the tables whose rows the library does not see, by name. The base class keeps
    nothing.
    """

    def __init__(self, contents: Contents) -> None:
        self.bulk: Bulk = {}
        self._contents = contents

    def notice(self, table: str, row: Row, gone: bool) -> Iterable[Any]:
        """Handle a new, changed or deleted row; return the values that the loop gets at once."""
        return ()

    def take(self) -> Iterable[Any]:
        """Return the values that the loop gets after all rows of an update were noticed."""
        return ()

    def forget(self) -> None:
        """Forget all rows, because the server is about to send all rows again."""

    def in_sync(self) -> None:
        """Handle the end of the initial rows."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tables that belong together, as one module declares them."""

    tables: Sequence[Table] = ()
    writes: Sequence[Write] = ()
    keeper: type[Keeper] | None = None


class Contents:
    """The library's rows of a database, and the keepers by their class.

    ``name`` is the name of the database in events; ``mark`` is the mark of our rows in it. ``bulk``
    are the tables of all keepers whose rows the library does not see.
    """

    def __init__(self, name: str, mark: str = "") -> None:
        self.name = name
        self.mark = mark
        self._tables: Mapping[str, Any] = {}
        self._missing: Missing = {}
        self._keepers: dict[type[Keeper], Keeper] = {}
        self.bulk: dict[str, BulkRows[Any, Any, Any]] = {}

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Set the library's tables, and the columns that the schema lacks."""
        self._tables = tables
        self._missing = missing

    def keep(self, keeper: type[Keeper]) -> Keeper:
        """Create a keeper, which can use the keepers that were created before."""
        made = self._keepers[keeper] = keeper(self)
        self.bulk.update(made.bulk)
        return made

    def __getitem__(self, keeper: type[_Keeper]) -> _Keeper:
        found = self._keepers[keeper]
        assert isinstance(found, keeper)
        return found

    def table(self, name: str) -> Any:
        """Return a table of the library."""
        return self._tables[name]

    def rows(self, table: str) -> Mapping[UUID, Row]:
        """Return the rows of a table."""
        rows: Mapping[UUID, Row] = self._tables[table].rows
        return rows

    def has(self, name: str) -> bool:
        """Return whether the schema has a column, or all our columns of a table."""
        table, _, column = name.partition(".")
        absent = self._missing.get(table, ())
        return column not in absent if column else not absent


class Changes:
    """One transaction of ours, with the rows that its writes share.

    ``members`` caches the rows that columns of other rows name. ``known`` are rows that several
    writes need, by a key of the module that finds or creates them.
    """

    def __init__(self, contents: Contents, transaction: Any) -> None:
        self.contents = contents
        self.members = Members()
        self.known: dict[Any, Row] = {}
        self._in_bulk: dict[tuple[str, UUID], Row] = {}
        self._named: dict[str, dict[str, Row]] = {}
        self._transaction = transaction

    def row(self, table: str, uuid: UUID) -> Row | None:
        """Return a row of a table, None if it is gone."""
        if table in self.contents.bulk:
            return self._row_in_bulk(table, uuid)
        return self.contents.rows(table).get(uuid)

    def _row_in_bulk(self, table: str, uuid: UUID) -> Row | None:
        """Return a row of the library for one that it does not see, with the columns to write."""
        columns = self.contents.bulk[table].written(uuid)
        if columns is None:
            return None
        if (table, uuid) not in self._in_bulk:
            of, database = self.contents.table(table), self._transaction.idl
            self._in_bulk[table, uuid] = idl.Row.from_json(database, of, uuid, columns)
        return self._in_bulk[table, uuid]

    def named(self, table: str, name: str) -> Row | None:
        """Return the row of a table that has a name, None if there is none."""
        if table not in self._named:
            self._named[table] = {row.name: row for row in self.contents.rows(table).values()}
        return self._named[table].get(name)

    def insert(self, table: str) -> Row:
        """Return a new row."""
        return self._transaction.insert(self.contents.table(table))


class Writers:
    """Performs writes as the groups of a database declare them."""

    def __init__(self, groups: Iterable[Group], contents: Contents) -> None:
        self._contents = contents
        self._writes = {each.kind: each for group in groups for each in group.writes}

    def takes(self, write: Any) -> bool:
        """Return whether the schema has the columns of a write."""
        return all(map(self._contents.has, self._writes[type(write)].about(write)))

    def perform(self, transaction: Any, writes: Iterable[Any]) -> None:
        """Perform the writes within the transaction."""
        changes = Changes(self._contents, transaction)
        for write in writes:
            self._writes[type(write)].perform(changes, write)


def columns_of(groups: Iterable[Group]) -> Columns:
    """Return the columns that the groups declare."""
    return {table.name: table.columns for group in groups for table in group.tables}
