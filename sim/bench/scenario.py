"""What every scenario does: the same with the application, the emulator, and the bare tools."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from subprocess import TimeoutExpired

from sim.bench.floor import Floor
from sim.bench.measure import EMULATOR, FLOOR, OURS, SUBJECTS, Results
from sim.bench.plan import Plan
from sim.lab.app import App, Controller, Emulator
from sim.lab.capture import CaptureOverrun
from sim.lab.guide import Lab
from sim.lab.openvswitch import OPENFLOW
from sim.lab.state import LabBusy
from sim.waiting import WaitFailed

READY = 30.0
"""Seconds after which a controller counts as not starting."""

PATIENCE = 300.0
"""Seconds after which something large counts as missing."""


def empty(lab: Lab) -> None:
    """End the controller of a lab, and remove what it has left on the switch."""
    lab.app.stop(grace=READY)
    for command in ("del-flows", "del-groups"):
        lab.vtep.ofctl(command, lab.vtep.bridge)
    tunnels = lab.vtep.ovs_vsctl("--bare", "--columns=name", "find", "Interface", "type=vxlan")
    for name in tunnels.split():
        lab.vtep.ovs_vsctl("del-port", name)


class Scenario(ABC):
    """A lab at several sizes, with one controller after the other, and the floor."""

    KINDS: tuple[str, ...]
    """Names of the kinds that it measures."""

    def __init__(self, name: str, plan: Plan, results: Results) -> None:
        """Name the labs, which come and go."""
        self.name = name
        self.plan = plan
        self.results = results
        self._dumps: dict[tuple[str, int], tuple[str, str]] = {}

    @property
    @abstractmethod
    def sizes(self) -> Sequence[int]:
        """The sizes of the application and of the floor."""

    @property
    @abstractmethod
    def emulator_most(self) -> int:
        """The largest size at which the emulator is measured."""

    @abstractmethod
    def measure(self, lab: Lab, size: int) -> None:
        """Measure a controller that is ready."""

    @abstractmethod
    def measure_floor(self, floor: Floor, size: int) -> None:
        """Measure the floor, after the application."""

    def is_due(self, name: str, subject: str, size: int) -> bool:
        """Return whether a kind is to be measured of a subject at a size."""
        return self.results.is_due(name, subject, size, self.sizes)

    def attempts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the name of each size of each subject, and what measures it.

        A failure is noted in the results, and the rest can be measured.
        """
        for size in self.sizes:
            ours, theirs, bare = (
                any(self.is_due(name, subject, size) for name in self.KINDS) for subject in SUBJECTS
            )
            if ours:
                yield self._attempt(OURS, size, partial(self._in_lab, App, size))
            if theirs and size <= self.emulator_most:
                yield self._attempt(EMULATOR, size, partial(self._in_lab, Emulator, size))
            if bare:
                yield self._attempt(FLOOR, size, partial(self._on_floor, size))

    def keep_dump(self, lab: Lab, size: int, name: str = "") -> None:
        """Keep the flows and groups of the application for the floor, one or several by name."""
        dump = ["ovs-ofctl", "-O", OPENFLOW]
        bridge = lab.vtep.bridge
        self._dumps[name, size] = (
            lab.vtep.run([*dump, "--no-stats", "dump-flows", bridge], timeout=PATIENCE),
            lab.vtep.run([*dump, "dump-groups", bridge], timeout=PATIENCE),
        )

    def dump(self, size: int, name: str = "") -> tuple[str, str]:
        """Return the flows and groups of the application. Raises WaitFailed if it had none."""
        if (name, size) not in self._dumps:
            raise WaitFailed("the application's flows are not known")
        return self._dumps[name, size]

    def say(self, text: str) -> None:
        """Print progress."""
        print(text, file=sys.stderr, flush=True)

    def _in_lab(self, controller: type[Controller], size: int) -> None:
        with Lab(self.name, controller) as lab:
            lab.start(controller=False)
            if isinstance(lab.app, App):
                lab.app.options["stats_interval"] = str(self.plan.stats_interval)
            lab.app.take_over()
            self.measure(lab, size)

    def _on_floor(self, size: int) -> None:
        with Floor(self.name) as floor:
            self.measure_floor(floor, size)

    def _attempt(
        self, subject: str, size: int, work: Callable[[], None]
    ) -> tuple[str, Callable[[], None]]:
        name = f"{type(self).__name__.lower()}, size {size}: {subject}"
        return name, partial(self._do, subject, size, work)

    def _do(self, subject: str, size: int, work: Callable[[], None]) -> None:
        try:
            work()
        except LabBusy:
            raise
        except (WaitFailed, CaptureOverrun, RuntimeError, OSError, TimeoutExpired) as error:
            reason = str(error).partition("\n")[0]
            self.say(f"    failed: {error}")
            for name in self.KINDS:
                if self.is_due(name, subject, size):
                    self.results.fail(name, subject, size, reason)
