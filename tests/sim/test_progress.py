"""What a command shows while it is silent: on a terminal, in a pipe. No lab is built."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sim import progress
from sim.lab.process import CHECKOUT
from sim.progress import Step, doing, line
from sim.waiting import wait_until
from tests.docs.pages import section

PAGE = CHECKOUT / "docs" / "lab.md"

SHAPE = r"\.\.\. step \d+ of \d+: waiting for [\w ]+ \(\d+ s\)"
"""What is shown of `wait_until` in a step."""

PROGRAM = """
import sys
from pathlib import Path
from sim import progress
from sim.progress import doing
from sim.waiting import wait_until

folder = Path(sys.argv[1])
with progress.shown():
    print("begins")
    with doing("step 1 of 2"):
        wait_until((folder / "one").exists, "the first file", timeout=120)
    print("between")
    with doing("step 2 of 2"):
        wait_until((folder / "two").exists, "the second file", timeout=120)
    print("ends")
"""
"""It goes on when a file is there."""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", "TERM": "xterm"}


class Terminal:
    """A pseudo-terminal on which the program runs, and what it has written there."""

    def __init__(self, folder: Path, columns: int = 80) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**ENVIRONMENT, "COLUMNS": str(columns)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            env=environment,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._written = b""

    def wait_for(self, pattern: str) -> str:
        """Return all that was written, as soon as the pattern is in it."""

        def is_there() -> bool:
            while select.select([self._ours], [], [], 0)[0]:
                try:
                    self._written += os.read(self._ours, 4096)
                except OSError:  # the program has ended
                    break
            return bool(re.search(pattern, self.text))

        wait_until(is_there, f"{pattern} on the terminal", evidence=lambda: self.text)
        return self.text

    @property
    def text(self) -> str:
        return self._written.decode()

    def close(self) -> int:
        code = self._process.wait(60)
        os.close(self._ours)
        return code


def screen(text: str) -> list[str]:
    """Return the lines that a terminal shows in the end: a carriage return goes to the left."""
    shown = []
    for written in text.replace("\r\n", "\n").split("\n"):
        last = written.rsplit("\033[K", 1)[-1] if "\033[K" in written else written
        shown.append(last.rsplit("\r", 1)[-1])
    return shown


def test_on_a_terminal_one_line_is_rewritten_and_goes(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.wait_for(r"step 1 of 2: waiting for the first file \([1-9]")
    (tmp_path / "one").touch()
    text = terminal.wait_for(r"step 2 of 2: waiting for the second file \([2-9]")
    assert text.count("...") == text.count("\r\033[K...")
    assert screen(text)[:2] == ["begins", "between"]
    assert screen(text)[2].startswith("... step 2 of 2: waiting for the second file (")
    (tmp_path / "two").touch()
    text = terminal.wait_for("ends\r\n")
    assert terminal.close() == 0
    assert screen(text) == ["begins", "between", "ends", ""]


def test_a_line_that_is_rewritten_has_room_on_the_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, columns=30)
    text = terminal.wait_for(r"… \([1-9]")
    for name in ("one", "two"):
        (tmp_path / name).touch()
    assert terminal.close() == 0
    drawn = re.findall(r"\.\.\. [^\r\n\033]*", text)
    assert drawn
    assert {len(each) < 30 for each in drawn} == {True}


def test_in_a_pipe_lines_are_whole_few_and_apart_from_the_output(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with errors.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    began = time.monotonic()
    wait_until(lambda: errors.read_text().count("\n") >= 3, "three lines", timeout=90)
    seconds = time.monotonic() - began
    for name in ("one", "two"):
        (tmp_path / name).touch()
    written, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert written == "begins\nbetween\nends\n"
    lines = errors.read_text().splitlines()
    for each in lines:
        assert re.fullmatch(SHAPE, each)
    assert len(lines) <= seconds / progress.SILENCE[1] + 2


def test_the_page_shows_such_a_line() -> None:
    (block,) = re.findall(r"```text\n(.*?)\n```", section(PAGE, "What takes long"))
    assert re.fullmatch(SHAPE, block)


def test_nothing_is_shown_of_what_is_quick() -> None:
    program = (
        "from sim import progress\n"
        "with progress.shown(), progress.doing('nothing'):\n"
        "    print('done', end='')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("done", "")


def test_what_fails_ends_the_line_and_the_rest_is_as_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    former = sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError), progress.shown(), doing("something"):
        fail()
    assert (sys.stdout, sys.stderr) == former
    assert capsys.readouterr().out == "before\n"


def fail() -> None:
    print("before")
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("whats", "width", "expected"),
    [
        (["alone"], 80, "... alone (5 s)"),
        (["first", "between", "last"], 80, "... first: last (5 s)"),
        ([lambda: "asked\nagain"], 80, "... asked again (5 s)"),
        (["a long name of something"], 20, "... a long na… (5 s)"),
    ],
)
def test_a_line_has_the_first_and_the_last_step(
    whats: list[str | Callable[[], str]], width: int, expected: str
) -> None:
    found = line([Step(what, began=100.0) for what in whats], 105.0, width)
    assert found == expected
    assert len(found) <= width


def test_a_step_that_has_just_begun_is_not_shown_yet() -> None:
    steps = [Step("first", began=100.0), Step("longer", began=101.0), Step("short", began=104.9)]
    assert line(steps, 105.0, 80) == "... first: longer (4 s)"
