"""Lines of the log that others can provoke: a few of each kind, then how many more there were.

The last one of those that were left out is shown, so that what holds now can be read.
"""

import logging
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

MAX_LINES = 5
"""Lines of one kind that are logged within an interval."""
INTERVAL = 60.0
"""Seconds from the first line of a kind until the ones that were left out are counted."""
MAX_CHARACTERS = 2000
"""What is shown of one line: a message of OpenFlow may be 64 KiB long."""

_PARSER = "os_ken.ofproto.ofproto_parser"
_OUTSIDERS = (
    _PARSER,
    "os_ken.base.app_manager",
    "os_ken.lib.hub",
    "OFPHandler",
    "vtep_ofapp.damping",
    "vtep_ofapp.refused",
    "vtep_ofapp.switch",
    "vtep_ofapp.switch.listener",
    "vtep_ofapp.unnamed",
)
"""Loggers of what switches and strangers send."""
_OURS = ("vtep_ofapp.databases", "vtep_ofapp.loop", "vtep_ofapp.session")
"""Loggers of what becomes of our databases and switches; their lines begin with its name."""

_MORE = "%d more lines like this one within %g s: %s"


class RateLimit(logging.Filter):
    """Lets MAX_LINES of a kind pass within INTERVAL, shortened; those after them are counted.

    Lines are of one kind if they come from one logger and have one text before it is filled in;
    ``by_subject`` says that the first value to be filled in has to be the same as well.
    """

    def __init__(self, later: Callable[..., Any], by_subject: bool = False) -> None:
        """Count by ``later``, which takes seconds, a function and its arguments, and returns."""
        super().__init__()
        self._later = later
        self._by_subject = by_subject
        self._counts: Counter[Hashable] = Counter()
        self._left_out: dict[Hashable, tuple[str, int, str]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is logged; shorten it."""
        if record.msg == _MORE:
            return True
        kind = self._kind(record)
        self._counts[kind] += 1
        record.msg, record.args = _short(record.getMessage()), ()
        if self._counts[kind] > MAX_LINES:
            # As text alone: what it is made of, an exception and its socket, is not held on to.
            self._left_out[kind] = record.name, record.levelno, record.msg
            return False
        if record.name == _PARSER:
            record.exc_info = None  # the fault is in what was sent, not in a program here
        if self._counts[kind] == 1:
            self._later(INTERVAL, self._end, kind)
        return True

    def _kind(self, record: logging.LogRecord) -> Hashable:
        known = record.args if self._by_subject and isinstance(record.args, tuple) else ()
        return record.name, record.msg, *(str(subject) for subject in known[:1])

    def _end(self, kind: Hashable) -> None:
        """End the interval of a kind, and say how many lines were left out in it, and the last."""
        more = self._counts.pop(kind) - MAX_LINES
        last = self._left_out.pop(kind, None)
        if last is not None:
            name, level, text = last
            logging.getLogger(name).log(level, _MORE, more, INTERVAL, text)


def _short(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def install(later: Callable[..., Any]) -> None:
    """Rate-limit the loggers whose lines remote peers can trigger; ``later`` as for RateLimit."""
    for name in _OUTSIDERS:
        logging.getLogger(name).addFilter(RateLimit(later))
    for name in _OURS:
        logging.getLogger(name).addFilter(RateLimit(later, by_subject=True))
