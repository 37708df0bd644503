"""The rows of both databases as values, and what is learned from the switch.

Whatever stands here has passed the door: addresses are canonical, keys are in range. What did
not pass is a Refused. References to other rows are their UUIDs, except for locators, which are
resolved to what they say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem of configuration: said once in the log and shown to the NVC while it lasts.

    ``subject`` names the row for people. ``column_of`` is the Physical_Switch or Physical_Port
    row whose fault column shows it, ``entry`` the word that vtep(5) has for it there; both are
    None for what an NVC should not be alarmed about.
    """

    subject: str
    reason: str
    column_of: UUID | None = None
    entry: str | None = None

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PhysicalPort:
    """A Physical_Port row; vlan_bindings map a VLAN (0: untagged) to a Logical_Switch row."""

    uuid: UUID
    name: str
    vlan_bindings: Mapping[int, UUID]
    fault_status: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhysicalSwitch:
    """A Physical_Switch row with its ports; tunnel_ips in lexicographical order."""

    uuid: UUID
    name: str
    tunnel_ips: tuple[str, ...]
    ports: tuple[PhysicalPort, ...]
    fault_status: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogicalSwitch:
    """A Logical_Switch row; tunnel_key is a VNI, or None while there is none."""

    uuid: UUID
    name: str
    tunnel_key: int | None
    source_node_replication: bool
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteMac:
    """A Ucast_Macs_Remote row: the station is behind the VTEP at this address."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    address: str


@dataclass(frozen=True, slots=True)
class RemoteGroup:
    """A Mcast_Macs_Remote row: ``mac`` is a group address or ``unknown-dst``."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class LocalMac:
    """A Ucast_Macs_Local row, with the address that its locator names."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    address: str


@dataclass(frozen=True, slots=True)
class LocalGroup:
    """A Mcast_Macs_Local row, with the addresses that its locator set names."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used: ``subject`` names it for people, ``reason`` says why."""

    uuid: UUID
    subject: str
    reason: str
    logical_switch: UUID | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that was deleted."""

    uuid: UUID


VtepRow: TypeAlias = (
    "PhysicalSwitch | LogicalSwitch | RemoteMac | RemoteGroup | LocalMac | LocalGroup | Refused"
    " | Gone"
)


@dataclass(frozen=True, slots=True)
class BridgePort:
    """A port of a bridge. ofport is None while Open vSwitch has not given it a number.

    ``is_ours`` marks the tunnel ports that this program made; ``remote`` and ``local`` are their
    ends, as far as they are IPv4 addresses. ``error`` is Open vSwitch's own word on why a port
    does not work.
    """

    name: str
    ofport: int | None
    error: str | None = None
    is_ours: bool = False
    remote: str | None = None
    local: str | None = None
    bond: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """A Bridge row of Open_vSwitch with its ports by name, without its own internal port.

    ``is_secure`` is its fail mode; ``controllers_are_set`` says that each of its controllers has
    a max_backoff and a connection_mode.
    """

    uuid: UUID
    name: str
    datapath_id: int | None
    is_secure: bool
    ports: Mapping[str, BridgePort] = field(default_factory=lambda: MappingProxyType({}))
    controllers_are_set: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """A VLAN of a port that belongs to a logical switch: where a logical switch meets a wire.

    ``port`` is the port's name, ``vlan`` 0 for untagged.
    """

    port: str
    ofport: int
    vlan: int
    logical_switch: UUID

    @property
    def number(self) -> int:
        """The binding's number on its bridge: the port's number and the VLAN side by side."""
        return self.ofport << 12 | self.vlan
