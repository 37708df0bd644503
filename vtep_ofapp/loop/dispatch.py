"""One table of event handlers by type, merged from the tables that the components declare."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

Handlers: TypeAlias = Mapping[type, Callable[[Any], None]]
"""A component's handlers, by the type of the event."""


class Dispatcher:
    """Calls the handlers of an event, in the order of the components that declare one."""

    def __init__(self, *tables: Handlers) -> None:
        table: defaultdict[type, list[Callable[[Any], None]]] = defaultdict(list)
        for handlers in tables:
            for kind, handler in handlers.items():
                table[kind].append(handler)
        self._handlers = dict(table)

    def handle_known(self, event: Any) -> None:
        """Handle an event, if a component handles its type."""
        for handler in self._handlers.get(type(event), ()):
            handler(event)

    def handle_all(self, events: Iterable[Any]) -> None:
        """Handle events one by one; raise KeyError for an event that no component handles."""
        for event in events:
            for handler in self._handlers[type(event)]:
                handler(event)
