"""Requests that are repeated until an answer comes, or for too long; the clock is an argument."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..multicast.deadlines import Deadlines

K = TypeVar("K", bound=Hashable)
REQUESTS = 3
"""How often a MAC address is asked for (RFC 4861, section 10: MAX_MULTICAST_SOLICIT)."""
INTERVAL = 1.0
"""Seconds between requests (RFC 4861, section 10: RETRANS_TIMER)."""
PATIENCE = 3.0
"""Seconds after which nobody answers any more, at the earliest."""


@dataclass(frozen=True, slots=True)
class DueRequests(Generic[K]):
    """What is to be asked for once more now, and what nobody answered."""

    asks: list[K] = field(default_factory=list)
    unanswered: list[K] = field(default_factory=list)


class Questions(Generic[K]):
    """What is asked for, each with as many requests and for as long as all others."""

    def __init__(self, requests: int = REQUESTS) -> None:
        """Make no more than this number of requests, beginning with the one of begin()."""
        self._requests = requests
        self._left: dict[K, int] = {}
        self._ends: Deadlines[K] = Deadlines()

    def __contains__(self, key: object) -> bool:
        return key in self._left

    def __len__(self) -> int:
        return len(self._left)

    def begin(self, key: K, now: float) -> None:
        """Begin to ask for something; the caller sends the first request."""
        self._go_on(key, self._requests - 1, now)

    def end(self, key: K) -> bool:
        """Stop asking: there is an answer, or it is of no use. Return whether it was asked for."""
        self._ends.remove(key)
        return self._left.pop(key, None) is not None

    def next_end(self) -> float | None:
        """Return when to call due() again, None for never; it may be too early."""
        return self._ends.next()

    def due(self, now: float) -> DueRequests[K]:
        """Return what is due. A late call does not make requests follow each other faster."""
        found: DueRequests[K] = DueRequests()
        for key in self._ends.take(now):
            left = self._left[key]
            if left:
                found.asks.append(key)
                self._go_on(key, left - 1, now)
            else:
                del self._left[key]
                found.unanswered.append(key)
        return found

    def _go_on(self, key: K, left: int, now: float) -> None:
        self._left[key] = left
        last = PATIENCE - (self._requests - 1) * INTERVAL
        self._ends.set(key, now + (INTERVAL if left else last))
