"""The writes to Open_vSwitch for one bridge: its settings, mark and tunnel ports."""

from collections.abc import Callable, Iterator, Mapping

from ..engine.switch_state import SwitchState
from ..pipeline.layout import Table
from ..values.rows import Bridge, Mark
from ..values.writes import (
    NameTables,
    PutTunnelPort,
    ReleaseBridge,
    RemoveTunnelPort,
    SecureBridge,
    SwitchWrite,
)

_NAMES: Mapping[int, str] = {table.value: table.name for table in Table}
"""The names of our tables by their numbers, for the columns flow_tables of bridges."""


def bridge_writes(switch: SwitchState, is_settled: Callable[[], bool]) -> Iterator[SwitchWrite]:
    """Yield the writes to Open_vSwitch for the bridge of a switch.

    A tunnel port, or the mark, is removed only when ``is_settled`` says that the switch has exactly
    the desired flows and groups: until then a flow may use the port.
    """
    bridge = switch.bridge
    if bridge is None:
        return
    is_set_up = bridge.is_secure and bridge.controllers_are_set and bridge.mark is Mark.OURS
    if switch.physical is not None and not is_set_up:
        yield SecureBridge(switch.name)
    if switch.physical is not None and _are_misnamed(bridge, _NAMES):
        yield NameTables(switch.name, _NAMES)
    for port in switch.tunnel_ports.differences():
        if port.want is not None:
            ends = port.want.remote, port.want.local
            yield PutTunnelPort(switch.name, port.key, *ends, port.want.bfd, port.want.attempt)
        elif is_settled():
            yield RemoveTunnelPort(switch.name, port.key)
    if switch.physical is None and bridge.mark is Mark.OURS and is_settled():
        if _are_misnamed(bridge, {}):
            yield NameTables(switch.name, {})
        yield ReleaseBridge(switch.name)


def _are_misnamed(bridge: Bridge, names: Mapping[int, str]) -> bool:
    """Return whether tables without a Flow_Table of others have other names than these."""
    ours = {number: name for number, name in bridge.tables.items() if name is not None}
    return bridge.can_name_tables and ours != {
        number: name
        for number, name in names.items()
        if number in ours or number not in bridge.tables
    }
