"""What the databases are asked to hold: each write states a result, not the way to it."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PutTunnelPort:
    """A VXLAN port of the bridge to a remote address, from a local one, made or mended."""

    bridge: str
    name: str
    remote: str
    local: str


@dataclass(frozen=True, slots=True)
class RemoveTunnelPort:
    """No tunnel port of this name; a port that is not marked as ours stays."""

    bridge: str
    name: str


@dataclass(frozen=True, slots=True)
class SecureBridge:
    """Fail mode secure; controllers out of band and back soon, unless someone chose otherwise."""

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
    """The whole content of the fault column of a Physical_Switch or Physical_Port row."""

    row: UUID
    entries: frozenset[str]


SwitchWrite: TypeAlias = "PutTunnelPort | RemoveTunnelPort | SecureBridge"
VtepWrite: TypeAlias = (
    "PutPhysicalPort | RemovePhysicalPort | PutLocalMac | PutUnknownDst | PutFaultStatus"
)
