"""Ask commands of a loop in this process, as the control socket does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import eventlet

from vtep_ofapp.commands import answering
from vtep_ofapp.commands.command import Running
from vtep_ofapp.commands.registry import COMMANDS
from vtep_ofapp.values.events import Event

from .app import App

BY_NAME = {command.name: command for command in COMMANDS}


class Asking:
    """Asks the application; ``ended`` counts how often a command ended the process."""

    def __init__(self, app: App) -> None:
        self.ended = 0
        self._app = app
        self.running = Running(
            app.components, app.inbox, {"[vtep] lock": "vtep_ofapp"}, 0.0, self._end, COMMANDS
        )

    def text(self, name: str, *words: str) -> str:
        """Return the answer for people."""
        return "".join(answering.begin(BY_NAME[name], words, self.running, False).parts)

    def json(self, name: str, *words: str) -> Any:
        """Return the answer for programs."""
        return json.loads(self.text(name, *words, "--json"))

    def text_in_turns(self, words: Sequence[str], *events: Event | Callable[[], Event]) -> str:
        """Return the answer of a command that may wait for its own event, and for these events.

        An event may be made when its turn comes.
        """
        asking = eventlet.spawn(self.text, *words)
        eventlet.sleep(0)
        if not asking.dead:
            self._app.turn(*self._app.inbox.take())
            eventlet.sleep(0)
        for event in events:
            assert not asking.dead
            self._app.turn(event() if callable(event) else event)
            eventlet.sleep(0)
        answer: str = asking.wait()
        return answer

    def fails(self, name: str, *words: str) -> bool:
        """Return whether the command ends with a non-zero exit code."""
        return answering.begin(BY_NAME[name], words, self.running, False).failed

    def _end(self) -> None:
        self.ended += 1
