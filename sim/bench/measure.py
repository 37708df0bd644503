"""What is measured, its targets, and the figures of one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "vtep_ofapp"
EMULATOR = "ovs-vtep"
FLOOR = "floor"

SUBJECTS = (OURS, EMULATOR, FLOOR)
"""The subjects. The floor is what the C tools need for the same data."""

SMALLEST = "smallest"

Figure = Callable[[Sequence[float]], float]


def percentile_99(samples: Sequence[float]) -> float:
    """Return the sample that 99 of 100 do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-99 * len(ordered) // 100) - 1)]


@dataclass(frozen=True)
class Target:
    """A limit: absolute, or so many times the floor, or the figure at the smallest size."""

    most: float
    of: str = ""
    """Empty for an absolute limit, or FLOOR, or SMALLEST."""
    size: int | None = None
    """The size that the target is for; None for every size."""

    def __str__(self) -> str:
        """Say the limit."""
        what = {"": "", FLOOR: "the floor", SMALLEST: "that of the smallest size"}[self.of]
        return f"≤ {self.most:g} times {what}" if what else f"≤ {self.most:g}"


@dataclass(frozen=True)
class Kind:
    """Something to measure."""

    name: str
    title: str
    unit: str
    floor: str = ""
    """The parts that the floor is the sum of."""
    targets: tuple[Target, ...] = ()
    figure: Figure = statistics.median
    """The function from all samples to one figure."""
    how: str = "median"
    where: Mapping[str, str] = field(default_factory=dict)
    """By subject, at which sizes it is measured: "all", "ends", "smallest" or "largest"."""
    is_plotted: bool = False

    def is_at(self, subject: str, size: int, sizes: Sequence[int]) -> bool:
        """Return whether a subject is measured at one of these sizes."""
        least, most = min(sizes), max(sizes)
        places = {"all": sizes, "ends": (least, most), "smallest": (least,), "largest": (most,)}
        return size in places.get(self.where.get(subject, ""), ())


@dataclass
class Measure:
    """One kind at one size: the samples of each subject, and the reasons why some are missing."""

    kind: Kind
    size: int
    samples: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    smallest: float | None = None
    """Our figure at the smallest size, unless this is it."""

    def figure(self, subject: str) -> float | None:
        """Return the figure for the samples of a subject, or None if it was not measured."""
        samples = self.samples.get(subject)
        return self.kind.figure(samples) if samples else None

    @property
    def times_faster(self) -> float | None:
        """The emulator's figure divided by ours, or None without both."""
        return _ratio(self.figure(EMULATOR), self.figure(OURS))

    @property
    def times_floor(self) -> float | None:
        """Our figure divided by the floor, or None without both."""
        return _ratio(self.figure(OURS), self.figure(FLOOR))

    @property
    def targets(self) -> list[Target]:
        """The targets for this size."""
        return [
            each
            for each in self.kind.targets
            if each.size in (None, self.size) and (each.of != SMALLEST or self.smallest is not None)
        ]

    @property
    def is_met(self) -> bool | None:
        """Whether all targets are met; None if there is no target or a figure is missing."""
        ours = self.figure(OURS)
        limits = [self._limit(each) for each in self.targets]
        if ours is None or not limits or None in limits:
            return None
        return all(ours <= limit for limit in limits if limit is not None)

    def _limit(self, target: Target) -> float | None:
        base = {"": 1.0, FLOOR: self.figure(FLOOR), SMALLEST: self.smallest}[target.of]
        return None if base is None else target.most * base


class Results:
    """All measures of a run, which the scenarios fill in."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        """Take these kinds, in their order; others are left out silently."""
        self._kinds = {kind.name: kind for kind in kinds}
        self._measures: dict[tuple[str, int], Measure] = {}

    def is_due(self, name: str, subject: str, size: int, sizes: Sequence[int]) -> bool:
        """Return whether a kind is to be measured of a subject, at one of a scenario's sizes."""
        kind = self._kinds.get(name)
        return kind is not None and kind.is_at(subject, size, sizes)

    def add(self, name: str, subject: str, size: int, *samples: float) -> None:
        """Add samples."""
        if name in self._kinds:
            self._at(name, size).samples.setdefault(subject, []).extend(samples)

    def times_floor(self, name: str, size: int) -> float | None:
        """Return our figure of a kind divided by the floor, or None without both."""
        measure = self._measures.get((name, size))
        return measure.times_floor if measure else None

    def fail(self, name: str, subject: str, size: int, reason: str) -> None:
        """Note why there are no samples, unless there are some."""
        if name in self._kinds and not self._at(name, size).samples.get(subject):
            self._at(name, size).failures[subject] = reason

    def measures(self) -> Iterator[Measure]:
        """Yield the measures by kind and size."""
        for name in self._kinds:
            sizes = sorted(size for kind, size in self._measures if kind == name)
            for size in sizes:
                measure = self._measures[name, size]
                if size > sizes[0]:
                    measure.smallest = self._measures[name, sizes[0]].figure(OURS)
                yield measure

    @property
    def failed(self) -> list[Measure]:
        """The measures without a figure of ours or of the floor that should have one."""
        return [each for each in self.measures() if {OURS, FLOOR} & each.failures.keys()]

    def _at(self, name: str, size: int) -> Measure:
        return self._measures.setdefault((name, size), Measure(self._kinds[name], size))


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
