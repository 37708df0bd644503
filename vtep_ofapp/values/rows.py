"""The rows of both databases as values, and what is learned from the switch.

Whatever stands here has passed the door: addresses are canonical, keys are in range. What did
not pass is a Refused. References to other rows are their UUIDs, except for locators, which are
resolved to what they say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BindingStats:
    """A Logical_Binding_Stats row: what came in by a binding, and what left by it."""

    packets_from_local: int = 0
    bytes_from_local: int = 0
    packets_to_local: int = 0
    bytes_to_local: int = 0


@dataclass(frozen=True, slots=True)
class PhysicalPort:
    """A Physical_Port row; vlan_bindings map a VLAN (0: untagged) to a Logical_Switch row."""

    uuid: UUID
    name: str
    vlan_bindings: Mapping[int, UUID]
    vlan_stats: Mapping[int, BindingStats] = field(default_factory=dict)
    has_acls: bool = False
    fault_status: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TunnelReport:
    """What the switch says in a Tunnel row: its own end, and its side of BFD."""

    local: str
    bfd_config_local: Mapping[str, str] = field(default_factory=dict)
    bfd_status: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TunnelRow:
    """A Tunnel row: the Physical_Locator row of the remote end, with its address.

    ``report`` is what stands in the columns that the switch owes.
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

    ``towards_managers`` are the addresses of this host on its way to the database's managers.
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
        """The address that tunnels start from: the first of tunnel_ips, as OVN reads it."""
        return self.tunnel_ips[0] if self.tunnel_ips else None


@dataclass(frozen=True, slots=True)
class LogicalSwitch:
    """A Logical_Switch row; tunnel_key is a VNI, or None while there is none."""

    uuid: UUID
    name: str
    tunnel_key: int | None
    source_node_replication: bool
    refused: tuple[str, ...] = ()


class Locator(NamedTuple):
    """A Physical_Locator row: a remote VTEP, with a VNI where it has a key of its own."""

    uuid: UUID
    address: str
    tunnel_key: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteMac:
    """A Ucast_Macs_Remote row: the station is behind the VTEP that the locator names."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    locator: Locator


@dataclass(frozen=True, slots=True)
class RemoteMcastMac:
    """A Mcast_Macs_Remote row: ``mac`` is a group address or ``unknown-dst``.

    ``refused`` says why locators of its set are left out.
    """

    uuid: UUID
    mac: str
    logical_switch: UUID
    locators: frozenset[Locator]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogicalRouter:
    """A Logical_Router row with the logical switches that it joins."""

    uuid: UUID
    name: str
    logical_switches: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class LocalMac:
    """A Ucast_Macs_Local row, with the address that its locator names."""

    uuid: UUID
    mac: str
    logical_switch: UUID
    address: str


@dataclass(frozen=True, slots=True)
class LocalMcastMac:
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
    "PhysicalSwitch | LogicalSwitch | RemoteMac | RemoteMcastMac | LogicalRouter | LocalMac"
    " | LocalMcastMac | Refused | Gone"
)


ANYONE = "flow"
"""The remote end of a tunnel port for VTEPs without one of their own (ovs-vswitchd.conf.db(5))."""


@dataclass(frozen=True, slots=True)
class VxlanPort:
    """A port of any bridge that takes VXLAN packets for UDP port 4789.

    ``remote`` and ``local`` are its ends, None for any address; ``key`` is the one VNI that it
    takes, None for all. ``is_up`` says that Open vSwitch made it.
    """

    bridge: str
    name: str
    remote: str | None
    local: str | None
    key: int | None
    is_up: bool

    def takes(self, remote: str, local: str, vni: int) -> bool:
        """Whether it takes packets from a port of ours, which is for all keys.

        Open vSwitch looks for ports with a fixed key first, whatever their ends are.
        """
        ends = self.remote in (None, remote) and self.local in (None, local)
        return self.is_up and ends and self.key == vni


@dataclass(frozen=True, slots=True)
class BridgePort:
    """A port of a bridge, with the OpenFlow numbers of its interfaces that are in use.

    ``number`` stays what it is while a bond changes its ``members``; it is None while Open
    vSwitch has not given the port one. ``is_ours`` marks the tunnel ports that this program
    made; ``remote`` and ``local`` are their ends, as far as they are IPv4 addresses, or ANYONE.
    ``error`` is
    Open vSwitch's own word on why a port does not work. ``has_vlans`` tells of VLAN settings of
    Open vSwitch's own. ``attempt`` counts how often we made Open vSwitch try again; ``vxlan`` is
    the port as one for VXLAN packets, ours or not; ``egress`` is the interface by which a tunnel
    of ours leaves the host.
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
    """A tunnel port as it is wanted: both ends, and the bfd column of its interface.

    ``attempt`` is how often Open vSwitch was made to try again.
    """

    remote: str
    local: str
    bfd: Mapping[str, str]
    attempt: int = 0

    @classmethod
    def of(cls, port: BridgePort) -> "TunnelPort":
        """Return a port of ours as it is."""
        return cls(port.remote or "", port.local or "", port.bfd, port.attempt)


_EMULATORS_PORT = re.compile(r"(\d{4}-.+)-p")


def is_emulators(name: str, options: Mapping[str, str]) -> bool:
    """Whether a port, by its name and its interface's options, is a patch port of ovs-vtep's.

    The emulator makes one for each binding, named after VLAN and port: 0010-p1-p with the peer
    0010-p1-l. They are inside of its switch, so they are no ports for the NVC.
    """
    matched = _EMULATORS_PORT.fullmatch(name)
    return matched is not None and options.get("peer") == f"{matched[1]}-l"


@dataclass(frozen=True, slots=True)
class Controller:
    """A Controller row of a bridge: where it leads, and whether the bridge is connected there."""

    target: str
    is_connected: bool = False


class Mark(Enum):
    """Whose mark a bridge carries: that of the process that manages it, or managed it last."""

    NONE = "none"
    OURS = "ours"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A Bridge row of Open_vSwitch with its ports by name, without its own internal port.

    ``database`` is the remote that it was read from, and ``interface`` the number and the MAC
    address of its own internal port in the kernel. ``is_secure`` is its fail mode;
    ``speaks_our_version`` says that its protocols include OpenFlow 1.3;
    ``controllers_are_set`` says that it and each of its controllers have every setting that we
    would make for them.
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

    @property
    def has_traces(self) -> bool:
        """Whether this program made something on it, by the bridge's mark or those of its ports.

        A bridge without a mark, but with marked ports, is one of an earlier version's.
        """
        return self.mark is Mark.OURS or (
            self.mark is Mark.NONE and any(port.is_ours for port in self.ports.values())
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """A VLAN of a port that belongs to a logical switch: where a logical switch meets a wire.

    ``port`` is the port's name and ``ofport`` its number, ``vlan`` 0 for untagged. Frames come
    in by any of the ``members`` and leave by one of them: one number, or those of a bond.
    """

    port: str
    ofport: int
    vlan: int
    logical_switch: UUID
    members: tuple[int, ...]

    @property
    def number(self) -> int:
        """The binding's number on its bridge: the port's number and the VLAN side by side."""
        return self.ofport << 12 | self.vlan
