"""Answers of commands as plain data, from which text and JSON are made alike."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Cell: TypeAlias = str | int | float | bool | Sequence[str | int | float] | None
"""A value in a table; None if there is none, a sequence for several."""
Row: TypeAlias = Sequence[Cell]
Value: TypeAlias = "Cell | Lines | Table | Blocks | Mapping[str, Value]"
Content: TypeAlias = Mapping[str, Value]
"""Values by their names in JSON, in the order in which people read them."""

_SORTED_AT_ONCE = 1000
"""Items that are sorted without a pause, within a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind. ``columns`` are their names in JSON, and the headings in text.

    Very many rows are worked out one by one. Where ``rows`` yields None in place of a row, other
    work may be done.
    """

    columns: tuple[str, ...]
    rows: Iterable[Row | None]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of text; JSON has a list of them."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Things of one kind, each with values of its own, the first of which is its title in text.

    ``blocks`` may yield None as rows of a table do. In text, the name of the kind is above all of
    them if they have a ``heading``.
    """

    blocks: Iterable[Content | None]
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a command.

    ``failed`` makes the command end with a non-zero exit code, as a failed check does.
    """

    content: Content
    failed: bool = False


class WrongWords(Exception):
    """The arguments of a command name nothing that exists; the text says what, in one line."""


def joined(problems: Iterable[str]) -> str | None:
    """Return the problems of one row as a cell, None if there are none."""
    return "; ".join(problems) or None


def in_order(
    items: Iterable[T], key: Callable[[T], Any], fits: Callable[[T], bool] = lambda item: True
) -> Iterator[T | None]:
    """Yield the items that fit in the order of their keys; and None now and then, for a pause.

    ``items`` must not change meanwhile.
    """
    rest = iter(items)
    parts: list[list[T]] = []
    while part := list(islice(rest, _SORTED_AT_ONCE)):
        parts.append(sorted(filter(fits, part), key=key))
        yield None
    yield from heapq.merge(*parts, key=key)
