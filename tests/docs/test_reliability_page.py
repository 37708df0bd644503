"""docs/reliability.md names tests that exist, and says what the code does."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, code, is_there, named_tests, section, table
from vtep_ofapp.features.learning import damping

PAGE = ROOT / "docs" / "reliability.md"


@pytest.mark.parametrize(("path", "name"), named_tests(PAGE))
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert is_there(path, name)


def test_every_promise_has_a_test() -> None:
    rows = table(PAGE, "Promises")
    assert all(code(row["shown by"]) for row in rows)
    assert all(row["what happens"] and row["what is promised"] for row in rows)


def test_the_rule_of_damping() -> None:
    text = " ".join(section(PAGE, "Stations that move").split())
    assert f"moved {damping.MAX_MOVES} times within {damping.WINDOW:g} seconds" in text
    assert f"for {damping.HOLD:g} seconds, whatever" in text
