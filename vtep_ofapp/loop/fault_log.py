"""Problems of configuration: each is said once when it appears and once when it is mended."""

import logging
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Set

from ..values.faults import Fault, FaultRow, FaultWord
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.faults")


class FaultLog:
    """The faults that last, from all their sources, and what the fault columns should say."""

    def __init__(self, timers: Timers) -> None:
        self._clock = timers.clock
        self._patience = timers.timer("patience with faults", self._say_lasting)
        self._found: dict[Hashable, Iterable[Fault]] = {}
        self._due: dict[str, tuple[float, Fault]] = {}
        self._of: dict[Hashable, frozenset[Fault]] = {}
        self._said: Counter[str] = Counter()
        self._columns: defaultdict[FaultRow, Counter[FaultWord]] = defaultdict(Counter)
        self._changed: set[FaultRow] = set()

    def find(self, source: Hashable, faults: Iterable[Fault]) -> None:
        """Replace what a source has to say, from put_found() on; nothing means that all is well."""
        self._found[source] = faults

    def put_found(self) -> None:
        """Take all that was found, once a change is worked out as a whole.

        What passes from one source to another stays.
        """
        found, self._found = self._found, {}
        self._put_all(found)

    def put(self, source: Hashable, faults: Iterable[Fault]) -> None:
        """Replace what a source has to say at once."""
        self._put_all({source: faults})

    def lasting(self) -> Set[str]:
        """Return the text of every fault that there is, whether it was said yet or not."""
        return self._said.keys()

    def _put_all(self, found: Mapping[Hashable, Iterable[Fault]]) -> None:
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
        self._set_timer()

    def _say_lasting(self) -> None:
        """Say the faults that have lasted as long as they have to before they are said."""
        now = self._clock()
        for text in sorted(text for text, (end, _) in self._due.items() if end <= now):
            _say(self._due.pop(text)[1])
        self._set_timer()

    def _set_timer(self) -> None:
        self._patience.set(min((end for end, _ in self._due.values()), default=None))

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
