"""The log, as osken-manager writes it: each line has time and level, and there is no noise."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import pytest

from sim.lab.process import CHECKOUT
from tests.libraries import installed
from tests.switch.dummy import DummySwitch

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING) .+")
JOURNAL_LINE = re.compile(r"<[46]>[a-zA-Z].+")
CONFIG = """\
[loggers]
keys = root
[handlers]
keys = file
[formatters]
keys = bare
[logger_root]
level = INFO
handlers = file
[handler_file]
class = FileHandler
args = ({file!r},)
formatter = bare
[formatter_bare]
format = bare %(message)s
"""


class Start(Protocol):
    """Starts the application; the lock is awaited in what `says` returns, or in the log."""

    def __call__(self, *arguments: str, says: Callable[[], str] | None = None) -> list[str]: ...


@pytest.fixture
def start(switch: DummySwitch, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the application with further arguments; return once it has the lock."""

    def start(*arguments: str, says: Callable[[], str] | None = None) -> list[str]:
        command, text = switch.app.command, says or (lambda: switch.app.log_text)
        monkeypatch.setattr(switch.app, "command", lambda: [*command(), *arguments])
        switch.app.start()
        switch.wait(lambda: "this process has the lock" in text(), "the lock")
        return text().splitlines()

    return start


def test_every_line_has_time_and_level(switch: DummySwitch, start: Start, tmp_path: Path) -> None:
    lines = start("--log-file", str(tmp_path / "log"))
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    switch.app.stop()
    assert (tmp_path / "log").read_text() == switch.app.log_text


def test_the_journal_gets_levels_alone(switch: DummySwitch, start: Start) -> None:
    switch.app.log.touch()
    log = os.stat(switch.app.log)
    switch.app.variables["JOURNAL_STREAM"] = f"{log.st_dev}:{log.st_ino}"
    lines = start()
    assert [line for line in lines if not JOURNAL_LINE.fullmatch(line)] == []


def test_a_file_that_says_how_to_log_decides_alone(
    switch: DummySwitch, start: Start, tmp_path: Path
) -> None:
    log, config = tmp_path / "log", tmp_path / "log.conf"
    log.touch()
    config.write_text(CONFIG.format(file=str(log)))
    lines = start("--log-config-file", str(config), says=lambda: log.read_text())
    assert [line for line in lines if not line.startswith("bare ")] == []


def test_debug_lines_come_when_they_are_wanted(start: Start) -> None:
    assert any(" DEBUG " in line for line in start("--verbose"))


def test_a_higher_level_hides_the_lower_ones(switch: DummySwitch, start: Start) -> None:
    switch.app.options["ovs_db"] = "unix:/nowhere"
    start(
        "--default-log-level", "30", says=lambda: f"this process has the lock{switch.app.log_text}"
    )
    switch.wait(lambda: "WARNING" in switch.app.log_text, "a warning")
    assert " INFO " not in switch.app.log_text


def test_it_runs_by_os_kens_own_command_as_well(
    switch: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That one writes a few lines before it loads the application. os-ken 4 has none."""
    if int(version("os-ken").split(".")[0]) > 3:
        switch.app.variables["PYTHONPATH"] = f"{installed('os-ken>=3,<4')}:{CHECKOUT}"
    command = [sys.executable, "-c", "from os_ken.cmd.manager import main; main()"]
    arguments = switch.app.command()[1:]
    monkeypatch.setattr(switch.app, "command", lambda: [*command, *arguments])
    switch.add_bridge()
    switch.add_physical_switch()
    switch.app.take_over()
    switch.wait_for_log("br0 is managed")
    lines = switch.app.log_text.splitlines()
    first = next(number for number, line in enumerate(lines) if "hardware_vtep" in line)
    assert [line for line in lines[first:] if not LINE.fullmatch(line)] == []
