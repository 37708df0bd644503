"""The logical routers of one switch: the interfaces and routes that are used there."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ...engine.topics import Topic
from ...engine.view import View
from ...values.routers import Prefix
from ..presence import Presence
from .resolved import UsedInterface, UsedRoute
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


class RoutersHere:
    """The routers that are present at a switch, with their interfaces and routes."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._rows = view[Routers]
        self._here: set[UUID] = set()

    def routers(self) -> Collection[UUID]:
        """Return the routers that are used here."""
        return self._here

    def name(self, router: UUID) -> str:
        """Return the router's name in messages."""
        return self._rows.name(router)

    def interfaces(self, router: UUID) -> Collection[UsedInterface]:
        """Return the interfaces of a router."""
        return self._rows.resolved(router).interfaces.values() if router in self._here else ()

    def interface(self, key: Interface) -> UsedInterface | None:
        """Return an interface, None if it is not used here."""
        if key.router not in self._here:
            return None
        return self._rows.resolved(key.router).interfaces.get(key.logical_switch)

    def on(self, logical_switch: UUID) -> Sequence[UsedInterface]:
        """Return the interfaces in a logical switch, by their router's name."""
        keys = (Interface(each, logical_switch) for each in self._rows.joining(logical_switch))
        found = (interface for key in keys if (interface := self.interface(key)))
        return sorted(found, key=lambda each: (each.name, each.router))

    def owner_of(self, logical_switch: UUID, ip: str) -> UsedInterface | None:
        """Return the interface that has an IP address in a logical switch, link-local or not."""
        for interface in self.on(logical_switch):
            if ip == interface.link_local or ip in interface.ips(":" in ip):
                return interface
        return None

    def with_mac(self, logical_switch: UUID, mac: str) -> UsedInterface | None:
        """Return the interface that has a MAC address in a logical switch."""
        return next((each for each in self.on(logical_switch) if each.mac == mac), None)

    def routes(self, router: UUID) -> Collection[UsedRoute]:
        """Return the routes of a router, connected and static."""
        return self._rows.resolved(router).routes.values() if router in self._here else ()

    def route_of(self, key: Route) -> UsedRoute | None:
        """Return the route with a prefix, None if none is used here."""
        if key.router not in self._here:
            return None
        return self._rows.resolved(key.router).routes.get(key.prefix)

    def lookup(self, router: UUID, ip: str) -> UsedRoute | None:
        """Return the route for an IP address: that of the longest prefix, connected before static.

        None if no route has it.
        """
        return self._rows.resolved(router).lookup(ip) if router in self._here else None

    def changed(self, changes: Iterable[RouterChanged]) -> Iterator[Topic]:
        """Compare which routers are present; yield the interfaces and routes that changed."""
        for router, logical_switches, prefixes in (
            (each.router, {*each.logical_switches}, {*each.prefixes}) for each in changes
        ):
            was_here, is_here = router in self._here, self._is_present(router)
            (self._here.add if is_here else self._here.discard)(router)
            if was_here != is_here:
                now = self._rows.resolved(router)
                logical_switches |= now.interfaces.keys()
                prefixes |= now.routes.keys()
            if was_here or is_here:
                yield from (Interface(router, each) for each in logical_switches)
                yield from (Route(router, each) for each in prefixes)

    def _is_present(self, router: UUID) -> bool:
        row = self._rows.row(router)
        if row is None or not self._view.settings.routing:
            return False
        return any(each in self._view[Presence] for each in row.logical_switches)
