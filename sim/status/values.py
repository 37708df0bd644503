"""What there is to say about a lab. The fields are the keys of `status --json`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FORMAT = 1
"""Changes when a key is removed or gets another meaning, not when one is added."""


class State(str, Enum):
    """How far a lab is."""

    UP = "up"
    """It was built to its end, and processes run in it."""
    IN_USE = "in use"
    """It belongs to a process that builds, tests or removes it."""
    LEFT = "left over"
    """The process that built it died, or all processes in it have ended."""


class Kind(str, Enum):
    """What a host of a lab is."""

    VTEP = "vtep"
    """Open vSwitch with a hardware_vtep database."""
    PEER = "peer"
    """Open vSwitch without one: a tunnel endpoint that speaks BFD."""
    ENDPOINT = "endpoint"
    """The kernel's VXLAN."""
    SEGMENT = "segment"
    """A network: a bridge of the kernel."""
    NVC = "nvc"
    """Where an NVC runs, or OVN's databases are."""
    HOST = "host"
    """Whatever else is plugged in somewhere, such as a virtual machine."""


@dataclass(frozen=True)
class End:
    """One end of a link."""

    host: str
    interface: str


@dataclass(frozen=True)
class Interface:
    """A network interface of a host, as the kernel has it."""

    name: str
    kind: str
    """The kernel's word, such as veth, vxlan, vlan, bridge; `tun` is a port of Open vSwitch."""
    mac: str
    addresses: tuple[str, ...]
    """Such as 10.2.2.1/24."""
    mtu: int
    is_up: bool
    """Whether it is set up, and its other end, too."""
    parent: str | None = None
    """The interface that this one is on: of a VXLAN device, of a VLAN."""
    vlan: int | None = None
    vni: int | None = None
    floods_to: tuple[str, ...] = ()
    """Where a VXLAN device sends unknown destinations."""
    bridge: str | None = None
    """The bridge, of the kernel or of Open vSwitch, whose port this is."""
    plugged_into: End | None = None
    """The other end of a veth pair, if that is in the lab."""


@dataclass(frozen=True)
class Process:
    """A process in a host's namespace."""

    pid: int
    name: str
    command: str


@dataclass(frozen=True)
class Host:
    """A host: a network namespace."""

    name: str
    kind: Kind
    namespace: str
    exists: bool
    """Whether there is such a namespace. It is written down before it is made."""
    interfaces: tuple[Interface, ...]
    """Without lo, and without what Open vSwitch makes for itself."""
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class Link:
    """A veth pair of the lab."""

    ends: tuple[End, End]
    is_up: bool


@dataclass(frozen=True)
class Tunnel:
    """A tunnel of a VTEP or of a peer."""

    local: str
    remote: str
    bfd: str | None
    """The state of BFD, such as up or down; null while BFD is not on."""
    forwards: bool | None
    """What BFD says of the path; null while BFD is not on."""


@dataclass(frozen=True)
class Database:
    """A database of an Open vSwitch."""

    name: str
    remote: str
    """Where its server is reached from every namespace."""
    is_read: bool
    """Whether it answered. If not, what comes from it is missing here."""


@dataclass(frozen=True)
class Peer:
    """The Open vSwitch of a peer."""

    host: str
    databases: tuple[Database, ...]
    tunnels: tuple[Tunnel, ...]


@dataclass(frozen=True)
class Manager:
    """An NVC that the database server listens for, or connects to."""

    target: str
    is_connected: bool


@dataclass(frozen=True)
class Application:
    """A process that controls bridges of a VTEP, and answers commands."""

    name: str
    pid: int
    socket: str
    status: str
    is_ready: bool


@dataclass(frozen=True)
class Binding:
    """A VLAN of a port that belongs to a logical switch; VLAN 0 means untagged."""

    vlan: int
    logical_switch: str


@dataclass(frozen=True)
class Port:
    """A row of Physical_Port."""

    name: str
    bindings: tuple[Binding, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Switch:
    """A row of Physical_Switch."""

    name: str
    tunnel_ips: tuple[str, ...]
    ports: tuple[Port, ...]
    tunnels: tuple[Tunnel, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class LogicalSwitch:
    """A row of Logical_Switch."""

    name: str
    vni: int | None
    replication: str | None


@dataclass(frozen=True)
class LocalMac:
    """A row of Ucast_Macs_Local: what a VTEP has learned."""

    logical_switch: str
    mac: str
    address: str
    """The tunnel address by which the VTEP can be sent frames for it."""
    port: str | None
    """Where the application has learned it; null if it was not asked."""
    vlan: int | None


@dataclass(frozen=True)
class RemoteMac:
    """A row of Ucast_Macs_Remote: where the NVC has placed a station."""

    logical_switch: str
    mac: str
    address: str


@dataclass(frozen=True)
class Flooding:
    """A row of Mcast_Macs_Remote: who is sent frames for a group, or for `unknown-dst`."""

    logical_switch: str
    mac: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """A fault, as the application has it."""

    text: str
    word: str | None
    """What a fault column shows to the NVC; null if none shows it."""
    is_information: bool
    """Whether it says only that something is not supported or not complete yet."""


@dataclass(frozen=True)
class Vtep:
    """A VTEP: what its databases and its applications say."""

    host: str
    databases: tuple[Database, ...]
    managers: tuple[Manager, ...]
    applications: tuple[Application, ...]
    switches: tuple[Switch, ...]
    logical_switches: tuple[LogicalSwitch, ...]
    local_macs: tuple[LocalMac, ...]
    remote_macs: tuple[RemoteMac, ...]
    flooding: tuple[Flooding, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Lab:
    """A lab."""

    format: int
    name: str
    state: State
    folder: str
    hosts: tuple[Host, ...]
    links: tuple[Link, ...]
    vteps: tuple[Vtep, ...]
    peers: tuple[Peer, ...]
    problems: tuple[str, ...]
    """What could not be read, and why."""
