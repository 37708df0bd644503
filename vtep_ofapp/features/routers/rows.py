"""Logical_Router rows: their interfaces and routes, and the number of each router."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from ...engine.feature import Index
from ...engine.stable_ids import StableIds
from ...engine.topics import Topic
from ...values.routers import LogicalRouter, Prefix
from .resolved import Resolved, resolved

K = TypeVar("K")
V = TypeVar("V")
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
        self._ids = StableIds()
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
        return self._ids.get(router)

    def key(self, number: int) -> UUID | None:
        """Return the router that has this number, None if none has."""
        return self._ids.key(number)

    def joining(self, logical_switch: UUID) -> Collection[UUID]:
        """Return the routers that join a logical switch, by whatever key of switch_binding."""
        return self._joining.get(logical_switch, ())

    def resolved(self, router: UUID) -> Resolved:
        """Return the interfaces and routes of a router, none without a row."""
        return self._resolved.get(router, _NOTHING)

    def row_changed(
        self, former: LogicalRouter | None, new: LogicalRouter | None
    ) -> Iterator[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        renumbered: set[UUID] = set()
        row = new or former
        assert row is not None
        if former is not None:
            self._leave(former)
        if new is not None:
            self._rows[row.uuid] = new
            for logical_switch in new.logical_switches:
                self._joining[logical_switch].add(row.uuid)
        if former is None:
            renumbered = self._ids.add(row.uuid)
        elif new is None:
            renumbered = self._ids.remove(row.uuid)
        before, after = (each.logical_switches if each else frozenset() for each in (former, new))
        if before != after:
            yield JoinsChanged(before | after)
        for router in {row.uuid} | renumbered:
            yield self._resolve(router)

    def _leave(self, row: LogicalRouter) -> None:
        del self._rows[row.uuid]
        for logical_switch in row.logical_switches:
            self._joining[logical_switch].discard(row.uuid)
            if not self._joining[logical_switch]:
                del self._joining[logical_switch]

    def _resolve(self, router: UUID) -> RouterChanged:
        row, number = self._rows.get(router), self._ids.get(router)
        former = self._resolved.pop(router, _NOTHING)
        now = _NOTHING
        if row is not None and number is not None:
            now = self._resolved[router] = resolved(row, number)
        changed = _changed(former.interfaces, now.interfaces)
        routes = _changed(former.routes, now.routes)
        if any(_is_readdressed(former, now, where) for where in changed):
            routes |= now.routes.keys()
        return RouterChanged(router, frozenset(changed), frozenset(routes))


def _changed(former: Mapping[K, V], now: Mapping[K, V]) -> set[K]:
    return {key for key in former.keys() | now.keys() if former.get(key) != now.get(key)}


def _is_readdressed(former: Resolved, now: Resolved, logical_switch: UUID) -> bool:
    """Whether an interface has another number or MAC than before, which its routes set."""
    before, after = former.interfaces.get(logical_switch), now.interfaces.get(logical_switch)
    return bool(before and after and (before.number, before.mac) != (after.number, after.mac))
