"""Counters that begin to count again, for log lines that say so once."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
QUIET = 600.0
"""Seconds without a count after which the next one is the first of a burst."""


class Bursts(Generic[K]):
    """What each counter has counted, and the time of the last count.

    What goes on is one burst: it is told once, at its beginning.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: dict[K, int] = {}
        self._last: dict[K, float] = {}

    def recent(self) -> Iterator[tuple[K, int]]:
        """Yield the counters that counted lately, and how much each has counted."""
        now = self._clock()
        for key, last in self._last.items():
            if now - last < QUIET:
                yield key, self._counts[key]

    def begun(self, counts: Mapping[K, int]) -> list[tuple[K, int]]:
        """Handle what all counters say now; return those of new bursts, and how much is new.

        One that says less than before began at zero again; one that is missing is forgotten.
        """
        now, last = self._clock(), dict[K, float]()
        begun = []
        for key, count in counts.items():
            before = self._counts.get(key, 0)
            news = count - before if count >= before else count
            if key in self._last:
                last[key] = self._last[key]
            if not news:
                continue
            if key not in last or now - last[key] >= QUIET:
                begun.append((key, news))
            last[key] = now
        self._counts, self._last = dict(counts), last
        return begun
