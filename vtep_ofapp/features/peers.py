"""The remote VTEPs that rows name for logical switches."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ..engine.feature import Index
from ..engine.topics import Topic
from ..engine.view import View
from ..values.rows import Locator, RemoteMac, RemoteMcastMac
from .arp_sources.rows import ArpSources
from .logical_switches.rows import LogicalSwitches
from .routers.routed import Routed


@dataclass(frozen=True, slots=True)
class Peer:
    """A remote VTEP that rows name for a logical switch: the owner of its decapsulation flows."""

    logical_switch: UUID
    address: str


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """The locators that name a remote VTEP for a logical switch changed."""

    peer: Peer


class Peers(Index):
    """The locators that rows of Ucast_Macs_Remote and Mcast_Macs_Remote name.

    These alone may receive BUM frames; PeersHere has further remote VTEPs.
    """

    ROWS = (RemoteMac, RemoteMcastMac)

    def __init__(self) -> None:
        self._locators: defaultdict[UUID, dict[str, Counter[Locator]]] = defaultdict(dict)
        self._naming: defaultdict[str, set[UUID]] = defaultdict(set)

    def addresses(self, logical_switch: UUID) -> Iterable[str]:
        """Return the addresses that any row names for a logical switch."""
        return self._locators.get(logical_switch, {}).keys()

    def of(self, logical_switch: UUID) -> list[Peer]:
        """Return the remote VTEPs that any row names for a logical switch."""
        return [Peer(logical_switch, address) for address in self.addresses(logical_switch)]

    def locators(self, peer: Peer) -> Iterable[Locator]:
        """Return the locators by which rows name a remote VTEP for a logical switch."""
        return self._locators.get(peer.logical_switch, {}).get(peer.address, ())

    def count(self, peer: Peer) -> int:
        """Return how many rows name a remote VTEP for a logical switch, once for each locator."""
        return self._locators.get(peer.logical_switch, {}).get(peer.address, Counter()).total()

    def naming(self, address: str) -> Iterable[UUID]:
        """Return the logical switches with a row that names the address."""
        return self._naming.get(address, ())

    def row_changed(
        self, former: RemoteMac | RemoteMcastMac | None, new: RemoteMac | RemoteMcastMac | None
    ) -> list[Topic]:
        """Handle a changed row; return the topics that it invalidates.

        New locators are added before former ones are removed: locators in both rows invalidate
        nothing.
        """
        topics: list[Topic] = []
        if new is not None:
            for locator in new.locators:
                self._name(new.logical_switch, locator, topics)
        if former is not None:
            for locator in former.locators:
                self._unname(former.logical_switch, locator, topics)
        return topics

    def _name(self, logical_switch: UUID, locator: Locator, topics: list[Topic]) -> None:
        address = locator.address
        addresses = self._locators[logical_switch]
        locators = addresses.get(address)
        if locators is None:
            locators = addresses[address] = Counter()
            self._naming[address].add(logical_switch)
        locators[locator] += 1
        if locators[locator] == 1:
            topics.append(PeerChanged(Peer(logical_switch, address)))

    def _unname(self, logical_switch: UUID, locator: Locator, topics: list[Topic]) -> None:
        address = locator.address
        addresses = self._locators[logical_switch]
        locators = addresses[address]
        locators[locator] -= 1
        if locators[locator]:
            return
        del locators[locator]
        if not locators:
            del addresses[address]
            if not addresses:
                del self._locators[logical_switch]
            self._naming[address].discard(logical_switch)
            if not self._naming[address]:
                del self._naming[address]
        topics.append(PeerChanged(Peer(logical_switch, address)))


class PeersHere:
    """The remote VTEPs of the logical switches of one switch.

    They are those of Peers. In a logical switch with a router they are also all VTEPs that route:
    any of them may send what it routed, and ask for hosts. Without a key of the logical switch or
    of the locator there is no VNI for their frames, and they do not count.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._named = view[Peers]
        self._sources = view[ArpSources]
        self._logical_switches = view[LogicalSwitches]

    def is_peer(self, peer: Peer) -> bool:
        """Whether rows name a remote VTEP for a logical switch."""
        return peer.address in self._named.addresses(peer.logical_switch) or self.routes(peer)

    def only_routes(self, peer: Peer) -> bool:
        """Whether a remote VTEP counts for a logical switch only because it routes."""
        return peer.address not in self._named.addresses(peer.logical_switch) and self.routes(peer)

    def of(self, logical_switch: UUID) -> list[Peer]:
        """Return the remote VTEPs of a logical switch."""
        return list(filter(self.is_peer, self.possible(logical_switch)))

    def possible(self, logical_switch: UUID) -> Iterator[Peer]:
        """Yield the remote VTEPs of a logical switch, and those that its key may make such."""
        addresses = set(self._named.addresses(logical_switch))
        if logical_switch in self._view[Routed]:
            addresses.update(self._sources.addresses())
        return (Peer(logical_switch, address) for address in addresses)

    def locators(self, peer: Peer) -> Collection[Locator]:
        """Return the locators by which rows name a remote VTEP for a logical switch."""
        locators = set(self._named.locators(peer))
        return locators | self._sources.locators(peer.address) if self.routes(peer) else locators

    def naming(self, address: str) -> set[UUID]:
        """Return the logical switches with a row that names the address."""
        return {*self._named.naming(address), *self._routed_by(address)}

    def _routed_by(self, address: str) -> Iterator[UUID]:
        if self._sources.is_at(address):
            yield from (each for each in self._view[Routed] if self.routes(Peer(each, address)))

    def routes(self, peer: Peer) -> bool:
        """Whether a remote VTEP routes for a logical switch, and there is a VNI for its frames."""
        if not self._sources.is_at(peer.address) or self._view.tunnels.is_own(peer.address):
            return False
        if peer.logical_switch not in self._view[Routed]:
            return False
        row = self._logical_switches.get(peer.logical_switch)
        has_key = row is not None and row.tunnel_key is not None
        return has_key or any(each.tunnel_key for each in self._sources.locators(peer.address))
