"""The managed switches: each Physical_Switch with a bridge of its name has a driver."""

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from ..engine.switch_state import SwitchState
from ..engine.topics import Topic
from ..engine.view import View
from ..features.bridge import HostLooked
from ..features.tunnels.vxlan_ports import VxlanPortsAre
from ..process.host import Host
from ..process.settings import Settings
from ..values.events import Connection
from ..values.rows import Bridge, PhysicalSwitch, VxlanPort
from ..values.writes import SwitchWrite
from .fault_log import FaultLog
from .measures import Measures
from .switch_driver import Gate, SwitchDriver
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")

LOOK_TIME = 5.0
"""Seconds between checks of the groups of a switch, which OpenFlow cannot monitor."""
ADDRESS_INTERVAL = 5.0
"""Seconds between checks of this host's addresses."""


class Switches:
    """The drivers of all managed switches by name, and their connections.

    ``have_changed`` says that a row, a bridge, a connection or a role has changed since rows were
    last matched with bridges.
    """

    def __init__(
        self,
        new_state: Callable[[str], SwitchState],
        faults: FaultLog,
        settings: Settings,
        timers: Timers,
        measures: Measures,
        host: Host,
    ) -> None:
        self.drivers: dict[str, SwitchDriver] = {}
        self.have_changed = False
        self.are_behind = False
        """Whether recompute() left invalid owners for the next turn."""
        self._new_state = new_state
        self._faults = faults
        self._timers = timers
        self._measures = measures
        self._host = host
        self._by_connection: dict[Connection, SwitchDriver] = {}
        self._left: set[str] = set()
        self._due = timers.timer("switches", self._is_due)
        timers.every(LOOK_TIME, "look", self._look)
        timers.every(settings.stats_interval, "statistics", self._count)
        timers.every(ADDRESS_INTERVAL, "addresses", self._check_addresses)

    def changed(self) -> None:
        """Record that a row, a bridge, a connection or a role has changed."""
        self.have_changed = True

    # Queries

    def states(self) -> Iterator[SwitchState]:
        """Yield the state of each switch."""
        return (driver.switch for driver in self.drivers.values())

    def of(self, connection: Connection) -> SwitchDriver | None:
        """Return the driver of a connection."""
        return self._by_connection.get(connection)

    def connected(self) -> set[str]:
        """Return the names of the switches that are connected."""
        return {name for name, driver in self.drivers.items() if driver.connection}

    def open(self) -> dict[str, View]:
        """Return the switches whose gate is open, by name."""
        drivers = self.drivers.items()
        return {name: driver.switch.view for name, driver in drivers if driver.is_open}

    def peers(self) -> dict[str, str]:
        """Return the IP addresses of the connected switches, by name."""
        return {
            name: driver.connection.peer
            for name, driver in self.drivers.items()
            if driver.connection
        }

    def bridges(self) -> dict[str, Bridge]:
        """Return the managed bridges, by name."""
        return {state.name: state.bridge for state in self.states() if state.bridge is not None}

    # Matching and connections

    def match(
        self,
        rows: Mapping[str, PhysicalSwitch],
        bridges: Mapping[str, Bridge],
        vxlan_ports: Callable[[str], frozenset[VxlanPort]],
    ) -> set[str]:
        """Give each Physical_Switch with a bridge of its name a driver, and update all drivers.

        A bridge without such a row gets a driver, too, if it has our mark. Return the names of new
        switches. ``vxlan_ports`` returns the VXLAN ports of all bridges of a database.
        """
        left = {name for name, bridge in bridges.items() if bridge.has_traces} - rows.keys()
        for name in sorted(left - self._left):
            LOG.warning(
                "%s: no Physical_Switch; our flows, groups and ports are removed once it is "
                "connected",
                name,
            )
        self._left = left
        new = (rows.keys() & bridges.keys() | left) - self.drivers.keys()
        for name in new:
            state = self._new_state(name)
            self.drivers[name] = SwitchDriver(state, self._timers, self._faults, self._measures)
        for name, driver in self.drivers.items():
            _update(driver.switch, rows.get(name), bridges.get(name))
            if driver.switch.bridge is not None:
                ports = vxlan_ports(driver.switch.bridge.database)
                driver.switch.invalidate(VxlanPortsAre(ports))
        return new

    def attach(self, connection: Connection, driver: SwitchDriver) -> None:
        """Record the driver of a connection."""
        self._by_connection[connection] = driver
        self._measures.connections[driver.switch.name] += 1

    def detach(self, connection: Connection) -> SwitchDriver | None:
        """Detach a connection from its driver; return the driver if there is one."""
        driver = self._by_connection.pop(connection, None)
        if driver is not None:
            driver.disconnect()
            self.changed()
        return driver

    def drop_unmanaged(self, leads: bool) -> None:
        """Drop switches that are no longer managed, once our flows, groups and ports are removed.

        If we do not lead them, the process that does removes these.
        """
        for name, driver in list(self.drivers.items()):
            if not _is_over(driver, leads):
                continue
            connection = driver.connection
            if connection is not None:
                self.detach(connection)
                connection.disconnect()
            LOG.info("%s is no longer managed", name)
            for source in (*driver.switch.owned.faulty(), "datapath id", "refused", "mark"):
                self._faults.put((name, source), ())
            del self.drivers[name]
            self.changed()

    # Work in a turn

    def invalidate(self, topic: Topic) -> None:
        """Pass a topic to each switch, which invalidates the owners that it concerns."""
        for state in self.states():
            state.invalidate(topic)

    def recompute(self) -> None:
        """Recompute the invalid owners, or a part of them if they are very many."""
        for state in self.states():
            for owner, faults in state.recompute():
                self._faults.find((state.name, owner), faults)
        self.are_behind = any(state.is_behind for state in self.states())

    def rows_changed(self, arrived: float | None) -> None:
        """Note when the oldest change of rows arrived that was worked out now; None for none."""
        if arrived is not None:
            for driver in self.drivers.values():
                if driver.is_open:
                    driver.reaction.changed(arrived)

    def open_gates(self) -> None:
        """Open the gates of switches whose state is known."""
        for driver in self.drivers.values():
            if driver.open():
                self.changed()

    def apply(self) -> bool:
        """Send each switch whose gate is open its differences; return whether there were any."""
        sent = [driver.apply() for driver in self.drivers.values()]
        return any(sent)

    def send_packet_outs(self) -> None:
        """Send each switch the packet-outs of features, after the changes that were sent before."""
        for driver in self.drivers.values():
            driver.send_packet_outs()

    def bridge_writes(self, database: str) -> Iterator[SwitchWrite]:
        """Yield the writes to an Open_vSwitch database for its managed bridges."""
        return chain.from_iterable(
            driver.bridge_writes()
            for driver in self.drivers.values()
            if driver.switch.bridge and driver.switch.bridge.database == database
        )

    def set_timer(self) -> None:
        """Set the timer for the next time at which a switch has work by the clock."""
        ends = [state.next_due() for state in self.states()]
        self._due.set(min((each for each in ends if each is not None), default=None))

    def accounts(self) -> Iterator[str]:
        """Yield a line for people for each connected switch: the messages on its connection."""
        for name, driver in self.drivers.items():
            if driver.connection is not None:
                yield f"{name}: {driver.connection.traffic}"

    def _is_due(self) -> None:
        for state in self.states():
            state.due()

    def _look(self) -> None:
        for driver in self.drivers.values():
            driver.look()

    def _count(self) -> None:
        for driver in self.drivers.values():
            driver.count()

    def _check_addresses(self) -> None:
        self.invalidate(HostLooked(self._host.has_interface, self._host.has_address))


def _update(state: SwitchState, physical: PhysicalSwitch | None, bridge: Bridge | None) -> None:
    """Update the row and the bridge of a switch, if they changed."""
    if state.physical is not physical:
        state.set_physical(physical)
    if bridge and state.bridge and bridge.database != state.bridge.database:
        bridge = None  # of another host: this driver is dropped, and a new one is made
    if state.bridge is not bridge:
        state.set_bridge(bridge)


def _is_over(driver: SwitchDriver, leads: bool) -> bool:
    """Whether a switch is no longer managed, and we have nothing left to remove from it."""
    state = driver.switch
    if state.physical is not None and state.bridge is not None:
        return False
    if state.bridge is None:
        return True
    if state.bridge.has_traces:
        return False  # keep it: the switch may connect again
    is_clean = driver.is_settled() and state.tunnel_ports.settled()
    return is_clean or not (leads and driver.gate is not Gate.NEVER_OPENED)
