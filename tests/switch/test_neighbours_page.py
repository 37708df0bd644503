"""docs/neighbours.md: its commands are typed, and the answers are those of the page.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.switch.dummy import DummySwitch
from tests.switch.operating import alike, rewrite, shown, wait_for_answer
from tests.switch.test_ip_asked import HERE, HOST, say
from tests.switch.test_outages import run, settled

PAGE = Path(__file__).parents[2] / "docs" / "neighbours.md"


def test_addresses_by_hand(joined: DummySwitch) -> None:
    joined.learns(HOST)
    joined.wait(lambda: say(joined) == [(HERE, HOST, "p0", 0)], "the address of the host")
    text = PAGE.read_text()
    examples = list(shown(text))
    assert {example.asked is None for example in examples} == {True, False}
    if os.environ.get("WRITE_PAGES"):
        rewrite(text, lambda example: settled(joined, example), PAGE)
        return
    for example in examples:
        if example.asked is None:
            assert alike(run(joined, example)) == alike(example.answer)
        else:
            wait_for_answer(joined, example, lambda example: run(joined, example))
