"""Rate limits for log lines that remote peers can trigger.

A few lines of each kind are logged in each interval. At its end one line has the number of the
others, and the text of the last one, which shows the current state.
"""

import logging
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

MAX_LINES = 5
"""Lines of one kind that are logged within an interval."""
INTERVAL = 60.0
"""Seconds from the first line of a kind until the number of suppressed ones is logged."""
MAX_CHARACTERS = 2000
"""Characters of one line that are logged: an OpenFlow message may have 64 KiB."""

_PARSER = "os_ken.ofproto.ofproto_parser"
_OUTSIDERS = (
    _PARSER,
    "os_ken.base.app_manager",
    "os_ken.lib.hub",
    "OFPHandler",
    "vtep_ofapp.claims",
    "vtep_ofapp.damping",
    "vtep_ofapp.icmp",
    "vtep_ofapp.next_hops",
    "vtep_ofapp.refused",
    "vtep_ofapp.switch",
    "vtep_ofapp.switch.listener",
    "vtep_ofapp.unnamed",
)
"""Loggers of lines that switches and unknown peers can trigger."""
_OURS = ("vtep_ofapp.databases", "vtep_ofapp.loop", "vtep_ofapp.session")
"""Loggers whose lines begin with a database or a switch; each of these has its own limit."""

_MORE = "%d more lines like this one within %g s: %s"


class RateLimit(logging.Filter):
    """Log MAX_LINES of a kind within INTERVAL, shortened, and count the others.

    Lines are of one kind if they have the same logger and the same format string; with
    ``by_subject`` the same first argument as well.
    """

    def __init__(self, later: Callable[..., Any], by_subject: bool = False) -> None:
        """Take ``later``, which calls a function with arguments after so many seconds."""
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
            # Keep only the text: the record's exception would keep a socket open.
            self._left_out[kind] = record.name, record.levelno, record.msg
            return False
        if record.name == _PARSER:
            record.exc_info = None  # the peer's bytes are at fault, not our code
        if self._counts[kind] == 1:
            self._later(INTERVAL, self._end, kind)
        return True

    def _kind(self, record: logging.LogRecord) -> Hashable:
        known = record.args if self._by_subject and isinstance(record.args, tuple) else ()
        return record.name, record.msg, *(str(subject) for subject in known[:1])

    def _end(self, kind: Hashable) -> None:
        """End the interval of a kind: log the number of suppressed lines, and the last one."""
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
