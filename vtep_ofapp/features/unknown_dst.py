"""Mcast_Macs_Local: the tunnel IPs that receive BUM frames for each bound logical switch."""

from collections.abc import Iterator, Set
from uuid import UUID

from ..engine.desired_actual import DesiredActual
from ..engine.feature import Feature
from ..engine.report import ManagedSwitches, Report
from ..values.addresses import UNKNOWN_DST
from ..values.rows import Gone, LocalMcastMac
from ..values.writes import PutUnknownDst, VtepWrite
from .bindings.ports import Ports
from .local_rows import Key, LocalRows


class UnknownDst(Report):
    """Compares the bound logical switches with the rows of Mcast_Macs_Local."""

    def __init__(self) -> None:
        self._addresses: DesiredActual[Key, frozenset[str]] = DesiredActual()
        self._rows: LocalRows[LocalMcastMac] = LocalRows(self._compare)
        self._bound: set[UUID] = set()
        self.handlers = {
            LocalMcastMac: self._rows.update,
            Gone: self._rows.remove,
            ManagedSwitches: self._managed,
        }

    def rows(self) -> Set[UUID]:
        """Return the UUIDs of the rows of Mcast_Macs_Local."""
        return self._rows.uuids()

    def writes(self) -> Iterator[VtepWrite]:
        """Yield a write for each logical switch whose row is missing or wrong.

        Our rows for addresses other than unknown-dst are deleted.
        """
        for each in self._addresses.differences():
            rows = self._rows.own_uuids(each.key)
            yield PutUnknownDst(each.key[0], each.want or frozenset(), rows)

    def desired(self) -> Iterator[VtepWrite]:
        """Yield a write for the row of each bound logical switch."""
        for (logical_switch, _), addresses in self._addresses.wanted.items():
            yield PutUnknownDst(logical_switch, addresses)

    def _managed(self, managed: ManagedSwitches) -> None:
        self._rows.set_foreign(managed.foreign)
        addresses: dict[UUID, set[str]] = {}
        for switch in managed.with_bridge().values():
            for logical_switch in switch[Ports].bound():
                if switch.tunnel_ip is not None:
                    addresses.setdefault(logical_switch, set()).add(switch.tunnel_ip)
        for logical_switch in self._bound | addresses.keys():
            wanted = addresses.get(logical_switch)
            self._addresses.want(
                (logical_switch, UNKNOWN_DST), frozenset(wanted) if wanted else None
            )
        self._bound = set(addresses)

    def _compare(self, key: Key) -> None:
        self._addresses.have(key, self._rows.addresses(key))


FEATURE = Feature(reports=(lambda known, settings, clock: UnknownDst(),))
