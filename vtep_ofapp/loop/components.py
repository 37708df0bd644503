"""The components of the loop, and how they are connected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from ..engine.model import Model
from ..engine.switch_state import SwitchState
from ..features import registry
from ..process import host as this_host
from ..process.host import Host
from ..process.settings import Settings
from ..values.events import Writer
from ..values.listen_address import ListenAddress
from .announcements import Announcements
from .change_queue import ChangeQueue
from .connections import Connections
from .databases import Databases
from .fault_columns import FaultColumns
from .fault_log import FaultLog
from .flow_counters import ReadFlows
from .hosts import Hosts
from .learned import LearnedStations
from .lock import Lock
from .marks import Marks
from .matching import Matching
from .measures import Measures
from .pausing import Pausing
from .port_counters import ReadPorts
from .publisher import Publisher
from .resync import Resync
from .status import awaited, is_ready, status
from .switches import Switches
from .timers import Timers
from .turns import Turns
from .vtep_rows import KnownRows


@dataclass(frozen=True, slots=True)
class Components:
    """The components of the loop; together they hold all state of the application.

    ``model`` has the indices and shared objects of features, also while no switch is managed.
    """

    model: Model
    timers: Timers
    faults: FaultLog
    databases: Databases
    switches: Switches
    publisher: Publisher
    hosts: Hosts
    lock: Lock
    connections: Connections
    marks: Marks
    stations: LearnedStations
    announcements: Announcements
    rows: KnownRows
    matching: Matching
    measures: Measures
    port_counters: ReadPorts
    flow_counters: ReadFlows
    pausing: Pausing
    resync: Resync
    changes: ChangeQueue = field(default_factory=ChangeQueue)
    turns: Turns = field(default_factory=Turns)

    @property
    def status(self) -> str:
        """The status of this process in one line."""
        lock, switches = self.lock, self.switches
        connected, is_paused = switches.connected(), self.pausing.is_paused
        return status(
            self._awaited, lock.leads, lock.is_held, switches.drivers, connected, is_paused
        )

    @property
    def is_ready(self) -> bool:
        """Whether start-up is complete. It is not while a switch that came back is read."""
        drivers = self.switches.drivers
        closed = {name for name in self.switches.connected() if not drivers[name].is_open}
        return is_ready(self._awaited, self.lock.leads, closed)

    @property
    def _awaited(self) -> str | None:
        return awaited(self.rows.are_in_sync, self.lock.leads, not self.hosts.are_away())


def build_components(
    vtep: Writer,
    openvswitch: Mapping[str, Writer],
    settings: Settings,
    timers: Timers,
    listener: ListenAddress,
    measures: Measures,
    host: Host = this_host,
) -> Components:
    """Return new components, connected with each other.

    ``vtep`` writes to hardware_vtep, ``openvswitch`` has a writer for each Open_vSwitch by its
    name. Their order decides which of several bridges with one name is managed. ``listener`` is
    the address that switches connect to. ``host`` is asked for its interfaces and addresses.
    """
    model, faults = Model(registry.FEATURES, timers.clock), FaultLog(timers)
    new_state = partial(SwitchState, model=model, settings=settings, clock=timers.clock)
    databases = Databases(vtep, openvswitch, timers, measures)
    switches = Switches(new_state, faults, settings, timers, measures, host)
    hosts = Hosts(databases, switches)
    fault_columns = FaultColumns(faults, model.feature_tables.fault_columns)
    publisher = Publisher([*model.reports(settings), fault_columns], timers, switches.changed)
    lock = Lock(switches, databases, publisher, timers)
    marks = Marks(switches, lock, faults)
    connections = Connections(switches, hosts, lock, marks, faults, timers)
    stations = LearnedStations(model, switches, publisher, timers)
    rows = KnownRows(model, switches, faults, settings, timers, stations.row_handlers)
    return Components(
        model=model,
        timers=timers,
        faults=faults,
        databases=databases,
        switches=switches,
        publisher=publisher,
        hosts=hosts,
        lock=lock,
        connections=connections,
        marks=marks,
        stations=stations,
        announcements=Announcements(model, switches, publisher),
        rows=rows,
        matching=Matching(rows, hosts, switches, connections, faults, listener),
        measures=measures,
        port_counters=ReadPorts(switches, timers),
        flow_counters=ReadFlows(switches),
        pausing=Pausing(timers),
        resync=Resync(switches),
    )
