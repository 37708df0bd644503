"""Whether a switch routes what comes from tunnels, for VTEPs that do not route.

A frame to a router that comes in by a tunnel may be a copy of one that other routers got, too
(unknown unicast). Only a switch that routes alone can route it without making duplicates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...engine.topics import Topic
from ...engine.view import View
from ...process.settings import ALWAYS, NEVER
from .rows import ArpSources


@dataclass(frozen=True, slots=True)
class ServingChanged:
    """Whether the switch is alone changed, or whether it serves tunnels."""


class Serving:
    """What was last known of one switch, to tell when it changes."""

    def __init__(self) -> None:
        self.was_alone: bool | None = None


def is_alone(view: View) -> bool:
    """Whether no other VTEP routes, as far as rows tell: there is no ARP source but our own."""
    return all(map(view.tunnels.is_own, view[ArpSources].addresses()))


def serves_tunnels(view: View) -> bool:
    """Whether packets to routers are routed and answered also if they come in by a tunnel."""
    choice = view.settings.gateway_for_tunnels
    return choice == ALWAYS or (choice != NEVER and is_alone(view))


def note(topic: Any, view: View) -> Iterator[Topic]:
    """Yield ServingChanged if the answers above changed since the last call."""
    state, now = view[Serving], is_alone(view)
    if state.was_alone is not now:
        state.was_alone = now
        yield ServingChanged()
