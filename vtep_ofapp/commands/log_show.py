"""``log/show``: the last lines of the log, also of one that goes to a terminal or the journal."""

import logging
from collections.abc import Sequence

from ..process import log_tail
from .answer import Answer, Lines, WrongWords
from .command import Command, Running

_MOST = 200
"""Lines in one answer."""


def _show(words: Sequence[str], _running: Running) -> Answer:
    """Return the last lines that have all words, whatever their case. Raises WrongWords."""
    wanted = [word.lower() for word in words]
    try:
        text = "".join(log_tail.read(logging.getLogger().handlers))
    except OSError as error:
        raise WrongWords(f"the log cannot be read: {error.strerror or error}") from None
    found = [line for line in text.splitlines() if all(word in line.lower() for word in wanted)]
    return Answer({"log": Lines(found[-_MOST:])})


COMMANDS = (
    Command(
        "log/show",
        "[WORD]...",
        f"Print the last lines of the log, {_MOST} at most, that have all the words.",
        _show,
    ),
)
