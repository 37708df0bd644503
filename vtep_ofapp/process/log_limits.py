"""Rate limits for log lines that remote peers can trigger.

A few lines of each kind pass. Then one line counts the rest and shows the last of them, so that
the log tells what holds now.
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
"""Characters of one line that are logged: an OpenFlow message may have 64 KiB."""

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
"""Loggers of what switches and unknown peers send."""
_OURS = ("vtep_ofapp.databases", "vtep_ofapp.loop", "vtep_ofapp.session")
"""Loggers whose lines begin with a database or a switch, each of which has its own limit."""

_MORE = "%d more lines like this one within %g s: %s"


class RateLimit(logging.Filter):
    """Pass MAX_LINES of a kind within INTERVAL, shortened, and count the rest.

    Lines of one kind have the same logger and the same text before its values are filled in.
    With ``by_subject`` they have the same first value, too.
    """

    def __init__(self, later: Callable[..., Any], by_subject: bool = False) -> None:
        """Count by ``later``, which takes seconds, a function and its arguments, and returns."""
        super().__init__()
        self._later = later
        self._by_subject = by_subject
        self._counts: Counter[Hashable] = Counter()
        self._left_out: dict[Hashable, tuple[str, int, str]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the line, and return whether it is logged."""
        if record.msg == _MORE:
            return True
        kind = self._kind(record)
        self._counts[kind] += 1
        record.msg, record.args = _short(record.getMessage()), ()
        if self._counts[kind] > MAX_LINES:
            # Keep the text alone: the record's exception would keep a socket open.
            self._left_out[kind] = record.name, record.levelno, record.msg
            return False
        if record.name == _PARSER:
            record.exc_info = None  # what the peer sent is at fault, and no code of ours
        if self._counts[kind] == 1:
            self._later(INTERVAL, self._end, kind)
        return True

    def _kind(self, record: logging.LogRecord) -> Hashable:
        known = record.args if self._by_subject and isinstance(record.args, tuple) else ()
        return record.name, record.msg, *(str(subject) for subject in known[:1])

    def _end(self, kind: Hashable) -> None:
        """End the interval of a kind: count its lines that were left out, and show the last."""
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
