"""A desired and an actual map, and the keys where they differ."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
W = TypeVar("W")


@dataclass(slots=True)
class Difference(Generic[K, W]):
    """A key whose desired value differs from the actual one; None means no value."""

    key: K
    have: W | None
    want: W | None


class DesiredActual(Generic[K, W]):
    """A desired and an actual map, and the keys where they differ.

    A value is compared once, when it is set on either side. Listing the differences then costs
    only as much as there are. Equal values on both sides are one object, to save memory.
    """

    def __init__(self) -> None:
        self.wanted: dict[K, W] = {}
        self.actual: dict[K, W] = {}
        self._differing: dict[K, None] = {}

    def want(self, key: K, value: W | None) -> None:
        """Set the desired value of a key, None for no value."""
        if value is None:
            self.wanted.pop(key, None)
            self._mark(key, key in self.actual)
            return
        self.wanted[key] = value
        have = self.actual.get(key)
        is_there = have is value or have == value
        if is_there and have is not value:
            del self.actual[key]  # it may hold another object that is equal to the key
            self.actual[key] = value
        self._mark(key, not is_there)

    def have(self, key: K, value: W | None) -> None:
        """Set the actual value of a key, None for no value."""
        want = self.wanted.get(key)
        if value is None:
            self.actual.pop(key, None)
            self._mark(key, want is not None)
            return
        is_wanted = want is value or want == value
        self.actual[key] = want if is_wanted and want is not None else value
        self._mark(key, not is_wanted)

    def have_only(self, actual: Mapping[K, W]) -> None:
        """Replace the whole actual map."""
        for key in [key for key in self.actual if key not in actual]:
            self.have(key, None)
        for key, value in actual.items():
            self.have(key, value)

    def differences(self) -> Iterator[Difference[K, W]]:
        """Yield every key where desired and actual differ, the oldest difference first."""
        for key in self._differing:
            yield Difference(key, self.actual.get(key), self.wanted.get(key))

    def settled(self) -> bool:
        """Whether desired and actual agree on every key."""
        return not self._differing

    def _mark(self, key: K, differs: bool) -> None:
        if differs:
            self._differing[key] = None
        else:
            self._differing.pop(key, None)
