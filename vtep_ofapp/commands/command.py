"""What a command declares, and what it can read."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..loop.components import Components
from ..loop.inbox import Inbox
from .answer import Answer


@dataclass(frozen=True, slots=True)
class Running:
    """The running application, as commands see it.

    A command reads the components between two turns, and changes nothing there: one that has an
    effect posts an event to the inbox. ``options`` are the configured ones by their names, with
    their groups; ``started`` is in seconds since the epoch; ``end`` ends the process.
    """

    components: Components
    inbox: Inbox
    options: Mapping[str, str]
    started: float
    end: Callable[[], None]
    commands: Iterable["Command"] = ()

    @property
    def role(self) -> str:
        """Whether this process has the lock: active, standby, or waiting for an answer."""
        leads = self.components.lock.leads
        return "waiting" if leads is None else "active" if leads else "standby"

    @property
    def is_paused(self) -> bool:
        """Whether an operator paused this process."""
        return self.components.pausing.is_paused

    @property
    def status(self) -> str:
        """The status of this process in one line, as systemd shows it."""
        return self.components.status


Answering: TypeAlias = Callable[[Sequence[str], Running], Answer]
"""A function from the arguments to the answer. It raises WrongWords.

It runs in a green thread of its own, and may wait there.
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A command. ``usage`` names its arguments, optional ones in brackets, as in ovs-appctl(8).

    ``summary`` is one sentence for the help and the man page. ``has_effect`` says that the command
    does more than to answer.
    """

    name: str
    usage: str
    summary: str
    answer: Answering
    has_effect: bool = False

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest number of arguments."""
        words = self.usage.split()
        least = sum(not word.startswith("[") for word in words)
        return least, sys.maxsize - 1 if "..." in self.usage else len(words)
