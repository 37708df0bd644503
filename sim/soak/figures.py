"""What a running application uses: memory, descriptors, threads."""

from __future__ import annotations

import contextlib
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.lab.app import App
from sim.soak.stage import Stage
from sim.waiting import WaitFailed

TOLERANCE, A_ROUND, CACHES = 4.0, 0.02, 24.0
"""Megabytes by which memory may grow from the beginning of a life to its end: so many, and a little
for each round while caches fill up, which have bounds; with full caches, so many at the most."""

WARM_UP = 0.3
"""The part of a long life that does not count: caches fill, Python's arenas find their size."""

AT_REST = {"listening": 1, "OpenFlow": 1, "OVSDB": 2, "commands": 1}
"""The sockets of an application whose bridge and databases are connected.

Another number of them is there while Open vSwitch waits until it connects again, and while the
application looks for a server.
"""

_TCP_STATES = {"01": "OpenFlow", "0A": "listening"}
_UNIX_STATES = {"01": "commands", "03": "OVSDB"}


@dataclass(frozen=True)
class Figures:
    """The figures of a process at one moment."""

    memory: float
    """Resident memory in megabytes."""
    descriptors: int
    threads: int
    sockets: Mapping[str, int]
    """How many of the descriptors are sockets, by kind; those of `AT_REST`, and "other"."""


def at_rest(stage: Stage, app: App) -> Figures:
    """Return the figures of an application as soon as it has the sockets of `AT_REST` alone.

    Raises AssertionError if it does not run, or keeps other sockets.
    """
    now = _figures_of(app)

    def is_at_rest() -> bool:
        nonlocal now
        now = _figures_of(app)
        return now.sockets == AT_REST

    with contextlib.suppress(WaitFailed):
        stage.wait(is_at_rest, f"{app.NAME} at rest")
    if now.sockets != AT_REST:
        there = dict(now.sockets)
        raise AssertionError(f"the sockets of {app.NAME} are {there}, and should be {AT_REST}")
    return now


def figures(pid: int) -> Figures:
    """Return the figures of a process that runs."""
    process = Path("/proc", str(pid))
    descriptors = list(_descriptors(process))
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    return Figures(
        memory=int(status["VmRSS"].split()[0]) / 1024,
        descriptors=len(descriptors),
        threads=int(status["Threads"]),
        sockets=_sockets(process, descriptors),
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


def _figures_of(app: App) -> Figures:
    if app.pid is None:
        raise AssertionError(f"{app.NAME} ended by itself, with exit code {app.exit_code}")
    return figures(app.pid)


def _descriptors(process: Path) -> Iterator[str]:
    """Yield what the descriptors of a process lead to."""
    for each in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield str(each.readlink())


def _sockets(process: Path, descriptors: Sequence[str]) -> Counter[str]:
    """Return how many of the descriptors are sockets of which kind."""
    kinds = {
        f"socket:[{inode}]": kind
        for inode, kind in (
            *_inodes(process / "net/tcp", 3, 9, _TCP_STATES),
            *_inodes(process / "net/unix", 5, 6, _UNIX_STATES),
        )
    }
    return Counter(kinds.get(each, "other") for each in descriptors if each.startswith("socket:"))


def _inodes(
    table: Path, state: int, inode: int, kinds: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the sockets of a table of the kernel, each with its kind, by the columns to look at."""
    for line in table.read_text().splitlines()[1:]:
        columns = line.split()
        if kind := kinds.get(columns[state]):
            yield columns[inode], kind
