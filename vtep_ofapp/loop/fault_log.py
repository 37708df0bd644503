"""Log each configuration fault once when it appears, and once when it is resolved."""

import logging
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Set
from dataclasses import dataclass

from ..values.faults import Fault, FaultRow, FaultWord
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.faults")


@dataclass(frozen=True, slots=True)
class Standing:
    """A current fault, and since when by the clock of the loop.

    It ``is_early`` while it is not logged yet because of its patience.
    """

    fault: Fault
    since: float
    is_early: bool


class FaultLog:
    """The current faults of all sources, and the words for the fault columns."""

    def __init__(self, timers: Timers) -> None:
        self._clock = timers.clock
        self._patience = timers.timer("patience with faults", self._log_due)
        self._found: dict[Hashable, Iterable[Fault]] = {}
        self._due: dict[str, tuple[float, Fault]] = {}
        self._of: dict[Hashable, frozenset[Fault]] = {}
        self._counts: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._columns: defaultdict[FaultRow, Counter[FaultWord]] = defaultdict(Counter)
        self._changed: set[FaultRow] = set()

    def find(self, source: Hashable, faults: Iterable[Fault]) -> None:
        """Replace the faults of a source at the next put_found()."""
        self._found[source] = faults

    def put_found(self) -> None:
        """Put all faults that were found, once a change is worked out as a whole.

        A fault that moved from one source to another is not logged again.
        """
        found, self._found = self._found, {}
        self._put_all(found)

    def put(self, source: Hashable, faults: Iterable[Fault]) -> None:
        """Replace the faults of a source at once."""
        self._put_all({source: faults})

    def lasting(self) -> Set[str]:
        """Return the texts of all current faults, logged or not."""
        return self._counts.keys()

    def standing(self) -> list[Standing]:
        """Return all current faults, sorted by their texts.

        Faults with the same text and different entries are each listed, since the first of them.
        """
        faults = {fault for each in self._of.values() for fault in each}
        texts = sorted((str(fault), str(fault.entry), fault) for fault in faults)
        return [Standing(each, self._since[text], text in self._due) for text, _, each in texts]

    def _put_all(self, found: Mapping[Hashable, Iterable[Fault]]) -> None:
        new, old = Counter[Fault](), Counter[Fault]()
        for source, faults in found.items():
            before, now = self._of.pop(source, frozenset()), frozenset(faults)
            if now:
                self._of[source] = now
            new.update(now - before)
            old.update(before - now)
        for fault in sorted((new - old).elements(), key=str):
            self._counts[str(fault)] += 1
            if self._counts[str(fault)] == 1:
                self._begin(fault)
            self._count(fault, 1)
        for fault in sorted((old - new).elements(), key=str):
            self._counts[str(fault)] -= 1
            if not self._counts[str(fault)]:
                del self._counts[str(fault)], self._since[str(fault)]
                if self._due.pop(str(fault), None) is None:
                    LOG.info("resolved: %s", fault)
            self._count(fault, -1)
        self._set_timer()

    def _log_due(self) -> None:
        """Log the faults that have lasted for their ``patience``."""
        now = self._clock()
        for text in sorted(text for text, (end, _) in self._due.items() if end <= now):
            _log(self._due.pop(text)[1])
        self._set_timer()

    def _set_timer(self) -> None:
        self._patience.set(min((end for end, _ in self._due.values()), default=None))

    def _begin(self, fault: Fault) -> None:
        now = self._since[str(fault)] = self._clock()
        if fault.patience:
            self._due[str(fault)] = now + fault.patience, fault
        else:
            _log(fault)

    def entries(self, row: FaultRow) -> frozenset[str]:
        """Return the desired content of the fault column of a row."""
        return frozenset(word.value for word in self._columns.get(row, ()))

    def rows(self) -> Set[FaultRow]:
        """Return the rows whose fault columns have desired content."""
        return self._columns.keys()

    def take_changed(self) -> set[FaultRow]:
        """Return the rows whose fault column may have changed since the last call."""
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


def _log(fault: Fault) -> None:
    LOG.log(logging.INFO if fault.is_information else logging.WARNING, "%s", fault)
