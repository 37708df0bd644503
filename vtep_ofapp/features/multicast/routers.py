"""Where multicast routers are, and whether one of them asks who is a member: pure state."""

from collections import defaultdict
from uuid import UUID

from .deadlines import Deadlines
from .messages import Family

ROUTER_TIME = 255.0
"""Seconds for which a router is believed to be there after it was heard: the time after which
another router becomes the querier (RFC 3376, section 8.5; RFC 3810, section 9.5)."""
MAX_REMOTE = 16
"""Routers of one logical switch behind tunnels that are told apart."""


class Routers:
    """The routers of all logical switches at one switch.

    One at a binding is known by the number of the binding, one behind a tunnel by its IPv4 address.
    """

    def __init__(self) -> None:
        self._ends: Deadlines[tuple[UUID, int | str]] = Deadlines()
        self._of: defaultdict[UUID, dict[int | str, None]] = defaultdict(dict)
        self._queriers: Deadlines[tuple[UUID, Family]] = Deadlines()
        self._asking: dict[tuple[UUID, Family], int] = {}

    def bindings(self, logical_switch: UUID) -> frozenset[int]:
        """Return the bindings that have a router."""
        known = self._of.get(logical_switch, ())
        return frozenset(each for each in known if isinstance(each, int))

    def remote(self, logical_switch: UUID) -> list[str]:
        """Return the IPv4 addresses of routers behind tunnels that asked all hosts."""
        known = self._of.get(logical_switch, ())
        return sorted(each for each in known if isinstance(each, str))

    def heard_until(self, logical_switch: UUID) -> list[tuple[int | str, float]]:
        """Return each router of a logical switch, and when it is forgotten unless it is heard."""
        known = self._of.get(logical_switch, ())
        return [(each, self._ends.ends[logical_switch, each]) for each in known]

    def has_querier(self, logical_switch: UUID, family: Family, now: float) -> bool:
        """Whether a router at a binding asks all hosts of a logical switch."""
        return now < self._queriers.ends.get((logical_switch, family), now)

    def next_end(self) -> float | None:
        """Return when to call end() and silent_queriers() again, None for never."""
        ends = self._ends.next(), self._queriers.next()
        return min((end for end in ends if end is not None), default=None)

    def heard(self, logical_switch: UUID, where: int | str, now: float) -> bool:
        """Handle a sign of a router; return whether it is news."""
        known = self._of[logical_switch]
        is_news = where not in known
        if is_news and isinstance(where, str) and len(self.remote(logical_switch)) >= MAX_REMOTE:
            return False
        known[where] = None
        self._ends.set((logical_switch, where), now + ROUTER_TIME)
        return is_news

    def asks(self, logical_switch: UUID, family: Family, binding: int, now: float) -> None:
        """Handle a query of a router at a binding for all hosts."""
        self._queriers.set((logical_switch, family), now + ROUTER_TIME)
        self._asking[logical_switch, family] = binding

    def silent_queriers(self, now: float) -> set[UUID]:
        """Forget who asked and no longer does; return the logical switches where that was."""
        silent = self._queriers.take(now)
        for each in silent:
            del self._asking[each]
        return {logical_switch for logical_switch, _ in silent}

    def end(self, now: float) -> set[UUID]:
        """Forget routers that were silent; return the logical switches that had one."""
        ended = self._ends.take(now)
        for logical_switch, where in ended:
            self._remove(logical_switch, where)
        return {logical_switch for logical_switch, _ in ended}

    def forget_binding(self, logical_switch: UUID, binding: int) -> bool:
        """Forget the router at a binding; return whether there was one."""
        self._ends.remove((logical_switch, binding))
        for family in Family:
            if self._asking.get((logical_switch, family)) == binding:
                self._forget_querier(logical_switch, family)
        return self._remove(logical_switch, binding)

    def forget(self, logical_switch: UUID) -> None:
        """Forget all routers of a logical switch."""
        for where in list(self._of.get(logical_switch, ())):
            self._ends.remove((logical_switch, where))
            self._remove(logical_switch, where)
        for family in Family:
            self._forget_querier(logical_switch, family)

    def _forget_querier(self, logical_switch: UUID, family: Family) -> None:
        self._queriers.remove((logical_switch, family))
        self._asking.pop((logical_switch, family), None)

    def _remove(self, logical_switch: UUID, where: int | str) -> bool:
        known = self._of.get(logical_switch, {})
        was_there = where in known
        known.pop(where, None)
        if not known:
            self._of.pop(logical_switch, None)
        return was_there
