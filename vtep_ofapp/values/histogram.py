"""Durations in buckets, as Prometheus has them."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from math import ceil, inf

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of the buckets in seconds, inclusive; one more bucket has all above."""


class Histogram:
    """How many durations there were of each size: the ``least``, ``greatest``, ``last``, and sum.

    All are in seconds; ``least`` and ``last`` are None before the first one.
    """

    __slots__ = ("_counts", "greatest", "last", "least", "total")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0
        self.least: float | None = None
        self.greatest = 0.0
        self.last: float | None = None

    def add(self, seconds: float) -> None:
        """Add a duration."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        self.last = seconds
        if self.least is None or seconds < self.least:
            self.least = seconds
        if seconds > self.greatest:
            self.greatest = seconds

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self._counts)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Yield each upper bound, the last one infinite, with the number of durations up to it."""
        return zip((*BOUNDS, inf), accumulate(self._counts), strict=True)

    def quantile(self, part: float) -> float | None:
        """Return a bound that this part of the durations, 0 to 1, does not exceed.

        It is the bound of a bucket or the greatest duration; None if there was none.
        """
        least = max(1, ceil(part * self.count))
        for bound, count in self.buckets():
            if count >= least:
                return min(bound, self.greatest)
        return None
