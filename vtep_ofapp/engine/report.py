"""Reports: what switches owe the NVC, one report for each kind of row or column of hardware_vtep.

A feature that writes such rows has a report of its own; nothing else needs to know its kind.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Generic
from uuid import UUID

from ..values.faults import FaultRow
from ..values.rows import PhysicalSwitch
from ..values.writes import VtepWrite
from .desired_actual import DesiredActual, Difference, K, W
from .view import View


@dataclass(frozen=True, slots=True)
class ManagedSwitches:
    """The switches as reports see them: told when a row, a bridge, a connection or a gate changed.

    ``open`` are those that are managed, by name; ``peers`` are the addresses from which they call.
    ``rows`` are all Physical_Switch rows. ``blocked`` are names of switches that cannot be managed,
    for a fault that is to be shown. ``foreign`` are the tunnel IPs of other processes' switches.
    """

    open: Mapping[str, View]
    peers: Mapping[str, str]
    rows: Mapping[UUID, PhysicalSwitch]
    blocked: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()

    def with_bridge(self) -> dict[str, View]:
        """Return those of the managed switches whose bridge is there."""
        return {name: switch for name, switch in self.open.items() if switch.bridge is not None}


@dataclass(frozen=True, slots=True)
class FaultsChanged:
    """Rows whose fault column may have to hold something else."""

    rows: Collection[FaultRow]


class Report:
    """Compares what hardware_vtep should hold of one kind with what it holds.

    ``handlers`` are called with events of their type: rows of hardware_vtep, Gone for each of
    rows() that ends, ManagedSwitches, StationsChanged and FaultsChanged.
    """

    handlers: Mapping[type, Callable[[Any], None]]

    def rows(self) -> Set[UUID]:
        """Return the rows that it was told of and that are not gone."""
        return frozenset()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield what has to be written, in no particular order."""
        raise NotImplementedError

    def new_station_rows(self) -> Iterator[VtepWrite]:
        """Yield what may be written while a change is known only in part."""
        return iter(())

    def next_end(self) -> float | None:
        """Return when, by the clock, it is to be told of the switches again; None for no time."""
        return None


class SwitchRows(Report, Generic[K, W]):
    """A report of rows that each managed switch compares by itself.

    ``rows`` returns what is wanted and what is there, ``write`` the write that mends a difference,
    or None while it has to wait.
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
        """Yield a write for each difference that is to be mended now."""
        for switch in self._switches:
            if switch.physical is None:
                continue
            for difference in self._rows(switch).differences():
                write = self._write(switch, switch.physical, difference)
                if write is not None:
                    yield write

    def _managed(self, managed: ManagedSwitches) -> None:
        self._switches = managed.open.values()
