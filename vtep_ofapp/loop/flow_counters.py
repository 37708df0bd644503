"""The counters of flows with some cookies, which are read when someone asks for them.

Open vSwitch has an index of whole cookies, so that other flows cost nothing.
"""

from collections.abc import Mapping
from typing import TypeAlias

from ..values.counters import Counter
from ..values.events import Connection, FlowCounters, FlowCountersWanted
from ..values.flows import FlowKey
from .dispatch import Handlers
from .switches import Switches

FlowReading: TypeAlias = Mapping[FlowKey, Counter]
"""The counters of one reply: that of another reply is another object."""
_KEPT = 8
"""Readings of one connection that are kept for those who asked."""


class ReadFlows:
    """The last readings of each connection for which a FlowCountersWanted was posted.

    Of a switch that is not connected nothing is read, and no event follows.
    """

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._last: dict[Connection, dict[tuple[int, ...], FlowReading]] = {}
        self.handlers: Handlers = {FlowCountersWanted: self._wanted, FlowCounters: self._counted}

    def last(self, switch: str, cookies: tuple[int, ...]) -> FlowReading | None:
        """Return the last reading of flows with these cookies, None if there is none."""
        driver = self._switches.drivers.get(switch)
        connection = driver.connection if driver else None
        return self._last[connection].get(cookies) if connection in self._last else None

    def _wanted(self, event: FlowCountersWanted) -> None:
        driver = self._switches.drivers.get(event.switch)
        if driver is not None and driver.connection is not None:
            driver.connection.read_flows(event.cookies)

    def _counted(self, event: FlowCounters) -> None:
        known = {each: last for each, last in self._last.items() if self._switches.of(each)}
        if self._switches.of(event.connection) is not None:
            readings = known.setdefault(event.connection, {})
            readings.pop(event.cookies, None)
            readings[event.cookies] = event.flows
            if len(readings) > _KEPT:
                del readings[next(iter(readings))]
        self._last = known
