"""Logical_Router rows: the interfaces and routes of each router, and its number."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.feature import Index
from ...engine.stable_ids import StableIds
from ...engine.topics import Topic
from ...values.routers import LogicalRouter, Prefix
from .claims import Claims
from .resolved import Resolved

_NOTHING = Resolved()


@dataclass(frozen=True, slots=True)
class RouterChanged:
    """A router came, went or changed: these interfaces and routes differ from before."""

    router: UUID
    logical_switches: frozenset[UUID] = frozenset()
    prefixes: frozenset[Prefix] = frozenset()


@dataclass(frozen=True, slots=True)
class JoinsChanged:
    """A router joins other logical switches than before: those of before, and of now."""

    logical_switches: frozenset[UUID]


class Routers(Index):
    """The logical routers by their rows, whether any switch uses them or not."""

    ROWS = (LogicalRouter,)

    def __init__(self) -> None:
        self.ids = StableIds()
        self.claims = Claims()
        self._rows: dict[UUID, LogicalRouter] = {}
        self._resolved: dict[UUID, Resolved] = {}
        self._joining: defaultdict[UUID, set[UUID]] = defaultdict(set)

    def all(self) -> Collection[LogicalRouter]:
        """Return the rows of all routers."""
        return self._rows.values()

    def row(self, router: UUID) -> LogicalRouter | None:
        """Return the row of a router, None if there is none."""
        return self._rows.get(router)

    def name(self, router: UUID) -> str:
        """Return the router's name in messages."""
        row = self._rows.get(router)
        return f"Logical_Router {row.name if row else router}"

    def number(self, router: UUID) -> int | None:
        """Return the number that packets of the router carry, None without a row."""
        return self.ids.get(router)

    def key(self, number: int) -> UUID | None:
        """Return the router that has this number, None if none has."""
        return self.ids.key(number)

    def joining(self, logical_switch: UUID) -> Collection[UUID]:
        """Return the routers that join a logical switch, by whatever key of switch_binding."""
        return self._joining.get(logical_switch, ())

    def reached(self, router: UUID) -> set[UUID]:
        """Return the logical switches that a router joins, and that others join to these."""
        found: set[UUID] = set()
        waiting, seen = [router], {router}
        while waiting:
            row = self._rows.get(waiting.pop())
            for logical_switch in row.logical_switches - found if row else ():
                found.add(logical_switch)
                new = {*self.joining(logical_switch)} - seen
                seen |= new
                waiting += new
        return found

    def resolved(self, router: UUID | None) -> Resolved:
        """Return the interfaces and routes of a router, none without a row."""
        return _NOTHING if router is None else self._resolved.get(router, _NOTHING)

    def row_changed(
        self, former: LogicalRouter | None, new: LogicalRouter | None
    ) -> Iterator[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        row = new or former
        assert row is not None
        concerned = {row.uuid}
        if former is None:
            concerned |= self.ids.add(row.uuid)
        elif new is None:
            concerned |= self.ids.remove(row.uuid)
        self._put(former, new)
        concerned |= self.claims.change(former, new)
        for router in concerned:
            yield self._resolve(router)
        before, after = (each.logical_switches if each else frozenset() for each in (former, new))
        if before != after:  # after the former interfaces were told, as by this they may be absent
            yield JoinsChanged(before | after)

    def _put(self, former: LogicalRouter | None, new: LogicalRouter | None) -> None:
        joined = former.logical_switches if former else frozenset()
        joins = new.logical_switches if new else frozenset()
        if former is not None:
            del self._rows[former.uuid]
            for logical_switch in joined - joins:
                self._joining[logical_switch].discard(former.uuid)
                if not self._joining[logical_switch]:
                    del self._joining[logical_switch]
        if new is not None:
            self._rows[new.uuid] = new
            for logical_switch in joins - joined:
                self._joining[logical_switch].add(new.uuid)

    def _resolve(self, router: UUID) -> RouterChanged:
        row = self._rows.get(router)
        found = self._resolved.setdefault(router, Resolved())
        accepted = self.claims.accepted(router)
        changed, prefixes = found.update(row, self.ids.get(router), accepted)
        if row is None:
            del self._resolved[router]
        return RouterChanged(router, frozenset(changed), frozenset(prefixes))
