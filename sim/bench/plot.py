"""Time against size, as a picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from sim.bench.measure import SUBJECTS, Kind, Measure

Curve = tuple[list[int], list[float]]

_COLUMNS = 2
_INCHES = 5.5, 3.6


def curves(measures: Iterable[Measure]) -> list[tuple[Kind, dict[str, Curve]]]:
    """Return the sizes and figures of each subject, for each kind that is to be plotted."""
    found = []
    plotted = [measure for measure in measures if measure.kind.is_plotted]
    for _, group in groupby(plotted, key=lambda measure: measure.kind.name):
        same = list(group)
        by_subject: dict[str, Curve] = {}
        for subject in SUBJECTS:
            points = [
                (each.size, figure) for each in same if (figure := each.figure(subject)) is not None
            ]
            if points:
                by_subject[subject] = [size for size, _ in points], [time for _, time in points]
        found.append((same[0].kind, by_subject))
    return found


def draw(measures: Iterable[Measure], file: Path) -> None:
    """Write a PNG with one diagram for each kind, both axes logarithmic."""
    # The tests do without this library.
    from matplotlib.figure import Figure

    kinds = curves(measures)
    rows = -(-len(kinds) // _COLUMNS)
    width, height = _INCHES
    figure = Figure(figsize=(width * _COLUMNS, height * rows), layout="constrained")
    places = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for place, (kind, by_subject) in zip(places, kinds, strict=False):
        for subject, (sizes, figures) in by_subject.items():
            place.loglog(sizes, figures, marker="o", label=subject)
        place.set(title=kind.title, xlabel="remote MACs", ylabel=kind.unit)
        place.title.set_fontsize("small")
        place.grid(visible=True, which="major", alpha=0.4)
        place.legend()
    for place in places[len(kinds) :]:
        place.remove()
    figure.savefig(file, dpi=100)
