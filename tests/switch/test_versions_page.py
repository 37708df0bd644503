"""The commands of docs/versions.md about the datapath are there."""

from __future__ import annotations

import re
import shlex

from tests.docs.pages import ROOT, section
from tests.switch.dummy import DummySwitch


def test_the_commands_about_the_datapath(joined: DummySwitch) -> None:
    """With dummy ports it is another datapath; it answers the same commands."""
    text = section(ROOT / "docs" / "versions.md", "The kernel's datapath")
    lines = re.findall(r"^(ovs-appctl [^#\n]+)#", text, re.MULTILINE)
    features, show, _ = (joined.run(shlex.split(line)) for line in lines)
    assert "Check pkt length action: Yes" in features
    assert re.search(r"^  port \d+: ", show, re.MULTILINE)
