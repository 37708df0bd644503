"""Switches that are managed, and a publisher that notifies the reports of them."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from vtep_ofapp.engine.feature import Feature
from vtep_ofapp.engine.report import FaultsChanged
from vtep_ofapp.engine.topics import StationsChanged
from vtep_ofapp.features.learning.stations import Place
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.loop.fault_columns import FaultColumns
from vtep_ofapp.loop.fault_log import FaultLog
from vtep_ofapp.loop.publisher import Publisher
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import VtepRows
from vtep_ofapp.values.rows import PhysicalPort, PhysicalSwitch, VtepRow

from .app import described
from .builders import OWN, RED, SWITCH, logical_switch, port, uuid
from .doubles import TimeDouble
from .world import World

OTHER = "10.0.0.11"
"""The tunnel IP of br1."""


class Bench:
    """br0 and br1 with their ports, a publisher, and a clock that a test moves on."""

    def __init__(
        self, grace: float = 0.0, bound_grace: float = 0.0, features: Iterable[Feature] = FEATURES
    ) -> None:
        self.time = TimeDouble()
        self.world = World(["br0", "br1"], features=features, clock=self.time.clock)
        self.world.tell(logical_switch(RED))
        timers = self.time.timers()
        self.faults = FaultLog(timers)
        settings = Settings(port_grace=grace, bound_port_grace=bound_grace)
        of_features = self.world.model.reports(settings)
        columns = FaultColumns(self.faults, self.world.model.feature_tables.fault_columns)
        self.publisher = Publisher([*of_features, columns], timers, self.turn)
        self.rows: dict[UUID, PhysicalSwitch] = {}
        self.ready: set[str] = set()

    def manage(
        self,
        name: str,
        *ports: PhysicalPort,
        tunnel_ip: str = OWN,
        there: Sequence[str] = ("p0",),
        **more: Any,
    ) -> None:
        """Let a switch be ready, with these rows of ports and these ports on the bridge."""
        row = uuid(SWITCH.int + int(name[2:]))
        self.know(name, *ports, tunnel_ip=tunnel_ip, **more)
        self.ready.add(name)
        self.world.physical(self.rows[row], name)
        numbered = [port(each, number) for number, each in enumerate(there, 1)]
        self.world.bridge(*numbered, name=name)
        self.turn()

    def know(self, name: str, *ports: PhysicalPort, tunnel_ip: str = OWN, **more: Any) -> None:
        """Let there be a row of a switch."""
        row = uuid(SWITCH.int + int(name[2:]))
        self.rows[row] = described(*ports, name=name, row=row, tunnel_ips=[tunnel_ip], **more)
        self.tell(self.rows[row])

    def turn(self) -> None:
        switches = {name: self.world.switches[name].view for name in sorted(self.ready)}
        self.publisher.notify_switches(switches, {}, self.rows)
        self.publisher.notify(StationsChanged(self.world.macs.take_changed()))
        self.publisher.notify(FaultsChanged(self.faults.take_changed()))

    def tell(self, *rows: VtepRow) -> None:
        """Let rows of the local tables be new, changed or gone."""
        self.publisher.handlers[VtepRows](VtepRows(rows))

    def learn(self, mac: str, name: str = "br0", of: UUID = RED, port: str = "p0") -> None:
        place = Place(switch=name, port=port, binding=0x1000, logical_switch=of)
        self.world.macs.learn(mac, place)
        self.turn()

    def writes(self, *kinds: type) -> list[Any]:
        return [write for write in self.publisher.writes() if not kinds or isinstance(write, kinds)]
