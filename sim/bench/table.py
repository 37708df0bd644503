"""The figures of a run as a table in Markdown, and as a record for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sim.bench.measure import EMULATOR, FLOOR, OURS, Measure

_HEAD = (
    "measure", "size", OURS, EMULATOR, f"{EMULATOR} ÷ {OURS}", "floor", f"{OURS} ÷ floor",
    "target", "met",
)  # fmt: skip
_NOTHING = "-"


def markdown(measures: Sequence[Measure]) -> str:
    """Return the table, what it does not say itself, and why figures are missing."""
    lines = [_row(_HEAD), _row(["---"] * len(_HEAD))]
    lines += [_row(_cells(measure)) for measure in measures]
    lines += ["", *_legend(measures)]
    return "\n".join(lines)


def record(measures: Iterable[Measure]) -> list[dict[str, Any]]:
    """Return everything that is known of each measure, every sample included."""
    return [
        {
            "name": measure.kind.name,
            "title": measure.kind.title,
            "size": measure.size,
            "unit": measure.kind.unit,
            "figure": measure.kind.how,
            "figures": {subject: measure.figure(subject) for subject in measure.samples},
            "samples": measure.samples,
            "floor": measure.kind.floor,
            "times_faster": measure.times_faster,
            "times_floor": measure.times_floor,
            "targets": [str(target) for target in measure.targets],
            "met": measure.is_met,
            "failures": measure.failures,
        }
        for measure in measures
    ]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(measure: Measure) -> Iterator[str]:
    yield measure.kind.name
    yield f"{measure.size:,}"
    yield _samples(measure, OURS)
    yield _samples(measure, EMULATOR)
    yield _times(measure.times_faster)
    yield _samples(measure, FLOOR)
    yield _times(measure.times_floor)
    yield ", ".join(map(str, measure.targets)) or _NOTHING
    yield {None: _NOTHING, True: "yes", False: "NO"}[measure.is_met]


def _samples(measure: Measure, subject: str) -> str:
    figure = measure.figure(subject)
    if figure is None:
        return "failed" if subject in measure.failures else _NOTHING
    samples = measure.samples[subject]
    text = f"{_number(figure)} {measure.kind.unit}"
    if len(samples) == 1:
        return text
    return f"{text} ({_number(min(samples))} to {_number(max(samples))}, n={len(samples)})"


def _number(value: float) -> str:
    """Return a number with three digits that say something."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"


def _times(ratio: float | None) -> str:
    return _NOTHING if ratio is None else _number(ratio)


def _legend(measures: Sequence[Measure]) -> Iterator[str]:
    kinds = {measure.kind.name: measure.kind for measure in measures}
    for kind in kinds.values():
        yield f"- {kind.name} ({kind.how}, least to most): {kind.title}"
        if kind.floor:
            yield f"  - its floor: {kind.floor}"
    for measure in measures:
        for subject, reason in measure.failures.items():
            yield f"- failed: {measure.kind.name} at {measure.size:,}, {subject}: {reason}"
