"""Access lists whose flows the switch refused: none of them is desired until it takes all."""

from collections.abc import Iterable
from uuid import UUID

from ...engine.feature import Clock
from ...pipeline.acls import REGISTER
from ...pipeline.layout import Priority
from ...values.flows import FlowKey
from .rows import Acls

SHORTEST_PAUSE = 1.0
"""Seconds until a refused access list is tried again; each further pause is twice as long."""
LONGEST_PAUSE = 60.0


class AclRefusals:
    """The access lists whose flows one switch refused, which are tried one after the other."""

    def __init__(self, acls: Acls, clock: Clock) -> None:
        self._acls = acls
        self._clock = clock
        self._waiting: dict[UUID, None] = {}
        self._shut: set[UUID] = set()
        self._tried: UUID | None = None
        self._pause = SHORTEST_PAUSE
        self.end: float | None = None
        """When, by the clock, the next one is tried; None while there is none."""

    def withholds(self, acl: UUID) -> bool:
        """Whether the flows of an access list are not desired for now."""
        return acl in self._waiting

    def has(self, acl: UUID) -> bool:
        """Whether the switch refused the access list, and has not accepted it since."""
        return acl in self._waiting or acl == self._tried

    def is_shut(self, acl: UUID) -> bool:
        """Whether the switch refused the flow that drops all frames of the list.

        So it is until the list is accepted, and not only tried.
        """
        return acl in self._shut

    def refused(self, flows: Iterable[FlowKey]) -> set[UUID]:
        """Handle flows that the switch refused; return the access lists that they belong to."""
        acls = {key: acl for key in flows if (acl := self._of(key)) is not None}
        found = set(acls.values())
        self._shut |= {acl for key, acl in acls.items() if _drops_all(key)}
        for acl in found:
            self._waiting[acl] = None
        if self._tried in found:
            self._tried = None
        if found and self.end is None:
            self.end = self._clock() + self._pause
        return found

    def due(self) -> set[UUID]:
        """Try the next access list if it is time; return those that are invalid by that."""
        if self.end is None or self._clock() < self.end:
            return set()
        accepted, self._tried = self._tried, None
        found = set() if accepted is None else {accepted}
        self._shut -= found
        self._pause = SHORTEST_PAUSE if found else min(2 * self._pause, LONGEST_PAUSE)
        if self._waiting:
            self._tried = next(iter(self._waiting))
            del self._waiting[self._tried]
            found.add(self._tried)
        self.end = None if self._tried is None else self._clock() + self._pause
        return found

    def _of(self, key: FlowKey) -> UUID | None:
        """Return the access list of a flow, None for another flow."""
        register = REGISTER.get(key.table)
        number = dict(key.match).get(register) if register else None
        return self._acls.ids.key(number) if isinstance(number, int) else None


def _drops_all(key: FlowKey) -> bool:
    return key.priority == Priority.ACL_CLOSED and len(key.match) == 1
