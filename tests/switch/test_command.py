"""The command vtep-ofapp runs the application as osken-manager does, and detaches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sim.waiting import wait_until
from tests.switch.dummy import PATIENCE, DummySwitch
from vtep_ofapp.process.unixctl_client import ask

COMMAND = [sys.executable, "-m", "vtep_ofapp.cli"]


def use(switch: DummySwitch, monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    """Start the application by our own command, with further flags."""
    command = [*COMMAND, "run", "--config-file", str(switch.app.config), *flags]
    monkeypatch.setattr(switch.app, "command", lambda: command)


@contextmanager
def ended(pidfile: Path) -> Iterator[int]:
    """Give the process id in a file; end that process at last."""
    process = int(pidfile.read_text())
    try:
        yield process
    finally:
        os.kill(process, signal.SIGTERM)
        wait_until(lambda: not pidfile.exists(), "the end of what was detached", timeout=PATIENCE)


def test_it_manages_a_bridge_and_answers(
    switch: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket, record = switch.folder / "own.ctl", switch.folder / "own.record"
    flags = "--unixctl", socket, "--record", record, "--ofp-listen-host", "127.0.0.1"
    use(switch, monkeypatch, *map(str, flags))
    switch.manage()
    argv = [*COMMAND, "-t", str(socket), "status"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert "in charge of br0" in done.stdout
    argv[-1:] = "status", "x"
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "vtep-ofapp: usage: status\n"
    assert record.stat().st_size > 0
    assert switch.app.stop() == 0


def test_it_returns_when_what_was_detached_is_ready(
    switch: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.manage()
    switch.app.stop()
    pidfile, socket, log = (switch.folder / name for name in ("own.pid", "own.ctl", "own.log"))
    flags = "--pidfile", pidfile, "--unixctl", socket, "--log-file", log
    use(switch, monkeypatch, "--detach", *map(str, flags))
    switch.app.start()
    switch.wait(lambda: not switch.app.running, "its return")
    assert switch.app.exit_code == 0, switch.app.log_text
    with ended(pidfile) as process:
        assert os.getsid(process) == process
        assert "in charge of" in ask(str(socket), "status", [])
        nowhere = os.stat(os.devnull)
        for descriptor in range(3):
            assert os.path.samestat(os.stat(f"/proc/{process}/fd/{descriptor}"), nowhere)
        # It has a new status, for which nobody waits.
        switch.wait(lambda: "br0 is managed" in log.read_text(), "br0")
    assert "cannot notify" not in log.read_text()


def test_it_ends_with_what_was_detached(
    switch: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.app.options["mac_aging"] = "0"
    use(switch, monkeypatch, "--detach")
    switch.app.start()
    switch.wait(lambda: not switch.app.running, "its return")
    assert switch.app.exit_code == 1
    assert "CRITICAL vtep_ofapp: [vtep] mac_aging: '0' " in switch.app.log_text.splitlines()[-1]


def test_a_service_manager_has_the_process_itself(
    switch: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch.app.variables["NOTIFY_SOCKET"] = "@nobody"
    use(switch, monkeypatch, "--detach")
    switch.app.start()
    switch.wait_for_log("this process has the lock")
    assert switch.app.stop() == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--foo"], 2, "unrecognized arguments: --foo; see vtep-ofapp --help"),
        (["run", "it"], 2, "unrecognized arguments: it; see vtep-ofapp --help"),
        (["--config-file", "/nowhere"], 1, "Failed to find some config files: /nowhere"),
        (["--log-file", "/nowhere/log"], 1, "No such file or directory: '/nowhere/log'"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], code: int, says: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert done.stderr.startswith("vtep-ofapp: ")
    assert done.stderr.endswith(f"{says}\n")
    assert done.stderr.count("\n") == 1


def test_native_threads_are_refused() -> None:
    environment = {**os.environ, "OSKEN_HUB_TYPE": "native"}
    done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 1
    says = "vtep-ofapp: OSKEN_HUB_TYPE is 'native', and vtep_ofapp runs on eventlet alone\n"
    assert done.stderr == says
