"""What a feature declares: its rows, its owners, and the topics that it listens to.

The engine imports no feature. It looks everything up by type, in tables merged from all features.
So a new feature is a module, and its name in the registry.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from ..pipeline.layout import Cookie
from ..pipeline.ways import Step
from ..process.settings import Settings
from ..values.counters import Counter
from ..values.flows import Flow, FlowKey
from .cause import Cause
from .desired import Desired, Key
from .dirty import Pace
from .needs import Addresses, Choice
from .operator_view import Concerned, Figure, Limit, Verdict
from .report import FaultColumn, Report
from .topics import Topic
from .view import Known, View

Clock: TypeAlias = Callable[[], float]
MakeReport: TypeAlias = Callable[[Known, Settings, Clock], Report]
"""Makes a report from the indices and shared objects of features."""
Because: TypeAlias = Callable[[Any, View], Iterable[Cause]]
"""Returns why the owner with a key desires what it does, for people; rows may be missing."""
Listener: TypeAlias = Callable[[Any, View], Iterable[Topic]]
"""A function from a topic to the topics, mostly owners, that it invalidates.

It may return a PacketOut among them, which is sent if we are master of the switch, and dropped
otherwise.
"""


class Index(ABC):
    """One feature's view of rows of hardware_vtep, shared by all switches."""

    ROWS: ClassVar[tuple[type, ...]]
    """The types of the rows that it indexes."""

    @abstractmethod
    def row_changed(self, former: Any, new: Any) -> Iterable[Topic]:
        """Handle a changed row; return the topics that it invalidates.

        ``former`` is None for a new row, ``new`` for a deleted one.
        """


class Announcer(ABC):
    """A shared object of a feature whose changes concern all switches, and reports."""

    @abstractmethod
    def take_topics(self) -> Iterable[Topic]:
        """Return, once, the topics that tell what changed since the last call."""


class FlowWatcher:
    """A feature's state for one switch that follows the flows on the switch."""

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """Begin a read-back of the switch, which has these flows."""

    def found(self, key: FlowKey) -> None:
        """Handle a flow that the read-back found on the switch."""

    def lost(self, key: FlowKey) -> None:
        """Handle a flow that the read-back no longer found on the switch."""

    def ended(self, key: FlowKey) -> None:
        """Handle the idle timeout of a flow."""

    def put(self, key: FlowKey) -> None:
        """Handle a flow that was added or replaced; its counters begin at zero."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A kind of owner. ``key`` is the type of its keys; the functions are pure."""

    key: type
    compute: Callable[[Any, View], Desired]
    because: Because
    pace: Pace = Pace.AT_ONCE

    def recompute(self, key: Key, view: View, former: Addresses) -> tuple[Desired, Addresses]:
        """Return an owner's desired state and the tunnels that it needs; it used ``former``."""
        desired = self.compute(key, view)
        return desired, desired.uses


@dataclass(frozen=True, slots=True)
class TunnelUser:
    """A kind of owner that sends frames into tunnels, with make-before-break (see needs.py).

    ``compute`` calls its Choice once with the tunnels that it needs, and uses the tunnels that
    the Choice returns.
    """

    key: type
    compute: Callable[[Any, View, Choice], Desired]
    because: Because
    pace: Pace = Pace.AT_ONCE

    def recompute(self, key: Key, view: View, former: Addresses) -> tuple[Desired, Addresses]:
        """Return an owner's desired state and the tunnels that it needs; it used ``former``."""
        choice = Choice(former, view.tunnels)
        return self.compute(key, view, choice), choice.needs


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer of each switch: its expiry by the view's clock, and the topics to invalidate."""

    end: Callable[[View], float | None]
    due: Callable[[View], Iterable[Topic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """All declarations of one feature.

    ``indices`` and ``shared`` exist once, ``states`` once for each switch; a view finds all of
    them by their types. Shared objects that are Announcers tell all switches and reports of their
    changes. States that are FlowWatchers follow the flows on their switch.
    ``packets`` handle packet-ins, by the producer of the flow that sent them. Several features may
    handle those of one producer.
    ``steps`` are optional tables that frames of another feature's owners pass, by the type of key.
    ``rows`` are the types of the keys of owners' rows. ``reports`` write these rows and others of
    the switch. ``fault_columns`` show the faults of the feature's rows. ``tunnels`` is the type of
    the state with the switch's tunnels: one feature has it. Operators see ``figures``;
    ``limits``; ``subjects`` by their kind, as ``why`` takes them; and ``verdicts``, by the type of
    key.
    """

    indices: tuple[type[Index], ...] = ()
    shared: tuple[Callable[[Clock], object], ...] = ()
    states: tuple[Callable[[View], object], ...] = ()
    owners: tuple[Owner | TunnelUser, ...] = ()
    invalidated_by: Mapping[type, Listener] = field(default_factory=dict)
    packets: Mapping[Cookie, Listener] = field(default_factory=dict)
    counters: tuple[Callable[[Mapping[FlowKey, Counter], View], None], ...] = ()
    counted: Callable[[View], Iterable[int]] | None = None
    """Returns cookies of further flows whose counters ``counters`` are to have."""
    timers: tuple[Timer, ...] = ()
    rows: tuple[type, ...] = ()
    steps: Mapping[type, Callable[[Any, View], Iterable[Step]]] = field(default_factory=dict)
    reports: tuple[MakeReport, ...] = ()
    fault_columns: tuple[FaultColumn, ...] = ()
    figures: tuple[Figure, ...] = ()
    limits: tuple[Limit, ...] = ()
    subjects: Mapping[str, Concerned] = field(default_factory=dict)
    verdicts: Mapping[type, Verdict] = field(default_factory=dict)
    tunnels: type | None = None
    precedence: Callable[[Any, View], Any] | None = None
    """Returns the sort key for its owners of the pace LAST."""
