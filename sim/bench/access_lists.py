"""A long access list at a port: how fast it is installed, changed and extended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import Overlay, spread
from sim.bench.scenario import PATIENCE, Scenario
from sim.bench.traffic import Probes, wait_for_probes
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.waiting import wait_until
from sim.wire.frames import ip_probe
from sim.wire.ovsdb import Operation, as_text, transact_text

_LAST = 59_999
"""The sequence of the entry that denies what no other one permits."""
_STEP = 5
"""Between two sequences, so that one more entry has room."""
_FEW_TIMES = 3
"""How often all entries behind a new one are moved."""


class AccessLists(Scenario):
    """An access list of as many entries as the size, each of which permits one destination."""

    KINDS = ("acl-arrival", "acl-change", "acl-insert", "acl-shift")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.entries

    @property
    def emulator_most(self) -> int:
        """It has no access lists."""
        return 0

    def measure(self, lab: Lab, size: int) -> None:
        """Bind a list that denies all, then a long one instead; change and extend that one."""
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            Overlay(lab, connection)
            connection.transact(*_closed())
            run = AccessListRun(self, lab, connection, size)
            run.wait_until_closed()
            run.arrive()
            self.keep_dump(lab, size)
            if self.is_due("acl-change", OURS, size):
                run.change()
            if self.is_due("acl-insert", OURS, size):
                run.insert()
            if self.is_due("acl-shift", OURS, size):
                run.shift()

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Do the same with bare tools."""
        flows, groups = self.dump(size)
        floor.add_physical_ports("p0")
        inserting = floor.transaction(as_text(*_open(rows.ips(size))))
        adding = floor.adding(flows, groups)
        self.results.add("acl-arrival", FLOOR, size, inserting + floor.reading() + adding)
        with floor.connect() as writer, floor.connect() as reader, floor.openflow() as bridge:
            reader.watch_entries()
            acl, entry = _found(writer, size)
            addresses = _fresh()
            for mac in rows.macs(self.plan.repeat, series=0xB3):
                address = next(addresses)
                begun = time.time()
                writer.transact(rows.change("ACL_entry", entry, dest_ip=address))
                seen = reader.appeared(address) - begun
                begun = time.time()
                bridge.add(mac)
                self.results.add("acl-change", FLOOR, size, (seen + time.time() - begun) * 1000)
        one = flows.splitlines()[-1]
        for number in range(_FEW_TIMES):
            inserting = floor.transaction(as_text(*_added(acl, number + 1, next(addresses))))
            seconds = inserting + floor.reading()
            self.results.add("acl-insert", FLOOR, size, (seconds + floor.adding(one)) * 1000)
            self.results.add("acl-shift", FLOOR, size, seconds + floor.adding(flows))


