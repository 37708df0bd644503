"""What the switch owes the NVC: local MACs, unknown-dst, physical ports and fault columns."""

import time
from collections.abc import Callable, Iterable, Iterator, Set
from itertools import islice
from uuid import UUID

from ..engine.desired_actual import DesiredActual
from ..engine.switch_state import SwitchState
from ..features.learning.stations import LearnedMacs
from ..values.addresses import UNKNOWN_DST
from ..values.faults import FaultRow, FaultTable
from ..values.rows import Gone, LocalMac, LocalMcastMac, PhysicalSwitch
from ..values.writes import (
    PutFaultStatus,
    PutLocalMac,
    PutPhysicalPort,
    PutUnknownDst,
    RemovePhysicalPort,
    VtepWrite,
)
from .away_ports import AwayPorts, PortRow
from .fault_log import FaultLog

MAX_NEW = 1000
"""Rows for new stations in one transaction: it takes the OVSDB library 70 us or more for each, in
which nothing else is done."""


class Publisher:
    """Compares what the NVC is to be told with the rows that are there.

    The row of a port that left its bridge stays for ``port_grace`` seconds of the clock, one with
    bindings for ``bound_port_grace``: a virtual machine that comes back needs no new ones.

    Rows that belong to switches of other processes stay as they are: a row of a local table is
    ours unless its address is a tunnel IP of a switch that was never ready here, and of none
    that was.
    """

    def __init__(
        self,
        macs: LearnedMacs,
        faults: FaultLog,
        port_grace: float = 0.0,
        bound_port_grace: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._macs = macs
        self._faults = faults
        self._away = AwayPorts(port_grace, bound_port_grace, clock)
        self._ready: dict[str, SwitchState] = {}
        self._blocked: frozenset[str] = frozenset()
        self._tunnel_ips: dict[str, str | None] = {}
        self._known: set[str] = set()
        self._foreign: set[str] = set()
        self._local: dict[UUID, LocalMac | LocalMcastMac] = {}
        self._rows: dict[tuple[UUID, str], dict[UUID, LocalMac | LocalMcastMac]] = {}
        self._addresses: DesiredActual[tuple[UUID, str], frozenset[str]] = DesiredActual()
        self._new: dict[tuple[UUID, str], None] = {}
        self._ports: DesiredActual[tuple[UUID, str], bool] = DesiredActual()
        self._statuses: DesiredActual[FaultRow, frozenset[str]] = DesiredActual()
        self._groups: set[UUID] = set()
        self._switch_rows: dict[UUID, PhysicalSwitch] = {}

    def rows(self) -> Set[UUID]:
        """Return every row of the local tables that it was told of and that is not gone."""
        return self._local.keys()

    # What it is told

    def update(self, row: LocalMac | LocalMcastMac | Gone) -> None:
        """Take a row of Ucast_Macs_Local or Mcast_Macs_Local as it is now, or its end."""
        former = self._local.pop(row.uuid, None)
        if former is not None:
            key = former.logical_switch, former.mac
            del self._rows[key][row.uuid]
            if not self._rows[key]:
                del self._rows[key]
            self._compare(key)
        if not isinstance(row, Gone):
            key = row.logical_switch, row.mac
            self._local[row.uuid] = row
            self._rows.setdefault(key, {})[row.uuid] = row
            self._compare(key)

    def set_switches(
        self,
        ready: Iterable[SwitchState],
        rows: Iterable[PhysicalSwitch],
        blocked: Iterable[str] = (),
    ) -> None:
        """Take the switches that are ready here, and all rows of Physical_Switch.

        ``blocked`` are the names of those that cannot be ready, for a fault that is to be shown.
        It has to be called again when grace() is over.
        """
        self._ready = {switch.name: switch for switch in ready}
        self._blocked = frozenset(blocked)
        tunnel_ips = {name: switch.tunnel_ip for name, switch in self._ready.items()}
        self._switch_rows = {row.uuid: row for row in rows}
        self._known |= self._ready.keys()
        foreign = self._addresses_of(known=False) - self._addresses_of(known=True)
        if foreign != self._foreign:
            self._foreign = foreign
            for key in self._rows:
                self._compare(key)
        if tunnel_ips != self._tunnel_ips:
            self._tunnel_ips = tunnel_ips
            self.stations_changed(self._macs.all())
        self._report_ports()
        self._report_statuses(self._statuses.wanted.keys() | self._statuses.actual.keys())
        self._report_groups()

    def begin_anew(self, *names: str) -> None:
        """Take these switches, or all, for ready no longer: another process may have led them.

        Their rows count as those of another process, from the next set_switches() on.
        """
        self._known -= set(names) or self._known

    def stations_changed(self, stations: Iterable[tuple[UUID, str]]) -> None:
        """Compare stations, given by logical switch and MAC, with their rows again."""
        for key in stations:
            place = self._macs.place(*key)
            switch = self._ready.get(place.switch) if place else None
            address = switch.tunnel_ip if switch else None
            self._addresses.want(key, frozenset({address}) if address else None)
            if address and key not in self._rows:
                self._new[key] = None

    def faults_changed(self, rows: Iterable[FaultRow]) -> None:
        """Compare the fault columns of rows again."""
        changed = set(rows)
        if changed:
            self._report_statuses(changed)

    # What it asks for

    def grace(self) -> float | None:
        """Return the seconds until the next row of a missing port has to go, if there is one."""
        return self._away.grace()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield what has to be written, in no particular order.

        Of the stations that have no row yet these are MAX_NEW at most; each was learned by itself.
        """
        self._new.clear()
        new = 0
        for station in self._addresses.differences():
            logical_switch, mac = station.key
            if station.have is None and mac != UNKNOWN_DST:
                new += 1
                if new > MAX_NEW:
                    continue
            rows = tuple(sorted(row.uuid for row in self._own_rows(station.key)))
            if mac == UNKNOWN_DST:
                yield PutUnknownDst(logical_switch, station.want or frozenset(), rows)
            else:
                address = next(iter(station.want), None) if station.want else None
                yield PutLocalMac(logical_switch, mac, address, rows)
        for port in self._ports.differences():
            switch, name = port.key
            yield PutPhysicalPort(switch, name) if port.want else RemovePhysicalPort(switch, name)
        for status in self._statuses.differences():
            yield PutFaultStatus(status.key, status.want or frozenset())

    def news(self) -> Iterator[VtepWrite]:
        """Yield rows for stations that were learned since the last writes(), and have none yet.

        That much can be said while a change is only known in part.
        """
        for key in [key for key in self._new if key in self._rows]:
            del self._new[key]
        for logical_switch, mac in islice(self._new, MAX_NEW):
            for address in self._addresses.wanted.get((logical_switch, mac), ()):
                yield PutLocalMac(logical_switch, mac, address)

    def _compare(self, key: tuple[UUID, str]) -> None:
        """Note what the rows for a station say: the addresses of the one row, or a muddle."""
        ours = self._own_rows(key)
        if not ours:
            self._addresses.have(key, None)
        elif len(ours) > 1:
            self._addresses.have(key, frozenset())
        else:
            self._addresses.have(key, _addresses(ours[0]))

    def _own_rows(self, key: tuple[UUID, str]) -> list[LocalMac | LocalMcastMac]:
        return [
            row
            for row in self._rows.get(key, {}).values()
            if self._foreign.isdisjoint(_addresses(row))
        ]

    def _addresses_of(self, known: bool) -> set[str]:
        """Return the tunnel IPs of switches that were ready here, or of those that never were."""
        return {
            address
            for row in self._switch_rows.values()
            if (row.name in self._known) == known
            for address in row.tunnel_ips
        }

    def _report_groups(self) -> None:
        addresses: dict[UUID, set[str]] = {}
        for switch in self._ready.values():
            for logical_switch in switch.ports.bound():
                if switch.tunnel_ip is not None:
                    addresses.setdefault(logical_switch, set()).add(switch.tunnel_ip)
        for logical_switch in self._groups | addresses.keys():
            wanted = addresses.get(logical_switch)
            self._addresses.want(
                (logical_switch, UNKNOWN_DST), frozenset(wanted) if wanted else None
            )
        self._groups = set(addresses)

    def _report_ports(self) -> None:
        there = {
            (switch.physical.uuid, name)
            for switch in self._ready.values()
            if switch.physical is not None
            for name in switch.physical_ports()
        }
        rows: dict[tuple[UUID, str], PortRow] = {}
        for row in self._switch_rows.values():
            for port in row.ports if row.name in self._ready else ():
                key = row.uuid, port.name
                bound = len(port.vlan_bindings) + (rows[key].bindings if key in rows else 0)
                rows[key] = PortRow(f"Physical_Port {port.name} of {row.name}", bound)
        wanted = there | self._away.update(rows, there)
        for key in self._ports.wanted.keys() | wanted:
            self._ports.want(key, True if key in wanted else None)
        self._ports.have_only(dict.fromkeys(rows, True))

    def _report_statuses(self, rows: Iterable[FaultRow]) -> None:
        actual: dict[FaultRow, frozenset[str]] = {}
        for row in self._switch_rows.values():
            if row.name in self._ready or row.name in self._blocked:
                actual[FaultRow(FaultTable.PHYSICAL_SWITCH, row.uuid)] = row.fault_status
            if row.name in self._ready:
                actual.update(
                    (FaultRow(FaultTable.PHYSICAL_PORT, port.uuid), port.fault_status)
                    for port in row.ports
                )
        for fault_row in {*rows, *actual}:
            entries = self._faults.entries(fault_row) if fault_row in actual else None
            self._statuses.want(fault_row, entries or None)
            self._statuses.have(fault_row, actual.get(fault_row) or None)


def _addresses(row: LocalMac | LocalMcastMac) -> frozenset[str]:
    return frozenset({row.address}) if isinstance(row, LocalMac) else row.addresses
