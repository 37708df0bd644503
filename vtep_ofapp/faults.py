"""Problems of configuration: each is said once when it appears and once when it is mended."""

import logging
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from uuid import UUID

from .model import Fault

LOG = logging.getLogger("vtep_ofapp.faults")


class Faults:
    """The faults that last, from all their sources, and what the fault columns should say."""

    def __init__(self) -> None:
        self._of: dict[Hashable, frozenset[Fault]] = {}
        self._said: Counter[str] = Counter()
        self._columns: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
        self._changed: set[UUID] = set()

    def put(self, source: Hashable, faults: Iterable[Fault]) -> None:
        """Replace what a source has to say; nothing means that all is well with it."""
        new = frozenset(faults)
        old = self._of.get(source, frozenset())
        if new:
            self._of[source] = new
        else:
            self._of.pop(source, None)
        for fault in sorted(new - old, key=str):
            self._said[str(fault)] += 1
            if self._said[str(fault)] == 1:
                LOG.warning("%s", fault)
            self._count(fault, 1)
        for fault in sorted(old - new, key=str):
            self._said[str(fault)] -= 1
            if not self._said[str(fault)]:
                del self._said[str(fault)]
                LOG.info("mended: %s", fault)
            self._count(fault, -1)

    def entries(self, row: UUID) -> frozenset[str]:
        """Return what the fault column of a row should hold."""
        return frozenset(self._columns.get(row, ()))

    def take_changed(self) -> set[UUID]:
        """Return the rows whose fault column may have changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def _count(self, fault: Fault, by: int) -> None:
        if fault.column_of is None or fault.entry is None:
            return
        column = self._columns[fault.column_of]
        column[fault.entry] += by
        if not column[fault.entry]:
            del column[fault.entry]
        if not column:
            del self._columns[fault.column_of]
        self._changed.add(fault.column_of)
