"""A cache of the rows that a column of another row names, by a key."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID


class Members:
    """The values of columns, as a transaction first read them.

    The IDL builds the whole value of a column for each read. That is slow once the transaction has
    changed the column: a thousand writes to a thousand members take minutes.
    """

    def __init__(self) -> None:
        self._sets: dict[tuple[UUID, str], dict[Any, list[Any]]] = {}
        self._maps: dict[tuple[UUID, str], Mapping[Any, Any]] = {}

    def of_set(self, row: Any, column: str, key: Any, key_of: Callable[[Any], Any]) -> list[Any]:
        """Return the rows with a key among those that a set column of a row names."""
        place = row.uuid, column
        if place not in self._sets:
            members = self._sets[place] = {}
            for each in getattr(row, column):
                members.setdefault(key_of(each), []).append(each)
        return self._sets[place].get(key, [])

    def of_map(self, row: Any, column: str, key: Any) -> Any:
        """Return the row that a map column of a row has under the key, None if there is none."""
        place = row.uuid, column
        if place not in self._maps:
            self._maps[place] = getattr(row, column)
        return self._maps[place].get(key)
