"""When next hops that answered are asked again whether they are still there.

The clock is an argument.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from .questions import DueRequests, Questions

K = TypeVar("K", bound=Hashable)
REFRESH = 200.0
"""Seconds after an answer until the next hop is asked again."""
FIRST = REFRESH / 2
"""Seconds until the first one of those that were read back is asked."""
SPACING = FIRST / 65536
"""Seconds between these, so that they are not asked all at once."""
MOST_AT_ONCE = 100
"""Next hops that one call begins to ask, so that no turn takes long."""


class Upkeep(Generic[K]):
    """The next hops that answered, the one to be asked first at the front.

    A next hop is asked up to three times, a second apart. The interval is the same for all, so
    that their order is the one in which they answered.
    """

    def __init__(self) -> None:
        self._ends: OrderedDict[K, float] = OrderedDict()
        self._questions: Questions[K] = Questions()
        self._last = float("-inf")

    def is_asked(self, key: K) -> bool:
        """Whether an answer of a next hop is waited for."""
        return key in self._questions

    def answered(self, key: K, now: float) -> None:
        """Begin, or postpone, the upkeep of a next hop that has just answered."""
        self._set(key, now + REFRESH)

    def found(self, key: K, now: float) -> None:
        """Begin the upkeep of a next hop that answered some time ago, perhaps another process."""
        self._set(key, max(self._last, now + FIRST) + SPACING)

    def forget(self, key: K) -> None:
        """End the upkeep of a next hop, if there is one."""
        self._ends.pop(key, None)
        self._questions.end(key)

    def next_end(self) -> float | None:
        """Return when to call due() again, None for never; it may be too early."""
        ends = next(iter(self._ends.values()), None), self._questions.next_end()
        return min((end for end in ends if end is not None), default=None)

    def due(self, now: float) -> DueRequests[K]:
        """Return the next hops to be asked now, and those that did not answer: they are gone."""
        found = self._questions.due(now)
        for _ in range(MOST_AT_ONCE):
            key = next(iter(self._ends), None)
            if key is None or self._ends[key] > now:
                break
            del self._ends[key]
            self._questions.begin(key, now)
            found.asks.append(key)
        return found

    def _set(self, key: K, end: float) -> None:
        self.forget(key)
        self._last = max(self._last, end)
        self._ends[key] = self._last
