"""The state of each tunnel of a switch, and of BFD on it, and since when."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import NamedTuple

from ...values.since import Since
from .ports import Tunnels


class Condition(Enum):
    """Whether a tunnel can forward frames, BFD aside."""

    CREATING = "creating"
    """Open vSwitch has neither created its port nor failed to."""
    UP = "up"
    FAILED = "failed"
    """Open vSwitch cannot create its port."""
    REFUSED = "refused"
    """There are as many tunnels as max_tunnels allows."""
    TAKEN = "taken"
    """A port that is not ours has the name of its port."""


class State(NamedTuple):
    """The condition of a tunnel; ``reason`` is the error of Open vSwitch, or empty."""

    condition: Condition
    reason: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.condition.value, self.reason)))


class Bfd(NamedTuple):
    """The state of a BFD session (RFC 5880), and whether it lets the tunnel forward."""

    state: str
    is_forwarding: bool
    diagnostic: str = ""


class Known(NamedTuple):
    """The state of one tunnel, and of BFD on it; None while BFD is not enabled."""

    tunnel: Since[State]
    bfd: Since[Bfd | None]

    @property
    def forwards(self) -> bool:
        """Whether frames can leave by the tunnel: it is up, and BFD does not say otherwise."""
        bfd = self.bfd.value
        return self.tunnel.value.condition is Condition.UP and (bfd is None or bfd.is_forwarding)


class TunnelConditions:
    """The states of the tunnels that are desired, since they were desired."""

    def __init__(self, tunnels: Tunnels, clock: Callable[[], float]) -> None:
        self._tunnels = tunnels
        self._clock = clock
        self._of: dict[str, Known] = {}

    def of(self, address: str) -> Known | None:
        """Return the state of the tunnel to a remote VTEP, None if no tunnel is desired."""
        return self._of.get(address)

    def note(self, addresses: Iterable[str]) -> None:
        """Note the states of tunnels that may have changed."""
        for address in addresses:
            if not self._tunnels.is_wanted(address):
                self._of.pop(address, None)
                continue
            state, bfd = _state(address, self._tunnels), _bfd(address, self._tunnels)
            if address in self._of:
                known = self._of[address]
                known.tunnel.become(state)
                known.bfd.become(bfd)
            else:
                self._of[address] = Known(Since(state, self._clock), Since(bfd, self._clock))

    def note_all(self) -> None:
        """Note the states of all tunnels, because our own addresses may have changed."""
        self.note(list(self._of))


def _state(address: str, tunnels: Tunnels) -> State:
    if tunnels.is_taken(address):
        return State(Condition.TAKEN)
    if tunnels.is_refused(address):
        return State(Condition.REFUSED)
    if tunnels.is_up(address):
        return State(Condition.UP)
    port = tunnels.port(address)
    if port is not None and port.error:
        return State(Condition.FAILED, port.error)
    return State(Condition.CREATING)


def _bfd(address: str, tunnels: Tunnels) -> Bfd | None:
    port = tunnels.port(address)
    if port is None or "state" not in port.bfd_status:
        return None
    status = port.bfd_status
    is_forwarding = status.get("forwarding") == "true"
    diagnostic = status.get("diagnostic", "")
    return Bfd(status["state"], is_forwarding, "" if diagnostic == "No Diagnostic" else diagnostic)
