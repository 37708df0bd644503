"""The events that the loop handles, and the two interfaces that they answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from .counters import Counter, PortCounter, Traffic
from .flow_changes import Change
from .flows import Flow, FlowKey, Group, Match
from .packets import PacketOut
from .rows import Bridge, VtepRow


class Connection(Protocol):
    """The OpenFlow connection of one switch, as the loop uses it. No method blocks."""

    traffic: Traffic

    @property
    def peer(self) -> str:
        """The IP address of the switch's end."""

    def lead(self, generation: int | None) -> None:
        """Request the role of master; a RoleIs follows.

        ``generation`` is that of an earlier RoleIs, or None to take over from any former master.
        """

    def stand_by(self) -> None:
        """Request the role of slave: it receives port status only, and cannot change the switch."""

    def read_back(self) -> None:
        """Request all our flows and groups; a ReadBack follows.

        A NotMonitored follows, too, if the switch does not report changes of flows by others.
        """

    def apply(self, changes: Sequence[Change]) -> None:
        """Send the changes in one atomic bundle; an Applied follows."""

    def send(self, packets: Sequence[PacketOut]) -> None:
        """Send packet-outs after all earlier changes; drop those that the queue has no room for."""

    def read_counters(self, cookies: tuple[int, ...] = ()) -> None:
        """Request the counters of bindings, of dropped frames, and of flows with these cookies.

        A Counters follows.
        """

    def read_ports(self) -> None:
        """Request the counters of all ports; a PortCounters follows."""

    def read_flows(self, cookies: tuple[int, ...]) -> None:
        """Request the counters of the flows with these cookies; a FlowCounters follows."""

    def ask(self) -> None:
        """Send an echo request; an Alive follows if the switch answers."""

    def compare_groups(self, known: Iterable[int] | None = None) -> None:
        """Request all groups; a GroupsChanged follows if they differ from the last answer.

        With ``known`` ids the event has every group, and None for those of the ids that are gone.
        """

    def disconnect(self) -> None:
        """Close the connection; a Disconnected follows."""


class ServerConnection(NamedTuple):
    """The OVSDB remote of a database's server, and since when we are connected, by the clock."""

    remote: str
    since: float


class Writer(Protocol):
    """A database, as the loop uses it to write. No method blocks."""

    @property
    def connection(self) -> ServerConnection | None:
        """The connection to the server in use, None while the database is away."""

    @property
    def unusable(self) -> Mapping[str, str]:
        """Why servers cannot be used, by their remotes, while none is in use."""

    def takes(self, write: Any) -> bool:
        """Return whether the database has the columns of a write: an old schema may lack them."""

    def commit(self, writes: Sequence[Any]) -> None:
        """Commit the writes in one transaction; a Committed follows. One is in flight at most."""


