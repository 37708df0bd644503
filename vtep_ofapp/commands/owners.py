"""The owners of a switch that commands tell of: what they have there, and why."""

from collections.abc import Callable, Iterator

from ..engine.desired import NOTHING, Desired, Key
from ..engine.switch_state import SwitchState
from ..values.flows import Flow
from ..values.rows import TunnelPort
from .answer import Content, Lines
from .table_names import named

_AT_ONCE = 500
"""Owners that are looked at without a pause."""


def owners_of(
    test: Callable[[Flow], bool], switch: SwitchState
) -> Iterator[tuple[Key, tuple[Flow, ...]] | None]:
    """Yield the owners that desire flows that pass a test, with these flows; None for a pause."""
    for number, (owner, desired) in enumerate(switch.owned.all(), 1):
        flows = tuple(filter(test, desired.flows))
        if flows:
            yield owner, flows
        if number % _AT_ONCE == 0:
            yield None


def why(owner: Key | None, switch: SwitchState) -> Content:
    """Return why an owner desires what it does, and the rows of that, as tables and UUIDs."""
    causes = switch.because(owner) if owner is not None else ()
    rows = dict.fromkeys(str(row) for cause in causes for row in cause.rows)
    return {"because": "; ".join(cause.text for cause in causes), "rows": list(rows)}


def has(owner: Key, switch: SwitchState) -> Content:
    """Return why an owner has what it has on its switch, and what that is."""
    desired = switch.owned.get(owner) or NOTHING
    return {
        **why(owner, switch),
        "bridge": switch.name,
        "is_installed": are_installed(desired, switch),
        "faults": list(map(str, desired.faults)),
        "flows": Lines(list(map(named, desired.flows))),
        "groups": Lines(list(map(named, desired.groups))),
        "tunnel_ports": Lines([_port(*each) for each in desired.ports]),
    }


def are_installed(desired: Desired, switch: SwitchState) -> bool:
    """Whether the switch has all flows, groups and tunnel ports of an owner."""
    flows, groups, ports = switch.flows, switch.groups, switch.tunnel_ports
    return (
        all(flows.actual.get(flow.key) == flow for flow in desired.flows)
        and all(groups.actual.get(group.id) == group for group in desired.groups)
        and all(ports.actual.get(name) == port for name, port in desired.ports)
    )


def _port(name: str, port: TunnelPort) -> str:
    return f"tunnel port {name}: remote_ip={port.remote}, local_ip={port.local}"
