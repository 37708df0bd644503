"""The VNI mapping of one switch: the VNIs that its bound logical switches can use."""

from collections import defaultdict
from collections.abc import Container
from typing import TypeVar
from uuid import UUID

from ..peers import Peer, PeersHere
from .rows import LogicalSwitches

K = TypeVar("K")


class VniMapping:
    """The VNIs in use at one switch, by logical switch and by remote VTEP.

    A VNI maps frames from a tunnel to one logical switch, so two present logical switches cannot
    have the same VNI. Logical switches that are not present receive no frames here, and their VNIs
    conflict with none.
    """

    def __init__(
        self, logical_switches: LogicalSwitches, peers: PeersHere, present: Container[UUID]
    ) -> None:
        self._logical_switches = logical_switches
        self._peers = peers
        self._present = present
        self._key_of: dict[UUID, int] = {}
        self._with_key: defaultdict[int, set[UUID]] = defaultdict(set)
        self._key_at: dict[Peer, int] = {}
        self._with_key_at: defaultdict[tuple[str, int], set[UUID]] = defaultdict(set)

    # Queries

    def key(self, peer: Peer) -> int | None:
        """Return the tunnel key towards a remote VTEP, also if it conflicts with another there.

        It is the logical switch's, or else that of the locator, the least of several (vtep(5),
        "Per Logical-Switch Tunnel Key"); None if there is neither or no row names the VTEP.
        """
        row = self._logical_switches.get(peer.logical_switch)
        locators = self._peers.locators(peer)
        if row is None or not locators:
            return None
        keys = [each.tunnel_key for each in locators if each.tunnel_key is not None]
        return row.tunnel_key if row.tunnel_key is not None else min(keys, default=None)

    def vni(self, logical_switch: UUID) -> int | None:
        """Return the VNI of a logical switch, None if it has none or the VNI conflicts here."""
        key = self._key_of.get(logical_switch)
        return None if key is None or len(self._with_key[key]) > 1 else key

    def vni_towards(self, peer: Peer) -> int | None:
        """Return the VNI of a logical switch towards a remote VTEP.

        It is key(); None if that conflicts with another logical switch at the same VTEP.
        """
        key = self._key_at.get(peer)
        if key is None or len(self._with_key_at[peer.address, key]) > 1:
            return None
        return self.vni(peer.logical_switch) if peer.logical_switch in self._key_of else key

    def vnis(self, logical_switch: UUID) -> list[int]:
        """Return the VNIs that a logical switch can use: its own, or those of its locators."""
        row = self._logical_switches.get(logical_switch)
        if row is not None and row.tunnel_key is not None:
            found = {self.vni(logical_switch)}
        else:
            found = {self.vni_towards(peer) for peer in self._peers.of(logical_switch)}
        return sorted(vni for vni in found if vni is not None)

    def sharing(self, logical_switch: UUID) -> list[str]:
        """Return the names of the other logical switches with the same tunnel key."""
        key = self._key_of.get(logical_switch)
        return [] if key is None else self._names(self._with_key[key] - {logical_switch})

    def sharing_at(self, peer: Peer) -> list[str]:
        """Return the names of the other logical switches with the same key at a remote VTEP."""
        key = self._key_at.get(peer)
        if key is None:
            return []
        return self._names(self._with_key_at[peer.address, key] - {peer.logical_switch})

    def names_with(self, key: int) -> str:
        """Return the names of the logical switches with a tunnel key, for messages."""
        return ", ".join(self._names(self._with_key.get(key, set())))

    def _names(self, logical_switches: set[UUID]) -> list[str]:
        rows = map(self._logical_switches.get, logical_switches)
        return sorted(row.name for row in rows if row is not None)

    # Updates

    def update(self, logical_switch: UUID) -> set[UUID]:
        """Update the VNI of a logical switch after a change of its row or its bindings.

        Returns the other logical switches with its former or its new VNI.
        """
        former = self._key_of.pop(logical_switch, None)
        row = self._logical_switches.get(logical_switch)
        key = row.tunnel_key if row and logical_switch in self._present else None
        if key is not None:
            self._key_of[logical_switch] = key
        return _move(self._with_key, logical_switch, former, key)

    def update_at(self, peer: Peer) -> set[UUID]:
        """Update the VNI of a logical switch towards a remote VTEP, likewise."""
        former = self._key_at.pop(peer, None)
        key = self.key(peer) if peer.logical_switch in self._present else None
        if key is not None:
            self._key_at[peer] = key
        return _move(
            self._with_key_at,
            peer.logical_switch,
            None if former is None else (peer.address, former),
            None if key is None else (peer.address, key),
        )


def _move(
    users: defaultdict[K, set[UUID]], user: UUID, former: K | None, new: K | None
) -> set[UUID]:
    """Change the key of a user; return the other users of the former and the new key."""
    others: set[UUID] = set()
    if former is not None:
        users[former].discard(user)
        others |= users[former]
        if not users[former]:
            del users[former]
    if new is not None:
        others |= users[new]
        users[new].add(user)
    return others
