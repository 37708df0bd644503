"""Mininet's examples do what docs/mininet.md shows, with its own commands, on real packets."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.waiting import wait_until
from tests.docs.pages import ROOT, section

PAGE = ROOT / "docs" / "mininet.md"
PROMPT = "mininet> "
PATIENCE = 60.0
"""Seconds for one command: ten times what the slowest takes."""

ISOLATE = f"""
set -e
mount -t tmpfs none /run
mkdir /run/openvswitch /run/clone
for folder in /etc/openvswitch /var/log/openvswitch; do mount -t tmpfs none $folder; done
mount --bind {ROOT} /run/clone
mount -t tmpfs none /tmp
mkdir -p {ROOT}
mount --bind /run/clone {ROOT}
ip link set lo up
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --detach --no-chdir --pidfile --remote=punix:/run/openvswitch/db.sock \
    /etc/openvswitch/conf.db
ovs-vswitchd --detach --no-chdir --pidfile --log-file
echo ready
read end
"""
"""Makes a machine of its own with an Open vSwitch like the one that Debian starts, and this clone.
`mn` removes bridges, ends processes, and removes files in /tmp, of all that it sees."""


class Machine:
    """What a user of Mininet has: an Open vSwitch, and the application in PATH."""

    def __init__(self) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
        isolated = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
        self._init = subprocess.Popen(
            [*isolated, "--mount-proc", "bash", "-c", ISOLATE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._init.stdout is not None
        assert self._init.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text()
        self._inside = ["nsenter", f"--target={int(children)}", "--net", "--mount", "--pid"]

    def close(self) -> None:
        """End all that runs in it."""
        self._init.communicate()

    def command(self, line: str) -> list[str]:
        """Return what runs a line of the shell in it."""
        return [*self._inside, f"--wd={ROOT}", "bash", "-c", line]

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the shell in it."""
        return subprocess.run(
            self.command(line),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def processes(self) -> list[str]:
        """Return what runs in it, without the shell that keeps it and kernel threads."""
        lines = self.run("ps -e -o comm=").stdout.split()
        return sorted(set(lines) - {"bash", "ps"})


class Prompt:
    """Mininet at its prompt."""

    def __init__(self, machine: Machine, line: str) -> None:
        """Run a command of the page, and wait for the prompt."""
        self._process = subprocess.Popen(
            machine.command(f"exec {line}"),
            env=machine.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        self.started = self._read()

    def ask(self, command: str) -> list[str]:
        """Type a command; return the lines that it prints, without spaces at their ends."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return [line.rstrip() for line in self._read().splitlines()]

    def exit(self) -> int:
        """Leave Mininet and return its exit code."""
        self._process.communicate(b"exit\n", timeout=PATIENCE)
        return self._process.returncode

    def _read(self) -> str:
        """Return what is printed up to the next prompt."""
        assert self._process.stdout is not None
        text, end = "", time.monotonic() + PATIENCE
        while not text.endswith(PROMPT):
            ready, _, _ = select.select(
                [self._process.stdout], [], [], max(0, end - time.monotonic())
            )
            part = os.read(self._process.stdout.fileno(), 1 << 16) if ready else b""
            assert part, f"no prompt of Mininet after:\n{text}"
            text += part.decode()
        return text.removesuffix(PROMPT)


@dataclass
class Step:
    """A command at Mininet's prompt, and the lines that the page shows of its answer."""

    command: str
    shown: list[str]


def blocks(heading: str) -> Iterator[str]:
    """Yield the blocks of code under a heading of the page."""
    yield from re.findall(r"^```\n(.*?)^```$", section(PAGE, heading), re.MULTILINE | re.DOTALL)


def steps(block: str) -> list[Step]:
    """Return the commands of a block that are typed at Mininet's prompt."""
    parts = [part.splitlines() for part in block.split(PROMPT)[1:]]
    return [Step(command, shown) for command, *shown in parts]


def follow(machine: Machine, heading: str) -> None:
    """Type what the page shows under a heading; each answer has the lines that it shows."""
    prompt: Prompt | None = None
    for block in blocks(heading):
        for step in steps(block):
            assert prompt is not None
            if step.command == "exit":
                assert prompt.exit() == 0
                prompt = None
            else:
                answers(prompt, step)
        for line in [] if PROMPT in block else block.splitlines():
            if "/mininet/" in line and "--test" not in line:
                prompt = Prompt(machine, line)
            else:
                done = machine.run(line)
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert prompt is None


def answers(prompt: Prompt, step: Step) -> None:
    """Type a command again until the answer has the lines that the page shows.

    Bindings are in force, and MACs learned, a moment after what causes them.
    """
    seen: list[str] = []

    def is_shown() -> bool:
        seen[:] = prompt.ask(step.command)
        return [line for line in seen if line in step.shown] == step.shown

    if not step.shown:
        seen = prompt.ask(step.command)
        assert not re.search("error|not found|Unknown command", "\n".join(seen)), seen
    else:
        wait_until(is_shown, step.command, timeout=PATIENCE, evidence=lambda: "\n".join(seen))


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.close()


def test_one_vtep(machine: Machine) -> None:
    follow(machine, "One VTEP")
    assert machine.run("ovs-vsctl list-br").stdout == ""
    assert "vtep_ofapp" not in machine.processes()


def test_three_vteps(machine: Machine) -> None:
    before = machine.processes()
    follow(machine, "Three VTEPs")
    wait_until(lambda: machine.processes() == before, "the end of the daemons")
    assert machine.run("ovs-vsctl list-br").stdout == ""


def test_without_the_application_one_line_says_so(machine: Machine) -> None:
    done = machine.run("PATH=/usr/sbin:/usr/bin:/sbin:/bin etc/examples/mininet/three_vteps.py")
    assert done.returncode == 1
    assert done.stderr == "etc/examples/mininet/three_vteps.py: not found in PATH: vtep-ofapp\n"


def test_the_packages_of_the_page_are_installed_for_tests() -> None:
    (packages,) = re.findall(r"^apt-get install (.*)$", PAGE.read_text(), re.MULTILINE)
    (installed,) = re.findall(r"^DEBIAN := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(packages.split()) <= set(installed.split())
