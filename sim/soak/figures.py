"""What a running application uses: memory, descriptors, threads."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOLERANCE, A_ROUND, CACHES = 4.0, 0.02, 24.0
"""Megabytes by which memory may grow from the beginning of a life to its end: so many, and a little
for each round while caches fill up, which have bounds; with full caches, so many at the most."""

WARM_UP = 0.3
"""The part of a long life that does not count: caches fill, Python's arenas find their size."""


@dataclass(frozen=True)
class Figures:
    """The figures of a process at one moment."""

    memory: float
    """Resident memory in megabytes."""
    descriptors: int
    threads: int


def figures(pid: int) -> Figures:
    """Return the figures of a process that runs."""
    process = Path("/proc", str(pid))
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    return Figures(
        memory=int(status["VmRSS"].split()[0]) / 1024,
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
    )


def growth(memory: Sequence[float]) -> tuple[float, float]:
    """Return the memory at the beginning and at the end of a life, from its samples in order.

    Each is the median of a third of what is left without the warm-up. There are samples.
    """
    counted = memory[int(len(memory) * WARM_UP) :]
    third = max(1, len(counted) // 3)
    return statistics.median(counted[:third]), statistics.median(counted[-third:])


def verdict_on_life(name: str, life: Sequence[Figures]) -> None:
    """Raise AssertionError if an application used more and more from round to round."""
    first, last = growth([each.memory for each in life])
    if last - first > min(TOLERANCE + A_ROUND * len(life), CACHES):
        raise AssertionError(f"the memory of {name} grew from {first:.1f} to {last:.1f} MB")
    for what in ("descriptors", "threads"):
        numbers = [getattr(each, what) for each in life]
        if numbers[-1] != numbers[0]:
            raise AssertionError(f"the {what} of {name} after each round: {numbers}")
