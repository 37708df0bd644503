"""Which owners are to be worked out again, and in which order."""

from collections.abc import Callable, Generator, Hashable, Mapping
from enum import Enum
from typing import Any

PARTS_PER_TURN = 1000
"""Owners of the pace IN_PARTS that are worked out in one turn, so that none takes long."""


class Pace(Enum):
    """When the owners of one kind are worked out."""

    AT_ONCE = "at once"
    IN_PARTS = "in parts"
    """PARTS_PER_TURN at most in a turn, those that were touched last before the others."""
    LAST = "last"
    """After all others, because they depend on what these want."""


class Dirty:
    """The owners that are to be worked out again, by their keys.

    Keys of different types may be equal, so each type is kept apart. ``paces`` has every type of
    key; ``precedence`` returns what keys of the pace LAST are sorted by.
    """

    def __init__(self, paces: Mapping[type, Pace], precedence: Callable[[Any], Any]) -> None:
        self._precedence = precedence
        self._of: dict[type, dict[Any, None]] = {kind: {} for kind in paces}
        self._urgent = {kind: self._of[kind] for kind in paces if paces[kind] is Pace.AT_ONCE}
        self._has_urgent = False
        self._in_parts = [self._of[kind] for kind in paces if paces[kind] is Pace.IN_PARTS]
        self._last = [self._of[kind] for kind in paces if paces[kind] is Pace.LAST]

    def add(self, key: Hashable) -> None:
        """Note that an owner is to be worked out again."""
        kind = type(key)
        self._of[kind][key] = None
        if kind in self._urgent:
            self._has_urgent = True

    @property
    def is_behind(self) -> bool:
        """Whether some of the pace IN_PARTS are left."""
        return any(self._in_parts)

    def take(self, room: int) -> Generator[Any, None, int]:
        """Yield what does not come last, and what of it is added meanwhile.

        These are all, but for ``room`` at most of the pace IN_PARTS; returns the room left.
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
        """Return what comes last, in order."""
        taken: list[Any] = []
        for keys in self._last:
            taken += sorted(keys, key=self._precedence)
            keys.clear()
        return taken
