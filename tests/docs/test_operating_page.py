"""docs/operating.md has each command, with an answer."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT
from vtep_ofapp.commands.registry import COMMANDS

PAGE = ROOT / "docs" / "operating.md"
WITHOUT_ANSWER = {"exit", "supportbundle", "vlog/set"}
"""Commands that answer nothing that a page could show."""


def test_every_command_is_there() -> None:
    text = PAGE.read_text()
    for command in COMMANDS:
        words = f"{command.name} {command.usage}".strip()
        assert f"`{words}`" in text, f"docs/operating.md does not name `{words}`"
        if command.name not in WITHOUT_ANSWER:
            asked = rf"^\$ (ovs-appctl -t vtep_ofapp|vtep-ofapp) {re.escape(command.name)}( |$)"
            assert re.search(asked, text, re.MULTILINE), f"no answer of {command.name}"
