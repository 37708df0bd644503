"""What the databases tell, change by change: what one transaction changed is one change.

A change that is long is told in parts. Until its last part is heard, what is known is neither how
things were nor how they are.
"""

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from ..values.events import Bridges, BridgesInSync, VtepInSync, VtepRows
from .dispatch import Handlers

Part: TypeAlias = VtepRows | VtepInSync | Bridges | BridgesInSync

MAX_ROWS = 1000
"""Rows heard in one turn, so that none takes long; one part is heard in any case."""

_VTEP = None
"""The database of hardware_vtep, beside the names of the Open_vSwitch ones."""


class ChangeQueue:
    """Parts of changes in the order in which they were told, until there is time to hear them."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()
        self._within: set[str | None] = set()
        self.handlers: Handlers = dict.fromkeys(
            (VtepRows, VtepInSync, Bridges, BridgesInSync), self.add
        )

    def add(self, part: Part) -> None:
        """Let a part wait."""
        self._parts.append(part)

    @property
    def are_waiting(self) -> bool:
        """Whether there is something to hear."""
        return bool(self._parts)

    @property
    def are_partial(self) -> bool:
        """Whether a change was heard in part, and not to its end."""
        return bool(self._within)

    def take(self) -> Iterator[Part]:
        """Yield the next parts, until they have MAX_ROWS rows in all or none is left."""
        heard = 0
        while self._parts and heard < MAX_ROWS:
            part = self._parts.popleft()
            heard += len(part.rows) if isinstance(part, VtepRows) else 1
            database = part.database if isinstance(part, Bridges | BridgesInSync) else _VTEP
            if isinstance(part, VtepRows | Bridges) and part.more:
                self._within.add(database)
            else:
                self._within.discard(database)
            yield part
