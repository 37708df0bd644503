"""Changes that a switch refused: their tables, and when they are tried again."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ..pipeline.layout import Table
from ..values.faults import Fault, of_switch
from ..values.flow_changes import Change, FlowChange
from ..values.rows import PhysicalSwitch

SHORTEST_PAUSE = 1.0
"""Seconds until the first retry of refused changes; each further pause is twice as long."""
LONGEST_PAUSE = 60.0


class Refusals:
    """The changes that are left out of bundles until the next retry."""

    def __init__(self) -> None:
        self._refused: set[Change] = set()
        self._trying: set[Change] = set()
        self._pause = SHORTEST_PAUSE

    def __bool__(self) -> bool:
        """Whether any change is left out."""
        return bool(self._refused)

    def __contains__(self, change: Change) -> bool:
        """Whether a change is left out."""
        return bool(self._refused) and change in self._refused

    def clear(self) -> None:
        """Forget all of them: the switch may have changed."""
        self._refused.clear()
        self._trying.clear()
        self._pause = SHORTEST_PAUSE

    def add(self, changes: Iterable[Change]) -> None:
        """Leave changes out of bundles."""
        self._refused.update(changes)

    def keep(self, wanted: Iterable[Change]) -> None:
        """Forget all of them that are not among the ``wanted`` ones."""
        self._refused &= set(wanted)

    def made(self, changes: Sequence[Change]) -> None:
        """Record changes that the switch has committed."""
        if self._trying:
            self._trying.difference_update(changes)
        if not self._trying and not self._refused:
            self._pause = SHORTEST_PAUSE

    def take_pause(self) -> float:
        """Return the seconds until the next retry, and double them for the one after it."""
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause

    def begin_to_try(self, wanted: Iterable[Change]) -> None:
        """Retry all refused changes that are still among the ``wanted`` ones."""
        refused, self._refused = self._refused, set()
        self._trying = refused & set(wanted) if refused else set()

    def where(self) -> list[str]:
        """Return the tables whose changes the switch refuses, by number and name, or groups."""
        return sorted({_kind(change) for change in self._refused | self._trying})

    def numbers(self) -> str:
        """Return the number of changes that are left out, by table, for people."""
        counts = Counter(map(_kind, self._refused))
        return ", ".join(f"{count} of {kind}" for kind, count in sorted(counts.items()))


def faults_of(physical: PhysicalSwitch | None, refusals: Refusals) -> list[Fault]:
    """Return the faults of a switch that refuses changes, one for each table."""
    if physical is None:
        return []
    return [
        Fault(
            f"Physical_Switch {physical.name}",
            f"its bridge refuses some of {kind}; frames are lost until it accepts them",
            of_switch(physical.uuid),
        )
        for kind in refusals.where()
    ]


def beyond(refused: Change, changes: Sequence[Change], known: Iterable[object]) -> list[Change]:
    """Return the changes after a refused one that would be refused, too, as the table is full.

    These are the additions to the same table: flows that are not among the ``known`` keys, or
    groups.
    """
    behind = changes[changes.index(refused) + 1 :]
    there = set(known)
    if isinstance(refused, FlowChange):
        return [
            change
            for change in behind
            if isinstance(change, FlowChange)
            and change.flow is not None
            and change.key.table == refused.key.table
            and change.key not in there
        ]
    return [
        change
        for change in behind
        if not isinstance(change, FlowChange) and change.group is not None and not change.exists
    ]


def _kind(change: Change) -> str:
    if not isinstance(change, FlowChange):
        return "groups"
    number = change.key.table
    name = Table(number).name if number in set(Table) else "?"
    return f"table {number} ({name})"
