"""docs/acls.md: its commands are typed, and the answers are those of the page.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

from pathlib import Path

from tests.switch.dummy import DummySwitch
from tests.switch.operating import shown
from tests.switch.typed import type_all

PAGE = Path(__file__).parents[2] / "docs" / "acls.md"
HOST, GUEST = "00:00:00:00:00:01", "00:00:00:00:00:02"


def test_access_lists_by_hand(joined: DummySwitch) -> None:
    joined.learns(HOST)
    joined.learns(GUEST, "p1", 10)
    text = PAGE.read_text()
    assert {example.asked is None for example in shown(text)} == {True, False}
    type_all(joined, text, PAGE)
