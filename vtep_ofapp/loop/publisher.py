"""All that is written to hardware_vtep: each kind of row and column has a report of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from uuid import UUID

from ..engine.report import ManagedSwitches, Report
from ..engine.view import View
from ..values.events import VtepInSync, VtepRows
from ..values.rows import Gone, PhysicalSwitch
from ..values.writes import VtepWrite
from .dispatch import Dispatcher, Handlers
from .timers import Timers


class Publisher:
    """Tells reports what changed, and collects what they have to write.

    Rows that belong to switches of other processes stay as they are: a tunnel IP is foreign if it
    is that of a switch that was never open here, and of none that was.
    """

    def __init__(
        self, reports: Iterable[Report], timers: Timers, switches_changed: Callable[[], None]
    ) -> None:
        """Report on rows by ``reports``. ``switches_changed`` is called when time has changed them.

        After it, notify_switches() is due again.
        """
        self._reports = list(reports)
        self._dispatcher = Dispatcher(*(report.handlers for report in self._reports))
        self._known: set[str] = set()
        self._end = timers.timer("end of a report's grace", switches_changed)
        self.handlers: Handlers = {VtepRows: self._rows_changed, VtepInSync: self._in_sync}

    def notify(self, event: Any) -> None:
        """Tell the reports that stations or faults changed."""
        self._dispatcher.handle_all([event])

    def notify_switches(
        self,
        open_switches: Mapping[str, View],
        peers: Mapping[str, str],
        rows: Mapping[UUID, PhysicalSwitch],
        blocked: Iterable[str] = (),
    ) -> None:
        """Tell the reports which switches are managed, and all rows of Physical_Switch.

        ``peers`` are the addresses from which those that are connected call. ``blocked`` are the
        names of switches that cannot be managed, for a fault that is to be shown.
        """
        self._known |= {name for name, switch in open_switches.items() if switch.bridge}
        foreign = _tunnel_ips(rows, self._known)
        self.notify(ManagedSwitches(open_switches, peers, rows, frozenset(blocked), foreign))
        ends = [report.next_end() for report in self._reports]
        self._end.set(min((end for end in ends if end is not None), default=None))

    def disown(self, *names: str) -> None:
        """Let the rows of these switches, or of all, be another process's until they open again."""
        self._known -= set(names) or self._known

    def writes(self) -> Iterator[VtepWrite]:
        """Yield what has to be written."""
        return chain.from_iterable(report.writes() for report in self._reports)

    def new_station_rows(self) -> Iterator[VtepWrite]:
        """Yield what may be written while a change is known only in part."""
        return chain.from_iterable(report.new_station_rows() for report in self._reports)

    def _rows_changed(self, event: VtepRows) -> None:
        """Tell rows at once, before the answer to the transaction that wrote them."""
        for row in event.rows:
            if isinstance(row, Gone):
                self._drop(row)
            elif self._dispatcher.handles(type(row)):
                self.notify(row)

    def _in_sync(self, event: VtepInSync) -> None:
        rows = set[UUID]().union(*(report.rows() for report in self._reports))
        for uuid in rows - event.rows:
            self._drop(Gone(uuid))

    def _drop(self, gone: Gone) -> None:
        for report in self._reports:
            if gone.uuid in report.rows():
                report.handlers[Gone](gone)


def _tunnel_ips(rows: Mapping[UUID, PhysicalSwitch], known: set[str]) -> frozenset[str]:
    """Return the tunnel IPs of switches that are not known, and of none that is."""
    own = {address for row in rows.values() if row.name in known for address in row.tunnel_ips}
    others = {address for row in rows.values() for address in row.tunnel_ips}
    return frozenset(others - own)
