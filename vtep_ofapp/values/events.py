"""What can happen: everything that reaches the loop is one of these values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from .counters import Counter, Traffic
from .flow_changes import Change
from .flows import Flow, FlowKey, Group, Match
from .packets import PacketOut
from .rows import Bridge, VtepRow


class Connection(Protocol):
    """The OpenFlow connection of one switch, as the loop uses it. Nothing here waits."""

    peer: str
    """The IP address of the switch's end."""
    traffic: Traffic

    def lead(self, generation: int | None) -> None:
        """Become the switch's master; a RoleIs follows.

        ``generation`` is that of an earlier RoleIs, or None to follow whoever was master before.
        """

    def stand_by(self) -> None:
        """Become a slave of the switch: hear of ports only, change nothing."""

    def read_back(self) -> None:
        """Ask for all our flows and groups; a ReadBack follows."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Make the changes in one atomic bundle; an Applied follows."""

    def send(self, packets: Sequence[PacketOut]) -> None:
        """Send frames, after the changes before. Frames that find too many waiting are dropped."""

    def read_counters(self) -> None:
        """Ask for the counters of bindings and of dropped frames; a Counters follows."""

    def ask(self) -> None:
        """Ask whether the switch is still there; an Alive follows."""

    has_flow_monitor: bool
    """Whether the switch tells what others do to its flows; else they are to be read back."""

    def compare_groups(self, known: Iterable[int] | None = None) -> None:
        """Ask for all groups; a GroupsChanged follows if they are other than at the last time.

        With the ids of all that are ``known`` it tells every group, and which of these are gone.
        """

    def disconnect(self) -> None:
        """Close the connection; a Disconnected follows."""


class Writer(Protocol):
    """A database, as the loop uses it to write. Nothing here waits."""

    def takes(self, write: Any) -> bool:
        """Return whether the database has columns for a write: an old schema may lack them."""

    def commit(self, writes: Sequence[Any]) -> None:
        """Perform the writes in one transaction; a Committed follows. One at a time."""


@dataclass(frozen=True, slots=True)
class VtepRows:
    """Rows of hardware_vtep that are new, changed, refused or gone.

    All that one transaction changed is one change; if ``more`` of it is still to come, nothing may
    be made of these rows before that is there, too.
    """

    rows: Sequence[VtepRow]
    more: bool = False


@dataclass(frozen=True, slots=True)
class VtepInSync:
    """All of hardware_vtep was told; rows that are not among ``rows`` do not exist.

    It is the end of a change: of the transactions that were made while we were away.
    """

    rows: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Bridges:
    """Bridges of a database by name that are new or changed, None for those that are gone.

    ``more`` is as in VtepRows.
    """

    database: str
    bridges: dict[str, Bridge | None]
    more: bool = False


@dataclass(frozen=True, slots=True)
class BridgesInSync:
    """All of a database was told; bridges that are not among ``names`` are not in it.

    It is the end of a change, as VtepInSync is.
    """

    database: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Committed:
    """A transaction on a database ended; ``error`` is its reason to fail, for people."""

    database: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Away:
    """The connection to a database ended, and with it the lock; an in-sync event ends that."""

    database: str


@dataclass(frozen=True, slots=True)
class LockIs:
    """Whether this process holds the lock on hardware_vtep, and so is the one that acts.

    It follows VtepInSync, for each connection to the database. While there is none, it remains as
    it was: nobody can say otherwise.
    """

    held: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """A datapath finished the OpenFlow handshake; ``name`` is that of its port LOCAL."""

    datapath_id: int
    connection: Connection
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A datapath that was Connected is no longer."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class Alive:
    """The answer to ask()."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class RoleIs:
    """The answer to lead(): we are master in this generation, or None if someone newer is."""

    connection: Connection
    generation: int | None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Our flows and groups that the switch has."""

    connection: Connection
    flows: dict[FlowKey, Flow]
    groups: dict[int, Group]


@dataclass(frozen=True, slots=True)
class Applied:
    """The answer to apply(): all changes were made, or none and those in ``rejected`` are why."""

    connection: Connection
    changes: Sequence[Change]
    made: bool
    rejected: Sequence[Change] = ()
    is_full: bool = False
    """The table of the rejected change has no room."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What each flow counted that counts for a binding, or frames that it drops."""

    connection: Connection
    flows: dict[FlowKey, Counter]


@dataclass(frozen=True, slots=True)
class PacketIn:
    """A flow of ours sent a frame to the controller.

    ``producer`` is the producer of the flow, a Cookie of the pipeline, and ``table`` the flow's
    table. ``fields`` are the registers, metadata and ports that the frame had there. ``header``
    holds the bytes that the producer's packet-ins are read for, see SHOWN in pipeline/layout.py.
    """

    connection: Connection
    producer: int
    table: int
    fields: Match
    header: bytes


@dataclass(frozen=True, slots=True)
class FlowRemoved:
    """The switch removed a flow: because it was idle, or because someone deleted it."""

    connection: Connection
    key: FlowKey
    idle: bool


@dataclass(frozen=True, slots=True)
class FlowsChanged:
    """Others changed flows: some of ours, or at least those with these keys."""

    connection: Connection
    keys: Sequence[FlowKey]
    are_ours: bool


@dataclass(frozen=True, slots=True)
class GroupsChanged:
    """Groups of the switch that are other than when it was last asked, None for those gone."""

    connection: Connection
    groups: Mapping[int, Group | None]


@dataclass(frozen=True, slots=True)
class TimerIsDue:
    """A timer of the loop has run off; the name is for people, the number says which one."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class WorkIsLeft:
    """The turn hit its work limit; another one is to follow."""


@dataclass(frozen=True, slots=True)
class AccountIsDue:
    """Someone asks how much was sent."""


Event: TypeAlias = (
    "VtepRows | VtepInSync | Bridges | BridgesInSync | Committed | Away | LockIs"
    " | Connected | Disconnected | Alive | RoleIs | ReadBack | Applied | Counters"
    " | PacketIn | FlowRemoved | FlowsChanged | GroupsChanged"
    " | TimerIsDue | WorkIsLeft | AccountIsDue"
)
