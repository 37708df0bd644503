"""docs/multicast.md: the answers are those of the page.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

from pathlib import Path

from tests.switch.dummy import DummySwitch
from tests.switch.operating import shown
from tests.switch.test_multicast_snooping import GROUP, P0, P1, REMOTE, Snooping
from tests.switch.typed import type_all

PAGE = Path(__file__).parents[2] / "docs" / "multicast.md"


def test_a_group_with_a_member(switch: DummySwitch) -> None:
    snooping = Snooping(switch)
    snooping.joins(P0)
    snooping.wait_for(GROUP, P0, REMOTE, place=P1)
    text = PAGE.read_text()
    assert len(list(shown(text))) > 1
    type_all(switch, text, PAGE)
