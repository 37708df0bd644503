"""The loop with doubles of all that is beyond it, and what it begins with in most tests."""

from typing import Any, ClassVar

from vtep_ofapp.loop.components import build_components
from vtep_ofapp.loop.inbox import Inbox
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.process import host as this_host
from vtep_ofapp.process.host import Host
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.recording.outcome import outcome
from vtep_ofapp.values.events import (
    Bridges,
    BridgesInSync,
    Connected,
    Event,
    LockIs,
    VtepInSync,
    VtepRows,
)
from vtep_ofapp.values.listen_address import ON_LOOPBACK
from vtep_ofapp.values.rows import BridgePort, PhysicalPort, PhysicalSwitch, VtepRow
from vtep_ofapp.values.writes import PutTunnelPort

from .builders import (
    DATABASE,
    OWN,
    RED,
    bridge,
    local_unknown_dst,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    to_anyone,
)
from .doubles import ConnectionDouble, ServiceDouble, TimeDouble, WriterDouble
from .record import Record, header


def described(*ports: PhysicalPort, **more: Any) -> PhysicalSwitch:
    """Return the row of br0 with all that it owes to people."""
    more.setdefault("description", "a switch")
    more.setdefault("management_ips", frozenset({"192.0.2.1"}))
    return physical_switch(*ports, **more)


IN_CHARGE = "this process has the lock: it is in charge"
P0 = physical_port("p0", {0: RED})
BR0 = described(P0)
ROWS: list[VtepRow] = [logical_switch(RED), BR0, local_unknown_dst(OWN)]
BRIDGE = bridge(port("p0", 1), to_anyone())


class App:
    """A loop with one Open_vSwitch, or several, that only take notes. What reaches it is recorded.

    ``made`` are those of the current test.
    """

    made: ClassVar[list["App"]] = []

    def __init__(
        self, *databases: str, settings: Settings | None = None, host: Host = this_host
    ) -> None:
        self.service = ServiceDouble()
        self.vtep = WriterDouble("hardware_vtep")
        self.openvswitch = {name: WriterDouble(name) for name in databases or (DATABASE,)}
        self.time = TimeDouble()
        measures = Measures(self.time.clock)
        self.inbox = Inbox(measures.packet_ins)
        self.timers = self.time.timers(self.inbox.post)
        settings = settings or Settings()
        self.record = Record(header(settings, self.time.now, *self.openvswitch), self.time.clock)
        self.components = build_components(
            self.record.writer("hardware_vtep", self.vtep),
            {name: self.record.writer(name, each) for name, each in self.openvswitch.items()},
            settings,
            self.timers,
            ON_LOOPBACK,
            measures,
            self.record.host(host),
        )
        self.loop = Loop(self.components, self.inbox, self.service, self.record.turn)
        self.made.append(self)

    def check_replay(self) -> None:
        """Check that the replay of the record ends as the loop did."""
        assert self.record.replayed() == outcome(self.components)

    def turn(self, *events: Event) -> None:
        self.loop.turn(list(events))

    def wait(self, seconds: float) -> None:
        """Let time pass, with a turn for each timer that is due."""
        for _ in self.time.passing(seconds):
            self.turn(*self.inbox.take())

    def tell(self, *rows: VtepRow) -> None:
        self.turn(VtepRows(rows))

    def start(self, *more: VtepRow, connection: ConnectionDouble | None = None) -> ConnectionDouble:
        """Take br0 over: all is told, the switch is connected, read and up to date."""
        connection = connection or ConnectionDouble()
        self.turn(
            LockIs(True),
            VtepRows([*ROWS, *more]),
            VtepInSync(frozenset(row.uuid for row in [*ROWS, *more])),
            Bridges(DATABASE, {"br0": BRIDGE}),
            BridgesInSync(DATABASE, frozenset({"br0"})),
            Connected(connection.switch.datapath_id, connection),
        )
        self.turn(connection.leading(), connection.reading())
        self.serve(connection)
        return connection

    def serve(self, connection: ConnectionDouble) -> None:
        """Apply bundles at the switch until none is in flight."""
        while connection.take()[-1:] == ["apply"]:
            self.turn(connection.done())

    def written(self, *kinds: type) -> list[Any]:
        """Return what was written to hardware_vtep."""
        return [write for write in self.vtep.take() if not kinds or isinstance(write, kinds)]

    def store(self, *rows: VtepRow) -> None:
        """End the transaction on hardware_vtep, which made these rows what they are."""
        self.turn(VtepRows(rows), self.vtep.done())


def tunnel_port(write: PutTunnelPort, number: int = 9) -> BridgePort:
    """Return the tunnel port that a write asks for."""
    return port(write.name, number, is_ours=True, remote=write.remote, local=write.local)
