"""Ucast_Macs_Local: a row for each learned station, with its VTEP and its IP address.

The MAC address of a logical router has a row as well if owners of a switch desire its LocalGateway.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ..engine.desired_actual import DesiredActual
from ..engine.feature import Clock, Feature
from ..engine.in_turn import InTurn
from ..engine.report import ManagedSwitches, Report
from ..engine.topics import StationsChanged
from ..engine.view import Known, View
from ..process.settings import Settings
from ..values.addresses import ip_number, only
from ..values.rows import Gone, LocalMac
from ..values.writes import PutLocalMac, VtepWrite
from .learning.stations import LearnedMacs, Place
from .local_rows import Key, LocalRows
from .neighbours.pairs import AddressesChanged, Pairs
from .rows_of_switches import RowsOfSwitches

MAX_NEW = 500
"""Rows for new stations in one transaction, taken in turn from the ports: all rows of a transaction
appear at its end, and those of the next one wait for it. The OVSDB library takes 0.2 ms for each,
and blocks the process meanwhile."""
NO_IP = ""
_NO_PORT = "", ""
Reported: TypeAlias = Callable[[Key], tuple[str, ...]]
"""Returns the IP addresses of which a station's row is to have one, the preferred one last."""


@dataclass(frozen=True, slots=True)
class LocalGateway:
    """The key of a row for a router's MAC address, which an owner of a switch desires.

    The value is the IP address to report, "" for none.
    """

    logical_switch: UUID
    mac: str


class Content(NamedTuple):
    """What a row says of a station: the tunnel IP of its switch, and the station's address."""

    addresses: frozenset[str]
    ip: str


