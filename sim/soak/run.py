"""The run: rounds of steps with a checkpoint after each, and the summary at the end."""

from __future__ import annotations

import random
import shlex
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from subprocess import TimeoutExpired

from sim.lab.namespaces import CommandFailed
from sim.progress import doing
from sim.soak import verdict
from sim.soak.access import ACCESS
from sim.soak.chance import Chance, Kind, draw
from sim.soak.failures import APPLICATIONS, CONNECTIONS, ROUGH
from sim.soak.figures import Figures, at_rest, figures, verdict_on_life
from sim.soak.hosts import PORTS, STATIONS
from sim.soak.nvc import NVC
from sim.soak.probing import frames_arrive_as_they_should
from sim.soak.stage import Stage
from sim.soak.watching import Traffic, known_traffic
from sim.soak.world import World
from sim.waiting import WaitFailed

CALM = (*NVC, *ACCESS, *STATIONS, *CONNECTIONS)
"""Known traffic loses nothing by these, nor by APPLICATIONS; see `watching` on PORTS."""

ONE_LIFE = 0.5
"""The part of the time in which the applications are not restarted."""

STEPS = 20
"""Steps of a round under traffic."""

PAUSES = (0.0, 0.0, 0.02, 0.1, 0.5)
"""Seconds between two steps, of which one is drawn: some meet in a turn, some do not."""

SHOWN = 30
"""How many of the last steps a failing run shows."""


def run(name: str, minutes: float, seed: int) -> int:
    """Soak the application in a lab of that name and return the exit code: 1 if a promise broke.

    It goes on for so many minutes, and then to the end of the round.
    """
    print(f"soak of {minutes:g} minutes, seed {seed}")
    world = World()
    with Stage(name, world) as stage:
        stage.start()
        soak = Soak(stage, Chance(random.Random(seed), world, stage))
        try:
            with doing(lambda: f"round {soak.rounds}, {soak.minutes:.1f} of {minutes:g} min"):
                soak.run_for(60 * minutes)
        except (AssertionError, CommandFailed, OSError, TimeoutExpired) as error:
            _show(error, stage)
            soak.show_last_steps()
            for record in stage.keep_records():
                print(f"what the application was told: python -m vtep_ofapp.recording {record}")
            print(f"FAILED: {_first_line(error)}\nseed {seed}")
            return 1
        finally:
            soak.show_summary()
    print("every promise held")
    return 0


