"""The writes to Open_vSwitch for one bridge: its settings, mark and tunnel ports."""

from collections.abc import Callable, Iterator

from ..engine.switch_state import SwitchState
from ..values.rows import Mark
from ..values.writes import (
    PutTunnelPort,
    ReleaseBridge,
    RemoveTunnelPort,
    SecureBridge,
    SwitchWrite,
)


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
    for port in switch.tunnel_ports.differences():
        if port.want is not None:
            ends = port.want.remote, port.want.local
            yield PutTunnelPort(switch.name, port.key, *ends, port.want.bfd, port.want.attempt)
        elif is_settled():
            yield RemoveTunnelPort(switch.name, port.key)
    if switch.physical is None and bridge.mark is Mark.OURS and is_settled():
        yield ReleaseBridge(switch.name)
