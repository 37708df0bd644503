"""Reports: the rows and columns of hardware_vtep that switches write, one report for each kind.

A feature that writes rows declares a report; no other module knows that kind of row.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Generic
from uuid import UUID

from ..values.faults import FaultRow, FaultTable
from ..values.rows import PhysicalSwitch
from ..values.writes import VtepWrite
from .desired_actual import DesiredActual, Difference, K, W
from .view import View


@dataclass(frozen=True, slots=True)
class ManagedSwitches:
    """The switches, after a change of a row, a bridge, a connection or a gate.

    ``open`` are the switches with an open gate, by name; ``peers`` are the addresses from which
    their bridges connect. ``rows`` are all Physical_Switch rows. ``blocked`` are the names of
    switches that a fault keeps from being managed; that fault is shown. ``foreign`` are the
    tunnel IPs of other processes' switches.
    """

    open: Mapping[str, View]
    peers: Mapping[str, str]
    rows: Mapping[UUID, PhysicalSwitch]
    blocked: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()

    def with_bridge(self) -> dict[str, View]:
        """Return the managed switches that have a bridge."""
        return {name: switch for name, switch in self.open.items() if switch.bridge is not None}


@dataclass(frozen=True, slots=True)
class FaultColumn:
    """The fault column of a table of hardware_vtep.

    ``row_type`` is the type of the values that contain the table's rows. ``rows`` returns the rows
    in such a value, itself by default; each has a ``uuid`` and a ``fault_status``. ``is_ours``
    returns whether a managed switch uses the value, so that we write the column. With
    ``is_cleared_after_use`` we also write it after that, until it is empty.
    """

    table: FaultTable
    row_type: type
    is_ours: Callable[[Any, ManagedSwitches], bool]
    rows: Callable[[Any], Iterable[Any]] = lambda row: (row,)
    is_cleared_after_use: bool = False


@dataclass(frozen=True, slots=True)
class FaultsChanged:
    """Rows whose faults changed."""

    rows: Collection[FaultRow]


class Report:
    """Compares desired with actual rows or columns of one kind.

    ``handlers`` handle events by their type: rows of hardware_vtep, Gone for each deleted row of
    rows(), ManagedSwitches, StationsChanged and FaultsChanged.
    """

    handlers: Mapping[type, Callable[[Any], None]]

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows that it handles."""
        return frozenset()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield the writes that are needed, in no particular order."""
        raise NotImplementedError

    def desired(self) -> Iterator[VtepWrite]:
        """Yield what is desired as a whole, as the writes that a database without it would need."""
        return iter(())

    def new_station_rows(self) -> Iterator[VtepWrite]:
        """Yield the writes for new stations, which need not wait for a change in parts to end."""
        return iter(())

    def next_end(self) -> float | None:
        """Return when, by the clock, it needs ManagedSwitches again; None for never."""
        return None


class SwitchRows(Report, Generic[K, W]):
    """A report of rows that each managed switch compares by itself.

    ``rows`` returns the desired and actual rows. ``write`` returns the write for a difference,
    None while it has to wait.
    """

    def __init__(
        self,
        rows: Callable[[View], DesiredActual[K, W]],
        write: Callable[[View, PhysicalSwitch, Difference[K, W]], "VtepWrite | None"],
    ) -> None:
        self._rows = rows
        self._write = write
        self._switches: Collection[View] = ()
        self.handlers = {ManagedSwitches: self._managed}

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each difference that need not wait."""
        for switch in self._switches:
            if switch.physical is None:
                continue
            for difference in self._rows(switch).differences():
                write = self._write(switch, switch.physical, difference)
                if write is not None:
                    yield write

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for each desired row."""
        for switch in self._switches:
            if switch.physical is None:
                continue
            for key, value in self._rows(switch).wanted.items():
                write = self._write(switch, switch.physical, Difference(key, None, value))
                if write is not None:
                    yield write

    def _managed(self, managed: ManagedSwitches) -> None:
        self._switches = managed.open.values()
