"""Make before break: the tunnels that an owner uses, and the tunnels that are desired.

An owner needs tunnels to some remote VTEPs. While none of them is up and one is pending, the owner
keeps using its former tunnels, so that its frames still reach the former VTEPs.
"""

from collections.abc import Hashable, Iterator
from typing import Protocol, TypeAlias

Addresses: TypeAlias = frozenset[str]
"""Remote VTEPs by their IPv4 addresses."""

NO_TUNNELS: Addresses = frozenset()


class TunnelStates(Protocol):
    """The state of the tunnels to remote VTEPs."""

    def is_up(self, address: str) -> bool:
        """Whether the tunnel port exists and has an OpenFlow port number."""

    def is_pending(self, address: str) -> bool:
        """Whether Open vSwitch has neither created the tunnel port nor failed to."""

    def is_own(self, address: str) -> bool:
        """Whether the address is one of the switch itself, which needs no tunnel."""


def in_force(needs: Addresses, former: Addresses, tunnels: TunnelStates) -> Addresses:
    """Return the tunnels that an owner uses; ``former`` are those that it used before.

    They are the needed tunnels that are up. If none is up and none is pending, they are all the
    needed tunnels. If none is up and one is pending, they are the former tunnels.
    """
    if all(map(tunnels.is_up, needs)):
        return needs
    up = frozenset(filter(tunnels.is_up, needs))
    if up:
        return up
    if not any(map(tunnels.is_pending, needs)):
        return needs
    if any(map(tunnels.is_own, former)):
        return frozenset(address for address in former if not tunnels.is_own(address))
    return former


class Choice:
    """A function from the tunnels that an owner needs to the tunnels that it uses."""

    __slots__ = ("_former", "_tunnels", "needs")

    def __init__(self, former: Addresses, tunnels: TunnelStates) -> None:
        self.needs = NO_TUNNELS
        self._former = former
        self._tunnels = tunnels

    def __call__(self, needs: Addresses) -> Addresses:
        """Record the needed tunnels; return those to use, by in_force()."""
        self.needs = needs
        return in_force(needs, self._former, self._tunnels)


class TunnelUsers:
    """The tunnels that owners use or wait for, and the owners that wait.

    Owners are given by their keys. Keys of different types may be equal, so each type has its own
    set.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._changed: set[str] = set()
        self._awaited: dict[type, dict[Hashable, Addresses]] = {}
        self._waiting: dict[str, dict[type, set[Hashable]]] = {}

    def wanted(self) -> set[str]:
        """Return the remote VTEPs to which tunnels are desired."""
        return set(self._counts)

    def is_wanted(self, address: str) -> bool:
        """Whether an owner uses the tunnel to a remote VTEP, or waits for it."""
        return address in self._counts

    def take_changed(self) -> set[str]:
        """Return, once, the addresses to which tunnels became desired or no longer are."""
        changed, self._changed = self._changed, set()
        return changed

    def put(self, owner: Hashable, former: Addresses, uses: Addresses, needs: Addresses) -> None:
        """Record the tunnels that an owner uses in place of the former ones, and those it needs.

        An owner that waits for a tunnel is also invalidated by changes of the tunnels that it uses.
        """
        if uses is former and needs is uses and not self._awaited:
            return
        begun, ended = _minus(uses, former), _minus(former, uses)
        for address in begun:
            self._count(address, 1)
        before = self._take_awaited(owner)
        if needs is not uses:
            self._wait(owner, uses, _minus(needs, uses))
        for address in before:
            self._count(address, -1)
        for address in ended:
            self._count(address, -1)

    def take_waiting(self, address: str) -> Iterator[Hashable]:
        """Yield and forget the owners that wait for a tunnel; put() records those that still do."""
        for owners in self._waiting.pop(address, {}).values():
            yield from owners

    def _wait(self, owner: Hashable, uses: Addresses, awaited: Addresses) -> None:
        if not awaited:
            return
        kind = type(owner)
        self._awaited.setdefault(kind, {})[owner] = awaited
        for address in awaited:
            self._count(address, 1)
        for address in awaited | uses if uses else awaited:
            self._waiting.setdefault(address, {}).setdefault(kind, set()).add(owner)

    def _take_awaited(self, owner: Hashable) -> Addresses:
        """Return and forget the tunnels that an owner waited for."""
        owners = self._awaited.get(type(owner))
        if owners is None:
            return NO_TUNNELS
        awaited = owners.pop(owner, NO_TUNNELS)
        if not owners:
            del self._awaited[type(owner)]  # there may have been very many
        return awaited

    def _count(self, address: str, by: int) -> None:
        """Count a use. Callers count new uses before ended ones, so that few addresses change."""
        count = self._counts.get(address, 0) + by
        if count:
            self._counts[address] = count
        else:
            del self._counts[address]
            self._waiting.pop(address, None)
        if count == 0 or (by > 0 and count == 1):
            self._changed ^= {address}


def _minus(these: Addresses, others: Addresses) -> Addresses:
    """Return these without the others; makes a new set only if needed, as owners are many."""
    if these is others:
        return NO_TUNNELS
    return these - others if these and others else these
