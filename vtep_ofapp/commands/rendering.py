"""Make the text of an answer, for people and for programs, in parts with room for pauses."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain

from ..values.texts import printable
from .answer import Blocks, Cell, Content, Lines, Row, Table, Value

_INDENT = "    "


def json_parts(content: Content) -> Iterator[str]:
    """Yield the parts of one line of JSON; an empty part where other work may be done."""
    return _json(content)


def text_parts(content: Content, indent: str = "") -> Iterator[str]:
    """Yield the parts of the text for people; an empty part where other work may be done.

    A table has a title where it is not the only part. What does not print is escaped: names come
    from databases, and make no lines of their own.
    """
    is_alone = len(content) == 1
    for name, value in content.items():
        if isinstance(value, Table):
            yield from _table(name, value, indent, is_alone)
        elif isinstance(value, Blocks):
            yield from _blocks(name, value, indent)
        elif isinstance(value, Lines):
            yield from (f"{indent}{printable(line)}\n" for line in value.lines)
        elif isinstance(value, Mapping):
            yield f"{indent}{printable(name)}:\n" if value else f"{indent}{printable(name)}: none\n"
            yield from text_parts(value, indent + _INDENT)
        else:
            yield f"{indent}{name}: {_word(value)}\n"


def _table(name: str, table: Table, indent: str, is_alone: bool) -> Iterator[str]:
    widths = [len(column) for column in table.columns]
    rows: list[tuple[str, ...]] = []  # of tuples: Python's garbage collector leaves them out
    for row in table.rows:
        if row is not None:
            words = tuple(map(_word, row))
            rows.append(words)
            widths = [
                width if width >= len(word) else len(word)
                for width, word in zip(widths, words, strict=True)
            ]
        yield ""
    if not rows:
        yield f"{indent}{name}: none\n"
        return
    if not is_alone:
        yield f"{indent}{name}:\n"
        indent += _INDENT
    widths[-1] = 0  # nothing follows
    for words in chain([table.columns], rows):
        line = "  ".join(word.ljust(width) for word, width in zip(words, widths, strict=True))
        yield f"{indent}{line}\n"


def _blocks(name: str, blocks: Blocks, indent: str) -> Iterator[str]:
    are_none = True
    for block in blocks.blocks:
        if block is None:
            yield ""
            continue
        if are_none and blocks.heading:
            yield f"{indent}{name}:\n"
            indent += _INDENT
        are_none = False
        title, *values = block.items()
        yield f"{indent}{printable(str(title[1]))}\n"
        yield from text_parts(dict(values), indent + _INDENT)
    if are_none:
        yield f"{indent}{name}: none\n"


def _word(cell: Cell) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.3g}"
    if isinstance(cell, int):
        return str(cell)
    return printable(cell if isinstance(cell, str) else ", ".join(map(str, cell))) or "-"


def _json(value: Value) -> Iterator[str]:
    if isinstance(value, Table):
        yield from _list(_object(value, row) for row in value.rows)
    elif isinstance(value, Blocks):
        yield from _list("".join(_json(block)) if block else None for block in value.blocks)
    elif isinstance(value, Mapping):
        yield "{"
        for number, (name, each) in enumerate(value.items()):
            yield f"{', ' if number else ''}{json.dumps(name)}: "
            yield from _json(each)
        yield "}"
    else:
        yield _dump(value.lines if isinstance(value, Lines) else value)


def _list(rows: Iterator[str | None]) -> Iterator[str]:
    yield "["
    separator = ""
    for row in rows:
        if row is None:
            yield ""
        else:
            yield separator + row
            separator = ", "
    yield "]"


def _object(table: Table, row: Row | None) -> str | None:
    """Return a row as a JSON object, None for a pause."""
    if row is None:
        return None
    return _dump(dict(zip(table.columns, row, strict=True)))


_dump = json.JSONEncoder(default=list).encode
"""Encodes a value; of sequences, json itself knows lists and tuples alone."""
