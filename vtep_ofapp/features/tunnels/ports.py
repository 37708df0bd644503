"""The tunnel ports of one switch: desired, actual, and those that the limit refuses."""

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

from ...values.addresses import ip_number
from ...values.rows import ANYONE, BridgePort, TunnelPort
from .retries import Retries


class _Remembered(dict[str, bool]):
    """The states of tunnels by address, found once: very many stations ask for the same few."""

    def __init__(self, find: Callable[[str], bool]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, address: str) -> bool:
        found = self[address] = self._find(address)
        return found


class Tunnels:
    """The tunnels of a switch: for each remote VTEP a port from the first of our addresses.

    For each further address of ours there is one more port, which only receives. Each of our
    addresses also has one port with the remote end ANYONE, for VTEPs without a port. ``most`` is
    the limit of remote VTEPs.
    """

    def __init__(self, bridge: str, most: int, clock: Callable[[], float]) -> None:
        self._bridge = bridge
        self._most = most
        self._locals: tuple[str, ...] = ()
        self._there: dict[str, BridgePort] = {}
        self._to: dict[str, list[BridgePort]] = {}
        self._taken: set[str] = set()
        self._wanted: set[str] = set()
        self._refused: set[str] = set()
        self.retries = Retries(clock)
        """The next attempts to create ports that Open vSwitch could not create."""
        self._up = _Remembered(self._find_up)
        self._pending = _Remembered(self._find_pending)

    # Queries

    def name(self, remote: str, local: str) -> str:
        """Return the name of a tunnel port, within the 15 characters of Linux.

        It is derived from the remote address, the bridge and the local address, so that the names
        of several bridges or several processes do not clash.
        """
        return _name(self._bridge, remote, local)

    def port(self, address: str) -> BridgePort | None:
        """Return the port that sends frames to a remote VTEP, None if there is none.

        It is the port from the first of our addresses, or any other one until that is up.
        """
        ports = self.existing(address)
        return next((port for port in ports if port.number is not None), next(iter(ports), None))

    def existing(self, address: str) -> list[BridgePort]:
        """Return the ports that receive from a remote VTEP or from ANYONE, with a number or not."""
        ports = [self._there[name] for name in self._names(address) if name in self._there]
        return [*ports, *self._former(address)]

    def number(self, address: str) -> int | None:
        """Return the OpenFlow number of port(), None while it has none."""
        port = self.port(address)
        return port.number if port else None

    def numbers(self, address: str) -> list[int]:
        """Return the numbers of all ports that receive frames from a remote VTEP."""
        return [port.number for port in self.existing(address) if port.number is not None]

    def is_up(self, address: str) -> bool:
        """Whether a port to a remote VTEP has a number."""
        return self._up[address]

    def _find_up(self, address: str) -> bool:
        for local in self._locals:  # as numbers() does, at less cost
            port = self._there.get(self.name(address, local))
            if port is not None and port.number is not None:
                return True
        return any(port.number is not None for port in self._former(address))

    def is_dead(self, address: str) -> bool:
        """Whether BFD is enabled on the tunnel to a remote VTEP, and does not let it forward.

        A fast failover group that watches the tunnel's port then takes the next one.
        """
        port = self.port(address)
        return port is not None and port.bfd_status.get("forwarding") == "false"

    def is_pending(self, address: str) -> bool:
        """Whether Open vSwitch has neither created the tunnel nor failed to."""
        return self._pending[address]

    def _find_pending(self, address: str) -> bool:
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
        """Return the remote VTEPs to which tunnels are desired."""
        return self._wanted

    def is_wanted(self, address: str) -> bool:
        """Whether an owner uses the tunnel to a remote VTEP, or waits for it."""
        return address in self._wanted

    def is_refused(self, address: str) -> bool:
        """Whether a remote VTEP gets no tunnel because there are too many."""
        return address in self._refused

    def ports(self, address: str, bfd: Mapping[str, str]) -> tuple[tuple[str, TunnelPort], ...]:
        """Return the desired ports of the tunnel to an address or to ANYONE, by name.

        After a change of our address, the port from the former one stays until the new one is up.
        """
        names = self._names(address)
        wanted = [
            (name, TunnelPort(address, local, bfd if index == 0 else {}, self._attempt(name)))
            for index, (name, local) in enumerate(zip(names, self._locals, strict=True))
        ]
        former = ((port.name, TunnelPort.of(port)) for port in self._former(address))
        return (*wanted, *former)

    def refused_to_anyone(self) -> list[BridgePort]:
        """Return the ports to ANYONE that Open vSwitch cannot create."""
        return [port for port in self.existing(ANYONE) if port.error]

    def precedence(self, address: str) -> tuple[bool, int]:
        """Return a sort key for addresses: first those with a tunnel port, then by number."""
        return self.port(address) is None, ip_number(address)

    def _former(self, address: str) -> list[BridgePort]:
        """Return the ports from our former addresses, while the one from our address is pending.

        Ports to ANYONE are never pending.
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

    def _attempt(self, name: str) -> int:
        there = self._there.get(name)
        return max(self.retries.attempt(name), there.attempt if there else 0)

    # Updates

    def set_locals(self, addresses: tuple[str, ...]) -> None:
        """Set our own addresses; the first one is the source of tunnels."""
        self._locals = addresses
        self._states_may_differ()

    def set_ports(self, ports: Collection[BridgePort]) -> set[str]:
        """Set the ports of the bridge; return the remote addresses whose ports changed."""
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
                self.retries.port_changed(name, after)
                changed |= {port.remote for port in (before, after) if port and port.remote}
        self._states_may_differ()
        return changed

    def _are_names(self, names: set[str]) -> bool:
        """Whether a tunnel could have one of these names."""
        return any(name.startswith(_PREFIX) for name in names)

    def want(self, addresses: Iterable[str]) -> set[str]:
        """Toggle addresses to which tunnels became desired or no longer are; return choose()."""
        self._wanted ^= set(addresses)
        return self.choose()

    def choose(self) -> set[str]:
        """Select the remote VTEPs beyond the limit; return those for which that changed.

        Existing tunnels are not removed in favour of others.
        """
        refused: set[str] = set()
        if len(self._wanted) > self._most:
            possible = (each for each in self._wanted if not self.is_taken(each))
            refused = set(sorted(possible, key=self.precedence)[self._most :])
        changed, self._refused = refused ^ self._refused, refused
        if changed:
            self._states_may_differ()
        return changed

    def _states_may_differ(self) -> None:
        self._up.clear()
        self._pending.clear()


_PREFIX = "vx"


@lru_cache(maxsize=1 << 13)  # called for each station
def _name(bridge: str, remote: str, local: str) -> str:
    where = zlib.crc32(f"{bridge}/{local}".encode()) & 0xFFFFF
    to = "any" if remote == ANYONE else f"{ip_number(remote):08x}"
    return f"{_PREFIX}{to}{where:05x}"
