"""The logical routers of one switch: the interfaces and routes that are used there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ...engine.topics import Topic
from ...engine.view import View
from ...values.routers import Prefix, prefix_order
from ..presence import Presence
from .limits import RouterLimits, Size
from .resolved import Resolved, UsedInterface, UsedRoute
from .rows import RouterChanged, Routers


class Interface(NamedTuple):
    """The owner of an interface: of the flows for a router's addresses in a logical switch.

    As a topic: what RoutersHere says of it changed.
    """

    router: UUID
    logical_switch: UUID


class Route(NamedTuple):
    """The owner of a route of a router.

    As a topic: what RoutersHere says of it, or of its interface's MAC and number, changed.
    """

    router: UUID
    prefix: Prefix


class RouterPackets(NamedTuple):
    """The packets of one version of IP that come to a router from an interface, or leave by it.

    Access lists declare the tables that they pass, see Feature.steps.
    """

    router: UUID
    logical_switch: UUID
    is_ipv6: bool


class RoomChanged(NamedTuple):
    """More or less of a router is used than before, because of a limit of the switch."""

    router: UUID


@dataclass(frozen=True, slots=True)
class _Cut:
    """The interfaces and static routes that are used of a router that is beyond a limit."""

    interfaces: frozenset[UUID] = frozenset()
    routes: frozenset[Prefix] = frozenset()

    def uses(self, route: UsedRoute) -> bool:
        """Whether a route is used."""
        is_in_room = not route.next_hop or route.prefix in self.routes
        return route.logical_switch in self.interfaces and is_in_room


_NOTHING = _Cut()


class RoutersHere:
    """The routers that are present at a switch, with the interfaces and routes that are used.

    Used is what no other router's addresses conflict with, and what is within the limits.
    """

    def __init__(self, view: View) -> None:
        self.limits = RouterLimits(view.settings)
        self._view = view
        self._rows = view[Routers]
        self._here: set[UUID] = set()
        self._cuts: dict[UUID, _Cut] = {}

    def routers(self) -> Collection[UUID]:
        """Return the routers that are present here."""
        return self._here

    def name(self, router: UUID) -> str:
        """Return the router's name in messages."""
        return self._rows.name(router)

    def interfaces(self, router: UUID) -> Collection[UsedInterface]:
        """Return the interfaces of a router."""
        found, cut = self._resolved(router).interfaces, self._cuts.get(router)
        if cut is None:
            return found.values()
        return [each for where, each in found.items() if where in cut.interfaces]

    def interface(self, key: Interface) -> UsedInterface | None:
        """Return an interface, None if it is not used here."""
        cut = self._cuts.get(key.router)
        if cut is not None and key.logical_switch not in cut.interfaces:
            return None
        return self._resolved(key.router).interfaces.get(key.logical_switch)

    def on(self, logical_switch: UUID) -> Sequence[UsedInterface]:
        """Return the interfaces in a logical switch, by their router's name."""
        keys = (Interface(each, logical_switch) for each in self._rows.joining(logical_switch))
        found = (interface for key in keys if (interface := self.interface(key)))
        return sorted(found, key=lambda each: (each.name, each.router))

    def owner_of(self, logical_switch: UUID, ip: str) -> UsedInterface | None:
        """Return the interface that has an IP address in a logical switch, link-local or not."""
        router = self._rows.claims.owner(logical_switch, ip)
        found = None if router is None else self.interface(Interface(router, logical_switch))
        if found is None or (ip != found.link_local and ip not in found.ips(":" in ip)):
            return None
        return found

    def with_mac(self, logical_switch: UUID, mac: str) -> UsedInterface | None:
        """Return the interface that has a MAC address in a logical switch."""
        router = self._rows.claims.with_mac(logical_switch, mac)
        return None if router is None else self.interface(Interface(router, logical_switch))

    def routes(self, router: UUID) -> Collection[UsedRoute]:
        """Return the routes of a router, connected and static."""
        found, cut = self._resolved(router).routes.values(), self._cuts.get(router)
        return found if cut is None else list(filter(cut.uses, found))

    def route_of(self, key: Route) -> UsedRoute | None:
        """Return the route with a prefix, None if none is used here."""
        found, cut = self._resolved(key.router).routes.get(key.prefix), self._cuts.get(key.router)
        return None if found and cut and not cut.uses(found) else found

    def lookup(self, router: UUID, ip: str) -> UsedRoute | None:
        """Return the route for an IP address: that of the longest prefix, connected before static.

        None if no route has it.
        """
        cut = self._cuts.get(router)
        fitting = self._resolved(router).fitting(ip)
        return next((each for each in fitting if cut is None or cut.uses(each)), None)

    def changed(self, change: RouterChanged) -> Iterator[Topic]:
        """Handle a changed router, or one that may have become present or absent.

        Yields the interfaces and routes that changed, and the routers that have another room.
        """
        router = change.router
        was_here, is_here = router in self._here, self._is_present(router)
        if not was_here and not is_here:
            return
        (self._here.add if is_here else self._here.discard)(router)
        resized = self._measure(router)
        yield from map(RoomChanged, resized)
        interfaces, prefixes = {*change.logical_switches}, {*change.prefixes}
        if was_here != is_here:
            now = self._rows.resolved(router)
            interfaces |= now.interfaces.keys()
            prefixes |= now.routes.keys()
        cut = self._recut(router)
        yield from (Interface(router, each) for each in interfaces | cut.interfaces)
        yield from (Route(router, each) for each in prefixes | cut.routes)
        for other in resized - {router}:
            cut = self._recut(other)
            yield from (Interface(other, each) for each in cut.interfaces)
            yield from (Route(other, each) for each in cut.routes)

    def _resolved(self, router: UUID) -> Resolved:
        return self._rows.resolved(router if router in self._here else None)

    def _is_present(self, router: UUID) -> bool:
        row = self._rows.row(router)
        if row is None or not self._view.settings.routing:
            return False
        return any(each in self._view[Presence] for each in row.logical_switches)

    def _measure(self, router: UUID) -> set[UUID]:
        """Count a router; return those of which more or less is used by that."""
        row, size = self._rows.row(router), None
        if row is not None and row.mac and router in self._here:
            size = Size(len(self._rows.resolved(router).interfaces), len(row.routes))
        return self.limits.put(router, row.name if row else "", size)

    def _recut(self, router: UUID) -> _Cut:
        """Note what is used of a router; return the interfaces and routes that are new or not."""
        before, now = self._cuts.pop(router, None), self._cut(router)
        if now is not None:
            self._cuts[router] = now
        if before == now:
            return _NOTHING
        found = self._resolved(router)
        return _Cut(
            frozenset(
                where
                for where in found.interfaces
                if (before is None or where in before.interfaces)
                != (now is None or where in now.interfaces)
            ),
            frozenset(
                route.prefix
                for route in found.routes.values()
                if (before is None or before.uses(route)) != (now is None or now.uses(route))
            ),
        )

    def _cut(self, router: UUID) -> _Cut | None:
        """Return what is used of a router that is beyond a limit: what comes first."""
        room, row = self.limits.room(router), self._rows.row(router)
        if room is None or row is None or router not in self._here:
            return None
        interfaces = sorted(self._rows.resolved(router).interfaces)[: room.interfaces]
        prefixes: Collection[Prefix] = row.routes.keys()
        if room.routes < len(prefixes):
            prefixes = sorted(prefixes, key=prefix_order)[: room.routes]
        return _Cut(frozenset(interfaces), frozenset(prefixes))
