"""How a module declares tables of a database: their columns, what is read, and what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from .bulk import RemoteMacs
from .column_cache import Members
from .schemas import Columns, Missing

Row: TypeAlias = Any
"""A row of the ovs library: its columns are attributes."""
_Keeper = TypeVar("_Keeper", bound="Keeper")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: which columns are read and written, and what its rows are by themselves.

    ``columns`` has NEEDED, or a type for schemas that lack the column. ``read`` returns what the
    loop is told of a row: a value, or a Refused. Without it the rows are for a Keeper, and
    ``is_told`` says whether it tells of each.
    """

    name: str
    columns: Mapping[str, Any]
    read: Callable[[Row], Any] | None = None
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """How writes of a class are performed.

    ``about`` returns the tables and columns ("Tunnel", "Tunnel.local") that a write is about, as
    far as a schema may lack them.
    """

    kind: type
    perform: Callable[[Changes, Any], None]
    about: Callable[[Any], Iterable[str]] = lambda write: ()


def always(*names: str) -> Callable[[Any], Iterable[str]]:
    """Return a function that says these tables and columns, whatever the write is."""
    return lambda write: names


class Keeper:
    """Keeps what rows of some tables mean together with others; the base class keeps nothing.

    ``bulk`` are the tables whose rows the library does not see, by name.
    """

    def __init__(self, contents: Contents) -> None:
        self.bulk: Mapping[str, RemoteMacs] = {}
        self._contents = contents

    def notice(self, table: str, row: Row, gone: bool) -> Iterable[Any]:
        """Take a row that is new, changed or gone; return what the loop is told at once."""
        return ()

    def take(self) -> Iterable[Any]:
        """Return what the loop is told when all rows of an update were noticed."""
        return ()

    def forget(self) -> None:
        """Forget all rows: those that there are will be told again."""

    def in_sync(self) -> None:
        """Take note that all rows were told."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tables that belong together, as one module declares them."""

    tables: Sequence[Table] = ()
    writes: Sequence[Write] = ()
    keeper: type[Keeper] | None = None


class Contents:
    """The rows of a database as the library has them, and the keepers by their class.

    ``name`` is what events call the database; ``mark`` is what rows of ours carry in it.
    """

    def __init__(self, name: str, mark: str = "") -> None:
        self.name = name
        self.mark = mark
        self._tables: Mapping[str, Any] = {}
        self._missing: Missing = {}
        self._keepers: dict[type[Keeper], Keeper] = {}

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Take the library's tables, and the columns that the schema lacks."""
        self._tables = tables
        self._missing = missing

    def keep(self, keeper: type[Keeper]) -> Keeper:
        """Make a keeper, which finds those that were made before."""
        made = self._keepers[keeper] = keeper(self)
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
        """Return whether the schema has all that we know of a table, or a column of it."""
        table, _, column = name.partition(".")
        absent = self._missing.get(table, ())
        return column not in absent if column else not absent


class Changes:
    """One transaction of ours, and what it has made so far.

    ``members`` are rows by columns of other rows; ``known`` are rows that several writes need, by
    a key of the module that finds or makes them.
    """

    def __init__(self, contents: Contents, transaction: Any) -> None:
        self.contents = contents
        self.members = Members()
        self.known: dict[Any, Row] = {}
        self._named: dict[str, dict[str, Row]] = {}
        self._transaction = transaction

    def row(self, table: str, uuid: UUID) -> Row | None:
        """Return a row of a table, None if it is gone."""
        return self.contents.rows(table).get(uuid)

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
        """Return whether the schema has the columns that a write is about."""
        return all(map(self._contents.has, self._writes[type(write)].about(write)))

    def perform(self, transaction: Any, writes: Iterable[Any]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""
        changes = Changes(self._contents, transaction)
        for write in writes:
            self._writes[type(write)].perform(changes, write)


def columns_of(groups: Iterable[Group]) -> Columns:
    """Return the columns that the groups declare."""
    return {table.name: table.columns for group in groups for table in group.tables}
