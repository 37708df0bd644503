"""The rows of both databases as values.

They have been validated: addresses are canonical, keys are in range. A row that cannot be used is
a Refused. References to other rows are UUIDs, except for locators, which are resolved to their
address and key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from .addresses import only


class VtepRow(Protocol):
    """A row of hardware_vtep, or its end; a feature may have rows of types of its own."""

    @property
    def uuid(self) -> UUID:
        """The row's UUID."""


@dataclass(frozen=True, slots=True)
class BindingStats:
    """A Logical_Binding_Stats row: counters of frames into and out of a binding."""

    packets_from_local: int = 0
    bytes_from_local: int = 0
    packets_to_local: int = 0
    bytes_to_local: int = 0


@dataclass(frozen=True, slots=True)
class PhysicalPort:
    """A Physical_Port row.

    ``vlan_bindings`` map a VLAN (0: untagged) to a Logical_Switch row, ``acl_bindings`` to an ACL
    row.
    """

    uuid: UUID
    name: str
    vlan_bindings: Mapping[int, UUID]
    vlan_stats: Mapping[int, BindingStats] = field(default_factory=dict)
    acl_bindings: Mapping[int, UUID] = field(default_factory=dict)
    fault_status: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TunnelReport:
    """The columns of a Tunnel row that the switch writes: its own address, and its side of BFD."""

    local: str
    bfd_config_local: Mapping[str, str] = field(default_factory=dict)
    bfd_status: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TunnelRow:
    """A Tunnel row: the Physical_Locator row of the remote end, with its address.

    ``report`` is the current content of the columns that the switch writes.
    """

    uuid: UUID
    locator: UUID
    address: str
    report: TunnelReport
    bfd_params: Mapping[str, str] = field(default_factory=dict)
    bfd_config_remote: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PhysicalSwitch:
    """A Physical_Switch row with its ports and tunnels; tunnel_ips in lexicographical order.

    ``towards_managers`` are the addresses of this host that face the database's managers.
    """

    uuid: UUID
    name: str
    tunnel_ips: tuple[str, ...]
    ports: tuple[PhysicalPort, ...]
    tunnels: tuple[TunnelRow, ...] = ()
    management_ips: frozenset[str] = frozenset()
    description: str = ""
    fault_status: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()
    towards_managers: frozenset[str] = frozenset()

    @property
    def tunnel_ip(self) -> str | None:
        """The source address of tunnels: the first of tunnel_ips, as in OVN."""
        return self.tunnel_ips[0] if self.tunnel_ips else None


@dataclass(frozen=True, slots=True)
class LogicalSwitch:
    """A Logical_Switch row; tunnel_key is its VNI, or None as long as it has none."""

    uuid: UUID
    name: str
    tunnel_key: int | None
    source_node_replication: bool
    refused: tuple[str, ...] = ()


class Locator(NamedTuple):
    """A Physical_Locator row: a remote VTEP, and its VNI if the row has a tunnel key."""

    uuid: UUID
    address: str
    tunnel_key: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteMac:
    """A Ucast_Macs_Remote row: the station is behind the VTEP that the locator names.

    ``ip`` is an address of the station, empty for none; ``invalid_ip`` is an ipaddr that is none.
    """

    uuid: UUID
    mac: str
    logical_switch: UUID
    locator: Locator
    ip: str = ""
    invalid_ip: str = ""

    @property
    def locators(self) -> tuple[Locator]:
        """The locator, in the form of RemoteMcastMac.locators."""
        return (self.locator,)


