"""Limits of ICMP errors: how many are sent, and which packets cause none for a while.

RFC 1812, section 4.3.2.8, and RFC 4443, section 2.4, ask for a token bucket, so that a traceroute
is answered at once. Each packet that needs an error costs a packet-in, too, and a host may send as
many as it likes. So those of a host, a binding or a remote VTEP beyond its share are not shown to
the application for a while.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

PER_SOURCE = 10
"""Errors to one host in a second."""
WINDOW = 10.0
"""Seconds."""
HOLD = 10.0
"""Seconds for which packets beyond a share are not shown."""
SHARE = WINDOW
"""Packets within WINDOW for which a share has room, for each error in a second that is allowed."""
MAX_SOURCES = 10_000
"""Hosts that are counted one by one within WINDOW; the others count for their binding only."""


class Place(NamedTuple):
    """Where packets come in: a binding by its number, or a remote VTEP by its address.

    The other one is 0; both are for packets that another router of the switch handed on.
    """

    binding: int
    remote: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The owner of the flows by which packets are not shown that would need an ICMP error.

    They are those from an IP address at a place, or from all that are there if it is "".
    """

    place: Place
    source: str = ""


class _Bucket:
    """A token bucket: so many at once, and so many in each second."""

    __slots__ = ("_left", "_rate", "_since")

    def __init__(self, rate: float, now: float) -> None:
        self._rate, self._left, self._since = rate, rate, now

    def level(self, now: float) -> float:
        """Return how many tokens there are now."""
        self._left = min(self._rate, self._left + (now - self._since) * self._rate)
        self._since = now
        return self._left

    def take(self) -> None:
        """Take a token, if there is one."""
        self._left = max(0.0, self._left - 1)

    def is_full(self, now: float) -> bool:
        """Whether nothing is known any more of the tokens that were taken."""
        return self.level(now) >= self._rate


class _Buckets:
    """Equal buckets by key. Only those that are not full are there.

    Each is full a second after its last use. So there are no more than uses in two seconds.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buckets: dict[Hashable, _Bucket] = {}
        """The one that was used last is at the end."""

    def __len__(self) -> int:
        return len(self._buckets)

    def has(self, key: Hashable, now: float) -> bool:
        """Whether there is a token for a key."""
        bucket = self._buckets.get(key)
        return bucket is None or bucket.level(now) >= 1

    def take(self, key: Hashable, now: float) -> None:
        """Take a token of a key, if there is one."""
        while self._buckets:
            first = next(iter(self._buckets))
            if not self._buckets[first].is_full(now):
                break
            del self._buckets[first]
        bucket = self._buckets.pop(key, None) or _Bucket(self._rate, now)
        bucket.take()
        self._buckets[key] = bucket


class ErrorRate:
    """The rate of the errors of one switch, ``per_second`` in all; the clock is in seconds.

    A place that gets more than half of it leaves a quarter of the tokens to the others.
    """

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._all = _Bucket(per_second, clock())
        self._sources = _Buckets(PER_SOURCE)
        self._places = _Buckets(max(1.0, per_second / 2))
        self._left_to_others = per_second // 4

    def __len__(self) -> int:
        """Return how many hosts and places are remembered."""
        return len(self._sources) + len(self._places)

    def may_send(self, source: Hashable, place: Hashable) -> bool:
        """Count an error to a host at a place; return whether it may be sent."""
        now = self._clock()
        least = 1 if self._places.has(place, now) else 1 + self._left_to_others
        if self._all.level(now) < least or not self._sources.has(source, now):
            return False
        self._all.take()
        self._sources.take(source, now)
        self._places.take(place, now)
        return True


class Shares:
    """How many packets that need an error each place shows, and each host there."""

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of_place = max(1, per_second) * SHARE
        self._counts: Counter[Unanswered] = Counter()
        self._begin = clock()
        self._held: dict[Unanswered, float] = {}
        """When each hold ends, the first one first: all are equally long."""

    def __len__(self) -> int:
        """Return how many hosts and places are remembered."""
        return len(self._counts)

    def is_held(self, key: Unanswered) -> bool:
        """Whether the packets of a place or a host cause no errors now."""
        return key in self._held

    def held(self) -> Iterator[Unanswered]:
        """Yield all whose packets cause no errors now."""
        return iter(list(self._held))

    def has_share(self, place: Place, source: str) -> bool:
        """Whether a packet from a host at a place causes an error."""
        held = self._held
        return not held or (Unanswered(place) not in held and Unanswered(place, source) not in held)

    def count(self, place: Place, source: str) -> Iterator[Unanswered]:
        """Count a packet; yield the host or the place if its share is used up from now on."""
        now = self._clock()
        if now - self._begin >= WINDOW:
            self._counts.clear()
            self._begin = now
        host, all_there = Unanswered(place, source), Unanswered(place)
        if source and (host in self._counts or len(self._counts) < MAX_SOURCES):
            yield from self._count(host, PER_SOURCE * SHARE, now)
        yield from self._count(all_there, self._of_place, now)

    def _count(self, key: Unanswered, most: float, now: float) -> Iterator[Unanswered]:
        self._counts[key] += 1
        if self._counts[key] >= most and key not in self._held:
            self._held[key] = now + HOLD
            yield key

    def end(self) -> float | None:
        """Return when, by the clock, the next hold ends, None if there is none."""
        return next(iter(self._held.values()), None)

    def release(self) -> Iterator[Unanswered]:
        """End and yield the holds that are over."""
        now = self._clock()
        over = takewhile(lambda each: each[1] <= now, self._held.items())
        for key, _ in list(over):
            del self._held[key]
            self._counts.pop(key, None)
            yield key