class AccessListRun:
    """The steps at one size, with the application."""

    def __init__(self, scenario: AccessLists, lab: Lab, connection: Watcher, size: int) -> None:
        """Take a lab where p0 denies all that comes in."""
        self._results = scenario.results
        self._repeat = scenario.plan.repeat
        self._lab = lab
        self._connection = connection
        self._size = size
        self._addresses = _fresh()

    def wait_until_closed(self) -> None:
        """Return when no frame gets through. Raises WaitFailed."""
        lab = self._lab
        lab.expect_delivery(lab.vm1.send, {}, src=lab.vm1.mac, dst=lab.vm2.mac)

    def arrive(self) -> None:
        """Bind the long list in the place of the other one."""
        lab, addresses = self._lab, rows.ips(self._size)
        probes = [ip_probe(lab.vm1.mac, lab.vm2.mac, each) for each in spread(addresses)]
        path, text = lab.vtep.folder / "db.sock", as_text(*_open(addresses))
        with lab.vm2.capture() as there, ThreadPoolExecutor(1) as pool:
            begun = time.time()
            answer = pool.submit(transact_text, path, text)
            done = wait_for_probes(lab.vm1, probes, there, PATIENCE)
            answer.result()
        self._results.add("acl-arrival", OURS, self._size, done - begun)
        self._acl, self._entry = _found(self._connection, self._size)

    def change(self) -> None:
        """Let an entry permit one destination after the other."""
        for _ in range(self._repeat):
            address = next(self._addresses)
            changing = rows.change("ACL_entry", self._entry, dest_ip=address)
            self._results.add("acl-change", OURS, self._size, self._react(address, changing))

    def insert(self) -> None:
        """Insert entries, each with a sequence that no other one has."""
        for number in range(self._repeat):
            address = next(self._addresses)
            inserted = _added(self._acl, _between(number, self._size), address)
            self._results.add("acl-insert", OURS, self._size, self._react(address, *inserted))

    def shift(self) -> None:
        """Insert entries with the sequence of the first one, so that those in their way move."""
        for _ in range(_FEW_TIMES):
            address = next(self._addresses)
            inserted = _added(self._acl, _STEP, address)
            seconds = self._react(address, *inserted) / 1000
            self._results.add("acl-shift", OURS, self._size, seconds)

    def _react(self, address: str, *operations: Operation) -> float:
        """Return milliseconds from a transaction to the first frame to a new destination."""
        lab = self._lab
        marked = ip_probe(lab.vm1.mac, lab.vm2.mac, address)
        with lab.vm2.capture() as there, Probes(lab.vm1, marked) as probes:
            wait_until(probes.has_begun, "the first frames")
            written = time.time()
            self._connection.transact(*operations)
            return (probes.first_at(there, written, PATIENCE) - written) * 1000


def _entry(label: str, sequence: int, action: str, **columns: str) -> Operation:
    return rows.insert(
        "ACL_entry", label, sequence=sequence, direction="ingress", action=action, **columns
    )


def _closed() -> list[Operation]:
    """Return the operations that bind to p0 a list which denies all."""
    return [
        _entry("all", _LAST, "deny"),
        rows.insert("ACL", "closed", acl_name="closed", acl_entries=rows.named("all")),
        _bind("closed"),
    ]


def _open(addresses: Sequence[str]) -> list[Operation]:
    """Return the operations that bind to p0 a list which permits some destinations."""
    entries = [
        _entry(f"e{number}", number * _STEP, "permit", dest_ip=address)
        for number, address in enumerate(addresses, start=1)
    ]
    names = [f"e{number}" for number in range(1, len(addresses) + 1)]
    members = rows.as_set(map(rows.named, [*names, "rest"]))
    return [
        *entries,
        _entry("rest", _LAST, "deny"),
        rows.insert("ACL", "long", acl_name="long", acl_entries=members),
        _bind("long"),
    ]


def _bind(label: str) -> Operation:
    bindings = ["map", [[0, rows.named(label)]]]
    return rows.update("Physical_Port", "name", "p0", acl_bindings=bindings)


def _added(acl: rows.Reference, sequence: int, address: str) -> list[Operation]:
    """Return the operations that insert an entry into a list."""
    return [
        _entry("more", sequence, "permit", dest_ip=address),
        rows.add_to_set("ACL", acl, "acl_entries", rows.named("more")),
    ]


def _found(connection: Watcher, size: int) -> tuple[rows.Reference, rows.Reference]:
    """Return the long list, and the entry in its middle."""
    where = [["sequence", "==", max(1, size // 2) * _STEP]]
    results = connection.transact(
        {
            "op": "select",
            "table": "ACL",
            "where": [["acl_name", "==", "long"]],
            "columns": ["_uuid"],
        },
        {"op": "select", "table": "ACL_entry", "where": where, "columns": ["_uuid"]},
    )
    acl, entry = (result["rows"][0]["_uuid"] for result in results)
    return acl, entry


def _between(number: int, size: int) -> int:
    """Return a sequence that no entry has yet; numbers up to four times the size differ."""
    step, rest = divmod(number, size)
    return (rest + 1) * _STEP + 1 + step


def _fresh() -> Iterator[str]:
    """Return addresses that no entry has."""
    return (f"11.0.{number >> 8}.{number & 255}" for number in count(1))
