"""Many routes and next hops: how fast they are there, after a start as well, and changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import spread
from sim.bench.routed_rows import Routers
from sim.bench.scenario import PATIENCE, READY, Scenario, empty
from sim.bench.traffic import Probes, Where, for_station, wait_for_probes, with_vni
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.wire.frames import Probe
from sim.wire.ovsdb import Operation, as_text, transact_text

_FRESH = 0xE5
"""The series of MAC addresses that next hops change to."""
_ROUTES = 32


class ManyRouters(Scenario):
    """As many routers as the size, each with 32 routes."""

    KINDS: tuple[str, ...] = (
        "routers-arrival",
        "routers-start",
        "route-change",
        "neighbour-change",
    )

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.routers

    @property
    def emulator_most(self) -> int:
        """It has no routers."""
        return 0

    def routers(self, size: int) -> Routers:
        """Return what a size stands for."""
        return Routers(size, _ROUTES)

    def measure(self, lab: Lab, size: int) -> None:
        """Write all rows in one transaction, change some, start beside an empty switch."""
        arrival, start, *changes = self.KINDS
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            run = RoutingRun(self.routers(size), lab, connection)
            self.results.add(arrival, OURS, size, run.arrive())
            self.keep_dump(lab, size)
            for name, change in zip(changes, (run.change_route, run.change_next_hop), strict=False):
                if self.is_due(name, OURS, size):
                    samples = [change(number) for number in range(self.plan.repeat)]
                    self.results.add(name, OURS, size, *samples)
            if self.is_due(start, OURS, size):
                self.results.add(start, OURS, size, run.start())

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Do the same with bare tools."""
        arrival, start, *changes = self.KINDS
        flows, groups = self.dump(size)
        routers = self.routers(size)
        floor.add_physical_ports("p0")
        inserting = floor.transaction(as_text(*routers.operations("10.2.2.9")))
        reading, adding = floor.reading(), floor.adding(flows, groups)
        self.results.add(arrival, FLOOR, size, inserting + reading + adding)
        self.results.add(start, FLOOR, size, reading + adding)
        with floor.connect() as writer, floor.openflow() as bridge:
            change = Changes(routers, writer)
            macs = rows.macs(self.plan.repeat, _FRESH)
            for name, changed in zip(changes, (change.route, change.next_hop), strict=False):
                for number, mac in enumerate(macs):
                    operation, _ = changed(number)
                    begun = time.time()
                    writer.transact(operation)
                    bridge.add(mac)
                    self.results.add(name, FLOOR, size, (time.time() - begun) * 1000)


class OneRouter(ManyRouters):
    """One router with as many routes as the size."""

    KINDS = ("routes-arrival", "routes-start", "routes-change")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.routes

    def routers(self, size: int) -> Routers:
        """Return what a size stands for."""
        return Routers(1, size)


class Changes:
    """Changes of a route and of its next hop, each with what shows that it is in effect."""

    def __init__(self, routers: Routers, connection: Watcher) -> None:
        """Take a route in the middle, whose rows are in the database."""
        self.number = routers.routes // 2
        self._routers = routers
        self._next_hop = routers.next_hop_of(self.number)
        name = f"r{self.number // routers.routes_each}"
        self._router = _found(connection, "Logical_Router", "name", name)
        mac = routers.mac(self._next_hop)
        self._station = _found(connection, "Ucast_Macs_Remote", "MAC", mac)
        self._fresh = rows.macs(256, _FRESH)

    def route(self, number: int) -> tuple[Operation, Where]:
        """Return what gives the route a next hop in another logical switch, in turn."""
        far = self._next_hop ^ 16 if number % 2 == 0 else self._next_hop
        prefix, ip = self._routers.prefix(self.number), self._routers.ip(far)
        operation = rows.replace_in_map("Logical_Router", self._router, "static_routes", prefix, ip)
        return operation, with_vni(self._routers.key(far))

    def next_hop(self, number: int) -> tuple[Operation, Where]:
        """Return what gives the next hop of the route another MAC address, each time a new one."""
        mac = self._fresh[number]
        return rows.change("Ucast_Macs_Remote", self._station, MAC=mac), for_station(mac)


class RoutingRun:
    """The steps at one size, with the application."""

    def __init__(self, routers: Routers, lab: Lab, connection: Watcher) -> None:
        """Choose routes and next hops to probe: some of all, the last ones among them."""
        self._routers = routers
        self._lab = lab
        self._connection = connection
        src = lab.vm1.mac
        routes = map(int, spread([str(each) for each in range(routers.routes)]))
        next_hops = map(int, spread([str(each) for each in range(routers.next_hops)]))
        self._probes = [
            *(routers.probe_of_next_hop(each, src) for each in next_hops),
            *(routers.probe_of_route(each, src) for each in routes),
        ]

    def arrive(self) -> float:
        """Write all rows in one transaction; return the seconds until all probes arrive."""
        lab = self._lab
        path = lab.vtep.folder / "db.sock"
        text = as_text(*self._routers.operations(lab.hypervisor.underlay_ip))
        with lab.hypervisor.capture_underlay() as there, ThreadPoolExecutor(1) as pool:
            begun = time.time()
            answer = pool.submit(transact_text, path, text)
            done = wait_for_probes(lab.vm1, self._probes, there, PATIENCE)
            answer.result()
        self._changes = Changes(self._routers, self._connection)
        return done - begun

    def start(self) -> float:
        """Start beside an empty switch; return the seconds until all probes arrive."""
        lab = self._lab
        empty(lab)
        with lab.hypervisor.capture_underlay() as there:
            begun = time.time()
            lab.app.start()
            done = wait_for_probes(lab.vm1, self._probes, there, PATIENCE)
            lab.app.wait_until_ready(READY)
        return done - begun

    def change_route(self, number: int) -> float:
        """Return milliseconds from the change of a route to the first packet that follows it."""
        marked = self._routers.probe_of_route(self._changes.number, self._lab.vm1.mac)
        return self._react(marked, *self._changes.route(number))

    def change_next_hop(self, number: int) -> float:
        """Return milliseconds from the change of a next hop's MAC to the first packet for it."""
        next_hop = self._routers.next_hop_of(self._changes.number)
        marked = self._routers.probe_of_next_hop(next_hop, self._lab.vm1.mac)
        return self._react(marked, *self._changes.next_hop(number))

    def _react(self, marked: Probe, operation: Operation, where: Where) -> float:
        lab = self._lab
        with lab.hypervisor.capture_underlay() as there, Probes(lab.vm1, marked) as probes:
            probes.settle_at(there, 0, PATIENCE)
            written = time.time()
            self._connection.transact(operation)
            return (probes.first_at(there, written, PATIENCE, where) - written) * 1000


def _found(connection: Watcher, table: str, column: str, value: str) -> rows.Reference:
    found = rows.find(connection, table, column, value)
    if found is None:
        raise RuntimeError(f"no row of {table} with {column} {value}")
    return found
