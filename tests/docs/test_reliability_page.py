"""docs/reliability.md names tests that exist, and says what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code, section, table
from vtep_ofapp.features.learning import damping

PAGE = ROOT / "docs" / "reliability.md"


def named_tests() -> list[tuple[str, str]]:
    text = PAGE.read_text()
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)))


@pytest.mark.parametrize(("path", "name"), named_tests())
def test_a_test_that_is_named_exists(path: Path, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not name or name in tests
    assert any(test.startswith("test_") for test in tests)


def test_every_promise_has_a_test() -> None:
    rows = table(PAGE, "Promises")
    assert all(code(row["shown by"]) for row in rows)
    assert all(row["what happens"] and row["what is promised"] for row in rows)


def test_the_rule_of_damping() -> None:
    text = " ".join(section(PAGE, "Stations that move").split())
    assert f"moved {damping.MAX_MOVES} times within {damping.WINDOW:g} seconds" in text
    assert f"for {damping.HOLD:g} seconds, whatever" in text
