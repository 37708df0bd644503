"""The inputs from which the owners of one switch are computed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol, TypeAlias, TypeVar

from ..pipeline.ways import Step
from ..process.settings import Settings
from ..values.faults import Fault, FaultWord, of_switch
from ..values.rows import Bridge, PhysicalSwitch
from .desired_actual import DesiredActual
from .needs import TunnelStates

T = TypeVar("T")
Steps: TypeAlias = "Sequence[Mapping[type, Callable[[Any, View], Iterable[Step]]]]"


class Known(Protocol):
    """The objects of features by type: ``known[LearnedMacs]`` is the only one of that type."""

    def __getitem__(self, kind: type[T]) -> T: ...


class View:
    """One switch as its features see it: its row, its bridge and the features' objects.

    ``view[Ports]`` is the only object of its type, of this switch or of all switches. ``clock``
    returns seconds. ``tunnels`` are the states of the switch's tunnels.
    """

    tunnels: TunnelStates

    def __init__(
        self,
        name: str,
        settings: Settings,
        clock: Callable[[], float],
        shared: Mapping[type, Any],
        rows: Mapping[type, DesiredActual[Any, Any]],
        steps: Steps = (),
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock
        self.rows = rows
        self.physical: PhysicalSwitch | None = None
        self.bridge: Bridge | None = None
        self._known: dict[type, Any] = dict(shared)
        self._steps = steps

    def __getitem__(self, kind: type[T]) -> T:
        found: T = self._known[kind]
        return found

    def steps(self, key: Any) -> tuple[Step, ...]:
        """Return the optional tables that features declare for the frames of an owner."""
        found = (each[type(key)](key, self) for each in self._steps if type(key) in each)
        return tuple(chain.from_iterable(found))

    def add(self, state: object) -> None:
        """Add a feature's state for this switch."""
        self._known[type(state)] = state

    @property
    def tunnel_ip(self) -> str | None:
        """The tunnel_ip of the Physical_Switch row, None while there is no row."""
        return self.physical.tunnel_ip if self.physical else None

    def physical_ports(self) -> set[str]:
        """Return the names of the ports that need a Physical_Port row: all but our tunnel ports."""
        ports = self.bridge.ports.values() if self.bridge else ()
        return {port.name for port in ports if not port.is_ours}

    @property
    def subject(self) -> str:
        """The name of the switch's row in messages."""
        return f"Physical_Switch {self.name}"

    def switch_fault(
        self, reason: str, subject: str = "", word: FaultWord = FaultWord.UNSPECIFIED
    ) -> Fault:
        """Return a fault for the switch's fault column; its subject may be another row."""
        assert self.physical is not None
        return Fault(subject or self.subject, reason, of_switch(self.physical.uuid, word))
