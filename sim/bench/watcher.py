"""An OVSDB client that notes when rows come, and how many transactions change something."""

from __future__ import annotations

import threading
from pathlib import Path

from sim.waiting import WaitFailed
from sim.wire.ovsdb import PATIENCE, OvsdbConnection, Update

_DESTINATION = "dest_ip"


class Watcher(OvsdbConnection):
    """Counts the updates of its monitors, and notes when each row with a MAC came."""

    def __init__(self, path: Path, database: str = "hardware_vtep") -> None:
        """Connect to a server's Unix socket."""
        self._appeared: dict[str, float] = {}
        self._watched: set[str] = set()
        self._updates = 0
        self._heard = threading.Condition()
        super().__init__(path, database, self._note)

    def watch_stations(self, table: str) -> None:
        """Note from now on when a row with a MAC appears in a table."""
        if table not in self._watched:
            self._watched.add(table)
            self.monitor({table: ["MAC"]})

    def watch_entries(self) -> None:
        """Note from now on when an entry of an access list has a destination that is new."""
        self.monitor({"ACL_entry": [_DESTINATION]})

    @property
    def updates(self) -> int:
        """How many transactions changed something that is monitored."""
        with self._heard:
            return self._updates

    def appeared(self, address: str) -> float:
        """Return when the row of an address came, in seconds since 1970. Raises WaitFailed."""
        with self._heard:
            if not self._heard.wait_for(lambda: address in self._appeared, PATIENCE):
                raise WaitFailed(f"waited {PATIENCE:g} s in vain for the row of {address}")
            return self._appeared[address]

    def stations(self) -> dict[str, float]:
        """Return the addresses whose rows have come, with their times."""
        with self._heard:
            return dict(self._appeared)

    def _note(self, update: Update, at: float) -> None:
        with self._heard:
            self._updates += 1
            for table in update.values():
                for change in table.values():
                    new = change.get("new", {})
                    if "old" not in change and "MAC" in new:
                        self._appeared.setdefault(new["MAC"], at)
                    elif isinstance(destination := new.get(_DESTINATION), str):
                        self._appeared.setdefault(destination, at)
            self._heard.notify_all()
