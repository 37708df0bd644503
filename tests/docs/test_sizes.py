"""No file, class or function is longer than a reader can hold in mind."""

import ast
from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT

MAX_FILE = {"vtep_ofapp": 400, "sim": 400, "tests": 600}
MAX_CLASS = 200
MAX_FUNCTION = 50

LONGER: dict[str, tuple[int, str]] = {
    "tests/switch/dummy.py::DummySwitch": (330, "what tests do to a switch, a few lines each"),
    "tests/trouble/test_application.py::"
    "test_what_changed_while_it_was_away_is_taken_up_and_nothing_is_stale": (
        80,
        "one story, from what was before to what is afterwards",
    ),
    "tests/unit/reference.py::Reference": (310, "the model of the whole, to be read as one"),
    "tests/unit/sequences.py::Sequences": (480, "the rules of a state machine are one class"),
    "tests/unit/test_acl_sequences.py::AclSequences": (
        220,
        "the rules of a state machine are one class",
    ),
    "tests/unit/test_multicast_sequences.py::MulticastSequences": (
        230,
        "the rules of a state machine are one class",
    ),
    "tests/unit/test_neighbour_sequences.py::NeighbourSequences": (
        230,
        "the rules of a state machine are one class",
    ),
    "tests/unit/vtep_contents.py::tables": (60, "an entry for each table"),
    "tests/unit/world.py::World": (280, "both databases and the switch, as one model"),
}
"""What may be longer: how long, and why."""


def lengths(folder: str) -> Iterator[tuple[str, int, int]]:
    """Yield the name, the lines and the lines allowed of each file, class and function."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        name, text = path.relative_to(ROOT).as_posix(), path.read_text()
        yield name, len(text.splitlines()), MAX_FILE[folder]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                allowed = MAX_CLASS if isinstance(node, ast.ClassDef) else MAX_FUNCTION
                assert node.end_lineno is not None
                yield f"{name}::{node.name}", node.end_lineno - node.lineno + 1, allowed


@pytest.mark.parametrize("folder", MAX_FILE)
def test_nothing_is_too_long(folder: str) -> None:
    longer = {name: allowed for name, (allowed, _) in LONGER.items()}
    found = list(lengths(folder))
    assert found
    too_long = [
        f"{name}: {lines} lines, {allowed} allowed"
        for name, lines, short in found
        if lines > (allowed := longer.get(name, short))
    ]
    assert not too_long


def test_an_exception_is_needed_and_has_a_reason() -> None:
    there = {name: (lines, short) for folder in MAX_FILE for name, lines, short in lengths(folder)}
    for name, (_, reason) in LONGER.items():
        lines, short = there[name]
        assert lines > short, f"{name} needs no exception"
        assert reason
