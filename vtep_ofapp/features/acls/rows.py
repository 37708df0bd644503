"""ACL and ACL_entry rows: the entries of each access list by direction, and its number."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ...engine.feature import Index
from ...engine.stable_ids import StableIds
from ...engine.topics import Topic
from ...pipeline.acls import Header, cost, headers
from ...values.acls import Acl, AclEntry
from ...values.routers import LogicalRouter
from ...values.rows import PhysicalSwitch
from .order import Order


@dataclass(frozen=True, slots=True)
class AclChanged:
    """The name, number, size or directions of an access list changed, or whether it is valid."""

    acl: UUID


@dataclass(frozen=True, slots=True)
class EntryChanged:
    """An entry of an access list changed, came or went, or got another priority."""

    acl: UUID
    entry: UUID


@dataclass(slots=True)
class Side:
    """The entries of an access list in one direction.

    ``flows`` is the number of flows of all of them in one table. ``invalid`` are those that cannot
    be used. ``headers`` are those that entries look at, each with the number of these entries.
    """

    order: Order = field(default_factory=Order)
    flows: int = 0
    invalid: set[UUID] = field(default_factory=set)
    headers: Counter[Header] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def valid(self) -> int:
        """The number of entries that can be used."""
        return len(self.order) - len(self.invalid)

    def change(self, former: AclEntry | None, new: AclEntry | None) -> Collection[UUID]:
        """Add, replace or remove an entry; return others that are invalid by that, see Order."""
        if former is not None:
            self.flows -= cost(former)
            for header in headers(former):
                self.headers[header] -= 1
                if not self.headers[header]:
                    del self.headers[header]
            self.invalid.discard(former.uuid)
        if new is not None:
            self.flows += cost(new)
            for header in headers(new):
                self.headers[header] += 1
            if new.match is None:
                self.invalid.add(new.uuid)
        return self.order.change(former, new)


class Acls(Index):
    """The access lists, their entries, and the number of each list in the pipeline."""

    ROWS = (Acl, AclEntry)

    def __init__(self) -> None:
        self.ids = StableIds()
        self._rows: dict[UUID, Acl] = {}
        self._entries: dict[UUID, AclEntry] = {}
        self._with: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._sides: dict[UUID, tuple[Side, Side]] = {}

    def rows(self) -> Iterable[Acl]:
        """Return the rows of all access lists."""
        return self._rows.values()

    def get(self, acl: UUID) -> Acl | None:
        """Return the row of an access list, None if there is none."""
        return self._rows.get(acl)

    def name(self, acl: UUID) -> str:
        """Return the access list's name in messages."""
        row = self._rows.get(acl)
        return f"ACL {row.name if row else acl}"

    def number(self, acl: UUID) -> int | None:
        """Return the number that frames carry which the access list judges, None without a row."""
        return self.ids.get(acl)

    def entry(self, entry: UUID) -> AclEntry | None:
        """Return the row of an entry, None if there is none."""
        return self._entries.get(entry)

    def entries(self, acl: UUID) -> Iterable[UUID]:
        """Return the entries of an access list."""
        row = self._rows.get(acl)
        return row.entries if row else ()

    def with_entry(self, entry: UUID) -> Iterable[UUID]:
        """Return the access lists that have an entry."""
        return self._with.get(entry, ())

    def sides(self, acl: UUID) -> tuple[Side, Side]:
        """Return the entries of an access list for ingress, and for egress."""
        return self._sides.get(acl) or (Side(), Side())

    def is_invalid(self, acl: UUID) -> bool:
        """Whether an entry of the access list cannot be used."""
        return any(side.invalid for side in self.sides(acl))

    def row_changed(self, former: Any, new: Any) -> Iterator[Topic]:
        """Handle a changed row, an Acl or an AclEntry; return the topics that it invalidates."""
        if isinstance(former or new, Acl):
            return self._acl_changed(former, new)
        return self._entry_changed(former, new)

    def _acl_changed(self, former: Acl | None, new: Acl | None) -> Iterator[Topic]:
        row = new or former
        assert row is not None
        renumbered: set[UUID] = set()
        if former is None:
            self._sides[row.uuid] = Side(), Side()
            renumbered = self.ids.add(row.uuid) - {row.uuid}
        if new is None:
            del self._sides[row.uuid]  # the order of its entries matters no longer
        before = former.entries if former else frozenset()
        after = new.entries if new else frozenset()
        yield from self._entries_changed(row.uuid, before - after, after - before)
        if new is not None:
            self._rows[row.uuid] = new
        else:
            del self._rows[row.uuid]
            renumbered = self.ids.remove(row.uuid)
        if former and new and former.name != new.name:  # faults of its entries name it
            for side in self.sides(row.uuid):
                yield from (EntryChanged(row.uuid, entry) for entry in side.invalid)
        yield AclChanged(row.uuid)
        yield from map(AclChanged, renumbered)

    def _entries_changed(
        self, acl: UUID, removed: Iterable[UUID], added: Iterable[UUID]
    ) -> Iterator[Topic]:
        """Handle entries that came and went, of which some have no row yet, or none any longer.

        Those change nothing before their row comes, or have since it went: _entry_changed() says.
        """
        for entry in removed:
            self._with[entry].discard(acl)
            if not self._with[entry]:
                del self._with[entry]
            if entry in self._entries:
                yield from self._put(acl, self._entries[entry], None)
                yield EntryChanged(acl, entry)
        for entry in added:
            self._with[entry].add(acl)
            if entry in self._entries:
                yield from self._put(acl, None, self._entries[entry])
                yield EntryChanged(acl, entry)

    def _entry_changed(self, former: AclEntry | None, new: AclEntry | None) -> Iterator[Topic]:
        row = new or former
        assert row is not None
        if new is not None:
            self._entries[row.uuid] = new
        else:
            del self._entries[row.uuid]
        for acl in self.with_entry(row.uuid):
            yield from self._put(acl, former, new)
            yield EntryChanged(acl, row.uuid)
            yield AclChanged(acl)

    def _put(
        self, acl: UUID, former: AclEntry | None, new: AclEntry | None
    ) -> Iterator[EntryChanged]:
        """Change an entry of an access list, which may turn to the other direction.

        It changes nothing if the list is gone.
        """
        for is_egress, side in enumerate(self._sides.get(acl, ())):
            before = former if former and former.is_egress == is_egress else None
            after = new if new and new.is_egress == is_egress else None
            if before or after:
                yield from (EntryChanged(acl, each) for each in side.change(before, after))


class NamedAcls(Index):
    """The access lists that ports or routers name, also where they are not managed here."""

    ROWS = (PhysicalSwitch, LogicalRouter)

    def __init__(self) -> None:
        self._namers: Counter[UUID] = Counter()

    def has(self, acl: UUID) -> bool:
        """Whether a port of any switch, or a router, names an access list."""
        return acl in self._namers

    def row_changed(
        self,
        former: PhysicalSwitch | LogicalRouter | None,
        new: PhysicalSwitch | LogicalRouter | None,
    ) -> Iterator[Topic]:
        """Handle a changed row; no topic is invalid by that."""
        before, after = _named(former), _named(new)
        if before != after:
            self._namers.update(after)
            self._namers -= before
        yield from ()


def _named(row: PhysicalSwitch | LogicalRouter | None) -> Counter[UUID]:
    """Return the access lists that the ports of a switch or a router name, and how often."""
    if isinstance(row, LogicalRouter):
        return Counter(row.acls.values())
    ports = row.ports if row else ()
    return Counter(acl for port in ports for acl in port.acl_bindings.values())
