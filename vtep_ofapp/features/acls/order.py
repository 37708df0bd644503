"""The priorities of an access list's entries in one direction, kept as entries change."""

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from ...pipeline.acls import MOST_ENTRIES, priorities
from ...pipeline.layout import Priority
from ...values.acls import AclEntry

_ALL = 2
"""The changes that move others, since the last question, after which all entries were named."""


class Order:
    """The entries of an access list in one direction, and their priorities.

    They are those of pipeline.acls.priorities(). As long as all sequences differ, a change of an
    entry costs nothing but itself; else its list is sorted once more.

    Those who use priorities keep what they were told. So change() says which of these answers are
    no longer true. Many entries may change before the next question: at the second change that
    moves others it names all entries, and none after that, as no answer is left to be true.
    """

    def __init__(self) -> None:
        self._entries: dict[UUID, AclEntry] = {}
        self._with: Counter[int] = Counter()
        self._out_of_range = 0
        self._priorities: dict[UUID, int] | None = None
        self._told = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_too_long(self) -> bool:
        """Whether there are more entries than priorities."""
        return len(self._entries) > MOST_ENTRIES

    def priority(self, entry: UUID) -> int:
        """Return the priority of an entry, of which change() tells from now on.

        That of all entries is MISS if the list is_too_long. Raises KeyError for an entry that it
        does not have.
        """
        self._told = 0
        row = self._entries[entry]
        if self.is_too_long:
            return Priority.MISS
        if self._is_by_sequence:
            return Priority.ACL_FIRST - row.sequence
        if self._priorities is None:
            self._priorities = priorities(self._entries.values()) or {}
        return self._priorities[entry]

    def change(self, former: AclEntry | None, new: AclEntry | None) -> Collection[UUID]:
        """Add, replace or remove an entry; return others whose priority may have changed.

        They are those that have changed since priority() was last called, but for what earlier
        calls returned.
        """
        was_by_sequence = self._is_by_sequence
        if former is not None:
            del self._entries[former.uuid]
            self._count(former.sequence, -1)
        if new is not None:
            self._entries[new.uuid] = new
            self._count(new.sequence, 1)
        if former and new and _place(former) == _place(new):
            return ()
        before, self._priorities = self._priorities, None
        if self._told == _ALL or (was_by_sequence and self._is_by_sequence):
            return ()
        self._told += 1
        if before is None or was_by_sequence or self._is_by_sequence or self._told == _ALL:
            self._told = _ALL
            return list(self._entries)
        self._priorities = priorities(self._entries.values()) or {}
        return [each for each, priority in self._priorities.items() if before.get(each) != priority]

    @property
    def _is_by_sequence(self) -> bool:
        return len(self._with) == len(self._entries) and not self._out_of_range

    def _count(self, sequence: int, by: int) -> None:
        self._with[sequence] += by
        if not self._with[sequence]:
            del self._with[sequence]
        if not 0 <= sequence < Priority.ACL_FIRST:
            self._out_of_range += by


def _place(entry: AclEntry) -> tuple[int, bool]:
    return entry.sequence, entry.permits
