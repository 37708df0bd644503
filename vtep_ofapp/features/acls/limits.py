"""The limit of all flows of access lists on one switch, and the lists that are beyond it."""

from uuid import UUID

from .bindings import AclBindings
from .rows import Acls


class AclLimit:
    """The flows that each access list needs on one switch, at most ``most`` together.

    If they need more, the lists that need the most are refused, so that a small one is never
    refused for the sake of a large one.
    """

    def __init__(self, acls: Acls, bindings: AclBindings, most: int) -> None:
        self._acls = acls
        self._bindings = bindings
        self._most = most
        self._flows: dict[UUID, int] = {}
        self._all = 0
        self._too_long: set[UUID] = set()
        self._refused: set[UUID] = set()

    def flows(self, acl: UUID) -> int:
        """Return the number of flows that an access list needs on the switch."""
        return self._flows.get(acl, 0)

    def refuses(self, acl: UUID) -> bool:
        """Whether there is no room for the flows of an access list."""
        return acl in self._refused

    def update(self, acl: UUID) -> set[UUID]:
        """Count the flows of an access list; return all lists that this refuses or admits."""
        self._all -= self._flows.pop(acl, 0)
        self._too_long.discard(acl)
        sides = self._acls.sides(acl)
        tables = [self._bindings.tables(acl, is_egress) for is_egress in (False, True)]
        if any(tables):
            flows = sum(len(of) * side.flows for of, side in zip(tables, sides, strict=True))
            self._flows[acl] = flows
            self._all += flows
            if any(side.order.is_too_long for side in sides):
                self._too_long.add(acl)
        former, self._refused = self._refused, self._beyond()
        return former ^ self._refused

    def _beyond(self) -> set[UUID]:
        if self._all <= self._most and not self._too_long:
            return set()
        beyond, room = set(self._too_long), self._most
        for flows, acl in sorted((flows, acl) for acl, flows in self._flows.items()):
            if acl in beyond:
                continue
            if flows > room:
                beyond.add(acl)
            else:
                room -= flows
        return beyond
