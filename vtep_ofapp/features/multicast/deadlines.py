"""When things end, of which very many may be postponed again and again."""

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
_SPARE = 1000
"""Entries of a heap that need not be of use: to make it smaller costs a look at all others."""


class Deadlines(Generic[K]):
    """The end of each key, by a clock that is an argument; ``ends`` has all of them.

    To postpone an end costs one look-up: the heap has the first end that a key had, and the key is
    looked at again when that is reached. Ends that were brought forward or removed stay in the heap
    until then, or until there are more of them than of others.
    """

    def __init__(self) -> None:
        self.ends: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._in_heap: dict[K, float] = {}
        self._order = count()

    def set(self, key: K, end: float) -> None:
        """Set, postpone or bring forward the end of a key."""
        self.ends[key] = end
        earlier = self._in_heap.get(key)
        if earlier is None or end < earlier:
            self._in_heap[key] = end
            heapq.heappush(self._heap, (end, next(self._order), key))
            if len(self._heap) > 2 * len(self.ends) + _SPARE:
                self._make_smaller()

    def remove(self, key: K) -> None:
        """Remove a key, if it is there."""
        self.ends.pop(key, None)

    def next(self) -> float | None:
        """Return when to call take() again, None for never; it may be too early."""
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> list[K]:
        """Remove and return the keys whose end has come, the first one first."""
        ended = []
        while self._heap and self._heap[0][0] <= now:
            looked_at, _, key = heapq.heappop(self._heap)
            if self._in_heap.get(key) != looked_at:
                continue
            del self._in_heap[key]
            end = self.ends.get(key)
            if end is not None and end <= now:
                del self.ends[key]
                ended.append(key)
            elif end is not None:
                self.set(key, end)
        return ended

    def _make_smaller(self) -> None:
        self._in_heap = dict(self.ends)
        self._heap = [(end, next(self._order), key) for key, end in self.ends.items()]
        heapq.heapify(self._heap)
