"""What the loop desires: the flows, groups, tunnel ports and rows, and the faults, as text."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from ..engine.switch_state import SwitchState
from ..loop.components import Components
from ..values.faults import FaultRow
from ..values.flows import Flow

Outcome: TypeAlias = dict[str, Any]
"""``switches`` by name, each with lists of lines by their kind; ``rows`` and ``faults``."""


def outcome(components: Components) -> Outcome:
    """Return what is desired now. Flows and groups are written as by ovs-ofctl, all sorted."""
    drivers = components.switches.drivers
    return {
        "switches": {name: _of_switch(driver.switch) for name, driver in sorted(drivers.items())},
        "rows": sorted(map(_line, components.publisher.desired())),
        "faults": sorted(components.faults.lasting()),
    }


def as_text(outcome: Outcome) -> Iterable[str]:
    """Yield the lines of an outcome, for people."""
    for name, switch in outcome["switches"].items():
        for kind, lines in switch.items():
            yield from _section(f"{name}: {len(lines)} {kind}", lines)
    for kind in ("rows", "faults"):
        yield from _section(f"{len(outcome[kind])} {kind}", outcome[kind])


def _section(title: str, lines: Iterable[str]) -> Iterable[str]:
    yield f"# {title}"
    yield from lines


def _of_switch(state: SwitchState) -> dict[str, list[str]]:
    ports = (f"{name}: {_fields(port)}" for name, port in state.tunnel_ports.wanted.items())
    return {
        "flows": [str(flow) for flow in sorted(state.flows.wanted.values(), key=_place)],
        "groups": sorted(map(str, state.groups.wanted.values())),
        "tunnel ports": sorted(ports),
    }


def _place(flow: Flow) -> tuple[int, int, str]:
    """Return the sort key of a flow: flows are in the order in which a table looks at them."""
    return flow.key.table, -flow.key.priority, str(flow)


def _line(value: Any) -> str:
    return f"{type(value).__name__} {_fields(value)}"


def _fields(value: Any) -> str:
    """Return the fields of a dataclass that are not empty."""
    items = ((each.name, getattr(value, each.name)) for each in fields(value))
    return " ".join(f"{name}={_shown(item)}" for name, item in items if item not in ("", (), None))


def _shown(value: Any) -> str:
    match value:
        case FaultRow():
            return f"{value.table.value}:{value.uuid}"
        case Enum():
            return str(value.value)
        case UUID() | str() | int():
            return str(value)
        case Mapping():
            return f"{{{','.join(f'{key}={value[key]}' for key in sorted(value))}}}"
        case frozenset():
            return f"[{','.join(sorted(map(str, value)))}]"
        case _:
            return f"({_fields(value)})"
