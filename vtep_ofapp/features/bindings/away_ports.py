"""The grace period of Physical_Port rows whose port is not on the bridge."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

LOG = logging.getLogger("vtep_ofapp.away")

Port: TypeAlias = tuple[UUID, str]
"""The Physical_Switch row of a port, and its name."""


@dataclass(frozen=True, slots=True)
class PortRow:
    """A Physical_Port row: its name in messages, and its number of bindings."""

    subject: str
    bindings: int


@dataclass(slots=True)
class _Wait:
    row: PortRow
    since: float
    is_over: bool = False


class AwayPorts:
    """The rows whose port is away, with the begin of their grace period.

    A row is deleted ``grace`` seconds after its port left the bridge, or after the row was created
    for a port that never appeared. A row with bindings, which would be lost, has ``bound_grace``
    seconds. The period begins again when the NVC binds the first VLAN or unbinds the last one.
    """

    def __init__(self, grace: float, bound_grace: float, clock: Callable[[], float]) -> None:
        self._grace = grace
        self._bound_grace = bound_grace
        self._clock = clock
        self._waits: dict[Port, _Wait] = {}

    def update(self, rows: Mapping[Port, PortRow], there: Collection[Port]) -> set[Port]:
        """Set all rows and the ports of bridges; return the rows in their grace period."""
        now = self._clock()
        former, self._waits = self._waits, {}
        for port, row in rows.items():
            if port not in there:
                self._waits[port] = self._wait(former.get(port), row, now)
            elif port in former and row.bindings:
                LOG.info("%s: it is a port of the bridge again", row.subject)
        for wait in self._waits.values():
            if not wait.is_over and now >= self._end(wait):
                wait.is_over = True
                self._say_lost(wait)
        return {port for port, wait in self._waits.items() if not wait.is_over}

    def grace(self) -> float | None:
        """Return the seconds until the next grace period ends, None if there is none."""
        ends = [self._end(wait) for wait in self._waits.values() if not wait.is_over]
        return max(0.0, min(ends) - self._clock()) if ends else None

    def _wait(self, former: _Wait | None, row: PortRow, now: float) -> _Wait:
        if former is not None and bool(former.row.bindings) == bool(row.bindings):
            former.row = row
            return former
        wait = _Wait(row, now)
        if row.bindings and self._bound_grace > 0:
            LOG.warning(
                "%s: it is not a port of the bridge; its %s for %g s (bound_port_grace)",
                row.subject,
                "binding stays" if row.bindings == 1 else f"{row.bindings} bindings stay",
                self._bound_grace,
            )
        return wait

    def _end(self, wait: _Wait) -> float:
        return wait.since + (self._bound_grace if wait.row.bindings else self._grace)

    def _say_lost(self, wait: _Wait) -> None:
        if wait.row.bindings:
            LOG.warning(
                "%s: it was not a port of the bridge for %g s; its row goes, and %s with it",
                wait.row.subject,
                self._bound_grace,
                "1 binding" if wait.row.bindings == 1 else f"{wait.row.bindings} bindings",
            )
