"""The rows of Arp_Sources_Remote and Arp_Sources_Local, and which of them are used."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from ...engine.feature import Index
from ...engine.topics import Topic
from ...values.arp_sources import ArpSource, source_address, source_mac
from ...values.routers import LogicalRouter
from ...values.rows import Locator, PhysicalSwitch

MALFORMED = ""
"""The MAC of rows whose src_mac is not the address of one station."""


@dataclass(frozen=True, slots=True)
class Source:
    """The owner of an ARP source's flows and faults; a topic if its rows or their use changed."""

    mac: str


@dataclass(frozen=True, slots=True)
class SourcesAt:
    """The ARP sources at a VTEP changed, or the locators that name it for them."""

    address: str


_Row: TypeAlias = ArpSource | PhysicalSwitch | LogicalRouter
_Named: TypeAlias = tuple[str, UUID]
T = TypeVar("T")


class Place(NamedTuple):
    """The VTEP of an ARP source, and the locators by which rows name it."""

    address: str
    locators: frozenset[Locator]


class ArpSources(Index):
    """The ARP sources, those of the switches of this database included.

    Nobody has to copy the rows of Arp_Sources_Local within a database, so those that name a tunnel
    IP of a Physical_Switch count as well. Others are leftovers.
    """

    ROWS = (ArpSource, PhysicalSwitch, LogicalRouter)

    def __init__(self) -> None:
        self._rows: defaultdict[str, dict[UUID, ArpSource]] = defaultdict(dict)
        self._local: defaultdict[str, set[str]] = defaultdict(set)
        """The MACs of rows of Arp_Sources_Local by address."""
        self._places: dict[str, Place] = {}
        self._at: defaultdict[str, set[str]] = defaultdict(set)
        self._switches: defaultdict[str, set[_Named]] = defaultdict(set)
        """The Physical_Switches by tunnel IP."""
        self._routers: defaultdict[str, set[_Named]] = defaultdict(set)
        """The Logical_Routers by MAC."""

    # Queries

    def macs(self) -> Collection[str]:
        """Return the MACs of all rows, used or not."""
        return self._rows.keys()

    def rows(self, mac: str) -> list[ArpSource]:
        """Return the rows of a MAC in order, used or not."""
        rows = self._rows.get(mac, {})
        return [rows[uuid] for uuid in sorted(rows)]

    def place(self, mac: str) -> Place | None:
        """Return the VTEP of an ARP source, None if no row of the MAC is used."""
        return self._places.get(mac)

    def addresses(self) -> Collection[str]:
        """Return the addresses of all VTEPs with an ARP source."""
        return self._at.keys()

    def macs_at(self, address: str) -> Collection[str]:
        """Return the MACs of the ARP sources at a VTEP."""
        return self._at.get(address, ())

    def is_at(self, address: str) -> bool:
        """Whether a VTEP has an ARP source."""
        return address in self._at

    def locators(self, address: str) -> set[Locator]:
        """Return the locators by which rows name a VTEP."""
        macs = self._at.get(address, ())
        return {locator for mac in macs for locator in self._places[mac].locators}

    def rows_at(self, address: str) -> list[ArpSource]:
        """Return the used rows that name a VTEP, in order of their MACs."""
        rows = (row for mac in sorted(self._at.get(address, ())) for row in self.rows(mac))
        return [row for row in rows if row.address == address and self.reason(row) is None]

    def reason(self, row: ArpSource) -> str | None:
        """Return the reason why a row is not used, for people; None if it is used, or left over."""
        reason = self._refusal(row)
        place = self._places.get(row.mac)
        if reason or place is None or place.address == row.address or self._is_left_over(row):
            return reason
        return f"another row says that {place.address} has this MAC, and not {row.address}"

    # Updates

    def row_changed(self, former: _Row | None, new: _Row | None) -> Iterator[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        macs: set[str] = set()
        if _names(former) != _names(new):
            for row, is_there in ((former, False), (new, True)):
                if isinstance(row, PhysicalSwitch):
                    macs |= self._put_switch(row, is_there=is_there)
                elif isinstance(row, LogicalRouter) and row.mac:
                    macs.add(row.mac)
                    _put(self._routers, row.mac, (row.name, row.uuid), is_there=is_there)
        for row, put in ((former, self._remove), (new, self._add)):
            if isinstance(row, ArpSource):
                macs.add(row.mac)
                put(row)
        for mac in sorted(macs):
            yield from self._judge(mac)

    def _add(self, row: ArpSource) -> None:
        self._rows[row.mac][row.uuid] = row
        if row.is_local:
            self._local[row.address].add(row.mac)

    def _remove(self, row: ArpSource) -> None:
        rows = self._rows[row.mac]
        del rows[row.uuid]
        if not rows:
            del self._rows[row.mac]
        if row.is_local and not any(_is_local_at(row.address, each) for each in rows.values()):
            _put(self._local, row.address, row.mac, is_there=False)

    def _put_switch(self, switch: PhysicalSwitch, *, is_there: bool) -> set[str]:
        """Note the tunnel IPs of a switch; return the MACs of rows that they may concern."""
        macs: set[str] = set()
        for address in switch.tunnel_ips:
            _put(self._switches, address, (switch.name, switch.uuid), is_there=is_there)
            macs |= {source_mac(address), *self._local.get(address, ())}
        return macs

    def _judge(self, mac: str) -> Iterator[Topic]:
        """Find the place of a MAC; yield the topics of what changed."""
        former, new = self._places.pop(mac, None), self._find(mac)
        if former is not None:
            _put(self._at, former.address, mac, is_there=False)
        if new is not None:
            self._places[mac] = new
            _put(self._at, new.address, mac, is_there=True)
        yield Source(mac)
        if former != new:
            yield from {SourcesAt(place.address) for place in (former, new) if place}

    def _find(self, mac: str) -> Place | None:
        """Return the place of a MAC: of several VTEPs that with the least UUID of a locator."""
        named = [
            row.locator
            for row in self._rows.get(mac, {}).values()
            if row.locator and not self._refusal(row) and not self._is_left_over(row)
        ]
        if not named:
            return None
        address = min(named, key=lambda locator: locator.uuid).address
        return Place(address, frozenset(each for each in named if each.address == address))

    def _refusal(self, row: ArpSource) -> str | None:
        """Return the reason why a row cannot be used, whatever other rows of its MAC say."""
        if row.refused:
            return row.refused
        at = source_address(row.mac)
        if at is not None and at != row.address and at in self._switches:
            switches = _listed(self._switches[at])
            return f"{row.mac} is the MAC of Physical_Switch {switches}, which is at {at}"
        if row.mac in self._routers:
            return f"{row.mac} is the MAC of Logical_Router {_listed(self._routers[row.mac])}"
        return None

    def _is_left_over(self, row: ArpSource) -> bool:
        return row.is_local and row.address not in self._switches


def _is_local_at(address: str, row: ArpSource) -> bool:
    return row.is_local and row.address == address


def _names(row: _Row | None) -> tuple[Any, ...] | None:
    """Return what rows of other tables say that matters here; the rest changes often."""
    if isinstance(row, PhysicalSwitch):
        return row.name, row.tunnel_ips
    return (row.name, row.mac) if isinstance(row, LogicalRouter) else None


def _listed(named: set[_Named]) -> str:
    return ", ".join(sorted({name for name, _ in named}))


def _put(sets: defaultdict[str, set[T]], key: str, member: T, *, is_there: bool) -> None:
    if is_there:
        sets[key].add(member)
        return
    sets[key].discard(member)
    if not sets[key]:
        del sets[key]