class Event:
    """What reaches the loop."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class VtepRows(Event):
    """Rows of hardware_vtep that are new, changed, refused or gone.

    One transaction is one change. While ``more`` of its rows follow, nothing is decided or sent.
    It ``arrived``, by the clock of measures, when its rows were read; None if that is not known.
    """

    rows: Sequence[VtepRow]
    more: bool = False
    arrived: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class VtepInSync(Event):
    """The initial rows of hardware_vtep are complete; rows that are not among ``rows`` are gone.

    All transactions that were missed while the database was away end with it, as one change.
    """

    rows: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Bridges(Event):
    """Bridges of a database by name that are new or changed, None for those that are gone.

    ``more`` is as in VtepRows.
    """

    database: str
    bridges: dict[str, Bridge | None]
    more: bool = False


@dataclass(frozen=True, slots=True)
class BridgesInSync(Event):
    """The initial bridges of a database are complete; bridges not among ``names`` are gone.

    It ends a change, as VtepInSync does.
    """

    database: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Committed(Event):
    """A transaction on a database ended; ``error`` says why it failed, None if it did not."""

    database: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Away(Event):
    """The connection to a database was lost, and the lock with it, until an in-sync event."""

    database: str


@dataclass(frozen=True, slots=True)
class LockIs(Event):
    """Whether this process holds the lock on hardware_vtep, and so is in charge.

    It follows VtepInSync on each new connection to the database. While the database is away, the
    last one stays in force.
    """

    held: bool


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """A datapath finished the OpenFlow handshake; ``name`` is the name of its LOCAL port."""

    datapath_id: int
    connection: Connection
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Disconnected(Event):
    """A Connected datapath disconnected."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class Alive(Event):
    """The echo reply to ask()."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class RoleIs(Event):
    """The role reply to lead(): we are master with this generation id, None if it was refused."""

    connection: Connection
    generation: int | None


@dataclass(frozen=True, slots=True)
class ReadBack(Event):
    """The answer to read_back(): our flows and groups that the switch has."""

    connection: Connection
    flows: dict[FlowKey, Flow]
    groups: dict[int, Group]


@dataclass(frozen=True, slots=True)
class Applied(Event):
    """The answer to apply(): either all changes were made, or none because of ``rejected`` ones."""

    connection: Connection
    changes: Sequence[Change]
    made: bool
    rejected: Sequence[Change] = ()
    is_full: bool = False
    """Whether the flow table, or the group table, of the rejected change is full."""


@dataclass(frozen=True, slots=True)
class Counters(Event):
    """The counters of each flow that counts for a binding, or counts dropped frames."""

    connection: Connection
    flows: dict[FlowKey, Counter]


@dataclass(frozen=True, slots=True)
class PortCountersWanted(Event):
    """Someone asks for the counters of the ports of a switch; see loop/port_counters.py."""

    switch: str


@dataclass(frozen=True, slots=True)
class PortCounters(Event):
    """The answer to read_ports(): the counters of each port by its number."""

    connection: Connection
    ports: Mapping[int, PortCounter]


@dataclass(frozen=True, slots=True)
class FlowCountersWanted(Event):
    """Someone asks for the counters of flows with these cookies; see loop/flow_counters.py."""

    switch: str
    cookies: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FlowCounters(Event):
    """The answer to read_flows(): the counters of each flow with one of the cookies."""

    connection: Connection
    cookies: tuple[int, ...]
    flows: dict[FlowKey, Counter]


@dataclass(frozen=True, slots=True)
class PacketIn(Event):
    """A flow of ours sent a frame to the controller.

    ``producer`` is the producer of the flow, a Cookie of the pipeline, and ``table`` the flow's
    table. ``fields`` are the registers, metadata and ports of the frame in that table. ``header``
    has those bytes of the frame that SHOWN in pipeline/shown.py returns for the producer.
    """

    connection: Connection
    producer: int
    table: int
    fields: Match
    header: bytes


@dataclass(frozen=True, slots=True)
class FlowRemoved(Event):
    """The switch removed a flow because of its idle timeout, or because someone deleted it."""

    connection: Connection
    key: FlowKey
    idle: bool


@dataclass(frozen=True, slots=True)
class FlowsChanged(Event):
    """Others changed flows: those with these keys, and some of ours if ``are_ours``."""

    connection: Connection
    keys: Sequence[FlowKey]
    are_ours: bool


@dataclass(frozen=True, slots=True)
class NotMonitored(Event):
    """The switch does not report changes of flows by others: they have to be read back."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class GroupsChanged(Event):
    """Groups that changed since the last answer to compare_groups(); None if one is gone."""

    connection: Connection
    groups: Mapping[int, Group | None]


@dataclass(frozen=True, slots=True)
class TimerIsDue(Event):
    """A timer of the loop expired. Of those with this name, it was the ``number``-th to start.

    So the order in which timers of different names start does not matter, and a replay has the
    same events.
    """

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class WorkIsLeft(Event):
    """The turn hit its work limit; take another."""


@dataclass(frozen=True, slots=True)
class PauseIs(Event):
    """An operator paused this process: it writes nothing until ``paused`` is False again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class ResyncWanted(Event):
    """An operator asked to recompute a switch and to read it back."""

    switch: str


@dataclass(frozen=True, slots=True)
class AccountIsDue(Event):
    """The process received SIGUSR1: log how many messages and transactions were sent."""
