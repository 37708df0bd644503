"""The owners of a switch that commands tell of: what they have there, and why."""

from collections.abc import Collection, Iterator

from ..engine.desired import NOTHING, Key
from ..engine.switch_state import SwitchState
from ..values.flows import FlowKey
from .answer import Content, Lines
from .table_names import named

_AT_ONCE = 500
"""Owners that are looked at without a pause."""


def owners_of(
    keys: Collection[FlowKey], switch: SwitchState
) -> Iterator[tuple[FlowKey, Key] | None]:
    """Yield each of these flows that an owner desires, with the owner; None for a pause."""
    for number, (owner, desired) in enumerate(switch.owned.all(), 1):
        for flow in desired.flows:
            if flow.key in keys:
                yield flow.key, owner
        if number % _AT_ONCE == 0:
            yield None


def why(owner: Key | None, switch: SwitchState) -> Content:
    """Return why an owner desires what it does, and the rows of that, as tables and UUIDs."""
    causes = switch.because(owner) if owner is not None else ()
    rows = dict.fromkeys(str(row) for cause in causes for row in cause.rows)
    return {"because": "; ".join(cause.text for cause in causes), "rows": list(rows)}


def has(owner: Key, switch: SwitchState) -> Content:
    """Return what an owner has on its switch, and why."""
    desired = switch.owned.get(owner) or NOTHING
    return {
        **why(owner, switch),
        "bridge": switch.name,
        "flows": Lines(list(map(named, desired.flows))),
        "groups": Lines(list(map(str, desired.groups))),
        "tunnel_ports": [name for name, _ in desired.ports],
        "faults": list(map(str, desired.faults)),
    }
