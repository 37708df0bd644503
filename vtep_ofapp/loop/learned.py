"""Learned stations: notify switches and reports of new, moved and forgotten ones."""

from ..engine.model import Model
from ..engine.topics import StationsChanged
from ..features.learning.nvc_moves import has_moved_away
from ..features.learning.stations import LearnedMacs
from ..features.unicast import Placed, PlacedMacs
from ..values.rows import RemoteMac
from .dispatch import Handlers
from .publisher import Publisher
from .switches import Switches
from .timers import Timers


class LearnedStations:
    """Notifies others of learned stations, and forgets those that the NVC placed elsewhere."""

    def __init__(
        self,
        model: Model,
        switches: Switches,
        publisher: Publisher,
        timers: Timers,
    ) -> None:
        self._macs = model[LearnedMacs]
        self._placed = model[PlacedMacs]
        self._switches = switches
        self._publisher = publisher
        self._former: dict[Placed, str | None] = {}
        self._hold = timers.timer("hold of stations", self._macs.release)
        self.row_handlers: Handlers = {RemoteMac: self._remember}

    def forget_moved_away(self) -> None:
        """Forget learned stations that the NVC placed elsewhere since the last call."""
        former, self._former = self._former, {}
        for station, place in former.items():
            if has_moved_away(place, self._placed.address(station), self._own_addresses(station)):
                self._macs.forget(*station)

    def notify(self) -> None:
        """Notify all of the stations that were learned, moved or forgotten."""
        hold = self._macs.next_release()
        if hold is not None:
            self._hold.start(hold)
        stations = self._macs.take_changed()
        self._publisher.notify(StationsChanged(stations))
        self._switches.invalidate(StationsChanged(stations))

    def _remember(self, row: RemoteMac) -> None:
        """Remember the former remote VTEP of a learned station, before its row changes."""
        if self._macs.place(row.logical_switch, row.mac):
            station = Placed(row.logical_switch, row.mac)
            self._former.setdefault(station, self._placed.address(station))

    def _own_addresses(self, station: Placed) -> tuple[str, ...] | None:
        """Return the tunnel IPs of the switch where a station was learned."""
        learned = self._macs.place(*station)
        driver = self._switches.drivers.get(learned.switch) if learned else None
        physical = driver.switch.physical if driver else None
        return physical.tunnel_ips if physical else None
