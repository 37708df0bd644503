"""The limit of all flows of access lists on one switch, and the lists that are beyond it."""

from uuid import UUID

from .rows import Acls
from .uses import AclUses

_NONE = -1, UUID(int=0)
"""The flows of no list, less than those of any."""


class AclLimit:
    """The flows that each access list needs on one switch, at most ``most`` together.

    If they need more, the lists that need the most are refused, so that a small one is never
    refused for the sake of a large one.
    """

    def __init__(self, acls: Acls, uses: AclUses, most: int) -> None:
        self._acls = acls
        self._uses = uses
        self._most = most
        self._flows: dict[UUID, int] = {}
        self._all = 0
        self._too_long: set[UUID] = set()
        self._refused: set[UUID] = set()
        self._largest = _NONE
        self._room = most
        """What the lists that are not refused leave, if some are."""

    def flows(self, acl: UUID) -> int:
        """Return the number of flows that an access list needs on the switch."""
        return self._flows.get(acl, 0)

    def refuses(self, acl: UUID) -> bool:
        """Whether there is no room for the flows of an access list."""
        return acl in self._refused

    def update(self, acl: UUID) -> set[UUID]:
        """Count the flows of an access list; return all lists that this refuses or admits."""
        was_refused = self.refuses(acl)
        self._count(acl)
        if was_refused and self._stays_refused(acl):
            return set()
        former, self._refused = self._refused, self._beyond()
        return former ^ self._refused

    def _count(self, acl: UUID) -> None:
        self._all -= self._flows.pop(acl, 0)
        self._too_long.discard(acl)
        sides = self._acls.sides(acl)
        tables = [self._uses.tables(acl, is_egress) for is_egress in (False, True)]
        if any(tables):
            flows = sum(len(of) * side.flows for of, side in zip(tables, sides, strict=True))
            self._flows[acl] = flows
            self._all += flows
            if any(side.order.is_too_long for side in sides):
                self._too_long.add(acl)

    def _stays_refused(self, acl: UUID) -> bool:
        """Whether a list that was refused still is, so that nothing changes for the others.

        A list that is much too large comes as very many entries, each of which changes its size.
        """
        flows = self._flows.get(acl)
        if flows is None:
            return False
        return acl in self._too_long or ((flows, acl) > self._largest and flows > self._room)

    def _beyond(self) -> set[UUID]:
        """Return the lists for which there is no room; note the largest of the others."""
        if self._all <= self._most and not self._too_long:
            return set()
        beyond, self._room, self._largest = set(self._too_long), self._most, _NONE
        for flows, acl in sorted((flows, acl) for acl, flows in self._flows.items()):
            if acl in beyond:
                continue
            if flows > self._room:
                beyond.add(acl)
            else:
                self._room -= flows
                self._largest = flows, acl
        return beyond
