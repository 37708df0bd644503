"""Which tunnel keys the logical switches that are bound at one switch can use there."""

from collections import defaultdict
from typing import TypeVar
from uuid import UUID

from ..engine.network import Network, OfPeer
from .bindings.ports import Ports

K = TypeVar("K")


class Keys:
    """The keys in use at one switch, by logical switch and by remote VTEP.

    A key leads a frame from a tunnel into one logical switch, so two that are bound here cannot
    have the same one. Logical switches that are not bound here take no frames here and compete
    with nobody.
    """

    def __init__(self, network: Network, ports: Ports) -> None:
        self._network = network
        self._ports = ports
        self._key_of: dict[UUID, int] = {}
        self._with_key: defaultdict[int, set[UUID]] = defaultdict(set)
        self._key_at: dict[OfPeer, int] = {}
        self._with_key_at: defaultdict[tuple[str, int], set[UUID]] = defaultdict(set)

    # What it answers

    def vni(self, logical_switch: UUID) -> int | None:
        """Return the VNI of a logical switch, None while it has none that is its own here."""
        key = self._key_of.get(logical_switch)
        return None if key is None or len(self._with_key[key]) > 1 else key

    def vni_towards(self, peer: OfPeer) -> int | None:
        """Return the VNI between a logical switch and a remote VTEP, None while it has none.

        It is the logical switch's, or else that of the locator (vtep(5), "Per Logical-Switch
        Tunnel Key"); and it must not be that of another logical switch at the same VTEP.
        """
        key = self._key_at.get(peer)
        if key is None or len(self._with_key_at[peer.address, key]) > 1:
            return None
        return self.vni(peer.logical_switch) if peer.logical_switch in self._key_of else key

    def sharing(self, logical_switch: UUID) -> list[str]:
        """Return the names of the other logical switches with the same tunnel key."""
        key = self._key_of.get(logical_switch)
        return [] if key is None else self._names(self._with_key[key] - {logical_switch})

    def sharing_at(self, peer: OfPeer) -> list[str]:
        """Return the names of the other logical switches with the same key at a remote VTEP."""
        key = self._key_at.get(peer)
        if key is None:
            return []
        return self._names(self._with_key_at[peer.address, key] - {peer.logical_switch})

    def names_with(self, key: int) -> str:
        """Return the names of the logical switches that have a tunnel key, for people."""
        return ", ".join(self._names(self._with_key.get(key, set())))

    def _names(self, logical_switches: set[UUID]) -> list[str]:
        return sorted(self._network.logical_switches[each].name for each in logical_switches)

    # What it is told

    def update(self, logical_switch: UUID) -> set[UUID]:
        """Take the key of a logical switch as it is now, or that it is not bound here any more.

        Returns the other logical switches that had the same key, or have it now.
        """
        former = self._key_of.pop(logical_switch, None)
        row = self._network.logical_switches.get(logical_switch)
        key = row.tunnel_key if row and self._ports.is_bound(logical_switch) else None
        if key is not None:
            self._key_of[logical_switch] = key
        return _move(self._with_key, logical_switch, former, key)

    def update_at(self, peer: OfPeer) -> set[UUID]:
        """Take the key of a logical switch towards a remote VTEP, likewise."""
        former = self._key_at.pop(peer, None)
        is_bound = self._ports.is_bound(peer.logical_switch)
        key = self._network.key(peer) if is_bound else None
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
    """Let a user have another key; return who else has the former or the new one."""
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
