"""The interface between a database connection and the tables of a database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from ..values.events import Event
from .bulk import Bulk
from .schemas import Columns, Missing


class Tables(Protocol):
    """The columns that are read, how rows become events, and how writes are performed.

    ``bulk`` are the tables whose rows the IDL does not see.
    """

    schema: ClassVar[str]
    columns: ClassVar[Columns]
    bulk: Bulk

    def attach(self, tables: Mapping[str, Any], missing: Missing) -> None:
        """Set the IDL's tables, which are empty yet, and the columns that the schema lacks."""

    def forget(self) -> None:
        """Forget all rows: the server sends all rows again, before the next in_sync()."""

    def notice(self, table: str, row: Any, gone: bool) -> None:
        """Handle a new, changed or deleted row."""

    def take(self, more: bool) -> Iterable[Event]:
        """Return events for the noticed rows and for some of the rows in bulk.

        They are the next part of a change, and the last one unless rows in bulk are left. ``more``
        means that in_sync() follows.
        """

    def in_sync(self) -> Event:
        """Return the event for the end of the initial rows; it ends a change."""

    def takes(self, write: Any) -> bool:
        """Return whether the schema has the columns of a write."""

    def perform(self, transaction: Any, writes: Sequence[Any]) -> None:
        """Perform the writes within the transaction."""
