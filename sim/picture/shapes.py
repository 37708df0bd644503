"""What a picture consists of, in pixels; y grows downwards."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

SIZE = 12
"""Pixels of the font, which has characters of equal width."""
CELL = 0.61 * SIZE
"""Pixels of a character. Courier has 0.6, DejaVu Sans Mono and Menlo 0.602 of their size."""
ASCENT, DESCENT = 0.93 * SIZE, 0.24 * SIZE
"""Pixels of a character above and below its line, of DejaVu Sans Mono."""

Attributes: TypeAlias = Mapping[str, str]
"""What a shape shows, for programs: `data-` attributes of its element."""


@dataclass(frozen=True)
class Text:
    """A line of text; `x` is its left end, or its right one."""

    x: float
    y: float
    text: str
    style: str = "ink"
    is_right: bool = False
    tells: str = ""
    about: Attributes = field(default_factory=dict)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The area that it takes: left, top, right, bottom."""
        width = cells(self.text) * CELL
        left = self.x - width if self.is_right else self.x
        return left, self.y - ASCENT, left + width, self.y + DESCENT


@dataclass(frozen=True)
class Rectangle:
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    style: str
    about: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """A line through points: a straight one through two, a cubic Bézier curve by four."""

    points: tuple[tuple[float, float], ...]
    style: str
    tells: str = ""
    about: Attributes = field(default_factory=dict)


Shape: TypeAlias = "Text | Rectangle | Curve"


@dataclass(frozen=True)
class Drawing:
    """A whole picture; later shapes are above earlier ones."""

    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...]


def cells(text: str) -> int:
    """Return how many characters' widths a text takes: one of East Asia takes two."""
    return sum(_width(each) for each in text)


def fitted(text: str, pixels: float) -> str:
    """Return the text, or as much of its beginning as fits, with an ellipsis."""
    most = int(pixels / CELL)
    if cells(text) <= most:
        return text
    kept = ""
    for each in text:
        if cells(kept) + _width(each) > most - 1:
            break
        kept += each
    return f"{kept}…" if most > 0 else ""


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    # An emoji may be drawn wide though the standard has no width for it.
    is_wide = unicodedata.east_asian_width(character) in "WF" or ord(character) >= 0x1F000
    return 2 if is_wide else 1
