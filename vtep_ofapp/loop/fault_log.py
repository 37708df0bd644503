"""Problems of configuration: each is said once when it appears and once when it is mended."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping

from ..values.faults import Fault, FaultRow, FaultWord

LOG = logging.getLogger("vtep_ofapp.faults")


class FaultLog:
    """The faults that last, from all their sources, and what the fault columns should say."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[str, tuple[float, Fault]] = {}
        self._of: dict[Hashable, frozenset[Fault]] = {}
        self._said: Counter[str] = Counter()
        self._columns: defaultdict[FaultRow, Counter[FaultWord]] = defaultdict(Counter)
        self._changed: set[FaultRow] = set()

    def put(self, source: Hashable, faults: Iterable[Fault]) -> None:
        """Replace what a source has to say; nothing means that all is well with it."""
        self.put_all({source: faults})

    def put_all(self, found: Mapping[Hashable, Iterable[Fault]]) -> None:
        """Replace what several sources have to say: what passes from one to another stays."""
        new, old = Counter[Fault](), Counter[Fault]()
        for source, faults in found.items():
            before, now = self._of.pop(source, frozenset()), frozenset(faults)
            if now:
                self._of[source] = now
            new.update(now - before)
            old.update(before - now)
        for fault in sorted((new - old).elements(), key=str):
            self._said[str(fault)] += 1
            if self._said[str(fault)] == 1:
                self._begin(fault)
            self._count(fault, 1)
        for fault in sorted((old - new).elements(), key=str):
            self._said[str(fault)] -= 1
            if not self._said[str(fault)]:
                del self._said[str(fault)]
                if self._due.pop(str(fault), None) is None:
                    LOG.info("mended: %s", fault)
            self._count(fault, -1)

    def due(self) -> float | None:
        """Return when, by the clock, say_lasting() has something to say; None if it has nothing."""
        return min((end for end, _ in self._due.values()), default=None)

    def say_lasting(self) -> None:
        """Say the faults that have lasted as long as they have to before they are said."""
        now = self._clock()
        for text in sorted(text for text, (end, _) in self._due.items() if end <= now):
            _say(self._due.pop(text)[1])

    def _begin(self, fault: Fault) -> None:
        if fault.patience:
            self._due[str(fault)] = self._clock() + fault.patience, fault
        else:
            _say(fault)

    def entries(self, row: FaultRow) -> frozenset[str]:
        """Return what the fault column of a row should hold."""
        return frozenset(word.value for word in self._columns.get(row, ()))

    def take_changed(self) -> set[FaultRow]:
        """Return the rows whose fault column may have changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def _count(self, fault: Fault, by: int) -> None:
        if fault.entry is None:
            return
        row, word = fault.entry.row, fault.entry.word
        column = self._columns[row]
        column[word] += by
        if not column[word]:
            del column[word]
        if not column:
            del self._columns[row]
        self._changed.add(row)


def _say(fault: Fault) -> None:
    LOG.log(logging.INFO if fault.is_information else logging.WARNING, "%s", fault)
