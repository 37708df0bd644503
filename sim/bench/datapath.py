"""What a frame costs ovs-vswitchd: with the application's flows, and with the action NORMAL."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

from sim.bench import rows
from sim.bench.floor import Floor
from sim.bench.measure import FLOOR, OURS
from sim.bench.overlay import Overlay
from sim.bench.scenario import Scenario
from sim.bench.watcher import Watcher
from sim.lab.guide import Lab
from sim.lab.hosts import Host
from sim.waiting import wait_until
from sim.wire.frames import ip_probe
from sim.wire.ovsdb import Operation

_HERE, _THERE = 0xD2, 0xD3
"""Series of the hosts behind p0, which send, and behind p1."""
_AT_ONCE, _PAUSE = 20, 0.002
"""How many frames are sent together, and seconds from one lot to the next."""
_AT_ONCE_NEW = 4
"""Of frames whose flow is not cached: each costs ten times as much."""
_TURNS = 5


class Datapath(Scenario):
    """As many pairs of hosts as the size, and an access list of as many entries."""

    KINDS = ("frame", "frame-new", "frame-acl")

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.pairs

    @property
    def emulator_most(self) -> int:
        """It is not measured: its flows do what NORMAL does, and less."""
        return 0

    def measure(self, lab: Lab, size: int) -> None:
        """Send frames between known hosts: without and with access list, then with NORMAL."""
        pairs = Pairs(lab, size, self.plan.frames)
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            Overlay(lab, connection)
            connection.watch_stations("Ucast_Macs_Local")
            pairs.introduce()
            for mac in pairs.macs:
                connection.appeared(mac)
            for _ in range(_TURNS):
                new, without = pairs.cost()
                self.results.add("frame-new", OURS, size, new)
                self.results.add("frame", OURS, size, without)
                if self.is_due("frame-acl", OURS, size):
                    connection.transact(*_access_list(size))
                    wait_until(lambda: _has_list(lab, size), "the flows of the access list")
                    _, with_list = pairs.cost()
                    self.results.add("frame-acl", OURS, size, with_list / without)
                    connection.transact(*_no_access_list())
                    wait_until(lambda: not _has_list(lab, size), "the end of these flows")
        lab.app.stop(grace=60.0)
        for command in ("del-flows", "del-groups"):
            lab.vtep.ofctl(command, lab.vtep.bridge)
        lab.vtep.ofctl("add-flow", lab.vtep.bridge, "actions=NORMAL")
        pairs.introduce()
        for _ in range(_TURNS):
            new, cached = pairs.cost()
            self.results.add("frame-new", FLOOR, size, new)
            self.results.add("frame", FLOOR, size, cached)

    def measure_floor(self, floor: Floor, size: int) -> None:
        """It is measured on the bridge of the application, after it."""


class Pairs:
    """Pairs of hosts: some behind p0 send UDP packets to others behind p1."""

    def __init__(self, lab: Lab, number: int, frames: int) -> None:
        """Prepare a frame for each pair, of which so many are sent in all."""
        self._lab = lab
        self._frames = frames
        side = next(each for each in itertools.count(1) if each * each >= number)
        self.here, self.there = rows.macs(side, _HERE), rows.macs(side, _THERE)
        self.pairs = [*itertools.islice(itertools.product(self.here, self.there), number)]
        self._switched = [
            bytes(ip_probe(src, dst, ip).frame)
            for (src, dst), ip in zip(self.pairs, rows.ips(number), strict=True)
        ]

    @property
    def macs(self) -> list[str]:
        """The addresses of all hosts."""
        return [*self.here, *self.there]

    def introduce(self) -> None:
        """Let each host send a frame to one on the other side."""
        for host, macs, other in (
            (self._lab.vm2, self.there, self.here[0]),
            (self._lab.vm1, self.here, self.there[0]),
        ):
            send(host, [bytes(ip_probe(mac, other, "10.0.0.1").frame) for mac in macs], 1)

    def cost(self, frames: Sequence[bytes] = ()) -> tuple[float, float]:
        """Return microseconds for the first frame of a pair, and for the following ones.

        `frames` has one for each pair, in the place of frames that are switched.
        """
        frames = frames or self._switched
        self._lab.vtep.appctl("dpctl/del-flows")
        new = self._measured(frames, _AT_ONCE_NEW)
        cached = [*itertools.islice(itertools.cycle(frames), self._frames)]
        return new, self._measured(cached, _AT_ONCE)

    def _measured(self, frames: Sequence[bytes], at_once: int) -> float:
        """Return the microseconds of ovs-vswitchd for each of the frames that it took."""
        received = self._received()
        used = self._seconds()
        send(self._lab.vm1, frames, at_once)
        used = self._seconds() - used
        return used * 1e6 / (self._received() - received)

    def _received(self) -> int:
        """Return how many frames the switch has taken from p0."""
        statistics = self._lab.vtep.ofctl("dump-ports", self._lab.vtep.bridge, "p0")
        return int(statistics.partition("rx pkts=")[2].partition(",")[0])

    def _seconds(self) -> float:
        """Return the processor's time of all threads of ovs-vswitchd."""
        tasks = Path(f"/proc/{self._lab.vtep.ovs_vswitchd.pid}/task")
        return (
            sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
        )


def send(host: Host, frames: Sequence[bytes], at_once: int) -> None:
    """Send frames in lots, at the same pace with each controller."""
    due = time.monotonic()
    for begin in range(0, len(frames), at_once):
        for frame in frames[begin : begin + at_once]:
            host.send(frame)
        due += _PAUSE
        time.sleep(max(0.0, due - time.monotonic()))
    time.sleep(_PAUSE)


def _access_list(size: int) -> list[Operation]:
    """Return the operations that bind a list to p0 which denies destinations that nobody has."""
    entries = [
        rows.insert(
            "ACL_entry",
            f"e{number}",
            sequence=number,
            direction="ingress",
            action="deny",
            dest_ip=f"11.0.{number >> 8}.{number & 255}",
            protocol=6,
        )
        for number in range(size)
    ]
    members = rows.as_set(rows.named(f"e{number}") for number in range(size))
    bindings = ["map", [[0, rows.named("list")]]]
    return [
        *entries,
        rows.insert("ACL", "list", acl_name="list", acl_entries=members),
        rows.update("Physical_Port", "name", "p0", acl_bindings=bindings),
    ]


def _no_access_list() -> list[Operation]:
    unbound = rows.update("Physical_Port", "name", "p0", acl_bindings=["map", []])
    return [unbound, rows.delete("ACL"), rows.delete("ACL_entry")]


def _has_list(lab: Lab, size: int) -> bool:
    """Return whether the switch has a flow for each entry; they alone match 11.0.0.0/16."""
    flows = lab.vtep.ofctl("--no-stats", "dump-flows", lab.vtep.bridge, "tcp")
    return flows.count("nw_dst=11.0.") >= size
