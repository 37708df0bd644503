"""The counters of a switch's ports, which are read when someone asks for them.

One reply has them all: at 2000 tunnels some 220 KB. To have Open vSwitch write them into its
database would cost an update of each port every five seconds.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..values.counters import PortCounter
from ..values.events import Connection, PortCounters, PortCountersWanted
from .dispatch import Handlers
from .switches import Switches
from .timers import Timers


class Reading(NamedTuple):
    """The counters of ports by their OpenFlow numbers, and when they arrived, by the clock."""

    ports: Mapping[int, PortCounter]
    at: float


class ReadPorts:
    """The last reading of each connection for which a PortCountersWanted was posted.

    Of a switch that is not connected nothing is read, and no event follows.
    """

    def __init__(self, switches: Switches, timers: Timers) -> None:
        self._switches = switches
        self._clock = timers.clock
        self._last: dict[Connection, Reading] = {}
        self.handlers: Handlers = {PortCountersWanted: self._wanted, PortCounters: self._counted}

    def last(self, switch: str) -> Reading | None:
        """Return the last reading of a switch, None if it has not been read since it connected."""
        driver = self._switches.drivers.get(switch)
        connection = driver.connection if driver else None
        return self._last.get(connection) if connection is not None else None

    def _wanted(self, event: PortCountersWanted) -> None:
        driver = self._switches.drivers.get(event.switch)
        if driver is not None and driver.connection is not None:
            driver.connection.read_ports()

    def _counted(self, event: PortCounters) -> None:
        known = {each: last for each, last in self._last.items() if self._switches.of(each)}
        if self._switches.of(event.connection) is not None:
            known[event.connection] = Reading(event.ports, self._clock())
        self._last = known
