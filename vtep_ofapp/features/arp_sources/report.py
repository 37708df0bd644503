"""The report of Arp_Sources_Local: a row for each switch with a router."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from uuid import UUID

from ...engine.report import ManagedSwitches, Report
from ...engine.view import View
from ...values.arp_sources import ArpSource, PutArpSource, source_mac
from ...values.rows import Gone
from ...values.writes import VtepWrite


@dataclass(frozen=True, slots=True)
class OwnRow:
    """The key of the row that a switch desires: its tunnel IP. The value is its MAC."""

    address: str


class OwnRows(Report):
    """Compares the ARP sources of all switches with the rows of Arp_Sources_Local.

    A row is ours if it names the tunnel IP of a managed switch, or if its MAC is the one that we
    derive from the address that it names: so a former row of a switch goes with its former tunnel
    IP. Rows that name a tunnel IP of another process's switch are never ours.
    """

    def __init__(self) -> None:
        self._rows: dict[UUID, ArpSource] = {}
        self._switches: Mapping[str, View] = {}
        self._foreign: frozenset[str] = frozenset()
        self.handlers = {
            ArpSource: self._update,
            Gone: self._remove,
            ManagedSwitches: self._managed,
        }

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows of Arp_Sources_Local."""
        return self._rows.keys()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each row that is missing, and for rows of ours that are not desired."""
        wanted = self._wanted()
        own: dict[str, list[ArpSource]] = {}
        for row in self._rows.values():
            if self._is_ours(row):
                own.setdefault(row.address, []).append(row)
        for address in sorted(wanted.keys() | own.keys()):
            rows, mac = own.get(address, []), wanted.get(address)
            if [row.mac for row in rows] != ([mac] if mac else []):
                yield _put(address, mac, rows)

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for each desired row."""
        for address, mac in sorted(self._wanted().items()):
            yield _put(address, mac, ())

    def _wanted(self) -> dict[str, str]:
        """Return the desired MACs by tunnel IP."""
        switches = self._switches.values()
        rows = (row for switch in switches for row in switch.rows[OwnRow].wanted.items())
        return {key.address: mac for key, mac in rows}

    def _is_ours(self, row: ArpSource) -> bool:
        address = row.address
        if not address or address in self._foreign:
            return False
        is_own = any(switch.tunnel_ip == address for switch in self._switches.values())
        return is_own or row.mac == source_mac(address)

    def _managed(self, managed: ManagedSwitches) -> None:
        self._switches = managed.with_bridge()
        self._foreign = managed.foreign

    def _update(self, row: ArpSource) -> None:
        if row.is_local:
            self._rows[row.uuid] = row

    def _remove(self, gone: Gone) -> None:
        self._rows.pop(gone.uuid, None)


def _put(address: str, mac: str | None, rows: Iterable[ArpSource]) -> PutArpSource:
    uuids = tuple(sorted(row.uuid for row in rows))
    return PutArpSource(mac or "", address if mac else None, uuids)
