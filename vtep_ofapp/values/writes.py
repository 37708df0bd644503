"""What the databases are asked to hold: each write states a result, not the way to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from .faults import FaultRow
from .rows import BindingStats, TunnelReport


@dataclass(frozen=True, slots=True)
class PutTunnelPort:
    """A VXLAN port of the bridge to a remote address, from a local one, with this bfd column.

    Another ``attempt`` than before makes Open vSwitch try again if it could not make the port.
    """

    bridge: str
    name: str
    remote: str
    local: str
    bfd: Mapping[str, str]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RemoveTunnelPort:
    """No tunnel port of this name; a port that is not marked as ours stays."""

    bridge: str
    name: str


@dataclass(frozen=True, slots=True)
class SecureBridge:
    """Our mark; fail mode secure; out of band, controllers back soon, unless set otherwise."""

    bridge: str


@dataclass(frozen=True, slots=True)
class ReleaseBridge:
    """No mark of ours on the bridge: nothing of ours is left there."""

    bridge: str


@dataclass(frozen=True, slots=True)
class PutPhysicalPort:
    """A Physical_Port row of this name in the switch."""

    switch: UUID
    name: str


@dataclass(frozen=True, slots=True)
class RemovePhysicalPort:
    """No Physical_Port row of this name in the switch."""

    switch: UUID
    name: str


@dataclass(frozen=True, slots=True)
class PutLocalMac:
    """One Ucast_Macs_Local row with this locator address, or none; ``rows`` are there now."""

    logical_switch: UUID
    mac: str
    address: str | None
    rows: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class PutUnknownDst:
    """One ``unknown-dst`` row of Mcast_Macs_Local with these addresses, or none."""

    logical_switch: UUID
    addresses: frozenset[str]
    rows: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class PutFaultStatus:
    """The whole content of the fault column of a row."""

    row: FaultRow
    entries: frozenset[str]


@dataclass(frozen=True, slots=True)
class PutTunnel:
    """A Tunnel row of the switch to a Physical_Locator row, with what the switch has to say."""

    switch: UUID
    locator: UUID
    report: TunnelReport


@dataclass(frozen=True, slots=True)
class RemoveTunnel:
    """No Tunnel row of the switch to this Physical_Locator row."""

    switch: UUID
    locator: UUID


@dataclass(frozen=True, slots=True)
class PutBindingStats:
    """The Logical_Binding_Stats of a VLAN of a Physical_Port, or none."""

    port: UUID
    vlan: int
    stats: BindingStats | None


@dataclass(frozen=True, slots=True)
class IntroduceSwitch:
    """The identification of a Physical_Switch, where nobody has given it one."""

    switch: UUID
    management_ips: frozenset[str]
    description: str


SwitchWrite: TypeAlias = "PutTunnelPort | RemoveTunnelPort | SecureBridge | ReleaseBridge"
VtepWrite: TypeAlias = (
    "PutPhysicalPort | RemovePhysicalPort | PutLocalMac | PutUnknownDst | PutFaultStatus"
    " | PutTunnel | RemoveTunnel | PutBindingStats | IntroduceSwitch"
)
