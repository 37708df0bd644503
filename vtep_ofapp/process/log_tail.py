"""The end of this process's log, for a bug report: from its file, or kept in memory."""

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator

from .log_format import Lines

MOST_LINES = 2000
"""Lines that are kept in memory."""
LONGEST_LINE = 2000
"""Characters of a line that are kept."""
MOST_BYTES = 2 << 20
"""Bytes of a log file that are read."""
_AT_ONCE = 1 << 16


class Tail(logging.Handler):
    """Keeps the last lines in memory, for a process whose log goes to a terminal or journal."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.setFormatter(Lines())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line of a record."""
        self.lines.append(self.format(record)[:LONGEST_LINE])


def install(logger: logging.Logger) -> None:
    """Keep the last lines of a logger in memory from now on."""
    logger.addHandler(Tail())


def read(handlers: Iterable[logging.Handler]) -> Iterator[str]:
    """Yield parts of the end of the log that these handlers write, from a file if one does.

    Raises OSError if the file cannot be read.
    """
    for handler in handlers:
        if isinstance(handler, logging.FileHandler):
            yield from _end_of(handler.baseFilename)
            return
    for handler in handlers:
        if isinstance(handler, Tail):
            yield from (f"{line}\n" for line in list(handler.lines))


def _end_of(path: str) -> Iterator[str]:
    with open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) > MOST_BYTES:
            file.seek(-MOST_BYTES, os.SEEK_END)
            file.readline()  # the rest of a line
        else:
            file.seek(0)
        while part := file.read(_AT_ONCE):
            yield part.decode(errors="replace")
