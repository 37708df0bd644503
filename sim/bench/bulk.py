"""Many remote stations in one logical switch: how fast they come, go, move and come back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sim.bench import idle, reactions, rows
from sim.bench.floor import Floor
from sim.bench.meanwhile import Meanwhile
from sim.bench.measure import FLOOR, OURS
from sim.bench.observed import Observed
from sim.bench.overlay import Overlay, placed, samples_of
from sim.bench.scenario import PATIENCE, READY, Scenario, empty
from sim.bench.sessions import Sessions
from sim.bench.traffic import Destinations, Where, sent_to, wait_for_all, with_vni
from sim.bench.watcher import Watcher
from sim.lab.capture import Capture
from sim.lab.guide import Lab
from sim.wire.ovsdb import as_text, transact_text

_SERIES = 0xA0
_NEW_KEY = 34


class Bulk(Scenario):
    """As many remote MACs as the size, written in one transaction, all behind one locator."""

    KINDS = (
        "react", "gone", "new-tunnel", "learn", "asked", "observed-react", "observed-learn",
        "arrival", "cold-start", "warm-start", "re-sent",
        "meanwhile", "meanwhile-all", "sessions", "idle-cpu", "idle-transactions", "idle-flows",
        "memory", "new-key", "rewriting", "deletion",
    )  # fmt: skip

    @property
    def sizes(self) -> Sequence[int]:
        """The sizes of the plan."""
        return self.plan.sizes

    @property
    def emulator_most(self) -> int:
        """The limit in the plan."""
        return self.plan.emulator_most

    def measure(self, lab: Lab, size: int) -> None:
        """Write the rows; measure reactions, rest, a new VNI and restarts; delete the rows."""
        with Watcher(lab.vtep.folder / "db.sock") as connection:
            run = BulkRun(self, lab, size, Overlay(lab, connection))
            run.arrive()
            run.react()
            run.ask()
            run.rest()
            run.change_key()
            run.restart()
            run.observe()
            run.leave()
            run.reach_new_addresses()

    def measure_floor(self, floor: Floor, size: int) -> None:
        """Do the same with bare tools."""
        repeat = self.plan.repeat
        flows, groups = self.dump(size)
        ground = floor.add_ground()
        macs = rows.macs(size, _SERIES)
        inserting = floor.transaction(as_text(*placed(macs, *ground)))
        reading = floor.reading()
        adding = floor.adding(flows, groups)
        dumping = floor.dumping()
        for name, seconds in (
            ("arrival", inserting + reading + adding),
            ("cold-start", reading + adding),
            ("warm-start", reading + dumping),
        ):
            self.results.add(name, FLOOR, size, seconds)
        self.results.add("react", FLOOR, size, *reactions.react_floor(floor, *ground, repeat))
        self.results.add("learn", FLOOR, size, *reactions.learn_floor(floor, *ground, repeat))
        deleting = floor.transaction(as_text(rows.delete("Ucast_Macs_Remote")))
        unflowing = floor.deleting()
        self.results.add("deletion", FLOOR, size, deleting + unflowing)
        self.results.add("rewriting", FLOOR, size, deleting + inserting + reading + adding)


class BulkRun:
    """The steps of one controller at one size."""

    def __init__(self, scenario: Bulk, lab: Lab, size: int, overlay: Overlay) -> None:
        """Take a lab with a configured overlay."""
        self._scenario = scenario
        self._plan = scenario.plan
        self._lab = lab
        self._size = size
        self._overlay = overlay
        self._subject = lab.app.NAME
        self._macs = rows.macs(size, _SERIES)
        self._samples = samples_of(self._macs)
        self._observed = Observed(overlay, self._plan.repeat, self._plan.restarts)

    def arrive(self) -> None:
        """Write all rows in one transaction, while new hosts appear."""
        overlay = self._overlay
        self._begins("arrival")
        sessions = Sessions(self._lab.vtep)
        text = as_text(*placed(self._macs, overlay.switch, overlay.locator))
        with self._lab.hypervisor.capture_underlay() as there:
            if self._begins("meanwhile", "meanwhile-all"):
                with Meanwhile(overlay) as meanwhile:
                    seconds, answered = self._follow([text], there)
                    meanwhile.go_on()
                for subject, samples in meanwhile.latencies().items():
                    late = meanwhile.latencies(since=answered)[subject]
                    self._scenario.results.add("meanwhile-all", subject, self._size, *samples)
                    self._scenario.results.add("meanwhile", subject, self._size, *late)
            else:
                seconds, _ = self._follow([text], there)
        self._add("arrival", seconds)
        self._count(sessions)
        if self._subject == OURS:
            self._scenario.keep_dump(self._lab, self._size)

    def react(self) -> None:
        """Let single rows and hosts come and go."""
        overlay, repeat = self._overlay, self._plan.repeat
        if self._begins("react", "gone"):
            there, back = reactions.react(overlay, repeat)
            self._add("react", *there)
            self._add("gone", *back)
        if self._begins("learn"):
            self._add("learn", *reactions.learn(overlay, repeat))

    def ask(self) -> None:
        """Let single rows and hosts come while an operator asks for all MACs."""
        if self._begins("asked"):
            self._add("asked", *self._observed.delays())

    def observe(self) -> None:
        """Start it with a record and with metrics that are scraped, and without, in turn."""
        if self._begins("observed-react", "observed-learn"):
            for name, ratio in self._observed.ratios():
                self._add(f"observed-{name}", ratio)

    def rest(self) -> None:
        """Let nothing happen."""
        if self._begins("memory"):
            self._add("memory", idle.memory(self._lab.app))
        if self._begins("idle-cpu", "idle-transactions", "idle-flows"):
            rest = idle.rest(self._lab.vtep, self._plan.stats_interval, self._plan.idle)
            self._add("idle-cpu", rest.cpu)
            self._add("idle-transactions", rest.transactions)
            self._add("idle-flows", rest.flow_changes)

    def change_key(self) -> None:
        """Give the logical switch another VNI."""
        if not self._begins("new-key"):
            return
        sessions = Sessions(self._lab.vtep)
        text = as_text(rows.update("Logical_Switch", "name", "ls0", tunnel_key=_NEW_KEY))
        with self._lab.hypervisor.capture_underlay() as there:
            seconds, _ = self._follow([text], there, with_vni(_NEW_KEY))
        self._add("new-key", seconds * 1000)
        self._count(sessions)

    def restart(self) -> None:
        """End the controller; start it beside a switch that knows all, then an empty one."""
        if self._begins("warm-start", "re-sent"):
            self._restart_warm()
        if self._begins("cold-start"):
            self._restart_cold()
            if self._begins("memory"):
                self._add("memory", idle.memory(self._lab.app))

    def leave(self) -> None:
        """Rewrite all rows with another locator; then delete them all."""
        lab = self._lab
        sessions = Sessions(lab.vtep)
        delete = as_text(rows.delete("Ucast_Macs_Remote"))
        if self._begins("rewriting"):
            [address] = self._overlay.new_addresses(1)
            there = rows.locator("new", address)
            stations = placed(self._macs, self._overlay.switch, rows.named("new"))
            with lab.hypervisor.capture_underlay() as place:
                texts = [delete, as_text(there, *stations)]
                seconds, _ = self._follow(texts, place, sent_to(address))
            self._add("rewriting", seconds)
        if self._begins("deletion"):
            with lab.service_node.capture_underlay() as place:
                seconds, _ = self._follow([delete], place)
            self._add("deletion", seconds)
        self._count(sessions)

    def reach_new_addresses(self) -> None:
        """Write rows that need new tunnels, once all other rows are deleted."""
        if self._begins("new-tunnel"):
            samples = reactions.react_by_new_tunnel(self._overlay, self._plan.repeat)
            self._add("new-tunnel", *samples)

    def _restart_warm(self) -> None:
        lab, overlay = self._lab, self._overlay
        lab.app.stop(grace=READY)
        # When the one row that came meanwhile has its effect, all others have been looked at.
        [late] = rows.macs(1, series=0xA1)
        overlay.connection.transact(rows.station(late, overlay.switch, overlay.locator))
        with (
            idle.FlowMonitor(lab.vtep) as flows,
            lab.hypervisor.capture_underlay() as there,
        ):
            self._add("warm-start", self._start([(late, ())], there))
            flows.wait_until_quiet()
            self._add("re-sent", flows.changes - 1)

    def _restart_cold(self) -> None:
        lab = self._lab
        empty(lab)
        with lab.hypervisor.capture_underlay() as there:
            self._add("cold-start", self._start(self._samples, there))

    def _start(self, destinations: Destinations, there: Capture) -> float:
        begun = time.time()
        self._lab.app.start()
        done = wait_for_all(self._lab.vm1, destinations, there, PATIENCE)
        self._lab.app.wait_until_ready(READY)
        return done - begun

    def _follow(
        self, texts: Sequence[bytes], place: Capture, where: Where = lambda frame: True
    ) -> tuple[float, float]:
        """Send transactions; return the seconds until all frames follow, and when it was answered.

        The last of the answers counts.
        """
        path = self._lab.vtep.folder / "db.sock"

        def transact() -> float:
            for text in texts:
                transact_text(path, text)
            return time.time()

        with ThreadPoolExecutor(1) as pool:
            begun = time.time()
            answer = pool.submit(transact)
            done = wait_for_all(self._lab.vm1, self._samples, place, PATIENCE, where)
            return done - begun, answer.result()

    def _begins(self, *names: str) -> bool:
        """Return whether one of these kinds is to be measured now, and say so."""
        scenario = self._scenario
        due = [name for name in names if scenario.is_due(name, self._subject, self._size)]
        if due:
            scenario.say(f"    {', '.join(due)}")
        return bool(due)

    def _add(self, name: str, *samples: float) -> None:
        """Add samples, if they are due: a step may measure more than is wanted of the emulator."""
        if self._scenario.is_due(name, self._subject, self._size):
            self._scenario.results.add(name, self._subject, self._size, *samples)

    def _count(self, sessions: Sessions) -> None:
        self._add("sessions", sessions.dropped())
