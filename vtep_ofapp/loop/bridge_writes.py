"""What a bridge needs of its Open_vSwitch database: settings, tunnel ports, and their end."""

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
    """Yield what the database has to change for a switch.

    A port, and the mark, go only when the switch has confirmed that it has all that is wanted and
    nothing else of ours: until then a flow may use the port. ``is_settled`` says so.
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
