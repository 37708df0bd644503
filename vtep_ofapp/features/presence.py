"""Presence: the logical switches that a switch programs.

A logical switch is present if it is bound at the switch, or if a router joins it to a present one:
what a host sends is routed where it comes in, so that the switch needs to know the stations of
every logical switch that its routers reach.
"""

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from ..engine.feature import Feature
from ..engine.topics import Topic
from ..engine.view import View
from .bindings.ports import BindingsTurned, Ports
from .logical_switches.rows import WholeLogicalSwitch
from .routers.rows import JoinsChanged, Routers


class Presence:
    """The logical switches that are present at one switch."""

    def __init__(self, view: View) -> None:
        self.version = 0
        """A number that each change increments."""
        self._ports = view[Ports]
        self._routers = view[Routers]
        self._is_routing = view.settings.routing
        self._present: set[UUID] = set()

    def __contains__(self, logical_switch: object) -> bool:
        """Whether a logical switch is present."""
        return logical_switch in self._present

    def all(self) -> Collection[UUID]:
        """Return the logical switches that are present."""
        return self._present

    def joins(self, logical_switch: UUID) -> Iterator[UUID]:
        """Yield the logical switches that a router joins to a logical switch."""
        if self._is_routing:
            for router in self._routers.joining(logical_switch):
                row = self._routers.row(router)
                yield from row.logical_switches if row else ()

    def update(self, changed: Iterable[UUID]) -> set[UUID]:
        """Compare all that routers join to some logical switches; return those that changed."""
        turned: set[UUID] = set()
        seen: set[UUID] = set()
        for logical_switch in changed:
            if logical_switch not in seen:
                joined = self._joined_to(logical_switch)
                seen |= joined
                is_present = any(map(self._ports.is_bound, joined))
                turned |= joined - self._present if is_present else joined & self._present
        self._present ^= turned
        self.version += bool(turned)
        return turned

    def _joined_to(self, logical_switch: UUID) -> set[UUID]:
        """Return a logical switch, and all that routers join to it over one or several hops."""
        found, ahead = {logical_switch}, [logical_switch]
        while ahead:
            further = set(self.joins(ahead.pop())) - found
            found |= further
            ahead += further
        return found


def _bindings_turned(topic: BindingsTurned, view: View) -> Iterable[Topic]:
    turned = view[Presence].update(topic.logical_switches)
    return map(WholeLogicalSwitch, turned | topic.logical_switches)


def _joins_changed(topic: JoinsChanged, view: View) -> Iterable[Topic]:
    return map(WholeLogicalSwitch, view[Presence].update(topic.logical_switches))


FEATURE = Feature(
    states=(Presence,),
    invalidated_by={BindingsTurned: _bindings_turned, JoinsChanged: _joins_changed},
)
