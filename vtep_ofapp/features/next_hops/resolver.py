"""Next hops whose MAC address is not known yet, and the packets that wait for it.

The clock is an argument. Nothing is sent from here: the caller is told what to send.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from ..multicast.deadlines import Deadlines
from .questions import Questions
from .shares import Asker, Shares

K = TypeVar("K", bound=Hashable)
P = TypeVar("P")
SILENCE = 5.0
"""Seconds for which a next hop that did not answer is not asked for again."""
MOST_HELD = 4
"""Packets that wait for one next hop; RFC 4861, section 7.2.2, asks for at least one."""
MOST_FORGED = 4
"""Statements that cannot be used after which no further one about a next hop is listened to."""
MOST_HOLDING = 1000
"""Next hops for which packets wait; Open vSwitch shows frames of up to 16 KiB."""
MOST_OCTETS = 4 << 20
"""Octets of all packets that wait, beyond which only the first one for a next hop does."""


@dataclass(frozen=True, slots=True)
class Taken(Generic[K]):
    """What became of a packet for an unknown next hop.

    ``asks`` says that the first request is to be sent, ``is_held`` that the packet waits for the
    answer, and ``gone`` is the next hop that was given up for the sake of this one.
    """

    asks: bool = False
    is_held: bool = False
    gone: K | None = None


@dataclass(frozen=True, slots=True)
class Due(Generic[K, P]):
    """What is due: next hops to ask for once more, those that do not answer, with the packets that
    waited for them, and those that may be asked for again when the next packet comes."""

    asks: list[K]
    failed: list[tuple[K, list[P]]]
    over: list[K]


class Waiting(NamedTuple):
    """Since when an answer is waited for, by the clock, and how many packets wait for it."""

    since: float
    packets: int


@dataclass(slots=True)
class _Pending(Generic[P]):
    since: float
    held: list[P] = field(default_factory=list)
    is_silent: bool = False
    forged: int = 0


class Resolver(Generic[K, P]):
    """Pending next hops, ``most`` of them, with those that did not answer and are silent now.

    If there are more, one who sends packets to many of them gives way, see Shares. ``octets``
    returns how long a packet is.
    """

    def __init__(self, most: int, octets: Callable[[P], int] = lambda packet: 0) -> None:
        self._pending: dict[K, _Pending[P]] = {}
        self._questions: Questions[K] = Questions()
        self._silent: Deadlines[K] = Deadlines()
        self._shares: Shares[K] = Shares(most)
        self._holding = 0
        self._octets_of, self._octets = octets, 0

    def __contains__(self, key: object) -> bool:
        return key in self._pending

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[K]:
        return iter(self._pending)

    def is_asked(self, key: K) -> bool:
        """Whether an answer for a next hop is waited for."""
        return key in self._questions

    def waiting(self, key: K) -> Waiting | None:
        """Return since when a next hop is pending, and what waits for it; None for any other."""
        pending = self._pending.get(key)
        return Waiting(pending.since, len(pending.held)) if pending else None

    def is_listened_to(self, key: K) -> bool:
        """Whether an answer for a next hop is waited for, and not too many were forged."""
        return self.is_asked(key) and self._pending[key].forged < MOST_FORGED

    def forged(self, key: K) -> bool:
        """Count a statement about a pending next hop that cannot be used; return whether it was the
        last one that is listened to."""
        pending = self._pending.get(key)
        if pending is None:
            return False
        pending.forged += 1
        return pending.forged == MOST_FORGED

    def take(self, key: K, asker: Asker, packet: P | None, now: float) -> Taken[K]:
        """Take a packet for a next hop, None if only the next hop is wanted."""
        pending = self._pending.get(key)
        if pending is not None:
            return Taken(is_held=self._hold(pending, packet))
        room = self._shares.room(asker)
        if not room.is_there:
            return Taken()
        if room.goes is not None:
            self.forget(room.goes)
        pending = self._pending[key] = _Pending(now)
        self._shares.add(key, asker)
        self._questions.begin(key, now)
        return Taken(True, self._hold(pending, packet), room.goes)

    def resolved(self, key: K) -> list[P]:
        """Return the packets that waited for a next hop, which is known from now on."""
        pending = self._pending.get(key)
        if pending is None:
            return []
        held = self._let_go(pending)
        self.forget(key)
        return held

    def forget(self, key: K) -> None:
        """Forget a next hop and the packets that wait for it, if it is pending."""
        pending = self._pending.pop(key, None)
        if pending is not None:
            self._let_go(pending)
            self._questions.end(key)
            self._silent.remove(key)
            self._shares.remove(key)

    def next_end(self) -> float | None:
        """Return when to call due() again, None for never; it may be too early."""
        ends = self._questions.next_end(), self._silent.next()
        return min((end for end in ends if end is not None), default=None)

    def due(self, now: float) -> Due[K, P]:
        """Return what is due now."""
        requests = self._questions.due(now)
        over = self._silent.take(now)
        for key in over:
            del self._pending[key]
            self._shares.remove(key)
        failed = []
        for key in requests.unanswered:
            pending = self._pending[key]
            pending.is_silent = True
            self._silent.set(key, now + SILENCE)
            failed.append((key, self._let_go(pending)))
        return Due(requests.asks, failed, over)

    def _hold(self, pending: _Pending[P], packet: P | None) -> bool:
        if packet is None or pending.is_silent or len(pending.held) >= MOST_HELD:
            return False
        if not pending.held:
            if self._holding >= MOST_HOLDING:
                return False
            self._holding += 1
        elif self._octets + self._octets_of(packet) > MOST_OCTETS:
            return False
        self._octets += self._octets_of(packet)
        pending.held.append(packet)
        return True

    def _let_go(self, pending: _Pending[P]) -> list[P]:
        held, pending.held = pending.held, []
        self._holding -= bool(held)
        self._octets -= sum(map(self._octets_of, held))
        return held
