"""When we ask the hosts of a logical switch which groups they are members of: pure state."""

from uuid import UUID

from .deadlines import Deadlines, K
from .messages import QUERY_INTERVAL

FIRST_QUERY = 1.0
"""Seconds from the start, or from a new binding, to the first query: flows come before it."""
STARTUP_INTERVAL = QUERY_INTERVAL / 4
"""Seconds between the first queries (RFC 3376, section 8.6)."""
STARTUP_COUNT = 2
"""The number of these (RFC 3376, section 8.7)."""
AT_ONCE = 100
"""Logical switches or bindings that are asked at the same time; others follow after a moment."""
MOMENT = 0.1
"""Seconds."""
LAST_MEMBER_INTERVAL = 1.0
"""Seconds between the two queries after a leave (RFC 3376, section 8.8)."""


class Querier:
    """When to ask all hosts of each logical switch, and the hosts of a binding that one left.

    A question is a logical switch, a binding and the IP address of a group.
    """

    def __init__(self) -> None:
        self._general: Deadlines[UUID] = Deadlines()
        self._startups: dict[UUID, int] = {}
        self._questions: Deadlines[tuple[UUID, int, str]] = Deadlines()
        self._back: Deadlines[tuple[UUID, int]] = Deadlines()

    def next_end(self) -> float | None:
        """Return when to call general(), questions() and back() again, None for never."""
        ends = self._general.next(), self._questions.next(), self._back.next()
        return min((end for end in ends if end is not None), default=None)

    def next_general(self, logical_switch: UUID) -> float | None:
        """Return when all hosts of a logical switch are asked next, None for never."""
        return self._general.ends.get(logical_switch)

    def start(self, logical_switch: UUID, now: float) -> None:
        """Ask all hosts of a logical switch soon, a few times, and then in intervals."""
        self._startups[logical_switch] = STARTUP_COUNT
        self._general.set(logical_switch, now + FIRST_QUERY)

    def stop(self, logical_switch: UUID) -> None:
        """Do not ask the hosts of a logical switch any more."""
        self._general.remove(logical_switch)
        self._startups.pop(logical_switch, None)

    def general(self, now: float) -> list[UUID]:
        """Return the logical switches whose hosts are to be asked now."""
        due = _first(self._general, now)
        for logical_switch in due:
            left = self._startups.pop(logical_switch, 0) - 1
            if left > 0:
                self._startups[logical_switch] = left
            interval = STARTUP_INTERVAL if left > 0 else QUERY_INTERVAL
            self._general.set(logical_switch, now + interval)
        return due

    def left(self, logical_switch: UUID, binding: int, address: str, now: float) -> None:
        """Ask the hosts of a binding again who is left in a group."""
        self._questions.set((logical_switch, binding, address), now + LAST_MEMBER_INTERVAL)

    def questions(self, now: float) -> list[tuple[UUID, int, str]]:
        """Return the questions that are to be asked now."""
        return self._questions.take(now)

    def came_back(self, logical_switch: UUID, binding: int, now: float) -> None:
        """Ask all hosts of a binding soon, once."""
        self._back.set((logical_switch, binding), now + FIRST_QUERY)

    def back(self, now: float) -> list[tuple[UUID, int]]:
        """Return the bindings whose hosts are to be asked now, with their logical switches."""
        return _first(self._back, now)


def _first(due: Deadlines[K], now: float) -> list[K]:
    """Take and return what is due, up to AT_ONCE; what is left follows after a moment."""
    keys = due.take(now)
    for key in keys[AT_ONCE:]:
        due.set(key, now + MOMENT)
    return keys[:AT_ONCE]
