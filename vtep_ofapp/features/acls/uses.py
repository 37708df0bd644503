"""Where access lists are used on one switch: what names them, and which frames each judges."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from ...engine.desired import Key
from ...engine.topics import Topic
from ...pipeline.acls import PLACES, Place
from ...pipeline.layout import Table

Namer: TypeAlias = Key
"""What names access lists: the owner of the faults of a column with bindings."""
Frames: TypeAlias = Topic
"""The frames that access lists judge: what is invalid when these are other ones."""
_Use: TypeAlias = tuple[bool, frozenset[Place]]
"""Whether anything names an access list, and its places."""


@dataclass(frozen=True, slots=True)
class UseChanged:
    """An access list is used at other places of the switch than before."""

    acl: UUID


class AclUses:
    """The access lists that one switch uses, and where."""

    def __init__(self) -> None:
        self._named: dict[Namer, frozenset[UUID]] = {}
        self._namers: defaultdict[UUID, set[Namer]] = defaultdict(set)
        self._judging: dict[Frames, Mapping[Place, UUID]] = {}
        self._judged: defaultdict[UUID, set[Frames]] = defaultdict(set)
        self._places: defaultdict[UUID, Counter[Place]] = defaultdict(Counter)
        self._all: Counter[Place] = Counter()
        self._before: dict[UUID, _Use] = {}

    def is_used(self, place: Place) -> bool:
        """Whether an access list judges frames at a place."""
        return place in self._all

    def names(self, acl: UUID) -> bool:
        """Whether anything names an access list."""
        return acl in self._namers

    def acls(self) -> Iterable[UUID]:
        """Return the access lists that anything names."""
        return self._namers.keys()

    def namers(self, acl: UUID) -> Iterable[Namer]:
        """Return what names an access list."""
        return self._namers.get(acl, ())

    def judged(self, acl: UUID) -> Iterable[Frames]:
        """Return the frames that an access list judges."""
        return self._judged.get(acl, ())

    def judging(self, frames: Frames) -> Mapping[Place, UUID]:
        """Return the access lists that judge frames, by their place."""
        return self._judging.get(frames, {})

    def places(self, acl: UUID) -> frozenset[Place]:
        """Return the places that an access list has."""
        return frozenset(self._places.get(acl, ()))

    def tables(self, acl: UUID, is_egress: bool) -> list[Table]:
        """Return the tables that have an access list for one direction."""
        places = self.places(acl)
        return [place.tables[is_egress] for place in PLACES if place in places]

    def name(self, namer: Namer, acls: Iterable[UUID]) -> None:
        """Handle the access lists that something names now, instead of former ones."""
        former, new = self._named.pop(namer, frozenset()), frozenset(acls)
        if new:
            self._named[namer] = new
        for acl in former ^ new:
            self._note(acl)
        for acl in former - new:
            self._namers[acl].discard(namer)
            if not self._namers[acl]:
                del self._namers[acl]
        for acl in new - former:
            self._namers[acl].add(namer)

    def judge(self, frames: Frames, acls: Mapping[Place, UUID]) -> bool:
        """Handle the access lists that judge frames now; return whether these are other ones."""
        former = self._judging.pop(frames, {})
        if acls:
            self._judging[frames] = acls
        if former == acls:
            return False
        for acl in (*former.values(), *acls.values()):
            self._note(acl)
        for place, acl in former.items():
            self._judged[acl].discard(frames)
            _take_away(self._places[acl], place)
            _take_away(self._all, place)
            if not self._judged[acl]:
                del self._judged[acl], self._places[acl]
        for place, acl in acls.items():
            self._judged[acl].add(frames)
            self._places[acl][place] += 1
            self._all[place] += 1
        return True

    def take_changed(self) -> Iterator[UseChanged]:
        """Yield, once, the access lists whose use is another than when it was last called."""
        before, self._before = self._before, {}
        yield from (UseChanged(acl) for acl, use in before.items() if use != self._use(acl))

    def _note(self, acl: UUID) -> None:
        self._before.setdefault(acl, self._use(acl))

    def _use(self, acl: UUID) -> _Use:
        return self.names(acl), self.places(acl)


def _take_away(counter: Counter[Place], place: Place) -> None:
    counter[place] -= 1
    if not counter[place]:
        del counter[place]
