"""Transactions of each database: one at a time, and none while the database is away."""

from collections.abc import Iterator, Mapping

from ..values.events import Away, Bridges, Committed, VtepRows, Writer
from .dispatch import Handlers
from .measures import Measures
from .timers import Timers
from .transactions import Transactions

HARDWARE_VTEP = "hardware_vtep"
MAX_IN_REPORT = 10_000
"""Writes in one transaction of hardware_vtep: an ordinary change fits into one."""


class Databases:
    """The transactions of hardware_vtep, and of each Open_vSwitch by its name."""

    def __init__(
        self,
        vtep: Writer,
        openvswitch: Mapping[str, Writer],
        timers: Timers,
        measures: Measures,
    ) -> None:
        self.vtep = Transactions(HARDWARE_VTEP, vtep, timers, measures, MAX_IN_REPORT)
        self.openvswitch = {
            name: Transactions(name, writer, timers, measures)
            for name, writer in openvswitch.items()
        }
        self.handlers: Handlers = {
            Committed: self._committed,
            Away: self._away,
            Bridges: self._bridges_changed,
            VtepRows: self._rows_changed,
        }

    def all(self) -> Mapping[str, Transactions]:
        """Return the transactions of each database by its name, hardware_vtep first."""
        return {HARDWARE_VTEP: self.vtep, **self.openvswitch}

    def accounts(self) -> Iterator[str]:
        """Yield a line for people for each database: the number of transactions and writes."""
        for transactions in self.all().values():
            yield transactions.account()

    def _committed(self, event: Committed) -> None:
        self._transactions(event.database).committed(event.error)

    def _away(self, event: Away) -> None:
        self._transactions(event.database).away()

    def _bridges_changed(self, event: Bridges) -> None:
        self._transactions(event.database).changed()

    def _rows_changed(self, event: VtepRows) -> None:
        if event.rows:
            self.vtep.changed()

    def _transactions(self, database: str) -> Transactions:
        return self.openvswitch.get(database, self.vtep)
