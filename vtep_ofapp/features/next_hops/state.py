"""What one switch knows of its next hops, beside their answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from ...engine.view import View
from ..learning.damping import Damping
from .answers import NextHop
from .places import PlaceLimits
from .resolver import Resolver
from .upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class HeldPacket:
    """A packet of a router that waits for its next hop. It came in by ``arrived_in``."""

    frame: bytes
    router: UUID
    arrived_in: UUID


class NextHops:
    """Pending next hops, the upkeep of those that answered, and the limits of all.

    ``addresses`` are the routers' own ones in each logical switch with a router, with their MACs.
    ``shared`` are the logical switches with several routers, which may be each other's next hops.
    ``routed`` are the logical switches that had a router at any time.
    """

    def __init__(self, view: View) -> None:
        self.resolver: Resolver[NextHop, HeldPacket] = Resolver(
            view.settings.max_pending_next_hops, lambda packet: len(packet.frame)
        )
        self.upkeep: Upkeep[NextHop] = Upkeep()
        self.limits = PlaceLimits()
        self.takeovers = Damping(view.clock)
        self.addresses: dict[UUID, Mapping[str, str]] = {}
        self.shared: set[UUID] = set()
        self.routed: set[UUID] = set()

    def next_end(self) -> float | None:
        """Return when something of this is due, by the clock, None for never."""
        ends = self.resolver.next_end(), self.upkeep.next_end(), self.limits.next_end()
        return min((end for end in ends if end is not None), default=None)
