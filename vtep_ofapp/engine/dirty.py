"""The invalid owners, and the order in which they are recomputed."""

from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from enum import Enum
from typing import Any

PARTS_PER_TURN = 1000
"""Owners of the pace IN_PARTS that one turn recomputes, so that no turn takes long."""


class Pace(Enum):
    """When the owners of one kind are recomputed."""

    AT_ONCE = "at once"
    IN_PARTS = "in parts"
    """At most PARTS_PER_TURN in a turn, the most recently invalidated first."""
    LAST = "last"
    """After all others, because they depend on the desired state of these."""


class Dirty:
    """The invalid owners, by their keys.

    Keys of different types may be equal, so each type has its own set. ``paces`` has every type
    of key; ``precedence`` returns the sort key for owners of the pace LAST.
    """

    def __init__(self, paces: Mapping[type, Pace], precedence: Callable[[Any], Any]) -> None:
        self._precedence = precedence
        self._of: dict[type, dict[Any, None]] = {kind: {} for kind in paces}
        self._urgent = {kind: self._of[kind] for kind in paces if paces[kind] is Pace.AT_ONCE}
        self._has_urgent = False
        self._in_parts = [self._of[kind] for kind in paces if paces[kind] is Pace.IN_PARTS]
        self._last = [self._of[kind] for kind in paces if paces[kind] is Pace.LAST]

    def add(self, key: Hashable) -> None:
        """Mark an owner as invalid."""
        kind = type(key)
        self._of[kind][key] = None
        if kind in self._urgent:
            self._has_urgent = True

    def add_all(self, keys: Iterable[Hashable]) -> None:
        """Mark owners as invalid."""
        for key in keys:
            self.add(key)

    @property
    def is_behind(self) -> bool:
        """Whether owners of the pace IN_PARTS are left."""
        return any(self._in_parts)

    def take(self, room: int) -> Generator[Any, None, int]:
        """Yield the owners that do not come last, with those that are added meanwhile.

        Of the pace IN_PARTS these are at most ``room``; returns the room left.
        """
        while True:
            if self._has_urgent:
                self._has_urgent = False
                for keys in self._urgent.values():
                    taken = list(keys)
                    keys.clear()
                    yield from taken
            elif room and (keys := next(filter(None, self._in_parts), {})):
                room -= 1
                yield keys.popitem()[0]
            else:
                return room

    def take_last(self) -> list[Any]:
        """Return the owners of the pace LAST, in order of precedence."""
        taken: list[Any] = []
        for keys in self._last:
            taken += sorted(keys, key=self._precedence)
            keys.clear()
        return taken
