"""Physical_Port: a row for each port of a bridge except tunnel ports."""

from collections.abc import Callable, Iterator

from ...engine.desired_actual import DesiredActual
from ...engine.report import ManagedSwitches, Report
from ...values.writes import PutPhysicalPort, RemovePhysicalPort, VtepWrite
from .away_ports import AwayPorts, Port, PortRow


class PortRows(Report):
    """Compares the ports of the bridges with the rows of Physical_Port.

    The row of a port that left its bridge stays for ``grace`` seconds, a row with bindings for
    ``bound_grace`` seconds: a virtual machine that returns keeps its bindings.
    """

    def __init__(self, grace: float, bound_grace: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._away = AwayPorts(grace, bound_grace, clock)
        self._ports: DesiredActual[Port, bool] = DesiredActual()
        self.handlers = {ManagedSwitches: self._managed}

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a new row for each port without one, and the end of rows whose port stayed away."""
        for port in self._ports.differences():
            yield PutPhysicalPort(*port.key) if port.want else RemovePhysicalPort(*port.key)

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for the row of each port."""
        for port in self._ports.wanted:
            yield PutPhysicalPort(*port)

    def next_end(self) -> float | None:
        """Return when the next row of an absent port is to be deleted, None if there is none."""
        grace = self._away.grace()
        return None if grace is None else self._clock() + grace

    def _managed(self, managed: ManagedSwitches) -> None:
        switches = managed.with_bridge()
        there = {
            (switch.physical.uuid, name)
            for switch in switches.values()
            if switch.physical is not None
            for name in switch.physical_ports()
        }
        rows: dict[Port, PortRow] = {}
        for row in managed.rows.values():
            for port in row.ports if row.name in switches else ():
                key = row.uuid, port.name
                bound = len(port.vlan_bindings) + (rows[key].bindings if key in rows else 0)
                rows[key] = PortRow(f"Physical_Port {port.name} of {row.name}", bound)
        wanted = there | self._away.update(rows, there)
        for key in self._ports.wanted.keys() | wanted:
            self._ports.want(key, True if key in wanted else None)
        self._ports.have_only(dict.fromkeys(rows, True))
