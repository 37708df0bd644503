"""The logical switches in which routers of one switch have an interface."""

from collections.abc import Iterator
from uuid import UUID

from ...engine.view import View
from ..routers.here import Interface, RoutersHere


class Routed:
    """The logical switches with an interface of a router that is used at a switch."""

    def __init__(self) -> None:
        self._routers: dict[UUID, set[UUID]] = {}

    def __contains__(self, logical_switch: UUID) -> bool:
        return logical_switch in self._routers

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._routers)

    def __len__(self) -> int:
        return len(self._routers)

    def update(self, key: Interface, view: View) -> None:
        """Take an interface that may have come or gone."""
        if view[RoutersHere].interface(key) is not None:
            self._routers.setdefault(key.logical_switch, set()).add(key.router)
        elif key.logical_switch in self._routers:
            self._routers[key.logical_switch].discard(key.router)
            if not self._routers[key.logical_switch]:
                del self._routers[key.logical_switch]