@dataclass(frozen=True, slots=True)
class RemoteMcastMac:
    """A Mcast_Macs_Remote row: ``mac`` is a group address or ``unknown-dst``.

    ``refused`` has the reasons for which locators of its set are ignored.
    """

    uuid: UUID
    mac: str
    logical_switch: UUID
    locators: frozenset[Locator]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalMac:
    """A Ucast_Macs_Local row, with the address that its locator names, and its ipaddr."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    address: str
    ip: str = ""

    @property
    def addresses(self) -> frozenset[str]:
        """The address, in the form of LocalMcastMac.addresses."""
        return only(self.address)


@dataclass(frozen=True, slots=True)
class LocalMcastMac:
    """A Mcast_Macs_Local row, with the addresses that its locator set names.

    ``mac`` is a group address or ``unknown-dst``; ``ip`` is its IP address, "" for none.
    """

    uuid: UUID
    mac: str
    logical_switch: UUID
    addresses: frozenset[str]
    ip: str = ""


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


ANYONE = "flow"
"""The remote_ip of the tunnel port for all VTEPs without their own (ovs-vswitchd.conf.db(5))."""


@dataclass(frozen=True, slots=True)
class VxlanPort:
    """A port of any bridge that receives VXLAN packets on UDP port 4789.

    ``remote`` and ``local`` are its endpoints, None for any address; ``key`` is its VNI, None for
    all. ``is_up`` says that Open vSwitch has created it.
    """

    bridge: str
    name: str
    remote: str | None
    local: str | None
    key: int | None
    is_up: bool

    def takes(self, remote: str, local: str, vni: int) -> bool:
        """Whether it receives packets with this VNI in place of a port of ours for all VNIs.

        Open vSwitch prefers ports with a fixed key, even to ports with more specific endpoints.
        """
        ends = self.remote in (None, remote) and self.local in (None, local)
        return self.is_up and ends and self.key == vni


@dataclass(frozen=True, slots=True)
class BridgePort:
    """A port of a bridge, with the OpenFlow numbers of its interfaces that are in use.

    ``number`` does not change when a bond changes its ``members``; it is None until Open vSwitch
    assigns one. ``is_ours`` marks the tunnel ports that this program created; ``remote`` and
    ``local`` are their endpoints if these are IPv4 addresses, or ANYONE. ``error`` is the reason
    that Open vSwitch gives for a port that does not work. ``has_vlans`` says that the Port row has
    VLAN settings. ``attempt`` counts how often we made Open vSwitch retry. ``vxlan`` is set for a
    VXLAN port, ours or not. ``egress`` is the host's interface that a tunnel of ours uses.
    """

    name: str
    number: int | None
    members: tuple[int, ...] = ()
    error: str | None = None
    is_up: bool = True
    has_vlans: bool = False
    is_ours: bool = False
    remote: str | None = None
    local: str | None = None
    bfd: Mapping[str, str] = field(default_factory=dict)
    bfd_status: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 0
    egress: str = ""
    vxlan: VxlanPort | None = None


@dataclass(frozen=True, slots=True)
class TunnelPort:
    """A tunnel port: its two endpoints, and the bfd column of its interface.

    ``attempt`` counts how often we made Open vSwitch retry.
    """

    remote: str
    local: str
    bfd: Mapping[str, str]
    attempt: int = 0

    @classmethod
    def of(cls, port: BridgePort) -> "TunnelPort":
        """Return the tunnel port that a port of ours is now."""
        return cls(port.remote or "", port.local or "", port.bfd, port.attempt)


_EMULATORS_PORT = re.compile(r"(\d{4}-.+)-p")


def is_emulators(name: str, options: Mapping[str, str]) -> bool:
    """Whether a port is a patch port of ovs-vtep, by its name and the options of its interface.

    The emulator makes one for each binding, named after VLAN and port: 0010-p1-p with the peer
    0010-p1-l. They are internal to its switch and are not reported to the NVC.
    """
    matched = _EMULATORS_PORT.fullmatch(name)
    return matched is not None and options.get("peer") == f"{matched[1]}-l"


@dataclass(frozen=True, slots=True)
class Controller:
    """A Controller row of a bridge: its target, and whether the bridge is connected to it."""

    target: str
    is_connected: bool = False


class Mark(Enum):
    """The process whose mark is on a bridge: the one that manages it, or managed it last."""

    NONE = "none"
    OURS = "ours"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A Bridge row of Open_vSwitch with its ports by name, without its own internal port.

    ``database`` is the Open_vSwitch database that it was read from. ``interface`` is the kernel's
    index and MAC address of its internal port. ``is_secure`` says that its fail mode is secure,
    ``speaks_our_version`` that its protocols include OpenFlow 1.3, ``controllers_are_set`` that
    it and each of its controllers have our settings. ``tables`` has for each Flow_Table, by the
    number of the table, the name that we wrote there, None if the row is of others.
    ``can_name_tables`` says that the schema has such rows, with room for our mark.
    """

    uuid: UUID
    name: str
    datapath_id: int | None
    is_secure: bool
    speaks_our_version: bool = True
    ports: Mapping[str, BridgePort] = field(default_factory=dict)
    controllers_are_set: bool = False
    database: str = ""
    interface: tuple[int, str] | None = None
    mark: Mark = Mark.NONE
    controllers: tuple[Controller, ...] = ()
    tables: Mapping[int, str | None] = field(default_factory=dict)
    can_name_tables: bool = False

    @property
    def has_traces(self) -> bool:
        """Whether the bridge, or a port of it, has our mark.

        Earlier versions marked the ports and not the bridge.
        """
        return self.mark is Mark.OURS or (
            self.mark is Mark.NONE and any(port.is_ours for port in self.ports.values())
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding of a VLAN of a port to a logical switch.

    ``port`` is the port's name and ``ofport`` its OpenFlow number; ``vlan`` is 0 for untagged
    frames. ``members`` are the ports of a bond, or the port itself: frames come in by any of them
    and leave by one.
    """

    port: str
    ofport: int
    vlan: int
    logical_switch: UUID
    members: tuple[int, ...]

    @property
    def number(self) -> int:
        """The binding's number on its bridge: the port's number and the VLAN side by side."""
        return self.ofport << _VLAN_BITS | self.vlan


_VLAN_BITS = 12


def vlan_of(binding: int) -> int:
    """Return the VLAN of a binding by its number, 0 for untagged frames."""
    return binding & ((1 << _VLAN_BITS) - 1)
