"""Ask commands of a loop in this process, as the control socket does."""

from __future__ import annotations

import json
from typing import Any

from vtep_ofapp.commands import answering
from vtep_ofapp.commands.command import Running
from vtep_ofapp.commands.registry import COMMANDS

from .app import App

BY_NAME = {command.name: command for command in COMMANDS}


class Asking:
    """Asks the application; ``ended`` counts how often a command ended the process."""

    def __init__(self, app: App) -> None:
        self.ended = 0
        self.running = Running(
            app.components, app.inbox, {"[vtep] lock": "vtep_ofapp"}, 0.0, self._end, COMMANDS
        )

    def text(self, name: str, *words: str) -> str:
        """Return the answer for people."""
        return "".join(answering.begin(BY_NAME[name], words, self.running, False).parts)

    def json(self, name: str, *words: str) -> Any:
        """Return the answer for programs."""
        return json.loads(self.text(name, *words, "--json"))

    def fails(self, name: str, *words: str) -> bool:
        """Return whether the command ends with a non-zero exit code."""
        return answering.begin(BY_NAME[name], words, self.running, False).failed

    def _end(self) -> None:
        self.ended += 1
