"""A database that came back without any Physical_Switch: its rows are kept for a while.

That is what it looks like when the server was started with an empty file, and is to be restored.
"""

import logging
from collections.abc import Callable, Iterable, Set
from uuid import UUID

from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")


class EmptyGrace:
    """The rows that are missed, and for how long. ``give_up`` is called when that is over."""

    def __init__(self, seconds: float, timers: Timers, give_up: Callable[[], None]) -> None:
        self._seconds = seconds
        self._missed: set[UUID] = set()
        self._timer = timers.timer("grace of an empty database", give_up)
        self.lasts = False
        """Whether rows are missed: nothing may be written about them."""

    def begin(self, rows: Set[UUID], names: Iterable[str]) -> None:
        """Miss these rows, and no others; a grace that lasts already goes on."""
        if not self.lasts:
            self._timer.start(self._seconds)
            LOG.warning(
                "hardware_vtep came back without any Physical_Switch: %s stays as it is for %g s; "
                "restore the database, or let its flows, groups and ports go then",
                ", ".join(sorted(names)) or "nothing",
                self._seconds,
            )
        self.lasts = True
        self._missed = set(rows)

    def found(self, row: UUID) -> None:
        """Miss a row no longer: it is there."""
        self._missed.discard(row)

    def end(self, has_returned: bool) -> set[UUID]:
        """End the grace, as a Physical_Switch has returned or none; return the rows that go."""
        if has_returned:
            LOG.info("hardware_vtep has a Physical_Switch again")
        else:
            LOG.warning("hardware_vtep still has no Physical_Switch: what it had is given up")
        self.lasts = False
        self._timer.stop()
        missed, self._missed = self._missed, set()
        return missed
