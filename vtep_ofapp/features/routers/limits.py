"""The limits of all routers of one switch: those with the first names are used."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ...process.settings import Settings

_Name: TypeAlias = tuple[str, UUID]
"""The name and the row of a router."""


class Size(NamedTuple):
    """How many interfaces and static routes a router has."""

    interfaces: int
    routes: int


class Room(NamedTuple):
    """What is used of a router for which there is no room as a whole.

    ``is_refused``: nothing at all, because there are too many routers.
    """

    is_refused: bool
    interfaces: int
    routes: int


_NOTHING = Room(True, 0, 0)


class RouterLimits:
    """The routers of one switch by their names, and those of them that are beyond a limit."""

    def __init__(self, settings: Settings) -> None:
        self._most_routers = settings.max_routers
        self._most = Size(settings.max_interfaces, settings.max_routes)
        self._names: list[_Name] = []
        self.sizes: dict[UUID, tuple[_Name, Size]] = {}
        self._all = Size(0, 0)
        self._refused: set[UUID] = set()
        self._short: dict[UUID, Room] = {}

    @property
    def routers(self) -> int:
        """The number of routers, used or not."""
        return len(self._names)

    @property
    def all(self) -> Size:
        """The interfaces and static routes of all routers, used or not."""
        return self._all

    def room(self, router: UUID) -> Room | None:
        """Return what is used of a router that is beyond a limit, None for all of it."""
        return _NOTHING if router in self._refused else self._short.get(router)

    def put(self, router: UUID, name: str, size: Size | None) -> set[UUID]:
        """Set the size of a router, None if it is gone; return those with another room by that.

        It takes little time for a router that is refused, as there may be very many of these.
        """
        former = self.sizes.pop(router, None)
        now = None if size is None else ((name, router), size)
        if now is not None:
            self.sizes[router] = now
        if former == now:
            return set()
        before, was_refused = self._short.get(router), router in self._refused
        if former is not None:
            self._count(former[1], -1)
        if now is not None:
            self._count(now[1], 1)
        changed = self._rename(former and former[0], now and now[0])
        is_refused = router in self._refused
        if (former and not was_refused) or (now and not is_refused):
            changed |= self._measure()
        if (before, was_refused) != (self._short.get(router), is_refused):
            changed.add(router)
        return changed

    def _rename(self, former: _Name | None, now: _Name | None) -> set[UUID]:
        """Replace a name; return the routers that are refused, or no longer are, by that."""
        if former == now:
            return set()
        most, turned = self._most_routers, set[UUID]()
        if former is not None:
            place = bisect_left(self._names, former)
            del self._names[place]
            if place < most <= len(self._names):
                turned ^= {self._names[most - 1][1]}
            elif place >= most:
                turned ^= {former[1]}
        if now is not None:
            insort(self._names, now)
            place = bisect_left(self._names, now)
            if place < most < len(self._names):
                turned ^= {self._names[most][1]}
            elif place >= most:
                turned ^= {now[1]}
        self._refused ^= turned
        return turned

    def _measure(self) -> set[UUID]:
        """Compare what is used of all that are not refused; return those of which it changed."""
        before, self._short = self._short, dict(self._cut_short()) if self._is_over() else {}
        each = before.keys() | self._short.keys() if before or self._short else ()
        return {router for router in each if before.get(router) != self._short.get(router)}

    def _count(self, size: Size, sign: int) -> None:
        interfaces, routes = self._all
        self._all = Size(interfaces + sign * size.interfaces, routes + sign * size.routes)

    def _is_over(self) -> bool:
        return any(all_ > most for all_, most in zip(self._all, self._most, strict=True))

    def _cut_short(self) -> Iterator[tuple[UUID, Room]]:
        """Yield the routers that are not refused, and beyond a limit all the same."""
        interfaces, routes = self._most
        for _, router in self._names[: self._most_routers]:
            size = self.sizes[router][1]
            if size.interfaces > interfaces or size.routes > routes:
                room = min(size.interfaces, interfaces), min(size.routes, routes)
                yield router, Room(False, *room)
            interfaces = max(0, interfaces - size.interfaces)
            routes = max(0, routes - size.routes)
