"""``pause`` and ``resume``: an operator's pause, in which nothing is written."""

from collections.abc import Sequence

from ..values.events import PauseIs
from .answer import Answer
from .command import Command, Running

_PATIENCE = 30.0
"""Seconds in which what was sent before a pause is answered, even 100,000 flows."""


def _pause(_arguments: Sequence[str], running: Running) -> Answer:
    """Pause, and wait for the answers to what is sent already."""
    running.inbox.post(PauseIs(paused=True))
    turns = running.components.turns
    turns.wait_until(lambda: running.is_paused and not _unanswered(running), _PATIENCE)
    return Answer({"unanswered": _unanswered(running)})


def _resume(_arguments: Sequence[str], running: Running) -> Answer:
    since = running.components.pausing.since
    now = running.components.timers.clock()
    running.inbox.post(PauseIs(paused=False))
    running.components.turns.wait_until(lambda: not running.is_paused, _PATIENCE)
    return Answer({"paused_for_s": None if since is None else int(now - since)})


def _unanswered(running: Running) -> list[str]:
    """Return the switches and databases that have not answered what was sent to them last."""
    components = running.components
    drivers = components.switches.drivers
    databases = components.databases.all()
    return [
        *sorted(name for name, driver in drivers.items() if driver.bundles.is_in_flight),
        *(name for name, transactions in databases.items() if transactions.is_in_flight),
    ]


COMMANDS = (
    Command(
        "pause",
        "",
        "Write nothing to switches and databases until resume or the end of the process; lock and "
        "roles stay.",
        _pause,
        has_effect=True,
    ),
    Command(
        "resume", "", "End a pause, and send all differences at once.", _resume, has_effect=True
    ),
)
