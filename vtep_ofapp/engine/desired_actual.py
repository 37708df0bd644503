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
        # With both values (have, want): to look up 100,000 flows takes longer than to keep a pair.
        self._differing: dict[K, tuple[W | None, W | None]] = {}

    def want(self, key: K, value: W | None) -> None:
        """Set the desired value of a key, None for no value."""
        have = self.actual.get(key)
        if value is None:
            self.wanted.pop(key, None)
        else:
            self.wanted[key] = value
            if have == value and have is not value:
                del self.actual[key]  # it may hold another object that is equal to the key
                self.actual[key] = have = value
        self._compare(key, have, value)

    def have(self, key: K, value: W | None) -> None:
        """Set the actual value of a key, None for no value."""
        want = self.wanted.get(key)
        if value is None:
            self.actual.pop(key, None)
        else:
            self.actual[key] = value = want if want is not None and want == value else value
        self._compare(key, value, want)

    def have_only(self, actual: Mapping[K, W]) -> None:
        """Replace the whole actual map."""
        for key in [key for key in self.actual if key not in actual]:
            self.have(key, None)
        for key, value in actual.items():
            self.have(key, value)

    def differences(self) -> Iterator[Difference[K, W]]:
        """Yield every key where desired and actual differ, the oldest difference first."""
        for key, (have, want) in self._differing.items():
            yield Difference(key, have, want)

    def count_differences(self) -> int:
        """Return the number of keys where desired and actual differ."""
        return len(self._differing)

    def differing(self) -> list[K]:
        """Return the keys where desired and actual differ: fast, and the caller may take its time.

        Meanwhile they may have come to agree.
        """
        return list(self._differing)

    def settled(self) -> bool:
        """Whether desired and actual agree on every key."""
        return not self._differing

    def _compare(self, key: K, have: W | None, want: W | None) -> None:
        if have is want:  # equal values are one object
            self._differing.pop(key, None)
        else:
            self._differing[key] = have, want
