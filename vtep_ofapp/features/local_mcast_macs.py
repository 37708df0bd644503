"""Mcast_Macs_Local: the tunnel IPs of our switches that receive frames for an address.

These are BUM frames for each present logical switch (unknown-dst), and frames for group addresses
of which owners of any feature desire a LocalGroup.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from ..engine.desired_actual import DesiredActual
from ..engine.feature import Feature
from ..engine.report import ManagedSwitches, Report
from ..engine.view import View
from ..values.addresses import UNKNOWN_DST, ip_order
from ..values.rows import Gone, LocalMcastMac
from ..values.writes import PutLocalMcastMac, VtepWrite
from .local_rows import SEVERAL, Key, LocalRows
from .presence import Presence
from .rows_of_switches import RowsOfSwitches


@dataclass(frozen=True, slots=True)
class LocalGroup:
    """The key of a row that an owner of a switch desires.

    The value is the lowest IP address of the groups with this MAC, "" while none is known.
    """

    logical_switch: UUID
    mac: str


class _Content(NamedTuple):
    """The addresses of a row, and its IP address: None for unknown-dst, where it is not ours."""

    addresses: frozenset[str]
    ip: str | None


class LocalMcastMacs(Report):
    """Compares what all switches desire with the rows of Mcast_Macs_Local."""

    def __init__(self) -> None:
        self._content: DesiredActual[Key, _Content] = DesiredActual()
        self._rows: LocalRows[LocalMcastMac] = LocalRows(self._compare)
        self._present: set[UUID] = set()
        self._presences: dict[str, int] = {}
        self._switches: Mapping[str, View] = {}
        self._groups: RowsOfSwitches[str] = RowsOfSwitches(LocalGroup, self._want)
        self.handlers = {
            LocalMcastMac: self._rows.update,
            Gone: self._rows.remove,
            ManagedSwitches: self._managed,
        }

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows of Mcast_Macs_Local."""
        return self._rows.uuids()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each row that is missing or wrong; other rows of ours are deleted."""
        self._take_presence()
        self._groups.take()
        for each in self._content.differences():
            rows = self._rows.own_uuids(each.key)
            yield _put(each.key, each.want or _Content(frozenset(), None), rows)

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for each desired row."""
        self._take_presence()
        self._groups.take()
        for key, content in self._content.wanted.items():
            yield _put(key, content)

    def _managed(self, managed: ManagedSwitches) -> None:
        self._rows.set_foreign(managed.foreign)
        self._switches = managed.with_bridge()
        self._want_unknown_dst()
        self._groups.set_switches(self._switches)

    def _want_unknown_dst(self) -> None:
        addresses: dict[UUID, set[str]] = {}
        self._presences = _presences(self._switches)
        for switch in self._switches.values():
            for logical_switch in switch[Presence].all():
                if switch.tunnel_ip is not None:
                    addresses.setdefault(logical_switch, set()).add(switch.tunnel_ip)
        for logical_switch in self._present | addresses.keys():
            wanted = addresses.get(logical_switch)
            content = _Content(frozenset(wanted), None) if wanted else None
            self._content.want((logical_switch, UNKNOWN_DST), content)
        self._present = set(addresses)

    def _take_presence(self) -> None:
        """Compare the logical switches that are present: routers change it as well as bindings."""
        if _presences(self._switches) != self._presences:
            self._want_unknown_dst()

    def _want(self, key: Key) -> None:
        told = self._groups.of(key)
        ip = min(filter(None, told.values()), key=ip_order, default="")
        self._content.want(key, _Content(frozenset(told), ip) if told else None)

    def _compare(self, key: Key) -> None:
        own = self._rows.own(key)
        content = None
        if own:
            addresses = own[0].addresses if len(own) == 1 else SEVERAL
            content = _Content(addresses, None if key[1] == UNKNOWN_DST else own[0].ip)
        self._content.have(key, content)


def _presences(switches: Mapping[str, View]) -> dict[str, int]:
    return {name: switch[Presence].version for name, switch in switches.items()}


def _put(key: Key, content: _Content, rows: tuple[UUID, ...] = ()) -> PutLocalMcastMac:
    return PutLocalMcastMac(*key, content.addresses, rows, content.ip)


FEATURE = Feature(rows=(LocalGroup,), reports=(lambda known, settings, clock: LocalMcastMacs(),))
