"""The rows of hardware_vtep, and their indices in the features."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import Any, TypeVar
from uuid import UUID

from ..process.settings import Settings
from ..values.rows import VtepRow
from .feature import Clock, Feature, Index
from .feature_tables import FeatureTables
from .report import Report
from .topics import Topic

T = TypeVar("T")


class Model:
    """The rows of hardware_vtep that features index, their indices and their shared objects.

    ``model[Peers]`` is the one object of that type.
    """

    def __init__(self, features: Iterable[Feature], clock: Clock = time.monotonic) -> None:
        self.feature_tables = FeatureTables(features)
        self._clock = clock
        self._rows: dict[UUID, VtepRow] = {}
        self._known: dict[type, Any] = {}
        self._indices: defaultdict[type, list[Index]] = defaultdict(list)
        for feature in self.feature_tables.features:
            for make in feature.indices:
                self._known[make] = index = make()
                for kind in index.ROWS:
                    self._indices[kind].append(index)
            for make_shared in feature.shared:
                known = make_shared(clock)
                self._known[type(known)] = known

    def __getitem__(self, kind: type[T]) -> T:
        found: T = self._known[kind]
        return found

    @property
    def known(self) -> Mapping[type, Any]:
        """The indices and shared objects of all features, by type."""
        return self._known

    def reports(self, settings: Settings) -> list[Report]:
        """Return one report for each kind of row or column that switches write."""
        return [make(self, settings, self._clock) for make in self.feature_tables.reports]

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of all rows that an index has."""
        return self._rows.keys()

    def row(self, row: UUID) -> VtepRow | None:
        """Return the row with a UUID, None if no index has it."""
        return self._rows.get(row)

    def update(self, row: VtepRow) -> list[Topic]:
        """Handle a new, changed or deleted row; return the topics that it invalidates.

        A row of a type that no index declares is not kept.
        """
        former = self._rows.get(row.uuid)
        new = row if type(row) in self._indices else None
        if former == new:
            return []
        if new is None:
            del self._rows[row.uuid]
        else:
            self._rows[row.uuid] = new
        topics: list[Topic] = []
        for index in self._indices[type(former if new is None else new)]:
            topics += index.row_changed(former if type(former) in index.ROWS else None, new)
        if new is not None and former is not None and type(former) is not type(new):
            for index in self._indices[type(former)]:
                if type(new) not in index.ROWS:
                    topics += index.row_changed(former, None)
        return topics
