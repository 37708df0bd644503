"""Keys that wait, taken in turn from the groups that they belong to."""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class InTurn(Generic[K]):
    """Keys that wait, each in a group: a group with very many does not delay those of others.

    They are listed round robin: the first of each group, then the second of each, and so on. A
    group of which a key leaves comes after the others from then on. So the order changes only
    when keys do.
    """

    def __init__(self) -> None:
        self._groups: dict[Hashable, dict[K, None]] = {}
        self._group_of: dict[K, Hashable] = {}

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._group_of)

    def __iter__(self) -> Iterator[K]:
        """Yield the keys in turn from each group; of one group, the oldest first."""
        queues = [iter(keys) for keys in self._groups.values()]
        while queues:
            left = []
            for queue in queues:
                for key in queue:
                    yield key
                    left.append(queue)
                    break
            queues = left

    def add(self, key: K, group: Hashable) -> None:
        """Add a key to a group, unless it is there; it leaves another group."""
        if self._group_of.get(key) != group:
            self.discard(key)
            self._groups.setdefault(group, {})[key] = None
            self._group_of[key] = group

    def discard(self, key: K) -> None:
        """Remove a key, if it is there."""
        group = self._group_of.pop(key, None)
        if group is None:
            return
        keys = self._groups.pop(group)
        del keys[key]
        if keys:
            self._groups[group] = keys

    def clear(self) -> None:
        """Remove all keys."""
        self._groups.clear()
        self._group_of.clear()
