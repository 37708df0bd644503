"""A forked program is as if it had been started: its environment, its output, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.waiting import wait_until
from tests import prefork

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a program from its text."""

    def start(text: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        program = tmp_path / "program.py"
        program.write_text(text)
        argv = [str(program), *arguments]
        return prefork.spawn(argv, tmp_path / "log", {**prefork.ENVIRONMENT, **environment})

    return start


def test_it_has_its_own_arguments_environment_folder_and_output(
    start: Start, tmp_path: Path
) -> None:
    text = """
import os, sys
import ovs.dirs
print(sys.argv[1:], os.getcwd(), ovs.dirs.RUNDIR, os.environ.get("HOME"), __name__)
print("to stderr", file=sys.stderr)
sys.exit(3)
"""
    assert start(text, "a", "b", OVS_RUNDIR="/nowhere").wait(10) == 3
    said = f"['a', 'b'] {tmp_path} /nowhere None __main__\nto stderr\n"
    assert (tmp_path / "log").read_text() == said


def test_it_has_the_application_of_this_checkout_which_read_nothing_yet(
    start: Start, tmp_path: Path
) -> None:
    text = """
import sys
from vtep_ofapp.process import config
config.load(None)
print(sys.modules["vtep_ofapp"].__file__, config.read().vtep_db)
"""
    assert start(text, OVS_RUNDIR="/nowhere").wait(10) == 0
    module = prefork.CHECKOUT / "vtep_ofapp/__init__.py"
    assert (tmp_path / "log").read_text() == f"{module} unix:/nowhere/db.sock\n"


def test_a_program_that_runs_to_its_end_has_two_outputs(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys; print('here'); print('there', file=sys.stderr); sys.exit(2)")
    done = prefork.run([str(program)], tmp_path, prefork.ENVIRONMENT)
    assert (done.returncode, done.stdout, done.stderr) == (2, "here\n", "there\n")
    program.write_text("import time; time.sleep(60)")
    with pytest.raises(subprocess.TimeoutExpired):
        prefork.run([str(program)], tmp_path, prefork.ENVIRONMENT, timeout=0.01)


def test_an_exception_ends_it_with_a_traceback(start: Start, tmp_path: Path) -> None:
    assert start("1 / 0").wait(10) == 1
    assert "ZeroDivisionError" in (tmp_path / "log").read_text()


def test_it_can_be_looked_at_waited_for_and_ended(start: Start, tmp_path: Path) -> None:
    process = start("print('here'); import time; time.sleep(60)")
    wait_until(lambda: "here" in (tmp_path / "log").read_text(), "its first line")
    assert process.poll() is None
    assert os.path.samefile(f"/proc/{process.pid}/cwd", tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert process.poll() == -signal.SIGTERM
    process.kill()  # it has ended: nobody gets the signal


def test_it_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    """A run of the tests that is killed leaves no application behind."""
    (tmp_path / "program.py").write_text("import time; print('here'); time.sleep(60)")
    text = """
import sys, time
from pathlib import Path
from tests import prefork
folder = Path(sys.argv[1])
process = prefork.spawn([str(folder / "program.py")], folder / "log", prefork.ENVIRONMENT)
print(process.pid, flush=True)
time.sleep(60)
"""
    argv = [sys.executable, "-c", text, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=prefork.CHECKOUT) as tester:
        assert tester.stdout is not None
        program = Path(f"/proc/{int(tester.stdout.readline())}")
        wait_until(lambda: "here" in (tmp_path / "log").read_text(), "its first line")
        assert program.exists()
        tester.kill()
    wait_until(lambda: not program.exists(), "the end of the program")


def test_copies_share_no_events(start: Start, tmp_path: Path) -> None:
    """The one of the two would wake up for descriptors of the other."""
    waiting = """
import eventlet, os
from eventlet.hubs import trampoline
reading, _ = os.pipe()
eventlet.spawn(trampoline, reading, read=True)
eventlet.sleep(0.01)
print("it waits", flush=True)
eventlet.sleep(60)
"""
    looking = """
from pathlib import Path
from eventlet.hubs import get_hub
descriptor = get_hub().poll.fileno()
print("watched:", Path(f"/proc/self/fdinfo/{descriptor}").read_text().count("tfd:"))
"""
    first = start(waiting)
    wait_until(lambda: "it waits" in (tmp_path / "log").read_text(), "the first program")
    assert start(looking).wait(10) == 0
    first.kill()
    assert "watched: 0\n" in (tmp_path / "log").read_text()
