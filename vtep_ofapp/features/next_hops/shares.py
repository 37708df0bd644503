"""Places of a table that is too small for all, shared out by who wants them."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Asker(NamedTuple):
    """Who wants a place: a binding or a remote VTEP, and the IP address of a host behind it."""

    where: Hashable
    host: Hashable


@dataclass(frozen=True, slots=True)
class Room(Generic[K]):
    """Whether there is room for one more, and what has to go for that."""

    is_there: bool
    goes: K | None = None


class Shares(Generic[K]):
    """At most ``most`` keys. While there is room, anybody may have it.

    In a full table one who has less than others takes a place from the one with the most, up to as
    many as that has: first of all bindings and remote VTEPs, then of the hosts behind the same
    one. So one who scans a network leaves room for others. Two never take places from each other
    in turn, because one with as many as another takes none.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._askers: dict[K, Asker] = {}
        self._of: dict[Hashable, dict[Hashable, dict[K, None]]] = {}
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._askers)

    def room(self, asker: Asker) -> Room[K]:
        """Return whether an asker may have one more key, and the key that goes for that."""
        if len(self._askers) < self._most:
            return Room(True)
        if not self._askers:
            return Room(False)
        where = max(self._counts, key=self._counts.__getitem__)
        is_less = self._counts.get(asker.where, 0) + 1 < self._counts[where]
        if not is_less:
            where = asker.where
            if where not in self._of:
                return Room(False)
        hosts = self._of[where]
        host = max(hosts, key=lambda each: len(hosts[each]))
        if is_less or len(hosts.get(asker.host, ())) + 1 < len(hosts[host]):
            return Room(True, next(iter(hosts[host])))
        return Room(False)

    def add(self, key: K, asker: Asker) -> None:
        """Give a new key to an asker, for whom there is room."""
        self._askers[key] = asker
        self._of.setdefault(asker.where, {}).setdefault(asker.host, {})[key] = None
        self._counts[asker.where] = self._counts.get(asker.where, 0) + 1

    def remove(self, key: K) -> None:
        """Take a key from its asker."""
        asker = self._askers.pop(key)
        hosts = self._of[asker.where]
        del hosts[asker.host][key]
        self._counts[asker.where] -= 1
        if not hosts[asker.host]:
            del hosts[asker.host]
        if not hosts:
            del self._of[asker.where], self._counts[asker.where]
