"""Numbers derived from names: the same set of keys has the same numbers in every process."""

import hashlib
from uuid import UUID


class StableIds:
    """Assigns each UUID a number from 1 to ``limit`` that depends only on the set of UUIDs.

    A key's number is the first of its own sequence of hashes that no smaller key has taken.
    With 24 bits collisions are rare (one pair is expected among 5,800 keys), so that adding a
    key almost never moves another; when it does, the moved keys are returned.
    """

    def __init__(self, limit: int = (1 << 24) - 1) -> None:
        self._limit = limit
        self._numbers: dict[UUID, int] = {}
        self._keys: dict[int, UUID] = {}
        self._displaced: set[UUID] = set()

    def number(self, key: UUID) -> int:
        """Return the number of a key that was added; raises KeyError for others."""
        return self._numbers[key]

    def get(self, key: UUID) -> int | None:
        """Return the number of a key, None if it was not added."""
        return self._numbers.get(key)

    def key(self, number: int) -> UUID | None:
        """Return the key that has this number, if any."""
        return self._keys.get(number)

    def add(self, key: UUID) -> set[UUID]:
        """Add a key; return every key whose number is new or has changed."""
        changed = set()
        attempt = 0
        while True:
            number = self._hash(key, attempt)
            holder = self._keys.get(number)
            if holder is None or key < holder:
                self._keys[number] = key
                self._numbers[key] = number
                changed.add(key)
                (self._displaced.add if attempt else self._displaced.discard)(key)
                if holder is None:
                    return changed
                key, attempt = holder, self._attempt_of(holder, number)
            attempt += 1

    def remove(self, key: UUID) -> set[UUID]:
        """Remove a key; return the other keys whose number has changed."""
        del self._keys[self._numbers.pop(key)]
        self._displaced.discard(key)
        if not self._displaced:
            return set()
        before, keys = self._numbers, sorted(self._numbers)
        self._numbers, self._keys, self._displaced = {}, {}, set()
        for each in keys:
            self.add(each)
        return {each for each in keys if before[each] != self._numbers[each]}

    def _attempt_of(self, key: UUID, number: int) -> int:
        attempt = 0
        while self._hash(key, attempt) != number:
            attempt += 1
        return attempt

    def _hash(self, key: UUID, attempt: int) -> int:
        digest = hashlib.blake2b(key.bytes + attempt.to_bytes(4, "big"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self._limit + 1
