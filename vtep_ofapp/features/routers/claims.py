"""Addresses that routers claim in logical switches: of several with one, the first name has it.

All VTEPs of a database decide alike: rows alone count, not where a router is present. All routers
of a logical switch are present at the same switches.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ...values.routers import InterfaceAddress, LogicalRouter, link_local_of


class Place(NamedTuple):
    """A MAC or IP address in a logical switch."""

    logical_switch: UUID
    address: str


class Claimant(NamedTuple):
    """A router that claims an address. The least one has it.

    An address that is made of the router's MAC comes before one that a row has.
    """

    is_of_row: bool
    name: str
    router: UUID


_Claim: TypeAlias = tuple[Place, Claimant]


class _Claimants:
    """Who claims each address of one kind."""

    def __init__(self) -> None:
        self._of: defaultdict[Place, set[Claimant]] = defaultdict(set)

    def first(self, place: Place) -> Claimant | None:
        """Return who has an address, None if nobody claims it."""
        return min(self._of[place]) if place in self._of else None

    def change(self, former: set[_Claim], now: set[_Claim]) -> set[UUID]:
        """Replace claims; return the routers that claim an address which another one has now."""
        places = {place for place, _ in former ^ now}
        before = {place: self.first(place) for place in places}
        for place, claimant in former - now:
            self._of[place].discard(claimant)
            if not self._of[place]:
                del self._of[place]
        for place, claimant in now - former:
            self._of[place].add(claimant)
        changed: set[Claimant | None] = set()
        for place in places:
            if before[place] != self.first(place):
                changed |= {before[place], *self._of.get(place, ())}
        return {each.router for each in changed if each}


class Claims:
    """The MAC and IP addresses that all routers claim.

    An interface whose MAC another router has in the logical switch is not used at all, and claims
    no IP address.
    """

    def __init__(self) -> None:
        self._rows: dict[UUID, LogicalRouter] = {}
        self._macs = _Claimants()
        self._ips = _Claimants()
        self._claimed: dict[UUID, set[_Claim]] = {}

    def change(self, former: LogicalRouter | None, new: LogicalRouter | None) -> set[UUID]:
        """Handle a changed row; return the routers of which other addresses are accepted now."""
        row = new or former
        assert row is not None
        if former and new and _claiming(former) == _claiming(new):
            self._rows[new.uuid] = new
            return set()
        if new is not None:
            self._rows[new.uuid] = new
        else:
            del self._rows[row.uuid]
        changed = self._macs.change(_macs(former), _macs(new)) | {row.uuid}
        for router in tuple(changed):
            before = self._claimed.pop(router, set())
            now = set(self._ip_claims(router))
            if now:
                self._claimed[router] = now
            changed |= self._ips.change(before, now)
        return changed

    def mac_owner(self, row: LogicalRouter, logical_switch: UUID) -> UUID | None:
        """Return the other router that has this router's MAC in a logical switch, if one does."""
        first = self._macs.first(Place(logical_switch, row.mac))
        return first.router if first and first.router != row.uuid else None

    def ip_owner(self, row: LogicalRouter, logical_switch: UUID, ip: str) -> UUID | None:
        """Return the other router that has an IP address in a logical switch, if one does."""
        first = self._ips.first(Place(logical_switch, ip))
        return first.router if first and first.router != row.uuid else None

    def accepted(self, router: UUID) -> dict[UUID, tuple[InterfaceAddress, ...]]:
        """Return the addresses of a router's interfaces that no other router has."""
        row = self._rows.get(router)
        if row is None or not row.mac:
            return {}
        found: dict[UUID, tuple[InterfaceAddress, ...]] = {}
        for where, addresses in row.interfaces.items():
            if self.mac_owner(row, where) is None:
                accepted = tuple(
                    each
                    for each in addresses
                    if not each.ip or self.ip_owner(row, where, each.ip) is None
                )
                if accepted:
                    found[where] = addresses if accepted == addresses else accepted
        return found

    def owner(self, logical_switch: UUID, ip: str) -> UUID | None:
        """Return the router that has an IP address in a logical switch, None if none has."""
        first = self._ips.first(Place(logical_switch, ip))
        return first.router if first else None

    def with_mac(self, logical_switch: UUID, mac: str) -> UUID | None:
        """Return the router that has a MAC address in a logical switch, None if none has."""
        first = self._macs.first(Place(logical_switch, mac))
        return first.router if first else None

    def _ip_claims(self, router: UUID) -> Iterator[_Claim]:
        row = self._rows.get(router)
        if row is None or not row.mac:
            return
        by_mac = Claimant(False, row.name, router)
        by_row = Claimant(True, row.name, router)
        link_local = link_local_of(row.mac)
        for where, addresses in row.interfaces.items():
            if self.mac_owner(row, where) is None:
                yield Place(where, link_local), by_mac
                for address in addresses:
                    if address.ip and address.ip != link_local:
                        yield Place(where, address.ip), by_row


def _claiming(row: LogicalRouter) -> tuple[object, ...]:
    """Return what a row claims; unchanged columns are one object."""
    return row.name, row.mac, row.interfaces


def _macs(row: LogicalRouter | None) -> set[_Claim]:
    if row is None or not row.mac:
        return set()
    claimant = Claimant(True, row.name, row.uuid)
    return {(Place(where, row.mac), claimant) for where in row.interfaces}
