"""What it costs that somebody looks: the reactions of an application that is observed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress

from sim.bench import observers
from sim.bench.overlay import Overlay
from sim.bench.reactions import Reactions
from sim.lab.app import App
from sim.lab.namespaces import CommandFailed
from sim.waiting import wait_until

_PATIENCE = 120.0


class Observed:
    """Measures reactions with and without observers."""

    def __init__(self, overlay: Overlay, repeat: int, restarts: int) -> None:
        """Measure each reaction so many times after each of so many restarts."""
        self._lab = overlay.lab
        self._restarts = restarts
        self._reactions = Reactions(overlay, repeat)

    def delays(self) -> Iterator[float]:
        """Yield by how much reactions are later while an operator asks for all MACs, in ms."""
        usual = self._reactions.measure()
        with observers.asked(self._lab):
            meanwhile = self._reactions.measure()
        for name, samples in meanwhile.items():
            yield from (sample - statistics.median(usual[name]) for sample in samples)

    def ratios(self) -> Iterator[tuple[str, float]]:
        """Yield medians with a record and metrics that are scraped, divided by those without.

        Each has the name of its reaction.
        """
        record = {"record": str(self._lab.vtep.folder / "record")}
        for _ in range(self._restarts):
            without = self._measure({}, nullcontext())
            observed = self._measure(record, observers.scraped(self._lab))
            for name in observed:
                yield name, observed[name] / without[name]

    def _measure(
        self, options: dict[str, str], observer: AbstractContextManager[None]
    ) -> dict[str, float]:
        app = observers.application(self._lab)
        former = dict(app.options)
        app.options |= options
        app.stop()
        app.start()
        app.options = former
        wait_until(lambda: _is_ready(app), "the application to be ready", timeout=_PATIENCE)
        with observer:
            found = self._reactions.measure()
        return {name: statistics.median(samples) for name, samples in found.items()}


def _is_ready(app: App) -> bool:
    with suppress(CommandFailed):  # it does not answer yet
        answer = json.loads(app.ask("status", "--json"))
        return answer["is_ready"] and f"in charge of {app.vtep.bridge}" in answer["status"]
    return False
