"""Reads tables without the IDL whose rows are very many.

The IDL keeps an object for each row and for each of its columns. This module keeps only what the
loop gets, or the columns as received, and queues row updates until there is time to decode them.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from ..values.rows import Gone
from .errors import Malformed

_WHOLE = frozenset({"initial", "insert", "new"})
"""Kinds of row updates with all columns that are not their default."""
_AGAIN = "again"
"""Our own kind of row update: nothing changed but what the row refers to."""
C = TypeVar("C")
"""The columns of a row as received."""
K = TypeVar("K")
"""What is kept of a row."""
V = TypeVar("V")
"""The value of a row for the loop."""


class BulkRows(ABC, Generic[C, K, V]):
    """The rows of a table, from the table updates of RFC 7047 and ovsdb-server(7).

    ``table`` is its name; ``empty`` are the columns of a row of which none is received.
    """

    def __init__(self, table: str, empty: C) -> None:
        self._table = table
        self._empty = empty
        self._rows: dict[UUID, K] = {}
        self._waiting: deque[dict[str, Any]] = deque()

    @property
    def is_behind(self) -> bool:
        """Whether updates are queued."""
        return bool(self._waiting)

    def uuids(self) -> Collection[UUID]:
        """Return the UUIDs of all rows, without those in queued updates."""
        return self._rows.keys()

    def clear(self) -> None:
        """Forget all rows, because the server is about to send all rows again."""
        self._rows.clear()
        self._waiting.clear()

    def add(self, updates: Any) -> None:
        """Queue the row updates of one message; raises Malformed if they are invalid."""
        if not isinstance(updates, dict):
            raise Malformed(f"the updates of {self._table} are no object")
        if updates:
            self._waiting.append(updates)

    def take(self, most: int) -> Iterator[V | Gone]:
        """Process at most so many queued updates; yield the rows that they change.

        Raises Malformed for invalid updates.
        """
        while self._waiting and most:
            updates = self._waiting[0]
            text, update = updates.popitem()  # frees the update
            if not updates:
                self._waiting.popleft()
            most -= 1
            row = self._update(text, update)
            if row is not None:
                yield row

    def written(self, uuid: UUID) -> Mapping[str, Any] | None:
        """Return the columns of a row that we write, as received; None if it is gone."""
        return {} if uuid in self._rows else None

    def _add_again(self, uuids: Iterable[UUID]) -> None:
        """Queue rows as if they had changed."""
        self.add({str(uuid): {_AGAIN: None} for uuid in uuids})

    def _update(self, text: str, update: Any) -> V | Gone | None:
        uuid = self._uuid(text)
        kind, columns = _kind(update)
        is_known = uuid in self._rows
        if kind == "delete" or (kind == "old" and isinstance(columns, dict)):
            return Gone(uuid) if self._rows.pop(uuid, None) is not None else None
        if kind in _WHOLE:
            received = self._changed(self._empty, self._checked(columns))
        elif kind == "modify" and is_known:
            received = self._modified(self._received(uuid), self._checked(columns))
        elif kind == _AGAIN:
            if not is_known:
                return None
            received = self._received(uuid)
        else:
            raise Malformed(f"{update} is no update of row {uuid} of {self._table}")
        row = self._read(uuid, received)
        self._rows[uuid] = self._kept(received, row)
        return row

    @abstractmethod
    def _received(self, uuid: UUID) -> C:
        """Return the columns of a row."""

    @abstractmethod
    def _changed(self, received: C, columns: Mapping[str, Any]) -> C:
        """Return a row with these columns changed; raises Malformed for invalid ones."""

    def _modified(self, received: C, difference: Mapping[str, Any]) -> C:
        """Return a row after a difference of ovsdb-server(7).

        It is the new value, but in a column with more than one value those that came or went.
        """
        return self._changed(received, difference)

    @abstractmethod
    def _read(self, uuid: UUID, received: C) -> V | None:
        """Return the value for the loop, None if it gets none."""

    @abstractmethod
    def _kept(self, received: C, row: V | None) -> K:
        """Return what is kept of a row, from which _received() makes the columns."""

    def _checked(self, columns: Any) -> Mapping[str, Any]:
        if not isinstance(columns, dict):
            raise Malformed(f"{columns} are no columns of a row of {self._table}")
        return columns

    def _uuid(self, text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError:
            raise Malformed(f"{text!r} is no UUID of a row of {self._table}") from None


Bulk: TypeAlias = Mapping[str, BulkRows[Any, Any, Any]]
"""Tables whose rows the IDL does not see, by name."""


def _kind(update: Any) -> tuple[str, Any]:
    """Return the member of a row update that says what happened, and its value.

    An update of RFC 7047 has "new" beside "old" for a changed row; those of ovsdb-server(7) have
    one member.
    """
    if not isinstance(update, dict) or not update:
        return "", None
    if "new" in update:
        return "new", update["new"]
    return next(iter(update.items()))
