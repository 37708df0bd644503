"""docs/neighbours.md: its commands are typed, and the answers are those of the page.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

from pathlib import Path

from tests.switch.dummy import DummySwitch
from tests.switch.operating import shown
from tests.switch.test_ip_asked import HERE, HOST, say
from tests.switch.typed import type_all

PAGE = Path(__file__).parents[2] / "docs" / "neighbours.md"


def test_addresses_by_hand(joined: DummySwitch) -> None:
    joined.learns(HOST)
    joined.wait(lambda: say(joined) == [(HERE, HOST, "p0", 0)], "the address of the host")
    text = PAGE.read_text()
    assert {example.asked is None for example in shown(text)} == {True, False}
    type_all(joined, text, PAGE)
