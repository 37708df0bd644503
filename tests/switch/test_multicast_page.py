"""docs/multicast.md: the answers are those of the page.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.switch.dummy import DummySwitch
from tests.switch.operating import rewrite, shown, wait_for_answer
from tests.switch.test_multicast_snooping import GROUP, P0, P1, REMOTE, Snooping
from tests.switch.test_outages import run, settled

PAGE = Path(__file__).parents[2] / "docs" / "multicast.md"


def test_a_group_with_a_member(switch: DummySwitch) -> None:
    snooping = Snooping(switch)
    snooping.joins(P0)
    snooping.wait_for(GROUP, P0, REMOTE, place=P1)
    text = PAGE.read_text()
    examples = list(shown(text))
    assert len(examples) > 1
    if os.environ.get("WRITE_PAGES"):
        rewrite(text, lambda example: settled(switch, example), PAGE)
        return
    for example in examples:
        wait_for_answer(switch, example, lambda example: run(switch, example))
