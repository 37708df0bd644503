"""The reports of all features: the kinds of rows and columns that switches owe the NVC."""

from collections.abc import Callable
from uuid import UUID

from ..engine.desired_actual import Difference
from ..engine.report import Report, SwitchRows
from ..engine.switch_state import SwitchState
from ..process.settings import Settings
from ..values.rows import BindingStats, PhysicalSwitch, TunnelReport
from ..values.writes import PutBindingStats, PutTunnel, RemoveTunnel, VtepWrite
from .bindings.port_rows import PortRows
from .bindings.statistics import Statistics
from .introduction import Introduction
from .learning.local_macs import LocalMacs
from .learning.stations import LearnedMacs
from .tunnels.rows import TunnelTo
from .tunnels.unused_rows import UnusedTunnelRows
from .unknown_dst import UnknownDst


def reports(macs: LearnedMacs, settings: Settings, clock: Callable[[], float]) -> list[Report]:
    """Return one report of each kind, in the order in which they are written."""
    return [
        LocalMacs(macs),
        UnknownDst(),
        PortRows(settings.port_grace, settings.bound_port_grace, clock),
        Introduction(),
        SwitchRows(lambda switch: switch.rows[TunnelTo], _tunnel_row),
        SwitchRows(lambda switch: switch.view[Statistics].rows, _binding_stats),
    ]


def _tunnel_row(
    switch: SwitchState, physical: PhysicalSwitch, row: Difference[TunnelTo, TunnelReport]
) -> "VtepWrite | None":
    """Return the write of a Tunnel row; None while one that nothing uses is to stay."""
    locator = row.key.locator
    if row.want is not None:
        return PutTunnel(physical.uuid, locator, row.want)
    may_go = switch.view[UnusedTunnelRows].may_go(locator)
    return RemoveTunnel(physical.uuid, locator) if may_go else None


def _binding_stats(
    _switch: SwitchState,
    _physical: PhysicalSwitch,
    stats: Difference[tuple[UUID, int], BindingStats],
) -> VtepWrite:
    """Return the write of the Logical_Binding_Stats of a VLAN of a port."""
    return PutBindingStats(*stats.key, stats.want)
