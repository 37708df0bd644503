"""The tunnel ports of one switch: which there may be, which there are, and what became of them."""

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ...values.addresses import ipv4_number
from ...values.rows import ANYONE, BridgePort, TunnelPort

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
    each of them one for VTEPs that have none, whose remote end is ANYONE. There are tunnels to
    ``most`` remote VTEPs at most.
    """

    def __init__(self, bridge: str, most: int, clock: Callable[[], float]) -> None:
        self._bridge = bridge
        self._most = most
        self._clock = clock
        self._locals: tuple[str, ...] = ()
        self._there: dict[str, BridgePort] = {}
        self._to: dict[str, list[BridgePort]] = {}
        self._taken: set[str] = set()
        self._wanted: set[str] = set()
        self._refused: set[str] = set()
        self._retries: dict[str, _Retry] = {}
        self._attempts: dict[str, int] = {}

    # What there is

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

    def is_up(self, address: str) -> bool:
        """Whether there is a port to a remote VTEP that has a number."""
        for local in self._locals:  # as numbers() does, at less cost
            port = self._there.get(self.name(address, local))
            if port is not None and port.number is not None:
                return True
        return any(port.number is not None for port in self._former(address))

    def is_pending(self, address: str) -> bool:
        """Whether a tunnel is still to come: Open vSwitch neither made it nor gave up."""
        if not self._locals:
            return False
        port = self._there.get(self.name(address, self._locals[0]))
        if port is not None and (port.number is not None or port.error is not None):
            return False
        return address not in self._refused and not self.is_taken(address)

    def is_own(self, address: str) -> bool:
        """Whether an address is one of ours."""
        return address in self._locals

    def is_taken(self, address: str) -> bool:
        """Whether a port that is not ours has the name that the tunnel's port would have."""
        return bool(self._taken) and not self._taken.isdisjoint(self._names(address))

    def wanted(self) -> set[str]:
        """Return the remote VTEPs to which tunnels are wanted."""
        return self._wanted

    def is_wanted(self, address: str) -> bool:
        """Whether an owner uses the tunnel to a remote VTEP, or waits for it."""
        return address in self._wanted

    def is_refused(self, address: str) -> bool:
        """Whether there are too many tunnels for one to a remote VTEP."""
        return address in self._refused

    def ports(self, address: str, bfd: Mapping[str, str]) -> tuple[tuple[str, TunnelPort], ...]:
        """Return the ports that a tunnel, or that to ANYONE, is to have, by name.

        Where our address changed, the port from the former one stays until the new one is up.
        """
        names = self._names(address)
        wanted = [
            (name, TunnelPort(address, local, bfd if index == 0 else {}, self._attempt(name)))
            for index, (name, local) in enumerate(zip(names, self._locals, strict=True))
        ]
        former = ((port.name, TunnelPort.of(port)) for port in self._former(address))
        return (*wanted, *former)

    def refused_to_anyone(self) -> list[BridgePort]:
        """Return the ports to ANYONE that Open vSwitch cannot make."""
        return [port for port in self._ports(ANYONE) if port.error]

    def precedence(self, address: str) -> tuple[bool, int]:
        """Return a key to sort addresses by: tunnels that are there come first, then by number."""
        return self.port(address) is None, ipv4_number(address)

    def _ports(self, address: str) -> list[BridgePort]:
        ports = [self._there[name] for name in self._names(address) if name in self._there]
        return [*ports, *self._former(address)]

    def _former(self, address: str) -> list[BridgePort]:
        """Return the ports from other addresses than ours now, while the one from ours is to come.

        Nothing waits for the ports to ANYONE.
        """
        if address == ANYONE or address not in self._to or not self.is_pending(address):
            return []
        names = self._names(address)
        return [
            port
            for port in self._to[address]
            if port.name not in names and port.local not in self._locals
        ]

    def _names(self, address: str) -> tuple[str, ...]:
        return tuple(self.name(address, local) for local in self._locals)

    # What it is told

    def set_locals(self, addresses: tuple[str, ...]) -> None:
        """Take our own addresses, the one to send from first."""
        self._locals = addresses

    def set_ports(self, ports: Collection[BridgePort]) -> set[str]:
        """Take the ports of the bridge; return the remote addresses whose ports changed."""
        former, self._there = self._there, {port.name: port for port in ports if port.is_ours}
        taken = {port.name for port in ports if not port.is_ours}
        changed = {*self._wanted, ANYONE} if self._are_names(taken ^ self._taken) else set()
        self._taken = taken
        self._to = {}
        for port in self._there.values():
            self._to.setdefault(port.remote or "", []).append(port)
        for name in former.keys() | self._there.keys():
            before, after = former.get(name), self._there.get(name)
            if before != after:
                self._await_retry(name, after)
                changed |= {port.remote for port in (before, after) if port and port.remote}
        return changed

    def _are_names(self, names: set[str]) -> bool:
        """Whether a tunnel could have one of these names."""
        return any(name.startswith(_PREFIX) for name in names)

    def want(self, addresses: Iterable[str]) -> set[str]:
        """Take the addresses to which tunnels began or ended to be wanted; return choose()."""
        self._wanted ^= set(addresses)
        return self.choose()

    def choose(self) -> set[str]:
        """Decide to which remote VTEPs there are too many tunnels; return those that are news.

        Those that are there are not given up for others.
        """
        refused: set[str] = set()
        if len(self._wanted) > self._most:
            possible = (each for each in self._wanted if not self.is_taken(each))
            refused = set(sorted(possible, key=self.precedence)[self._most :])
        changed, self._refused = refused ^ self._refused, refused
        return changed

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


_PREFIX = "vx"


@lru_cache(maxsize=1 << 13)  # it is asked for each station
def _name(bridge: str, remote: str, local: str) -> str:
    where = zlib.crc32(f"{bridge}/{local}".encode()) & 0xFFFFF
    to = "any" if remote == ANYONE else f"{ipv4_number(remote):08x}"
    return f"{_PREFIX}{to}{where:05x}"
