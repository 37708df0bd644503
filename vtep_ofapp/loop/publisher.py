"""Writes to hardware_vtep, collected from the reports: one for each kind of row or column."""

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
    """Notifies the reports of changes, and collects their writes.

    Rows of other processes' switches are not changed. A tunnel IP is foreign if it belongs to a
    switch that was never open here, and to no switch that was.
    """

    def __init__(
        self, reports: Iterable[Report], timers: Timers, switches_changed: Callable[[], None]
    ) -> None:
        """Collect the writes of ``reports``.

        ``switches_changed`` is called when a report's grace period ends: notify_switches() is then
        due again.
        """
        self._reports = list(reports)
        self._dispatcher = Dispatcher(*(report.handlers for report in self._reports))
        self._known: set[str] = set()
        self._end = timers.timer("end of a report's grace", switches_changed)
        self.handlers: Handlers = {VtepRows: self._rows_changed, VtepInSync: self._in_sync}

    def notify(self, event: Any) -> None:
        """Notify the reports of an event: stations, faults, rows or switches that changed."""
        self._dispatcher.handle_all([event])

    def announce(self, topic: Any) -> None:
        """Notify the reports of a feature's topic; no report has to handle it."""
        self._dispatcher.handle_known(topic)

    def notify_switches(
        self,
        open_switches: Mapping[str, View],
        peers: Mapping[str, str],
        rows: Mapping[UUID, PhysicalSwitch],
        blocked: Iterable[str] = (),
    ) -> None:
        """Notify the reports of the managed switches, and of all rows of Physical_Switch.

        ``peers`` are the IP addresses of connected switches. ``blocked`` are the names of switches
        that are not managed because of a fault, which their fault column shows.
        """
        self._known |= {name for name, switch in open_switches.items() if switch.bridge}
        foreign = _tunnel_ips(rows, self._known)
        self.notify(ManagedSwitches(open_switches, peers, rows, frozenset(blocked), foreign))
        ends = [report.next_end() for report in self._reports]
        self._end.set(min((end for end in ends if end is not None), default=None))

    def disown(self, *names: str) -> None:
        """Treat the rows of these switches, or of all, as foreign until the switches open again."""
        self._known -= set(names) or self._known

    def writes(self) -> Iterator[VtepWrite]:
        """Yield the writes of all reports."""
        return chain.from_iterable(report.writes() for report in self._reports)

    def desired(self) -> Iterator[VtepWrite]:
        """Yield what all reports desire as a whole."""
        return chain.from_iterable(report.desired() for report in self._reports)

    def new_station_rows(self) -> Iterator[VtepWrite]:
        """Yield rows for new stations, which may be written before a change is complete."""
        return chain.from_iterable(report.new_station_rows() for report in self._reports)

    def _rows_changed(self, event: VtepRows) -> None:
        """Notify the reports of rows, before the transaction that wrote them is answered."""
        for row in event.rows:
            if isinstance(row, Gone):
                self._drop(row)
            else:
                self._dispatcher.handle_known(row)

    def _in_sync(self, event: VtepInSync) -> None:
        rows = set[UUID]().union(*(report.rows() for report in self._reports))
        for uuid in rows - event.rows:
            self._drop(Gone(uuid))

    def _drop(self, gone: Gone) -> None:
        for report in self._reports:
            if gone.uuid in report.rows():
                report.handlers[Gone](gone)


def _tunnel_ips(rows: Mapping[UUID, PhysicalSwitch], known: set[str]) -> frozenset[str]:
    """Return the tunnel IPs that only switches outside of ``known`` have."""
    own = {address for row in rows.values() if row.name in known for address in row.tunnel_ips}
    others = {address for row in rows.values() for address in row.tunnel_ips}
    return frozenset(others - own)