class Soak:
    """What has happened so far, and what was measured."""

    def __init__(self, stage: Stage, chance: Chance) -> None:
        self._stage = stage
        self._chance = chance
        self._started = time.monotonic()
        self._rounds = 0
        self._steps: Counter[str] = Counter()
        self._last: deque[str] = deque(maxlen=SHOWN)
        self._traffic = Traffic()
        self._probes = 0
        self._fresh_starts = 0
        self._life: defaultdict[str, list[Figures]] = defaultdict(list)
        self._bytes_read: Counter[str] = Counter()

    def run_for(self, seconds: float) -> None:
        """Do rounds: in the first part of the time applications live on, then they do not.

        Raises AssertionError when a promise is broken.
        """
        self._stage.settle()
        while self._spent() < seconds * ONE_LIFE:
            self._do_round(CALM)
            self._measure()
        for name, life in self._life.items():
            verdict_on_life(name, life)
        self._start_afresh()
        while self._spent() < seconds:
            self._do_round((*CALM, *APPLICATIONS))
            self._start_afresh()

    @property
    def rounds(self) -> int:
        """How many rounds have begun."""
        return self._rounds

    @property
    def minutes(self) -> float:
        """How long it has run."""
        return self._spent() / 60

    def show_last_steps(self) -> None:
        """Print what happened last."""
        print("the last steps:")
        for step in self._last:
            print(f"    {step}")

    def show_summary(self) -> None:
        """Print how often what was done, and what was measured."""
        print(f"\n{'step':<32} times")
        for name, times in sorted(self._steps.items()):
            print(f"{name:<32} {times:>5}")
        print(f"{'all steps':<32} {self._steps.total():>5}\n")
        print(f"{self._rounds} rounds in {self._spent():.0f} s, {self._fresh_starts} fresh starts")
        print(f"known traffic: {self._traffic}")
        print(f"probes: {self._probes}")
        for name, life in self._life.items():
            print(f"{name}: {_of_life(life)}")

    def _do_round(self, kinds: Sequence[Kind]) -> None:
        """Do steps under traffic, perhaps a rough one without, and compare all with the world."""
        began, probes, sent = time.monotonic(), self._probes, self._traffic.sent
        self._rounds += 1
        self._chance.moved.clear()
        self._stage.vtep.meet_neighbours()
        ports = self._chance.pick((True, False))
        with known_traffic(self._stage, self._traffic, tunnels=not ports):
            for _ in range(STEPS):
                self._step((*kinds, *PORTS) if ports else kinds)
                time.sleep(self._chance.pick(PAUSES))
        if self._chance.dice.random() < 0.5:
            self._step(ROUGH)
        self._check()
        world = self._stage.world
        print(
            f"round {self._rounds}: {len(world.bound())} logical switches, "
            f"{len(world.stations())} stations, {len(world.tunnels())} tunnels; "
            f"{self._traffic.sent - sent} frames, {self._probes - probes} probes; "
            f"{self._memory()} MB ({time.monotonic() - began:.0f} s)"
        )

    def _step(self, kinds: Sequence[Kind]) -> None:
        kind = draw(kinds, self._chance)
        self._last.append(f"round {self._rounds}: {kind.name} ...")
        with doing(kind.name):
            self._last[-1] = f"round {self._rounds}: {kind.act(self._chance)}"
        self._steps[kind.name] += 1

    def _check(self) -> None:
        self._stage.settle()
        verdict.rows_and_tunnels_agree(self._stage)
        with doing("looking where frames arrive"):
            self._probes += frames_arrive_as_they_should(self._stage)
        self._logs_are_clean()

    def _start_afresh(self) -> None:
        self._last.append(f"round {self._rounds}: a fresh start")
        with doing("comparing with a fresh start"):
            verdict.a_fresh_start_changes_nothing(self._stage)
        self._logs_are_clean()
        self._fresh_starts += 1

    def _measure(self) -> None:
        for app in self._stage.apps:
            now = at_rest(self._stage, app)
            self._life[app.NAME].append(now)

    def _memory(self) -> str:
        return ", ".join(f"{figures(app.pid).memory:.1f}" for app in self._stage.apps if app.pid)

    def _logs_are_clean(self) -> None:
        for app in self._stage.apps:
            with app.log.open("rb") as log:
                log.seek(self._bytes_read[app.NAME])
                written = log.read()
            self._bytes_read[app.NAME] += len(written)
            if bad := verdict.bad_lines(written.decode(errors="replace")):
                raise AssertionError(f"the log of {app.NAME}:\n" + "\n".join(bad))

    def _spent(self) -> float:
        return time.monotonic() - self._started


def _of_life(life: Sequence[Figures]) -> str:
    first, last = life[0], life[-1]
    return (
        f"memory {first.memory:.1f} MB after the first round, {last.memory:.1f} MB after round "
        f"{len(life)}; descriptors {first.descriptors}, {last.descriptors}; "
        f"threads {first.threads}, {last.threads}"
    )


def _show(error: Exception, stage: Stage) -> None:
    """Print what is wrong, and beside it, on standard error, what helps to find the cause."""
    print(f"\n{error.awaited if isinstance(error, WaitFailed) else error}")
    evidence = error.evidence if isinstance(error, WaitFailed) else ""
    print(evidence or stage.evidence(), file=sys.stderr)
    for app in stage.apps[1:]:
        print(f"--- {app.NAME}\n{app.log_text[-4000:]}", file=sys.stderr)


def _first_line(error: Exception) -> str:
    if isinstance(error, TimeoutExpired):
        return f"no answer within {error.timeout:g} s: {shlex.join(error.cmd)}"
    return str(error).partition("\n")[0]
