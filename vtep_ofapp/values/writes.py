"""Writes to the databases. Each states the desired row or column, not the operations."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from .faults import FaultRow
from .rows import BindingStats, TunnelReport

OUR_DESCRIPTION = "managed by vtep_ofapp"
"""The end of the description of a Physical_Switch that DescribeSwitch has described."""


TABLE_SETTINGS = ("flow_limit", "overflow_policy", "groups", "prefixes")
"""The columns of a Flow_Table that we never write: a row with any of them is not ours."""


class SwitchWrite:
    """What Open_vSwitch is asked to hold."""

    __slots__ = ()


class VtepWrite:
    """What hardware_vtep is asked to hold; a feature may have writes of its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class PutTunnelPort(SwitchWrite):
    """Create or update a VXLAN port of the bridge with these endpoints and this bfd column.

    A changed ``attempt`` makes Open vSwitch retry a port that it could not create.
    """

    bridge: str
    name: str
    remote: str
    local: str
    bfd: Mapping[str, str]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RemoveTunnelPort(SwitchWrite):
    """Remove the tunnel port of this name, if it has our mark."""

    bridge: str
    name: str


@dataclass(frozen=True, slots=True)
class SecureBridge(SwitchWrite):
    """Set our mark and fail mode secure, and defaults for out-of-band control and backoff."""

    bridge: str


@dataclass(frozen=True, slots=True)
class NameTables(SwitchWrite):
    """Have Flow_Tables of ours with these names at the bridge, by number, and no others of ours.

    A table with a Flow_Table of others keeps that.
    """

    bridge: str
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class ReleaseBridge(SwitchWrite):
    """Remove our mark from the bridge: it has no flows, groups or ports of ours."""

    bridge: str


@dataclass(frozen=True, slots=True)
class PutPhysicalPort(VtepWrite):
    """Insert a Physical_Port row of this name into the switch."""

    switch: UUID
    name: str


@dataclass(frozen=True, slots=True)
class RemovePhysicalPort(VtepWrite):
    """Remove the Physical_Port row of this name from the switch."""

    switch: UUID
    name: str


@dataclass(frozen=True, slots=True)
class PutLocalMac(VtepWrite):
    """Have one Ucast_Macs_Local row with this locator address, or none, in place of ``rows``.

    ``ip`` is its ipaddr, empty for none; None leaves the column as it is.
    """

    logical_switch: UUID
    mac: str
    address: str | None
    rows: tuple[UUID, ...] = ()
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class PutLocalMcastMac(VtepWrite):
    """Have one Mcast_Macs_Local row with these locator addresses, or none, in place of ``rows``.

    ``mac`` is a group address or ``unknown-dst``. ``ip`` is the IP address of the group, None to
    leave the column as it is.
    """

    logical_switch: UUID
    mac: str
    addresses: frozenset[str]
    rows: tuple[UUID, ...] = ()
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class PutFaultStatus(VtepWrite):
    """Set the whole content of the fault column of a row."""

    row: FaultRow
    entries: frozenset[str]


@dataclass(frozen=True, slots=True)
class PutTunnel(VtepWrite):
    """Insert or update the Tunnel row of the switch to a Physical_Locator row."""

    switch: UUID
    locator: UUID
    report: TunnelReport


@dataclass(frozen=True, slots=True)
class RemoveTunnel(VtepWrite):
    """Remove the Tunnel row of the switch to this Physical_Locator row."""

    switch: UUID
    locator: UUID


@dataclass(frozen=True, slots=True)
class PutBindingStats(VtepWrite):
    """Set, or remove, the Logical_Binding_Stats of a VLAN of a Physical_Port."""

    port: UUID
    vlan: int
    stats: BindingStats | None


@dataclass(frozen=True, slots=True)
class DescribeSwitch(VtepWrite):
    """Set the management IPs and the description of a Physical_Switch that has none."""

    switch: UUID
    management_ips: frozenset[str]
    description: str
