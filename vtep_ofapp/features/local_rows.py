"""Rows of Ucast_Macs_Local or Mcast_Macs_Local, and those of them that are ours."""

from collections.abc import Callable, Set
from typing import Generic, TypeAlias, TypeVar
from uuid import UUID

from ..values.rows import Gone, LocalMac, LocalMcastMac

Key: TypeAlias = tuple[UUID, str]
"""A logical switch and a MAC address."""
R = TypeVar("R", LocalMac, LocalMcastMac)

SEVERAL: frozenset[str] = frozenset()
"""The addresses of a key with several rows: none, so that the rows are replaced by one."""


class LocalRows(Generic[R]):
    """Rows by their logical switch and MAC. ``changed`` is called with each key that changes.

    A row is ours unless it names a tunnel IP of another process's switch.
    """

    def __init__(self, changed: Callable[[Key], None]) -> None:
        self._changed = changed
        self._rows: dict[UUID, R] = {}
        self._of: dict[Key, dict[UUID, R]] = {}
        self._foreign: frozenset[str] = frozenset()

    def __contains__(self, key: Key) -> bool:
        """Whether there is a row for a key, ours or not."""
        return key in self._of

    def update(self, row: R) -> None:
        """Handle a new or changed row."""
        self.remove(Gone(row.uuid))
        key = row.logical_switch, row.mac
        self._rows[row.uuid] = row
        self._of.setdefault(key, {})[row.uuid] = row
        self._changed(key)

    def remove(self, gone: Gone) -> None:
        """Handle the end of a row, of this table or another."""
        former = self._rows.pop(gone.uuid, None)
        if former is None:
            return
        key = former.logical_switch, former.mac
        del self._of[key][gone.uuid]
        if not self._of[key]:
            del self._of[key]
        self._changed(key)

    def set_foreign(self, addresses: frozenset[str]) -> None:
        """Set the tunnel IPs of switches that belong to other processes."""
        if addresses != self._foreign:
            self._foreign = addresses
            for key in self._of:
                self._changed(key)

    def own(self, key: Key) -> list[R]:
        """Return our rows for a key."""
        rows = self._of.get(key, {}).values()
        return [row for row in rows if self._foreign.isdisjoint(row.addresses)]

    def uuids(self) -> Set[UUID]:
        """Return the UUIDs of all rows, ours or not."""
        return self._rows.keys()

    def own_uuids(self, key: Key) -> tuple[UUID, ...]:
        """Return the UUIDs of our rows for a key, in order."""
        return tuple(sorted(row.uuid for row in self.own(key)))

    def addresses(self, key: Key) -> frozenset[str] | None:
        """Return the addresses of our row for a key, None for no row, SEVERAL for several."""
        own = self.own(key)
        if not own:
            return None
        return own[0].addresses if len(own) == 1 else SEVERAL
