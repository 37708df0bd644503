"""The next hops that answered requests of ours, and the MAC address of each."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from sys import intern
from typing import NamedTuple
from uuid import UUID

from ...engine.feature import Announcer


class NextHop(NamedTuple):
    """The owner of the flows of an IP address in a logical switch to which packets are routed.

    A tuple takes the least memory; there may be very many.
    """

    logical_switch: UUID
    ip: str


@dataclass(frozen=True, slots=True)
class AnswerChanged:
    """A next hop answered a switch, or its answer was forgotten."""

    switch: str
    next_hop: NextHop


class Answers(Announcer):
    """The MAC addresses of these next hops, for each switch by its name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._of: defaultdict[tuple[str, UUID], dict[str, str]] = defaultdict(dict)
        self._counts: Counter[str] = Counter()
        self._changed: dict[AnswerChanged, None] = {}

    def take_topics(self) -> Iterator[object]:
        """Yield, once, what changed."""
        changed, self._changed = self._changed, {}
        yield from changed

    def mac(self, switch: str, key: NextHop) -> str | None:
        """Return the MAC address of a next hop that answered, None for any other."""
        of = self._of.get((switch, key.logical_switch))
        return of.get(key.ip) if of else None

    def ips(self, switch: str, logical_switch: UUID) -> Collection[str]:
        """Return the next hops in a logical switch that answered."""
        return self._of.get((switch, logical_switch), {}).keys()

    def with_mac(self, switch: str, logical_switch: UUID, mac: str) -> list[str]:
        """Return the next hops in a logical switch that answered with a MAC address."""
        of = self._of.get((switch, logical_switch), {})
        return [ip for ip, each in of.items() if each == mac]

    def count(self, switch: str) -> int:
        """Return how many next hops answered a switch."""
        return self._counts[switch]

    def put(self, switch: str, key: NextHop, mac: str) -> None:
        """Note that a next hop answered with this MAC address, the same one as before or not."""
        of = self._of[switch, key.logical_switch]
        self._counts[switch] += key.ip not in of
        of[key.ip] = intern(mac)
        self._changed[AnswerChanged(switch, key)] = None

    def forget(self, switch: str, key: NextHop) -> None:
        """Forget the answer of a next hop, if there is one."""
        of = self._of.get((switch, key.logical_switch), {})
        if of.pop(key.ip, None) is None:
            return
        self._counts[switch] -= 1
        if not of:
            del self._of[switch, key.logical_switch]
        self._changed[AnswerChanged(switch, key)] = None
