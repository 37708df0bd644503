"""What docs/lab.md shows of labs is typed, block by block; its examples are the files."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim import api
from sim.fabric.lab import Lab
from sim.lab.app import App
from sim.lab.namespaces import FOLDER
from sim.lab.state import ROOT as STATES
from tests.docs.pages import ROOT, code, section, table, targets_named, targets_there

PAGE = ROOT / "docs" / "lab.md"
EXAMPLES = ROOT / "etc" / "examples"

RUN_ELSEWHERE = {"Be the NVC"}
"""Sections whose commands another test types: tests/sim/test_running_lab.py."""

OURS = {name: f"t{os.getpid()}{name}" for name in ("vtep", "office", "three")}
"""The labs of the page and of its examples, by names that no other test run has."""


def headings() -> list[str]:
    return re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)


def blocks(heading: str, language: str = "") -> list[str]:
    """Return the blocks of code under a heading."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    found = fence.findall(section(PAGE, heading))
    return [block for written, block in found if written == language]


def renamed(text: str) -> str:
    """Return commands or a program with our names of labs in place of the page's."""
    text = re.sub(r"(-m sim \w+\b)(?! .*--name)", r"\1 --name vtep", text)
    text = re.sub(r"(?<=--name )\w+", lambda found: OURS[found[0]], text)
    text = re.sub(r"\b(exec|pids) (\w+)-", lambda found: f"{found[1]} {OURS[found[2]]}-", text)
    return re.sub(r'(?<=Lab\(")\w+', lambda found: OURS[found[0]], text)


def typed(block: str, folder: Path) -> str:
    """Type a block as one script and return all it says; its examples have our names, too."""
    script = renamed(block.replace(".venv/bin/python", sys.executable))
    for name in re.findall(r"etc/examples/(\w+\.py)", script):
        copy = folder / name
        copy.write_text(renamed((EXAMPLES / name).read_text()))
        script = script.replace(f"etc/examples/{name}", str(copy))
    script = re.sub(r"(?<=--output )(\S+)", rf"{folder}/\1", script)
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """What the commands of each section say, typed in the order of the page."""
    folder = tmp_path_factory.mktemp("page")
    answers: dict[str, list[str]] = {}
    try:
        for heading in headings():
            if heading not in RUN_ELSEWHERE and heading != "Install":
                answers[heading] = [typed(block, folder) for block in blocks(heading)]
        yield answers
    finally:
        for name in OURS.values():
            down = [sys.executable, "-m", "sim", "down", "--name", name]
            subprocess.run(down, cwd=ROOT, check=True)


def test_the_guides_lab_answers(said: dict[str, list[str]]) -> None:
    built, asked = said["The lab of the guide"]
    assert "is up" in built
    assert "1 received" in asked
    assert "-> vxlan_over_ipv4/10.2.2.1" in asked
    (listed,) = said["Namespaces"]
    for host in ("vtep", "vm1", "vm2", "underlay", "management", "nvc"):
        assert f"{OURS['vtep']}-{host}" in listed
    assert "1 received" in listed


def test_the_plan_is_built_and_its_hosts_answer(said: dict[str, list[str]]) -> None:
    built, asked = said["A lab of your own"]
    assert f"Lab {OURS['office']} is up" in built
    assert "green, VNI 44: db 192.168.44.7, trunk 192.168.44.1\n" in built
    assert asked.count("1 received") == 3
    assert re.search(r"-> vxlan_over_ipv4/10\.2\.2\.201", asked)
    assert re.search(r"blue +02:00:00:00:00:01 ", asked)


def test_the_program_has_each_of_nine_hosts_ping_every_other(said: dict[str, list[str]]) -> None:
    (printed,) = said["From Python"]
    assert printed.count(": 1 of 1 answered") == 9 * 8
    assert not list(FOLDER.glob(f"{OURS['three']}-*"))
    assert len((EXAMPLES / "three_vteps.py").read_text().splitlines()) <= 20


def test_packets_are_captured_with_vni_and_tag(said: dict[str, list[str]]) -> None:
    (captured,) = said["Capture packets"]
    assert re.findall(r"^(\d+) packets captured", captured, re.MULTILINE) == ["40", "4"]
    assert re.search(r"VXLAN, flags \[I\] \(0x08\), vni 33", captured)
    assert re.search(r"vlan 10, .*ICMP echo re", captured)


def test_a_link_fails_and_comes_back(said: dict[str, list[str]]) -> None:
    cut, without_nvc = said["Let things fail"]
    lost, back = cut.split("no answer")
    assert "100% packet loss" in lost
    assert "100% packet loss" not in back
    assert "1 received" in without_nvc


def test_nothing_is_left(said: dict[str, list[str]]) -> None:
    (removed,) = said["Remove"]
    assert f"lab {OURS['vtep']} is down\n" in removed
    assert f"lab {OURS['office']} is down\n" in removed
    for name in OURS.values():
        assert not (STATES / name).exists()
        assert not list(FOLDER.glob(f"{name}-*"))


def test_the_examples_are_those_of_the_files() -> None:
    assert blocks("A lab of your own", "yaml") == [(EXAMPLES / "fabric.yaml").read_text()]
    assert blocks("From Python", "python") == [(EXAMPLES / "three_vteps.py").read_text()]


def test_the_targets_of_make_are_there() -> None:
    (install,) = blocks("Install")
    assert install == "make debian venv\n"
    assert {"debian", "venv"} <= targets_there()
    assert targets_named(PAGE) <= targets_there()


CLASSES = {
    "Lab": Lab,
    "LogicalSwitch": api.LogicalSwitch,
    "Host": api.Host,
    "VxlanEndpoint": api.VxlanEndpoint,
    "Vtep": api.Vtep,
    "app": App,
    "Peer": api.Peer,
}


def published() -> list[tuple[str, list[str]]]:
    """Return each object of the page's table with what it has."""
    rows = table(PAGE, "From Python")
    return [(code(row["object"])[0], code(row["what it has"])) for row in rows]


def test_what_is_published_is_there_and_documented() -> None:
    for name, members in published():
        kind = CLASSES[name]
        source = "".join(inspect.getsource(each) for each in kind.__mro__[:-1])
        for member in members:
            found = getattr(kind, member, None)
            if found is None:
                assert f"self.{member}" in source, f"{name} has no {member}"
            else:
                assert inspect.getdoc(found), f"{name}.{member}"


def test_all_that_a_lab_adds_is_published() -> None:
    members = {each for name, has in published() if name == "Lab" for each in has}
    there = {name for name in dir(Lab) if name.startswith("add_")}
    assert members & there == there - {"add_vm", "add_peer", "add_remote"}  # which `add_...` use
    assert {name for name, _ in published()} == set(CLASSES)
