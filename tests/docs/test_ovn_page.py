"""docs/ovn.md names tests that exist; tests/nvcs/test_ovn.py runs its commands."""

from __future__ import annotations

import pytest

from tests.docs.pages import ROOT, code, is_there, named_tests, table

PAGE = ROOT / "docs" / "ovn.md"


@pytest.mark.parametrize(("path", "name"), named_tests(PAGE))
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert is_there(path, name)


def test_all_that_ovn_is_said_to_do_is_shown_by_a_test() -> None:
    rows = table(PAGE, "What OVN does")
    assert all(row["what OVN does"] and code(row["shown by"]) for row in rows)
