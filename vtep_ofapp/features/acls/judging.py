"""What each access list does with frames on one switch, and what is invalid when that changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.topics import Topic
from ...engine.view import View
from ...pipeline.acls import Place
from .limits import AclLimit
from .refusals import AclRefusals
from .rows import Acls
from .uses import AclUses


@dataclass(frozen=True, slots=True)
class AclRule:
    """The owner of the flows of an entry of an access list, in all tables that have the list."""

    acl: UUID
    entry: UUID


@dataclass(frozen=True, slots=True)
class UsedAcl:
    """The owner of the faults of an access list, and of flows that drop all that it judges."""

    acl: UUID


@dataclass(frozen=True, slots=True)
class _Known:
    """What owners depend on of an access list, as it was when they were last invalidated."""

    name: str
    number: int | None
    places: frozenset[Place]
    judges: tuple[bool, bool]
    is_withheld: bool
    has_fault: bool
    is_shut: bool

    @property
    def of_rules(self) -> tuple[object, ...]:
        """What the flows of its entries depend on."""
        return self.number, self.places, self.is_withheld


class Judging:
    """The access lists of one switch: which have a fault, which judge frames in a direction."""

    def __init__(self, view: View) -> None:
        self._acls = view[Acls]
        self._uses = view[AclUses]
        self._limit = view[AclLimit]
        self._refusals = view[AclRefusals]
        self._fails_open = view.settings.acl_fails_open
        self._known: dict[UUID, _Known] = {}

    def has_fault(self, acl: UUID) -> bool:
        """Whether an access list cannot be used as a whole."""
        has_no_room = self._limit.refuses(acl) or self._refusals.has(acl)
        return has_no_room or self._acls.is_invalid(acl)

    def is_withheld(self, acl: UUID) -> bool:
        """Whether the switch has no room for the flows of an access list."""
        return self._limit.refuses(acl) or self._refusals.withholds(acl)

    def drops_all(self, acl: UUID) -> bool:
        """Whether an access list drops all frames that it judges, as it fails closed."""
        if self._fails_open:
            return False
        return self.is_withheld(acl) or self._acls.is_invalid(acl)

    def judges(self, acl: UUID) -> tuple[bool, bool]:
        """Whether an access list judges frames of ingress, and those of egress.

        It does in the directions for which it has entries; if it fails open, valid ones.
        """
        ingress, egress = self._acls.sides(acl)
        if not self._fails_open:
            return bool(ingress), bool(egress)
        is_there = not self.is_withheld(acl)
        return is_there and ingress.valid > 0, is_there and egress.valid > 0

    def changed(self, acls: Iterable[UUID]) -> Iterator[Topic]:
        """Handle access lists of which anything may have changed; yield what is invalid by that."""
        for acl in acls:
            if acl not in self._known and not self._uses.names(acl):
                continue
            for each in {acl} | self._limit.update(acl):
                yield from self._compared(each)

    def _compared(self, acl: UUID) -> Iterator[Topic]:
        yield UsedAcl(acl)
        former, now = self._known.pop(acl, None), self._now(acl)
        if now is not None:
            self._known[acl] = now
        if former == now:
            return
        if former is None or now is None or former.of_rules != now.of_rules:
            yield from self.rules(acl)
        yield from tuple(self._uses.namers(acl))
        yield from tuple(self._uses.judged(acl))

    def rules(self, acl: UUID) -> Iterator[AclRule]:
        """Yield the owners of all entries of an access list."""
        return (AclRule(acl, entry) for entry in self._acls.entries(acl))

    def _now(self, acl: UUID) -> _Known | None:
        if not self._uses.names(acl):
            return None
        return _Known(
            self._acls.name(acl),
            self._acls.number(acl),
            self._uses.places(acl),
            self.judges(acl),
            self.is_withheld(acl),
            self.has_fault(acl),
            self._refusals.is_shut(acl),
        )
