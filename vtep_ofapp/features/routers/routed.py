"""The logical switches in which routers of one switch have an interface."""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from ...engine.topics import Topic
from ...engine.view import View
from .here import Interface, RoutersHere


class RoutingTurned(NamedTuple):
    """The first interface of any router came to a switch, or the last one went."""


class RoutedTurned(NamedTuple):
    """The first interface of a router came to a logical switch, or the last one went."""

    logical_switch: UUID


class Routed:
    """The logical switches with an interface of a router that is used at a switch.

    It is false while there are none.
    """

    def __init__(self, view: View) -> None:
        self._here = view[RoutersHere]
        self._routers: dict[UUID, set[UUID]] = {}

    def __contains__(self, logical_switch: object) -> bool:
        return logical_switch in self._routers

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._routers)

    def __len__(self) -> int:
        return len(self._routers)

    def changed(self, key: Interface) -> Iterator[Topic]:
        """Handle an interface that may have come or gone; yield what turned by that."""
        was_routing, was_routed = bool(self), key.logical_switch in self
        self._update(key)
        if was_routed is not (key.logical_switch in self):
            yield RoutedTurned(key.logical_switch)
        if was_routing is not bool(self):
            yield RoutingTurned()

    def _update(self, key: Interface) -> None:
        if self._here.interface(key) is not None:
            self._routers.setdefault(key.logical_switch, set()).add(key.router)
        elif key.logical_switch in self._routers:
            self._routers[key.logical_switch].discard(key.router)
            if not self._routers[key.logical_switch]:
                del self._routers[key.logical_switch]
