"""The switches that are managed: each Physical_Switch with a bridge of its name has a driver."""

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from ..engine.switch_state import SwitchState
from ..engine.topics import Topic
from ..engine.view import View
from ..features.bridge import HostLooked
from ..features.tunnels.vxlan_ports import VxlanPortsAre
from ..process import host
from ..process.settings import Settings
from ..values.events import Connection
from ..values.rows import Bridge, PhysicalSwitch, VxlanPort
from ..values.writes import SwitchWrite
from .fault_log import FaultLog
from .switch_driver import Gate, SwitchDriver
from .timers import Timers

LOG = logging.getLogger("vtep_ofapp.loop")

LOOK_TIME = 5.0
"""Seconds between looks at the groups of a switch, which does not tell who changes them."""
ADDRESS_INTERVAL = 5.0
"""Seconds between two looks at this host's addresses."""


class Switches:
    """The drivers of all managed switches by name, and the connections that they have.

    ``have_changed`` says that a row, a bridge, a connection or a role is other than when
    take_changes() was last called: then it is to be found out again what there is to manage.
    """

    def __init__(
        self,
        new_state: Callable[[str], SwitchState],
        faults: FaultLog,
        settings: Settings,
        timers: Timers,
    ) -> None:
        self.drivers: dict[str, SwitchDriver] = {}
        self.have_changed = False
        self.are_behind = False
        """Whether recompute() had no time for all."""
        self._new_state = new_state
        self._faults = faults
        self._timers = timers
        self._by_connection: dict[Connection, SwitchDriver] = {}
        self._left: set[str] = set()
        self._due = timers.timer("switches", self._is_due)
        timers.every(LOOK_TIME, "look", self._look)
        timers.every(settings.stats_interval, "statistics", self._count)
        timers.every(ADDRESS_INTERVAL, "addresses", self._check_addresses)

    def changed(self) -> None:
        """Note that a row, a bridge, a connection or a role is other than before."""
        self.have_changed = True

    # What it answers

    def states(self) -> Iterator[SwitchState]:
        """Yield the state of each switch."""
        return (driver.switch for driver in self.drivers.values())

    def of(self, connection: Connection) -> SwitchDriver | None:
        """Return the driver whose connection this is."""
        return self._by_connection.get(connection)

    def connected(self) -> set[str]:
        """Return the names of the switches that are connected."""
        return {name for name, driver in self.drivers.items() if driver.connection}

    def open(self) -> dict[str, View]:
        """Return the switches to which flows are sent, by name."""
        drivers = self.drivers.items()
        return {name: driver.switch.view for name, driver in drivers if driver.is_open}

    def peers(self) -> dict[str, str]:
        """Return the IP addresses from which the switches that are connected call, by name."""
        return {
            name: driver.connection.peer
            for name, driver in self.drivers.items()
            if driver.connection
        }

    def bridges(self) -> dict[str, Bridge]:
        """Return the bridges that are managed, by name."""
        return {state.name: state.bridge for state in self.states() if state.bridge is not None}

    # Which there are

    def match(
        self,
        rows: Mapping[str, PhysicalSwitch],
        bridges: Mapping[str, Bridge],
        vxlan_ports: Callable[[str], frozenset[VxlanPort]],
    ) -> set[str]:
        """Give each Physical_Switch with a bridge of its name a driver; tell each what it is now.

        A bridge without such a row gets one too if something of ours is left there. Return the
        names of the switches that are new. ``vxlan_ports`` returns those of a bridge's database.
        """
        left = {name for name, bridge in bridges.items() if bridge.has_traces} - rows.keys()
        for name in sorted(left - self._left):
            LOG.warning(
                "%s: no Physical_Switch; what is ours there is removed once it is connected", name
            )
        self._left = left
        new = (rows.keys() & bridges.keys() | left) - self.drivers.keys()
        for name in new:
            state = self._new_state(name)
            self.drivers[name] = SwitchDriver(state, self._timers, self._faults)
        for name, driver in self.drivers.items():
            _update(driver.switch, rows.get(name), bridges.get(name))
            if driver.switch.bridge is not None:
                ports = vxlan_ports(driver.switch.bridge.database)
                driver.switch.invalidate(VxlanPortsAre(ports))
        return new

    def attach(self, connection: Connection, driver: SwitchDriver) -> None:
        """Note that a driver has this connection."""
        self._by_connection[connection] = driver

    def detach(self, connection: Connection) -> SwitchDriver | None:
        """Take a connection from its driver, and return that if there is one."""
        driver = self._by_connection.pop(connection, None)
        if driver is not None:
            driver.disconnect()
            self.changed()
        return driver

    def drop_unmanaged(self, leads: bool) -> None:
        """Drop switches that are no longer managed, once our flows, groups and ports are removed.

        If we do not lead them, another process removes these.
        """
        for name, driver in list(self.drivers.items()):
            if not _is_over(driver, leads):
                continue
            connection = driver.connection
            if connection is not None:
                self.detach(connection)
                connection.disconnect()
            LOG.info("%s is no longer managed", name)
            for source in (*driver.switch.faulty(), "datapath id", "refused"):
                self._faults.put((name, source), ())
            del self.drivers[name]
            self.changed()

    # What they do

    def invalidate(self, topic: Topic) -> None:
        """Tell each switch that something changed which may concern it."""
        for state in self.states():
            state.invalidate(topic)

    def recompute(self) -> None:
        """Work out what is touched, or a part of it if that is very much."""
        for state in self.states():
            for owner, faults in state.recompute():
                self._faults.find((state.name, owner), faults)
        self.are_behind = any(state.is_behind for state in self.states())

    def apply(self) -> None:
        """Send each switch what differs, and open the gates of those that are known by now."""
        for driver in self.drivers.values():
            if driver.open():
                self.changed()
            driver.apply()

    def bridge_writes(self, database: str) -> Iterator[SwitchWrite]:
        """Yield what an Open_vSwitch database has to change for the bridges that it has."""
        return chain.from_iterable(
            driver.bridge_writes()
            for driver in self.drivers.values()
            if driver.switch.bridge and driver.switch.bridge.database == database
        )

    def set_timer(self) -> None:
        """Wait for what a switch is to do next by the clock."""
        ends = [state.next_due() for state in self.states()]
        self._due.set(min((each for each in ends if each is not None), default=None))

    def accounts(self) -> Iterator[str]:
        """Yield how much was sent to each switch that is connected, for people."""
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
        self.invalidate(HostLooked(host.has_interface, host.has_address))


def _update(state: SwitchState, physical: PhysicalSwitch | None, bridge: Bridge | None) -> None:
    """Tell a switch its row and its bridge, if they are other ones than before."""
    if state.physical is not physical:
        state.set_physical(physical)
    if bridge and state.bridge and bridge.database != state.bridge.database:
        bridge = None  # that of another host: this one ends, and a new one begins
    if state.bridge is not bridge:
        state.set_bridge(bridge)


def _is_over(driver: SwitchDriver, leads: bool) -> bool:
    """Whether a switch is no longer managed, and nothing of ours is left that we can remove."""
    state = driver.switch
    if state.physical is not None and state.bridge is not None:
        return False
    if state.bridge is None:
        return True
    if state.bridge.has_traces:
        return False  # perhaps until the switch connects again
    is_clean = driver.is_settled() and state.tunnel_ports.settled()
    return is_clean or not (leads and driver.gate is not Gate.NEVER_OPENED)
