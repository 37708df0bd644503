"""The format of log lines: with time and level, unless they go to the journal."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from os_ken import cfg

_JOURNAL_LEVELS = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)
"""Python's log levels, and the syslog level of sd-daemon(3) from each on; below INFO it is 7."""


class Lines(logging.Formatter):
    """Prefix lines with the time in UTC, in the format of Open vSwitch's logs, and the level."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")


class JournalLines(logging.Formatter):
    """Prefix each line with its level as in sd-daemon(3); the journal adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of the record, each with its level."""
        level = next((each for least, each in _JOURNAL_LEVELS if record.levelno >= least), 7)
        return "\n".join(f"<{level}>{line}" for line in super().format(record).splitlines())


def install_everywhere() -> None:
    """Install our format on the log of this process, unless os-ken's log_config_file is given."""
    if not getattr(cfg.CONF, "log_config_file", None):
        install(logging.getLogger().handlers, os.environ)


def install(handlers: Iterable[logging.Handler], environment: Mapping[str, str]) -> None:
    """Set our format on each handler of a stream or a file that has no format yet."""
    for handler in handlers:
        if isinstance(handler, logging.StreamHandler) and handler.formatter is None:
            is_journal = _leads_to_the_journal(handler, environment.get("JOURNAL_STREAM", ""))
            handler.setFormatter(JournalLines() if is_journal else Lines())


def _leads_to_the_journal(handler: "logging.StreamHandler[Any]", journal: str) -> bool:
    """Whether JOURNAL_STREAM names the stream of the handler (systemd.exec(5))."""
    fileno = getattr(handler.stream, "fileno", None)
    if not journal or fileno is None:
        return False
    try:
        stream = os.fstat(fileno())
    except OSError:
        return False
    return journal == f"{stream.st_dev}:{stream.st_ino}"
