"""The logs of the processes that a test starts: none may hold a traceback or an emergency.

Who starts processes has the folder of their logs watched (`watched`). tests/conftest.py looks
through all that was written there after each test, and fails the test that ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIGN = re.compile(
    r"Traceback \(most recent call last\)|Exception ignored in|\|EMER\||assertion .+ failed"
)
_BEFORE, _AFTER = 2, 40
"""Lines of the log that are shown before and after a sign of trouble."""


class _Folder:
    """The logs below one folder, each line of which is looked at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[int, int] = {}
        """Bytes looked at so far, by the file's inode: a log may be moved away."""

    def complaints(self) -> list[str]:
        """Return the excerpts of what was written since the last call that show trouble."""
        found = []
        for log in sorted(self._path.rglob("*.log*")):
            if log.is_file():
                found += [f"{log.name}:\n{each}" for each in _excerpts(self._unread(log))]
        return found

    def _unread(self, log: Path) -> str:
        inode, text = log.stat().st_ino, log.read_bytes()
        begin = self._read.get(inode, 0)
        self._read[inode] = len(text)
        return text[begin if begin <= len(text) else 0 :].decode(errors="replace")


_watched: list[_Folder] = []


@contextmanager
def watched(path: Path) -> Iterator[None]:
    """Have the logs below a folder (files named *.log*) watched while this context is open.

    Raises AssertionError at its end if they hold trouble that no test was told of.
    """
    folder = _Folder(path)
    _watched.append(folder)
    try:
        yield
    finally:
        _watched.remove(folder)
    complaints = folder.complaints()
    assert not complaints, "\n".join(complaints)


def complaints() -> list[str]:
    """Return what the watched logs hold of trouble since the last call, an excerpt for each."""
    return [each for folder in _watched for each in folder.complaints()]


def _excerpts(text: str) -> list[str]:
    """Return the lines around each sign of trouble; one excerpt for those close together."""
    lines = text.splitlines()
    excerpts, end = [], 0
    for number, line in enumerate(lines):
        if number >= end and _SIGN.search(line):
            begin, end = max(end, number - _BEFORE), number + _AFTER
            excerpts.append("\n".join(lines[begin:end]))
    return excerpts
