"""A grace period for a database that came back without any Physical_Switch.

Its server may have been started with an empty file, and an operator will restore the database.
"""

import logging
from collections.abc import Callable, Iterable, Set
from uuid import UUID

from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")


class EmptyGrace:
    """The missing rows, which are kept for a while. ``give_up`` is called at the end of it."""

    def __init__(self, seconds: float, timers: Timers, give_up: Callable[[], None]) -> None:
        self._seconds = seconds
        self._missed: set[UUID] = set()
        self._timer = timers.timer("grace of an empty database", give_up)
        self.lasts = False
        """Whether rows are missing: nothing may be written to hardware_vtep."""

    def begin(self, rows: Set[UUID], names: Iterable[str]) -> None:
        """Keep these missing rows, and no others; a grace period that lasts already goes on."""
        if not self.lasts:
            self._timer.start(self._seconds)
            LOG.warning(
                "hardware_vtep came back without any Physical_Switch: %s keeps its flows, "
                "groups and ports for %g s; restore the database within that time",
                ", ".join(sorted(names)) or "nothing",
                self._seconds,
            )
        self.lasts = True
        self._missed = set(rows)

    def found(self, row: UUID) -> None:
        """Record that a missing row is there again."""
        self._missed.discard(row)

    def end(self, has_returned: bool) -> set[UUID]:
        """End the grace period; return the missing rows, which are to be dropped."""
        if has_returned:
            LOG.info("hardware_vtep has a Physical_Switch again")
        else:
            LOG.warning(
                "hardware_vtep still has no Physical_Switch: "
                "removing the flows, groups and ports of its former switches"
            )
        self.lasts = False
        self._timer.stop()
        missed, self._missed = self._missed, set()
        return missed
