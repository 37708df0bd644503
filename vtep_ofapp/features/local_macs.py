"""Ucast_Macs_Local: a row for each learned station, at the tunnel IP of its switch."""

from collections.abc import Iterator, Mapping, Set
from itertools import islice
from uuid import UUID

from ..engine.desired_actual import DesiredActual
from ..engine.feature import Feature
from ..engine.report import ManagedSwitches, Report
from ..engine.topics import StationsChanged
from ..engine.view import View
from ..values.addresses import only
from ..values.rows import Gone, LocalMac
from ..values.writes import PutLocalMac, VtepWrite
from .learning.stations import LearnedMacs
from .local_rows import Key, LocalRows

MAX_NEW = 1000
"""Rows for new stations in one transaction: the OVSDB library takes 70 us or more for each, and
blocks the process meanwhile."""


class LocalMacs(Report):
    """Compares learned stations with the rows of Ucast_Macs_Local."""

    def __init__(self, macs: LearnedMacs) -> None:
        self._macs = macs
        self._switches: Mapping[str, View] = {}
        self._tunnel_ips: dict[str, str | None] = {}
        self._addresses: DesiredActual[Key, frozenset[str]] = DesiredActual()
        self._rows: LocalRows[LocalMac] = LocalRows(self._compare)
        self._new: dict[Key, None] = {}
        self.handlers = {
            LocalMac: self._rows.update,
            Gone: self._rows.remove,
            ManagedSwitches: self._managed,
            StationsChanged: self._stations_changed,
        }

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows of Ucast_Macs_Local."""
        return self._rows.uuids()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each station whose row is missing or wrong.

        At most MAX_NEW of them have no row yet: these need not share a transaction.
        """
        self._new.clear()
        new = 0
        for station in self._addresses.differences():
            if station.have is None:
                new += 1
                if new > MAX_NEW:
                    continue
            address = next(iter(station.want), None) if station.want else None
            yield PutLocalMac(*station.key, address, self._rows.own_uuids(station.key))

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for the row of each station."""
        for (logical_switch, mac), addresses in self._addresses.wanted.items():
            for address in addresses:
                yield PutLocalMac(logical_switch, mac, address)

    def new_station_rows(self) -> Iterator[VtepWrite]:
        """Yield rows for stations without one that were learned since the last writes()."""
        for key in [key for key in self._new if key in self._rows]:
            del self._new[key]
        for logical_switch, mac in islice(self._new, MAX_NEW):
            for address in self._addresses.wanted.get((logical_switch, mac), ()):
                yield PutLocalMac(logical_switch, mac, address)

    def _managed(self, managed: ManagedSwitches) -> None:
        self._switches = managed.with_bridge()
        self._rows.set_foreign(managed.foreign)
        tunnel_ips = {name: switch.tunnel_ip for name, switch in self._switches.items()}
        if tunnel_ips != self._tunnel_ips:
            self._tunnel_ips = tunnel_ips
            self._stations_changed(StationsChanged(self._macs.all()))

    def _stations_changed(self, event: StationsChanged) -> None:
        for key in event.stations:
            place = self._macs.place(*key)
            switch = self._switches.get(place.switch) if place else None
            address = switch.tunnel_ip if switch else None
            self._addresses.want(key, only(address) if address else None)
            if address and key not in self._rows:
                self._new[key] = None

    def _compare(self, key: Key) -> None:
        self._addresses.have(key, self._rows.addresses(key))


FEATURE = Feature(reports=(lambda known, settings, clock: LocalMacs(known[LearnedMacs]),))
