"""A value that changes, and since when it is what it is."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Since(Generic[T]):
    """The ``value`` of something, and ``since`` when it has it, in seconds of a clock."""

    __slots__ = ("_clock", "since", "value")

    def __init__(self, value: T, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.value = value
        self.since = clock()

    def become(self, value: T) -> None:
        """Change the value; an equal one changes nothing."""
        if value != self.value:
            self.value = value
            self.since = self._clock()
