"""The grace period of unused Tunnel rows that hold BFD settings of the NVC (vtep(5), Tunnel)."""

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

from ...values.rows import TunnelRow

LOG = logging.getLogger("vtep_ofapp.unused")

GRACE = 5.0
"""Seconds for which such a row stays. An NVC may use a VTEP again in its next transaction;
OpenDaylight waits 10 seconds for unused locators to vanish."""


class UnusedTunnelRows:
    """The ends of the grace periods of rows with ``bfd_params`` or ``bfd_config_remote``."""

    def __init__(self, switch: str, clock: Callable[[], float]) -> None:
        self._switch = switch
        self._clock = clock
        self._rows: dict[UUID, TunnelRow] = {}
        self._ends: dict[UUID, float] = {}
        self._said: set[UUID] = set()

    def set_rows(self, rows: Iterable[TunnelRow]) -> None:
        """Set the actual Tunnel rows."""
        self._rows = {row.locator: row for row in rows if row.bfd_params or row.bfd_config_remote}
        for locator in self._ends.keys() - self._rows.keys():
            self.use(locator)

    def use(self, locator: UUID) -> None:
        """End the grace period of the row to a locator, which is used."""
        self._ends.pop(locator, None)
        self._said.discard(locator)

    def may_go(self, locator: UUID) -> bool:
        """Return whether the unused row to a locator may be deleted; log the settings that it had.

        A row without settings of the NVC may be deleted at once.
        """
        row = self._rows.get(locator)
        if row is None:
            return True
        now = self._clock()
        if now < self._ends.setdefault(locator, now + GRACE):
            return False
        if locator not in self._said:
            self._said.add(locator)
            LOG.warning(
                "%s: nothing has used %s for %g s; its Tunnel row goes, with %s",
                self._switch,
                row.address,
                GRACE,
                _settings(row),
            )
        return True

    def next_end(self) -> float | None:
        """Return the end of the next grace period, by the clock, None if there is none."""
        return min((end for key, end in self._ends.items() if key not in self._said), default=None)


def _settings(row: TunnelRow) -> str:
    columns = {"bfd_params": row.bfd_params, "bfd_config_remote": row.bfd_config_remote}
    return " and ".join(
        f"{name} {', '.join(f'{key}={value}' for key, value in sorted(column.items()))}"
        for name, column in columns.items()
        if column
    )
