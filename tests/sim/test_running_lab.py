"""What docs/lab.md has for a lab that runs, in a lab that another process has built."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.lab.process import CHECKOUT
from sim.lab.state import LabState
from sim.waiting import wait_until
from tests.docs.pages import section

PAGE = CHECKOUT / "docs" / "lab.md"
NAME = f"t{os.getpid()}rl"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def lab() -> Iterator[LabState]:
    sim("up")
    yield LabState(NAME)
    sim("down")


def sim(command: str, *words: str, code: int = 0) -> str:
    """Return what a command of `python -m sim` says about the lab."""
    argv = [sys.executable, "-m", "sim", command, "--name", NAME, *words]
    done = subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def blocks(heading: str, language: str = "") -> list[str]:
    """Return the blocks of code under a heading of the page."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    found = fence.findall(section(PAGE, heading))
    return [block for written, block in found if written == language]


def typed(block: str) -> list[str]:
    """Return the words of the one command in a block, as this test types them."""
    python, dash, module, command, *words = shlex.split(block)
    assert (python, dash, module) == (".venv/bin/python", "-m", "sim")
    if words[:1] == ["--name"]:
        del words[:2]
    return [sys.executable, dash, module, command, "--name", NAME, *words]


def said(block: str, folder: Path) -> str:
    done = subprocess.run(
        typed(block), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lab_is_looked_at(lab: LabState, tmp_path: Path) -> None:
    as_text, as_json = blocks("Look at a lab")
    text = said(as_text, tmp_path)
    assert text.startswith(f"lab {NAME} is up; files in /run/vtep-sim/{NAME}\n")
    assert "192.168.33.1/24" in text
    report = json.loads(said(as_json, tmp_path))
    assert (report["state"], report["problems"]) == ("up", [])
    assert [host["name"] for host in report["hosts"]] == lab.hosts()


def test_the_lab_is_drawn(lab: LabState, tmp_path: Path) -> None:
    (command,) = blocks("Draw it")
    said(command, tmp_path)
    assert f"lab {NAME}: up" in (tmp_path / "lab.svg").read_text()


def test_a_picture_that_cannot_be_written_is_one_line(lab: LabState) -> None:
    error = sim("picture", "--output", "/nonexistent/lab.svg", code=1)
    assert error == "/nonexistent/lab.svg: No such file or directory\n"


@pytest.fixture
def nvc(lab: LabState, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The NVC of the page, with its file in the folder of the test."""
    (plan,) = blocks("Be the NVC", "yaml")
    (command,) = blocks("Be the NVC")
    (tmp_path / "nvc.yaml").write_text(plan)
    with (tmp_path / "nvc.log").open("w") as log:
        process = subprocess.Popen(
            typed(command), cwd=tmp_path, env=ENVIRONMENT, stderr=log, text=True
        )
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 128 + signal.SIGINT


def bindings() -> dict[str, list[str]]:
    (vtep,) = json.loads(sim("status", "--json"))["vteps"]
    (switch,) = vtep["switches"]
    return {
        port["name"]: [each["logical_switch"] for each in port["bindings"]]
        for port in switch["ports"]
    }


def test_the_file_configures_the_lab_and_its_changes_do(
    nvc: subprocess.Popen[str], tmp_path: Path
) -> None:
    wait_until(lambda: bindings() == {"p0": ["blue"], "p1": ["blue"]}, "bindings of the file")
    sim("shell", "vm1", "ping", "-c", "1", "-w", "10", "192.168.33.2")
    (vtep,) = json.loads(sim("status", "--json"))["vteps"]
    placed = [(each["mac"], each["address"]) for each in vtep["remote_macs"]]
    assert placed == [("00:11:22:33:44:55", "10.2.2.3")]
    inside = [host for host in json.loads(sim("status", "--json"))["hosts"] if host["processes"]]
    (at,) = [host["name"] for host in inside if nvc.pid in pids(host["processes"])]
    assert at == "nvc"

    file = tmp_path / "nvc.yaml"
    right = file.read_text()
    file.write_text(right + "colour: blue\n")
    log = tmp_path / "nvc.log"
    wait_until(lambda: "the file: unknown: colour" in log.read_text(), "the mistake in the log")
    assert bindings() == {"p0": ["blue"], "p1": ["blue"]}
    file.write_text("\n".join(line for line in right.splitlines() if "p1" not in line))
    wait_until(lambda: bindings() == {"p0": ["blue"], "p1": []}, "bindings of the changed file")


def pids(processes: list[dict[str, int]]) -> list[int]:
    return [each["pid"] for each in processes]


def test_a_second_nvc_is_told_of_the_first(nvc: subprocess.Popen[str], tmp_path: Path) -> None:
    wait_until(lambda: "connected" in (tmp_path / "nvc.log").read_text(), "an NVC that runs")
    error = sim("nvc", str(tmp_path / "nvc.yaml"), code=1)
    assert f"`kill {nvc.pid}` ends it" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour: blue", "the file: unknown: colour"),
        ("vteps: [{name: west}]", "vteps[0]: remote is missing, and the lab has no VTEP west"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    lab: LabState, tmp_path: Path, text: str, problem: str
) -> None:
    file = tmp_path / "nvc.yaml"
    file.write_text(f"logical_switches: []\nbindings: []\n{text}\n")
    error = sim("nvc", str(file), code=1)
    assert problem in error
    assert error.count("\n") == 1


def test_a_lab_without_a_place_for_an_nvc_is_named(lab: LabState, tmp_path: Path) -> None:
    name = f"t{os.getpid()}rn"
    program = (
        f"from sim.lab.network import EmptyLab\nwith EmptyLab({name!r}) as lab:\n    lab.keep()\n"
    )
    subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, check=True, timeout=60)
    file = tmp_path / "nvc.yaml"
    file.write_text("logical_switches: []\nbindings: []\n")
    argv = [sys.executable, "-m", "sim", "nvc", "--name", name, str(file)]
    try:
        done = subprocess.run(argv, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    finally:
        down = [sys.executable, "-m", "sim", "down", "--name", name]
        subprocess.run(down, env=ENVIRONMENT, check=True, timeout=60)
    assert (done.returncode, done.stderr) == (
        1,
        f"lab {name} has no host nvc for an NVC to run on\n",
    )


@pytest.mark.parametrize("command", ["status", "picture", "nvc"])
def test_an_unknown_lab_is_one_line(command: str, tmp_path: Path) -> None:
    words = [str(tmp_path / "nvc.yaml")] if command == "nvc" else []
    argv = [sys.executable, "-m", "sim", command, "--name", "nosuchlab", *words]
    done = subprocess.run(
        argv, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "there is no lab nosuchlab" in done.stderr
