"""What a feature declares: its rows, its owners, and what it listens to.

The engine imports no feature. It finds everything by type, in tables made of what all features
declare; so a feature is added by a module and by its name in the registry.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from ..pipeline.layout import Cookie, Step
from ..process.settings import Settings
from ..values.counters import Counter
from ..values.flows import Flow, FlowKey
from .desired import Desired, Key
from .dirty import Pace
from .needs import Addresses, Choice
from .report import Report
from .topics import Topic
from .view import Known, View

Clock: TypeAlias = Callable[[], float]
MakeReport: TypeAlias = Callable[[Known, Settings, Clock], Report]
"""Makes a report, of what features keep for all switches."""
Listener: TypeAlias = Callable[[Any, View], Iterable[Topic]]
"""Takes a topic; returns the topics, owners mostly, that are touched with it."""


class Index(ABC):
    """Rows of hardware_vtep as one feature looks at them, the same for all switches."""

    ROWS: ClassVar[tuple[type, ...]]
    """The types of rows that it is told of."""

    @abstractmethod
    def take(self, former: Any, new: Any) -> Iterable[Topic]:
        """Handle a changed row; return the topics that it invalidates.

        Either is None where there was or is no row of these types.
        """


class FlowWatcher:
    """What a feature knows of one switch, and learns from the flows that the switch has."""

    def begin(self, flows: Mapping[FlowKey, Flow]) -> None:
        """The switch is read back, and has these flows."""

    def found(self, key: FlowKey) -> None:
        """The switch has a flow, by the reading that began last."""

    def lost(self, key: FlowKey) -> None:
        """The switch no longer has a flow, by the reading that began last."""

    def ended(self, key: FlowKey) -> None:
        """A flow ended because it was idle."""

    def put(self, key: FlowKey) -> None:
        """A flow was put in; its counters begin at zero."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A kind of owner. ``key`` is the type of the keys; ``compute`` reads and changes nothing."""

    key: type
    compute: Callable[[Any, View], Desired]
    pace: Pace = Pace.AT_ONCE

    def work_out(self, key: Key, view: View, former: Addresses) -> tuple[Desired, Addresses]:
        """Return what an owner wants, and the tunnels that it needs; ``former`` are until now."""
        desired = self.compute(key, view)
        return desired, desired.uses


@dataclass(frozen=True, slots=True)
class TunnelUser:
    """A kind of owner whose frames leave by tunnels, of which the new come before the old go.

    ``compute`` hands the tunnels that it needs to a Choice, once, and uses those that it returns.
    """

    key: type
    compute: Callable[[Any, View, Choice], Desired]
    pace: Pace = Pace.AT_ONCE

    def work_out(self, key: Key, view: View, former: Addresses) -> tuple[Desired, Addresses]:
        """Return what an owner wants, and the tunnels that it needs; ``former`` are until now."""
        choice = Choice(former, view.tunnels)
        return self.compute(key, view, choice), choice.needs


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that a switch does at a time: when, by the view's clock, and what that touches."""

    end: Callable[[View], float | None]
    due: Callable[[View], Iterable[Topic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """Everything that the engine has to know of a feature.

    ``indices`` and ``shared`` are kept once, ``states`` for each switch; a view finds all of them
    by their types. States that are FlowWatchers are told of the flows that a switch has.
    ``packets`` take what the controller was shown, by the producer of the flow that showed it.
    ``steps`` are optional tables that frames of another feature's owners pass, by the type of key.
    ``rows`` are types of keys of rows that owners want, and ``reports`` write such rows, and others
    that the switch owes. ``tunnels`` is the type of the state that knows the switch's tunnels: one
    feature has it.
    """

    indices: tuple[type[Index], ...] = ()
    shared: tuple[Callable[[Clock], object], ...] = ()
    states: tuple[Callable[[View], object], ...] = ()
    owners: tuple[Owner | TunnelUser, ...] = ()
    invalidated_by: Mapping[type, Listener] = field(default_factory=dict)
    packets: Mapping[Cookie, Listener] = field(default_factory=dict)
    counters: tuple[Callable[[Mapping[FlowKey, Counter], View], None], ...] = ()
    timers: tuple[Timer, ...] = ()
    rows: tuple[type, ...] = ()
    steps: Mapping[type, Callable[[Any, View], Iterable[Step]]] = field(default_factory=dict)
    reports: tuple[MakeReport, ...] = ()
    tunnels: type | None = None
    precedence: Callable[[Any, View], Any] | None = None
    """What its owners of the pace LAST are sorted by."""
