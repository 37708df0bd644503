"""``tunnel/show``: the tunnels to remote VTEPs, their state and that of BFD."""

from collections.abc import Iterator, Mapping, Sequence

from ..engine.switch_state import SwitchState
from ..features.logical_switches.rows import LogicalSwitches
from ..features.logical_switches.vni_mapping import VniMapping
from ..features.tunnels.conditions import TunnelConditions
from ..features.tunnels.feature import AnySender, Tunnel, users_of
from ..features.tunnels.ports import Tunnels
from ..values.addresses import ip_number
from ..values.counters import PortCounter
from ..values.rows import ANYONE
from .answer import Answer, Row, Table, joined
from .command import Command, Running
from .counters_now import counters_now
from .scope import Scope, scope

_USAGE = "[BRIDGE] [ADDRESS]"
_TUNNELS = (
    "bridge",
    "remote_vtep",
    "local",
    "port",
    "ofport",
    "state",
    "state_for_s",
    "bfd",
    "bfd_for_s",
    "forwards",
    "vnis",
    "logical_switches",
    "problem",
)
_RECEIVERS = ("bridge", "remote_vtep", "local", "port", "ofport", "problem")
_COUNTED = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes")
"""What Open vSwitch counts at a tunnel."""
_COUNTERS = ("bridge", "remote_vtep", "local", "port", *_COUNTED)


def _show(arguments: Sequence[str], running: Running) -> Answer:
    asked = scope(_USAGE, arguments, running)
    tunnels = (
        _tunnel(address, switch) for switch in asked.switches for address in _remotes(switch, asked)
    )
    receivers = (row for switch in asked.switches for row in _receivers(switch, asked))
    now = counters_now(asked.switches, running)
    counters = (row for switch in asked.switches for row in _counters(switch, asked, now))
    return Answer(
        {
            "tunnels": Table(_TUNNELS, tunnels),
            "receive_only": Table(_RECEIVERS, receivers),
            "counters": Table(_COUNTERS, counters),
        }
    )


def _remotes(switch: SwitchState, asked: Scope) -> list[str]:
    """Return the remote VTEPs that are asked about, in the order of their addresses."""
    wanted = switch.view[Tunnels].wanted()
    if asked.address is not None:
        return [asked.address] if asked.address in wanted else []
    return sorted(wanted, key=ip_number)


def _tunnel(address: str, switch: SwitchState) -> Row | None:
    """Return the row of a tunnel, None if it has gone meanwhile."""
    view = switch.view
    port, known = view[Tunnels].port(address), view[TunnelConditions].of(address)
    if known is None:
        return None
    users, now = users_of(address, view), view.clock()
    rows = (view[LogicalSwitches].get(user.logical_switch) for user in users)
    vnis = {view[VniMapping].vni_towards(user) for user in users}
    state, bfd = known.tunnel.value, known.bfd.value
    return (
        switch.name,
        address,
        port.local if port else view.tunnel_ip,
        port.name if port else None,
        port.number if port else None,
        state.condition.value,
        int(now - known.tunnel.since),
        bfd.state if bfd else None,
        int(now - known.bfd.since) if bfd else None,
        known.forwards,
        sorted(vni for vni in vnis if vni is not None),
        sorted(row.name for row in rows if row is not None),
        joined(_problems(address, switch)),
    )


def _problems(address: str, switch: SwitchState) -> Iterator[str]:
    yield from (fault.reason for fault in switch.owned.faults(Tunnel(address)))
    known = switch.view[TunnelConditions].of(address)
    if known and known.bfd.value and known.bfd.value.diagnostic:
        yield f"BFD: {known.bfd.value.diagnostic}"


def _receivers(switch: SwitchState, asked: Scope) -> Iterator[Row]:
    """Yield a row for each port that only receives: from a further address of ours, or anyone."""
    tunnels = switch.view[Tunnels]
    for address in _remotes(switch, asked):
        sender = tunnels.port(address)
        for port in tunnels.existing(address):
            if port is not sender:
                yield switch.name, address, port.local, port.name, port.number, port.error
    if asked.address is None:
        problems = [fault.reason for fault in switch.owned.faults(AnySender())]
        for port in tunnels.existing(ANYONE):
            problem = port.error or joined(problems)
            yield switch.name, None, port.local, port.name, port.number, problem


def _counters(
    switch: SwitchState, asked: Scope, now: Mapping[str, Mapping[int, PortCounter]]
) -> Iterator[Row]:
    """Yield a row for each tunnel port that its switch has counted just now."""
    counters, tunnels = now.get(switch.name, {}), switch.view[Tunnels]
    anyone = [ANYONE] if asked.address is None else []
    for address in (*_remotes(switch, asked), *anyone):
        for port in tunnels.existing(address):
            counter = counters.get(port.number) if port.number is not None else None
            if counter is not None:
                remote = None if address == ANYONE else address
                known = (getattr(counter, name) for name in _COUNTED)
                yield switch.name, remote, port.local, port.name, *known


COMMANDS = (
    Command(
        "tunnel/show",
        _USAGE,
        "Print the tunnels to remote VTEPs, their state and that of BFD.",
        _show,
    ),
)
