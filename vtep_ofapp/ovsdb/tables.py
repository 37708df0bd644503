"""What a database connection needs to know of the tables that it is for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ..values.events import Event
from .bulk import RemoteMacs
from .schemas import Columns, Missing


class Tables(Protocol):
    """Which columns are read, what rows mean, and how writes are done.

    ``bulk`` are the tables whose rows the IDL is not to see.
    """

    schema: ClassVar[str]
    columns: ClassVar[Columns]
    bulk: Mapping[str, RemoteMacs]

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Take the IDL's tables, before any row is there, and the columns that the schema lacks."""

    def forget(self) -> None:
        """Forget all rows: those that there are will be told again, before the next in_sync()."""

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Take note of a row that is new, changed or gone."""

    def take(self, more: bool) -> Iterable[Event]:
        """Return the events that the noticed rows amount to, and some of those in bulk.

        They are the next part of a change, the last one unless rows in bulk are left. ``more``
        says that in_sync() comes after these.
        """

    def in_sync(self) -> Event:
        """Return the event that says that everything there is was told; it ends a change."""

    def takes(self, write: Any) -> bool:
        """Return whether the schema has the columns that a write is about."""

    def perform(self, transaction: Any, writes: Sequence[Any]) -> None:
        """Change rows within the transaction so that the writes are fulfilled."""
