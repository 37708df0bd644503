"""How a line of the log begins: with time and level, unless the journal adds them."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

_JOURNAL_LEVELS = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)
"""The least level of logging for each level of syslog that sd-daemon(3) has; below it is 7."""


class Lines(logging.Formatter):
    """The time as Open vSwitch writes it in its logs, in UTC, and the level, before the text."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")


class JournalLines(logging.Formatter):
    """The level as sd-daemon(3) has it, before each line; the journal knows the time."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines, each as an entry of the journal."""
        level = next((each for least, each in _JOURNAL_LEVELS if record.levelno >= least), 7)
        return "\n".join(f"<{level}>{line}" for line in super().format(record).splitlines())


def install(handlers: Iterable[logging.Handler], environment: Mapping[str, str]) -> None:
    """Give each handler that writes to a stream or a file, and has no format, one of ours."""
    for handler in handlers:
        if isinstance(handler, logging.StreamHandler) and handler.formatter is None:
            is_journal = _leads_to_the_journal(handler, environment.get("JOURNAL_STREAM", ""))
            handler.setFormatter(JournalLines() if is_journal else Lines())


def _leads_to_the_journal(handler: "logging.StreamHandler[Any]", journal: str) -> bool:
    """Whether systemd names the handler's stream in JOURNAL_STREAM, as systemd.exec(5) says."""
    fileno = getattr(handler.stream, "fileno", None)
    if not journal or fileno is None:
        return False
    try:
        stream = os.fstat(fileno())
    except OSError:
        return False
    return journal == f"{stream.st_dev}:{stream.st_ino}"
