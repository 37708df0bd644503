"""docs/first_hour.md works line by line, and shows what is answered.

``WRITE_PAGES=1`` in the environment writes the answers of this run into the page.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sim.lab.process import CHECKOUT
from sim.lab.state import LabState
from sim.waiting import wait_until

PAGE = CHECKOUT / "docs" / "first_hour.md"
LAB = "firsthour"
PAGES_LAB = "vtep"
"""The name of the lab on the page: the default."""
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINE = re.compile(
    r"^(?P<host>[a-z0-9]*)\$ (?P<command>.+)\n(?P<answer>(?:(?![a-z0-9]*\$ ).*\n)*)", re.M
)
UNTESTED = {"make demo"}
"""Commands of the page that are tested otherwise: CI makes the demo."""
VARYING = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"(?<=mdev = )[\d./]+|(?<=time )\d+(?=ms)"), "TIME"),
    (re.compile(r"(?<=_for_s: )[\d.]+|(?<=br0 p0 0 )\d+|(?<=br0 p1 0 )\d+"), "SECONDS"),
)
"""What differs from run to run, and what stands for it when answers are compared."""


@pytest.fixture
def lab() -> Iterator[LabState]:
    """The name of the lab that the page builds and removes."""
    state = LabState(LAB)
    yield state
    if state.exists:
        run(f"{sys.executable} -m sim down --name {LAB}")


def run(command: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, cwd=CHECKOUT
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def answer(host: str, command: str) -> str:
    """Return what a command prints on a host of the lab, or in a shell of the clone."""
    sim = f"{sys.executable} -m sim"
    if host:
        return run(f"{sim} shell --name {LAB} {host} bash -c {shlex.quote(command)}").replace(
            f"/{LAB}/", f"/{PAGES_LAB}/"
        )
    named = re.sub(r"^\.venv/bin/python -m sim (\w+)", rf"{sim} \1 --name {LAB}", command)
    assert named != command
    return run(named)


def likewise(text: str) -> list[str]:
    """Return the lines of an answer with words in place of what differs from run to run."""
    text = re.sub(r" +", " ", text)
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.splitlines()


def test_each_line_of_the_page_does_what_it_says(lab: LabState) -> None:
    page = PAGE.read_text()
    written = BLOCK.sub(lambda block: f"```\n{LINE.sub(shown, block[1])}```", page)
    if os.environ.get("WRITE_PAGES"):
        PAGE.write_text(written)
    assert not lab.exists


def shown(line: re.Match[str]) -> str:
    """Do a line of the page, and return it with the answer that it has now.

    The page shows the answers of the hosts of the lab alone.
    """
    host, command, expected = line["host"], line["command"], line["answer"]
    if command in UNTESTED or (not host and " shell " in command):
        return line[0]
    if not host:
        answer(host, command)
        return line[0]
    if os.environ.get("WRITE_PAGES"):
        now = answer(host, command)
        return line[0] if likewise(now) == likewise(expected) else f"{host}$ {command}\n{now}"
    said = [""]

    def is_said() -> bool:
        said[0] = answer(host, command)
        return likewise(said[0]) == likewise(expected)

    wait_until(is_said, f"{command} to answer\n{expected}", timeout=30, evidence=lambda: said[0])
    return line[0]
