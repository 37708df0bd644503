"""Lines of the log: with time and level, unless the journal adds them."""

import io
import logging
import os
import re
import sys
from pathlib import Path

import pytest

from vtep_ofapp.process.log_format import install

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) (.*)")


def say(handler: logging.Handler, level: int, text: str, journal: str = "") -> None:
    """Return what the handler writes for one line, as install() leaves it."""
    install([handler], {"JOURNAL_STREAM": journal})
    handler.handle(logging.LogRecord("a", level, "", 0, text, (), None))


def test_a_line_has_time_and_level() -> None:
    stream = io.StringIO()
    say(logging.StreamHandler(stream), logging.WARNING, "lost")
    found = LINE.fullmatch(stream.getvalue().rstrip("\n"))
    assert found is not None
    assert found.groups() == ("WARNING", "lost")


def test_a_format_of_others_stays() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s"))
    say(handler, logging.INFO, "text")
    assert stream.getvalue() == "a\n"


@pytest.mark.parametrize(
    ("level", "number"),
    [("DEBUG", 7), ("INFO", 6), ("WARNING", 4), ("ERROR", 3), ("CRITICAL", 2)],
)
def test_to_the_journal_each_line_has_a_level_alone(
    tmp_path: Path, level: str, number: int
) -> None:
    handler = logging.FileHandler(tmp_path / "log")
    stream = (tmp_path / "log").stat()
    say(handler, getattr(logging, level), "one\ntwo", f"{stream.st_dev}:{stream.st_ino}")
    assert (tmp_path / "log").read_text() == f"<{number}>one\n<{number}>two\n"


def test_a_file_beside_the_journal_has_both(tmp_path: Path) -> None:
    assert sys.__stderr__ is not None
    stream = os.fstat(sys.__stderr__.fileno())
    journal = f"{stream.st_dev}:{stream.st_ino}"
    say(logging.FileHandler(tmp_path / "log"), logging.INFO, "text", journal)
    assert LINE.fullmatch((tmp_path / "log").read_text().rstrip("\n"))
