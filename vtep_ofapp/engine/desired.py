"""What a managed switch has flows for: each cause owns the program that it asks for."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from ..values.faults import Fault
from ..values.flows import Flow, Group
from ..values.rows import TunnelReport
from .network import OfGroup, OfLogicalSwitch, OfPeer, OfRefused, OfRouter, OfStation


@dataclass(frozen=True, slots=True)
class OfSwitch:
    """What every managed switch has, whatever its rows say."""


@dataclass(frozen=True, slots=True)
class OfBinding:
    """What a VLAN of a port causes."""

    port: str
    vlan: int


@dataclass(frozen=True, slots=True)
class OfTunnel:
    """What the tunnel to a remote VTEP causes."""

    address: str


@dataclass(frozen=True, slots=True)
class OfAnyone:
    """What the tunnel port causes by which frames of VTEPs come in that no row names."""


Cause: TypeAlias = (
    "OfSwitch | OfBinding | OfTunnel | OfAnyone | OfLogicalSwitch | OfStation | OfGroup | OfPeer"
    " | OfRouter | OfRefused"
)


@dataclass(frozen=True, slots=True)
class Program:
    """What one cause asks for, and what is wrong with it.

    ``tunnels`` are rows of Tunnel by the Physical_Locator row of their remote end.
    """

    flows: tuple[Flow, ...] = ()
    groups: tuple[Group, ...] = ()
    faults: tuple[Fault, ...] = ()
    tunnels: tuple[tuple[UUID, TunnelReport], ...] = ()


NOTHING = Program()
