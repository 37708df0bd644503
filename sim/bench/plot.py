"""Time against size, as a picture: one for a light page, and one for a dark one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from sim.bench.measure import EMULATOR, FLOOR, OURS, SUBJECTS, Kind, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 2
_INCHES = 5.5, 3.4
_ROOM_FOR_LABELS = 6.0
"""By what the axes go on behind the largest size and above the longest time, as a factor."""

_LEGEND = {
    OURS: "vtep_ofapp",
    EMULATOR: "ovs-vtep, Open vSwitch's emulator",
    FLOOR: "the floor: Open vSwitch's own tools, for the same data",
}


@dataclass(frozen=True)
class Theme:
    """The colours of a picture; the subjects' can be told apart by the colour-blind, too."""

    page: str
    text: str
    grid: str
    subjects: Mapping[str, str]


LIGHT = Theme(
    "#ffffff", "#24292f", "#d0d7de", {OURS: "#0969da", EMULATOR: "#bc4c00", FLOOR: "#6e7781"}
)
DARK = Theme(
    "#0d1117", "#e6edf3", "#30363d", {OURS: "#58a6ff", EMULATOR: "#f0883e", FLOOR: "#8b949e"}
)


@dataclass(frozen=True)
class Point:
    """A figure at one size, with the least and the most of its samples."""

    size: int
    figure: float
    least: float
    most: float


Curve = list[Point]


def curves(measures: Iterable[Measure]) -> list[tuple[Kind, dict[str, Curve]]]:
    """Return the points of each subject, by size, for each kind that is to be plotted."""
    found = []
    plotted = [measure for measure in measures if measure.kind.is_plotted]
    for _, group in groupby(plotted, key=lambda measure: measure.kind.name):
        same = list(group)
        by_subject = {
            subject: points
            for subject in SUBJECTS
            if (points := [point for each in same if (point := _point(each, subject))])
        }
        found.append((same[0].kind, by_subject))
    return found


def why_it_ends(kind: Kind, curve: Curve, largest: int) -> str:
    """Return why the emulator's line ends before the largest size; empty if it does not.

    It has one answer for all sizes where it was measured at one alone. Else the time for the
    largest size is what its last two points lead to, in a straight line.
    """
    last = curve[-1]
    if last.size >= largest:
        return ""
    if kind.where.get(EMULATOR) == "smallest":
        return "it polls once a second: measured at one size"
    if len(curve) < 2:
        return "not measured beyond"
    before = curve[-2]
    each = (last.figure - before.figure) / (last.size - before.size)
    minutes = (last.figure + each * (largest - last.size)) / 60
    return f"not measured beyond:\n{largest:,} would take {max(1, round(minutes))} min"


def draw(measures: Iterable[Measure], file: Path) -> None:
    """Write a PNG with one diagram for each kind, both axes logarithmic.

    Beside NAME.png, which is for a light page, NAME-dark.png is written for a dark one.
    """
    kinds = curves(measures)
    _draw(kinds, LIGHT, file)
    _draw(kinds, DARK, file.with_stem(f"{file.stem}-dark"))


def _draw(kinds: list[tuple[Kind, dict[str, Curve]]], theme: Theme, file: Path) -> None:
    # The tests of the table do without this library.
    from matplotlib.figure import Figure

    rows = len(kinds) // _COLUMNS + 1  # one place more, for the legend
    width, height = _INCHES
    figure = Figure(
        figsize=(width * _COLUMNS, height * rows), layout="constrained", facecolor=theme.page
    )
    places = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for place, (kind, by_subject) in zip(places, kinds, strict=False):
        _diagram(place, kind, by_subject, theme)
    _legend(places[len(kinds)], theme)
    for place in places[len(kinds) + 1 :]:
        place.remove()
    figure.savefig(file, dpi=100)


def _diagram(place: Axes, kind: Kind, by_subject: Mapping[str, Curve], theme: Theme) -> None:
    """Draw the lines of one kind, each with its name and last figure beside its end."""
    largest = max(point.size for curve in by_subject.values() for point in curve)
    for subject, curve in by_subject.items():
        colour, sizes = theme.subjects[subject], [point.size for point in curve]
        place.loglog(sizes, [point.figure for point in curve], marker="o", color=colour)
        spread = [point.least for point in curve], [point.most for point in curve]
        place.fill_between(sizes, *spread, color=colour, alpha=0.25, linewidth=0)
        place.vlines(sizes, *spread, color=colour, alpha=0.5, linewidth=3)
        # The floor is mostly below, and the emulator above: no label stands on another one.
        align = {OURS: "bottom", EMULATOR: "bottom", FLOOR: "top"}[subject]
        reason = why_it_ends(kind, curve, largest) if subject == EMULATOR else ""
        place.annotate(
            "\n".join(filter(None, [f"{subject} {_number(curve[-1].figure)} {kind.unit}", reason])),
            (curve[-1].size, curve[-1].figure),
            xytext=(8, 0),
            textcoords="offset points",
            verticalalignment=align,
            color=colour,
            fontsize="small",
        )
    place.set_xlim(right=largest * _ROOM_FOR_LABELS)
    bottom, top = place.get_ylim()
    place.set_ylim(bottom / 2, top * _ROOM_FOR_LABELS)
    place.set_title(kind.title, fontsize="small", color=theme.text)
    place.set_xlabel("remote MACs", color=theme.text)
    place.set_ylabel(kind.unit, color=theme.text)
    place.set_facecolor(theme.page)
    place.tick_params(which="both", colors=theme.text)
    place.grid(visible=True, which="major", color=theme.grid)
    for edge in place.spines.values():
        edge.set_color(theme.grid)


def _legend(place: Axes, theme: Theme) -> None:
    """Say once what the colours and the bands are."""
    place.set_axis_off()
    for subject in SUBJECTS:
        place.plot([], [], marker="o", color=theme.subjects[subject], label=_LEGEND[subject])
    spread = "from the least to the most sample"
    place.fill_between([], [], [], color=theme.text, alpha=0.25, label=spread)
    place.legend(loc="center left", frameon=False, labelcolor=theme.text)


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _point(measure: Measure, subject: str) -> Point | None:
    figure = measure.figure(subject)
    if figure is None:
        return None
    samples = measure.samples[subject]
    return Point(measure.size, figure, min(samples), max(samples))
