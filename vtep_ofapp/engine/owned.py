"""The owners of one switch, each with its desired state."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ..values.faults import Fault
from .desired import Desired, Key

Source: TypeAlias = tuple[type, Key]
"""The owner of faults, with the type of its key: keys of different types may be equal."""


class Owned:
    """The owners that desire something, by the type of their keys and their keys."""

    def __init__(self, kinds: Iterable[type]) -> None:
        self.of: dict[type, dict[Key, Desired]] = {kind: {} for kind in kinds}

    def get(self, key: Key) -> Desired | None:
        """Return the desired state of an owner, None if it desires nothing."""
        return self.of[type(key)].get(key)

    def faults(self, *keys: Key) -> list[Fault]:
        """Return the faults of these owners."""
        found = (self.get(key) for key in keys)
        return [fault for desired in found if desired for fault in desired.faults]

    def all(self) -> Iterator[tuple[Key, Desired]]:
        """Yield each owner with its desired state.

        There may be very many, so the caller may let turns run in between. Owners that end
        meanwhile are left out, and so are new ones.
        """
        for owners in self.of.values():
            for key in list(owners):
                desired = owners.get(key)
                if desired is not None:
                    yield key, desired

    def faulty(self) -> list[Source]:
        """Return the owners that have faults."""
        return [
            (kind, key)
            for kind, owners in self.of.items()
            for key, desired in owners.items()
            if desired.faults
        ]
