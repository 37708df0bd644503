"""A queue of the changes of databases, of which each is one transaction.

A long change arrives in parts. Until its last part is taken, the known rows are a mixture of those
before and after the transaction.
"""

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from ..values.events import Bridges, BridgesInSync, VtepInSync, VtepRows
from .dispatch import Handlers

Part: TypeAlias = VtepRows | VtepInSync | Bridges | BridgesInSync

MAX_ROWS = 1000
"""Rows taken in one turn, to keep turns short; at least one part is taken."""

_VTEP = None
"""The key of hardware_vtep, beside the names of the Open_vSwitch databases."""


class ChangeQueue:
    """Parts of changes in the order of their arrival, until a turn takes them."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()
        self._within: set[str | None] = set()
        self.handlers: Handlers = dict.fromkeys(
            (VtepRows, VtepInSync, Bridges, BridgesInSync), self.add
        )

    def add(self, part: Part) -> None:
        """Append a part."""
        self._parts.append(part)

    @property
    def are_waiting(self) -> bool:
        """Whether parts are waiting."""
        return bool(self._parts)

    @property
    def are_partial(self) -> bool:
        """Whether a change was taken in part, and not to its end."""
        return bool(self._within)

    def take(self) -> Iterator[Part]:
        """Yield the next parts, until they have MAX_ROWS rows in all or the queue is empty."""
        taken = 0
        while self._parts and taken < MAX_ROWS:
            part = self._parts.popleft()
            taken += len(part.rows) if isinstance(part, VtepRows) else 1
            database = part.database if isinstance(part, Bridges | BridgesInSync) else _VTEP
            if isinstance(part, VtepRows | Bridges) and part.more:
                self._within.add(database)
            else:
                self._within.discard(database)
            yield part
