"""Which room handles an event: one table by type, made from the tables that the rooms declare."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

Handlers: TypeAlias = Mapping[type, Callable[[Any], None]]
"""What a room does with an event, by the event's type."""


class Dispatcher:
    """Calls the handlers of an event, in the order of the rooms that declare one."""

    def __init__(self, *rooms: Handlers) -> None:
        table: defaultdict[type, list[Callable[[Any], None]]] = defaultdict(list)
        for handlers in rooms:
            for kind, handler in handlers.items():
                table[kind].append(handler)
        self._handlers = dict(table)

    def handles(self, kind: type) -> bool:
        """Whether a room handles events of a type."""
        return kind in self._handlers

    def handle_all(self, events: Iterable[Any]) -> None:
        """Handle events one by one. Raises KeyError if no room handles an event of its type."""
        for event in events:
            for handler in self._handlers[type(event)]:
                handler(event)
