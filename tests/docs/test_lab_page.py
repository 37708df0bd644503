"""docs/lab.md has all keys of `status --json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from sim.status import values
from tests.docs.pages import ROOT, code, section, table

PAGE = ROOT / "docs" / "lab.md"
HEADING = "Look at a lab"


def keys_of(kind: Any, where: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield, for an object and those in it, the key that it is under, and the keys that it has."""
    if get_origin(kind) in (tuple, Union, UnionType):
        for each in get_args(kind):
            yield from keys_of(each, where)
    elif dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        yield where, tuple(hints)
        for name, inner in hints.items():
            yield from keys_of(inner, name)


def test_every_object_has_its_keys() -> None:
    documented = {
        (name, tuple(code(row["keys"])))
        for row in table(PAGE, HEADING)
        for name in code(row["object"]) or ["the lab"]
    }
    assert documented == set(keys_of(values.Lab, "the lab"))


def test_every_state_and_kind_is_explained() -> None:
    text = section(PAGE, HEADING)
    for each in (*values.State, *values.Kind):
        assert f"`{each.value}`" in text, each
    assert f"`format` is {values.FORMAT}" in text