class LocalMacs(Report):
    """Compares learned stations with the rows of Ucast_Macs_Local.

    ``reported`` is None if addresses are not reported. Then the ipaddr of rows is left as it is,
    but for the addresses that ``withdrawn`` returns once: a former process reported them.
    """

    def __init__(self, macs: LearnedMacs, reported: Reported | None, withdrawn: Reported) -> None:
        self._macs = macs
        self._reported = reported
        self._withdrawn = withdrawn
        self._stale: dict[Key, tuple[str, ...]] = {}
        self._switches: Mapping[str, View] = {}
        self._tunnel_ips: dict[str, str | None] = {}
        self._contents: DesiredActual[Key, Content] = DesiredActual()
        self._rows: LocalRows[LocalMac] = LocalRows(self._compare)
        self._gateways: RowsOfSwitches[str] = RowsOfSwitches(LocalGateway, self._want)
        self._without_row: InTurn[Key] = InTurn()
        self._new: InTurn[Key] = InTurn()
        """Those of them that were learned since the last writes()."""
        self.handlers = {
            LocalMac: self._rows.update,
            Gone: self._rows.remove,
            ManagedSwitches: self._managed,
            StationsChanged: self._stations_changed,
            AddressesChanged: self._addresses_changed,
        }

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows of Ucast_Macs_Local."""
        return self._rows.uuids()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each station whose row is missing or wrong.

        At most MAX_NEW of them have no row yet: these need not share a transaction.
        """
        self._gateways.take()
        self._new.clear()
        if self._contents.count_differences() > len(self._without_row):
            for station in self._contents.differences():
                if station.have is not None:
                    rows = self._rows.own_uuids(station.key)
                    yield _write(station.key, station.want, rows, station.have)
        yield from self._first(self._without_row)

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for the row of each station."""
        self._gateways.take()
        for key, content in self._contents.wanted.items():
            yield _write(key, content)

    def new_station_rows(self) -> Iterator[VtepWrite]:
        """Yield rows for stations without one that were learned since the last writes()."""
        yield from self._first(self._new)

    def _first(self, stations: InTurn[Key]) -> Iterator[VtepWrite]:
        """Yield rows for the first MAX_NEW of some stations without one."""
        for key in islice(stations, MAX_NEW):
            yield _write(key, self._contents.wanted[key])

    def _managed(self, managed: ManagedSwitches) -> None:
        self._switches = managed.with_bridge()
        self._rows.set_foreign(managed.foreign)
        self._gateways.set_switches(self._switches)
        tunnel_ips = {name: switch.tunnel_ip for name, switch in self._switches.items()}
        if tunnel_ips != self._tunnel_ips:
            self._tunnel_ips = tunnel_ips
            self._stations_changed(StationsChanged(self._macs.all()))

    def _addresses_changed(self, event: AddressesChanged) -> None:
        for key in event.stations if self._reported is None else ():
            if stale := self._withdrawn(key):
                self._stale[key] = stale
                self._compare(key)
        self._stations_changed(event)

    def _stations_changed(self, event: StationsChanged | AddressesChanged) -> None:
        for key in event.stations:
            place = self._want(key)
            if place and key in self._contents.wanted and key not in self._rows:
                self._new.add(key, _port(place))

    def _want(self, key: Key) -> Place | None:
        """Set the desired row of a MAC address; return the place of a learned station."""
        gateways = self._gateways.of(key)
        content: Content | None
        if gateways:
            address = min(gateways, key=ip_number)
            place, ip = None, gateways[address] if self._reported else NO_IP
            content = _content(only(address), ip)
        else:
            place = self._macs.place(*key)
            switch = self._switches.get(place.switch) if place else None
            own = switch.tunnel_ip if switch else None
            content = _content(only(own), self._ip(key)) if own else None
        self._contents.want(key, content)
        self._sort(key)
        return place

    def _sort(self, key: Key) -> None:
        """Note whether a MAC address lacks its row, and behind which port it is."""
        lacks = key in self._contents.wanted and key not in self._contents.actual
        if lacks:
            self._without_row.add(key, self._port_of(key))
        else:
            self._without_row.discard(key)
        if not lacks or key in self._rows:
            self._new.discard(key)

    def _port_of(self, key: Key) -> tuple[str, str]:
        """Return the switch and the port of a station, or the one port of all routers."""
        place = self._macs.place(*key)
        return _port(place) if place else _NO_PORT

    def _ip(self, key: Key) -> str:
        """Return the address to report for a station: that of its row if it is as good as any."""
        ips = self._reported(key) if self._reported else ()
        if len(ips) > 1:
            now = {row.ip for row in self._rows.own(key)}
            ips = tuple(ip for ip in ips if ip in now) or ips
        return ips[-1] if ips else NO_IP

    def _compare(self, key: Key) -> None:
        addresses = self._rows.addresses(key)
        own = self._rows.own(key) if self._reported or key in self._stale else []
        ip = own[0].ip if len(own) == 1 else NO_IP
        if own and not self._reported and ip not in self._stale[key]:
            del self._stale[key]
            ip = NO_IP
        self._contents.have(key, None if addresses is None else _content(addresses, ip))
        self._sort(key)


def _port(place: Place) -> tuple[str, str]:
    return place.switch, place.port


def _content(addresses: frozenset[str], ip: str) -> Content:
    return Content(addresses, ip) if ip else _without_ip(addresses)


@lru_cache(maxsize=1 << 10)
def _without_ip(addresses: frozenset[str]) -> Content:
    """Return the same object each time: very many stations share it."""
    return Content(addresses, NO_IP)


def _write(
    key: Key, want: Content | None, rows: tuple[UUID, ...] = (), have: Content | None = None
) -> PutLocalMac:
    """Return the write for a station's row; the IP address is written where it differs."""
    if want is None:
        return PutLocalMac(*key, None, rows)
    (address,) = want.addresses
    is_right = want.ip == (have.ip if have else NO_IP)
    return PutLocalMac(*key, address, rows, None if is_right else want.ip)


def _report(known: Known, settings: Settings, clock: Clock) -> LocalMacs:
    pairs = known[Pairs]
    reported = pairs.reported if settings.report_ip else None
    return LocalMacs(known[LearnedMacs], reported, pairs.take_withdrawn)


FEATURE = Feature(rows=(LocalGateway,), reports=(_report,))
