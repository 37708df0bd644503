"""Tunnel ports that Open vSwitch could not create, and when they are tried again."""

from collections.abc import Callable
from dataclasses import dataclass

from ...values.rows import ANYONE, BridgePort

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds until a port that Open vSwitch could not create is tried again; the pause doubles.

The first pause is longer than Open vSwitch takes to remove a conflicting port of another bridge.
The longest pause is the time that an operator waits after removing a conflict that we do not see.
"""


@dataclass(slots=True)
class _Retry:
    """The next attempt to create a port.

    ``end`` is its time, None if only a change of other ports can help.
    """

    port: BridgePort
    pause: float
    end: float | None


class Retries:
    """The next attempts to create failed ports, by the name of the port.

    ``clock`` returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._retries: dict[str, _Retry] = {}
        self._attempts: dict[str, int] = {}

    def attempt(self, name: str) -> int:
        """Return the number of the last attempt that was started, 0 for none."""
        return self._attempts.get(name, 0)

    def next_due(self) -> float | None:
        """Return the time of the next attempt, by the clock, None for none."""
        ends = [retry.end for retry in self._retries.values() if retry.end is not None]
        return min(ends, default=None)

    def take_due(self) -> set[str]:
        """Start the attempts that are due; return the remote addresses of their ports."""
        now = self._clock()
        remotes = set()
        for name, retry in self._retries.items():
            if retry.end is None or now < retry.end:
                continue
            remotes.add(retry.port.remote or "")
            self._attempts[name] = retry.port.attempt + 1
            # Bridges may share a tunnel IP permanently, so attempts for ANYONE are limited.
            is_last = retry.port.remote == ANYONE and retry.pause >= LONGEST_PAUSE
            retry.pause = min(2 * retry.pause, LONGEST_PAUSE)
            retry.end = None if is_last else now + retry.pause
        return remotes

    def reconsider(self) -> None:
        """Try failed ports again soon, because other ports that may have conflicted changed."""
        end = self._clock() + FIRST_PAUSE
        for retry in self._retries.values():
            retry.pause, retry.end = FIRST_PAUSE, end

    def port_changed(self, name: str, port: BridgePort | None) -> None:
        """Handle a port that was created, failed or was removed; None for a port that is gone."""
        if port is None or port.error is None:
            self._retries.pop(name, None)
            self._attempts.pop(name, None)
        elif name in self._retries:
            self._retries[name].port = port
        else:
            self._retries[name] = _Retry(port, FIRST_PAUSE, self._clock() + FIRST_PAUSE)
