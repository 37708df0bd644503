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


class RouterLimits:
    """The routers of one switch by their names, and those of them that are beyond a limit."""

    def __init__(self, settings: Settings) -> None:
        self._most_routers = settings.max_routers
        self._most = Size(settings.max_interfaces, settings.max_routes)
        self._names: list[_Name] = []
        self._sizes: dict[UUID, tuple[_Name, Size]] = {}
        self._all = Size(0, 0)
        self._room: dict[UUID, Room] = {}

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
        return self._room.get(router)

    def put(self, router: UUID, name: str, size: Size | None) -> set[UUID]:
        """Set the size of a router, None if it is gone; return those with another room by that."""
        former = self._sizes.pop(router, None)
        now = None if size is None else ((name, router), size)
        if former == now:
            if now is not None:
                self._sizes[router] = now
            return set()
        if former is not None:
            self._count(former[1], -1)
        if now is not None:
            self._sizes[router] = now
            self._count(now[1], 1)
        self._rename(former and former[0], now and now[0])
        before, self._room = self._room, dict(self._beyond()) if self._is_over() else {}
        if not before and not self._room:
            return set()
        return {
            each
            for each in before.keys() | self._room.keys()
            if before.get(each) != self._room.get(each)
        }

    def _rename(self, former: _Name | None, now: _Name | None) -> None:
        if former == now:
            return
        if former is not None:
            del self._names[bisect_left(self._names, former)]
        if now is not None:
            insort(self._names, now)

    def _count(self, size: Size, sign: int) -> None:
        interfaces, routes = self._all
        self._all = Size(interfaces + sign * size.interfaces, routes + sign * size.routes)

    def _is_over(self) -> bool:
        is_larger = any(all_ > most for all_, most in zip(self._all, self._most, strict=True))
        return is_larger or len(self._names) > self._most_routers

    def _beyond(self) -> Iterator[tuple[UUID, Room]]:
        """Yield the routers that are beyond a limit."""
        interfaces, routes = self._most
        for place, (_, router) in enumerate(self._names):
            size = self._sizes[router][1]
            if place >= self._most_routers:
                yield router, Room(True, 0, 0)
                continue
            if size.interfaces > interfaces or size.routes > routes:
                yield (
                    router,
                    Room(False, min(size.interfaces, interfaces), min(size.routes, routes)),
                )
            interfaces = max(0, interfaces - size.interfaces)
            routes = max(0, routes - size.routes)
