"""Two maps, what is wanted and what is there, and the keys where they may differ."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Difference(Generic[K, W]):
    """One key whose wanted value is not the actual one; None stands for absent."""

    key: K
    have: W | None
    want: W | None


class Reconciliation(Generic[K, W]):
    """Keeps a wanted and an actual map and finds their differences at the cost of the changes.

    Only keys touched since they were last found equal are compared, so that a turn costs what
    it changes and not what is there.
    """

    def __init__(self) -> None:
        self.wanted: dict[K, W] = {}
        self.actual: dict[K, W] = {}
        self._suspects: set[K] = set()

    def want(self, key: K, value: W | None) -> None:
        """Ask for a value under the key, or for nothing there."""
        self._put(self.wanted, key, value)

    def have(self, key: K, value: W | None) -> None:
        """Note what is actually there under the key."""
        self._put(self.actual, key, value)

    def have_only(self, actual: dict[K, W]) -> None:
        """Replace everything known of what is there, after reading it back."""
        self._suspects.update(self.actual, actual, self.wanted)
        self.actual = actual

    def differences(self) -> Iterator[Difference[K, W]]:
        """Yield every key where wanted and actual differ; equal keys are settled by it."""
        for key in list(self._suspects):
            have, want = self.actual.get(key), self.wanted.get(key)
            if have == want:
                self._suspects.discard(key)
            else:
                yield Difference(key, have, want)

    def settled(self) -> bool:
        """Whether wanted and actual agree on every key."""
        return next(self.differences(), None) is None

    def _put(self, side: dict[K, W], key: K, value: W | None) -> None:
        if side.get(key) == value:
            return
        if value is None:
            del side[key]
        else:
            side[key] = value
        self._suspects.add(key)
