"""The tunnel ports of one switch: which there are, which are wanted, who waits for which."""

import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ...engine.desired import Cause
from ...engine.desired_actual import DesiredActual
from ...values.addresses import ipv4_number
from ...values.rows import ANYONE, BridgePort


@dataclass(frozen=True, slots=True)
class TunnelPort:
    """A tunnel port: both ends as IPv4 addresses, and the bfd column of its interface.

    ``attempt`` is how often Open vSwitch was made to try again.
    """

    remote: str
    local: str
    bfd: Mapping[str, str]
    attempt: int = 0


FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds until a port that Open vSwitch could not make is tried again; the pause doubles.

The first one is longer than the time in which another bridge's port goes that was in the way. The
longest one is what an operator waits who removed something that we do not see.
"""


@dataclass(slots=True)
class _Retry:
    """``end`` is when the next attempt is due, None if only a change of other ports can help."""

    pause: float
    end: float | None


class Tunnels:
    """One tunnel for each remote VTEP: a port from the first of our addresses.

    For each further address of ours there is one more port that frames may come in by; and from
    each of them one for VTEPs that have none, whose remote end is ANYONE.
    ``ports`` holds what is wanted and what is there, by name.
    """

    def __init__(self, bridge: str, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.ports: DesiredActual[str, TunnelPort] = DesiredActual()
        self._bridge = bridge
        self._most = most
        self._locals: tuple[str, ...] = ()
        self._there: dict[str, BridgePort] = {}
        self._taken: set[str] = set()
        self._wanted: dict[str, tuple[str, ...]] = {}
        self._for_anyone: tuple[str, ...] = ()
        self._clock = clock
        self._retries: dict[str, _Retry] = {}
        self._attempts: dict[str, int] = {}
        self._refused: set[str] = set()
        self._waiting: defaultdict[str, set[Cause]] = defaultdict(set)
        self._held: defaultdict[str, set[Cause]] = defaultdict(set)
        self._holding: dict[Cause, set[str]] = {}

    # What it answers

    def name(self, remote: str, local: str) -> str:
        """Return the name of a tunnel port, within the 15 characters of Linux.

        It is made of the remote address, and of bridge and local address, so that neither the
        bridges of one Open vSwitch clash nor those of several processes.
        """
        return _name(self._bridge, remote, local)

    def port(self, address: str) -> BridgePort | None:
        """Return the port by which frames leave for a remote VTEP, if it is there.

        That is the one from the first of our addresses, or until it is up any other one.
        """
        ports = self._ports(address)
        return next((port for port in ports if port.number is not None), next(iter(ports), None))

    def number(self, address: str) -> int | None:
        """Return the number of port(), None while it has none."""
        port = self.port(address)
        return port.number if port else None

    def numbers(self, address: str) -> list[int]:
        """Return the numbers of all ports that frames from a remote VTEP may come in by."""
        return [port.number for port in self._ports(address) if port.number is not None]

    def _ports(self, address: str) -> list[BridgePort]:
        names = (*self._names(address), *self._wanted.get(address, ()))
        return [self._there[name] for name in dict.fromkeys(names) if name in self._there]

    def _names(self, address: str) -> tuple[str, ...]:
        return tuple(self.name(address, local) for local in self._locals)

    def is_pending(self, address: str) -> bool:
        """Whether a tunnel is still to come: Open vSwitch neither made it nor gave up."""
        if not self._locals:
            return False
        port = self._there.get(self.name(address, self._locals[0]))
        if port is not None and (port.number is not None or port.error is not None):
            return False
        return address not in self._refused and not self.is_taken(address)

    def is_taken(self, address: str) -> bool:
        """Whether a port that is not ours has the name that the tunnel's port would have."""
        return not self._taken.isdisjoint(self._names(address))

    def are_up(self) -> bool:
        """Whether Open vSwitch has made, or given up on, every tunnel that is wanted."""
        return not any(self.is_pending(address) for address in self._wanted)

    def is_held(self, address: str) -> bool:
        """Whether a cause that waits for another tunnel still sends there."""
        return address in self._held

    # What it is told

    def set_locals(self, addresses: tuple[str, ...]) -> None:
        """Take our own addresses, the one to send from first."""
        self._locals = addresses

    def set_ports(self, ports: Collection[BridgePort]) -> set[str]:
        """Take the ports of the bridge; return the remote addresses whose ports changed."""
        taken = {port.name for port in ports if not port.is_ours}
        former, self._there = self._there, {port.name: port for port in ports if port.is_ours}
        self.ports.have_only(
            {
                port.name: TunnelPort(port.remote or "", port.local or "", port.bfd, port.attempt)
                for port in self._there.values()
            }
        )
        changed = {*self._refused, ANYONE} if taken != self._taken else set()
        self._taken = taken
        for name in former.keys() | self._there.keys():
            before, after = former.get(name), self._there.get(name)
            if before != after:
                self._await_retry(name, after)
                changed |= {port.remote for port in (before, after) if port and port.remote}
        return changed

    def want(self, address: str, bfd: Mapping[str, str]) -> bool:
        """Ask for a tunnel; return whether there may be one more."""
        if address not in self._wanted and len(self._wanted) >= self._most:
            self._refused.add(address)
            return False
        self._refused.discard(address)
        former = self._wanted.get(address, ())
        self._unwant(address)
        for local in self._locals:
            is_first = local == self._locals[0]
            name = self.name(address, local)
            port = TunnelPort(address, local, bfd if is_first else {}, self._attempt(name))
            self.ports.want(name, port)
        names = self._names(address)
        if self.is_pending(address):
            # Our address changed: the port from the former one goes when the new one is up.
            kept = [name for name in former if name in self._there and name not in names]
            for name in kept:
                self.ports.want(name, self.ports.actual.get(name))
            names = (*names, *kept)
        self._wanted[address] = names
        return True

    def refuse(self, address: str) -> None:
        """Ask for no tunnel as long as its name is taken."""
        self._unwant(address)
        self._refused.add(address)

    def drop(self, address: str) -> set[str]:
        """Ask for no tunnel; return the addresses that may have one instead."""
        self._refused.discard(address)
        return set(self._refused) if self._unwant(address) else set()

    def _unwant(self, address: str) -> bool:
        names = self._wanted.pop(address, ())
        for name in names:
            self.ports.want(name, None)
        return bool(names)

    def want_anyone(self, is_wanted: bool) -> None:
        """Ask for a port from each of our addresses to VTEPs that have none, or for no such port.

        It counts for no limit, and nothing waits for it.
        """
        for name in self._for_anyone:
            self.ports.want(name, None)
        self._for_anyone = ()
        if is_wanted and not self.is_taken(ANYONE):
            self._for_anyone = self._names(ANYONE)
            for name, local in zip(self._for_anyone, self._locals, strict=True):
                self.ports.want(name, TunnelPort(ANYONE, local, {}, self._attempt(name)))

    def refused_to_anyone(self) -> list[BridgePort]:
        """Return the ports of want_anyone() that Open vSwitch cannot make."""
        return [port for port in self._ports(ANYONE) if port.error]

    def precedence(self, address: str) -> tuple[bool, int]:
        """Return a key to sort addresses by: tunnels that are there come first, then by number."""
        return self.port(address) is None, ipv4_number(address)

    # What Open vSwitch could not make

    def next_retry(self) -> float | None:
        """Return when the next attempt to make a port is due, by the clock, None if none is."""
        ends = [retry.end for retry in self._retries.values() if retry.end is not None]
        return min(ends, default=None)

    def take_retries(self) -> set[str]:
        """Make another attempt at each port for which one is due; return the remote addresses."""
        now = self._clock()
        remotes = set()
        for name, retry in self._retries.items():
            if retry.end is None or now < retry.end:
                continue
            port = self._there[name]
            remotes.add(port.remote or "")
            self._attempts[name] = port.attempt + 1
            # Bridges may have a tunnel IP in common for good: that is not tried without end.
            is_last = port.remote == ANYONE and retry.pause >= LONGEST_PAUSE
            retry.pause = min(2 * retry.pause, LONGEST_PAUSE)
            retry.end = None if is_last else now + retry.pause
        return remotes

    def reconsider(self) -> None:
        """Take note that other ports changed, which may have been in the way."""
        end = self._clock() + FIRST_PAUSE
        self._retries = {name: _Retry(FIRST_PAUSE, end) for name in self._retries}

    def _await_retry(self, name: str, port: BridgePort | None) -> None:
        if port is None or port.error is None:
            self._retries.pop(name, None)
            self._attempts.pop(name, None)
        elif name not in self._retries:
            self._retries[name] = _Retry(FIRST_PAUSE, self._clock() + FIRST_PAUSE)

    def _attempt(self, name: str) -> int:
        there = self._there.get(name)
        return max(self._attempts.get(name, 0), there.attempt if there else 0)

    # Who waits for which

    def wait(self, cause: Cause, pending: Iterable[str], held: Collection[str]) -> set[str]:
        """Let a cause wait for pending tunnels and hold on to others until they are up.

        Replaces what the cause waited for and held before; returns the addresses whose tunnel
        is now held, or is held no more.
        """
        for address in pending:
            self._waiting[address].add(cause)
        if not held and cause not in self._holding:
            return set()
        before, now = self._holding.pop(cause, set()), set(held)
        if now:
            self._holding[cause] = now
        for address in before - now:
            self._held[address].discard(cause)
            if not self._held[address]:
                del self._held[address]
        for address in now - before:
            self._held[address].add(cause)
        return before ^ now

    def take_waiting(self, address: str) -> set[Cause]:
        """Return the causes that wait for a tunnel, and let them wait no more."""
        return self._waiting.pop(address, set())


@lru_cache(maxsize=1 << 13)  # it is asked for each station
def _name(bridge: str, remote: str, local: str) -> str:
    where = zlib.crc32(f"{bridge}/{local}".encode()) & 0xFFFFF
    to = "any" if remote == ANYONE else f"{ipv4_number(remote):08x}"
    return f"vx{to}{where:05x}"
