"""What `--shell-on-error` and `--pcap` do for the lab of a failed test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP
from scapy.utils import rdpcap

from sim.lab.namespaces import FOLDER
from sim.lab.process import CHECKOUT
from sim.lab.state import LabState
from tests.lab.trial import new_lab_name

FAILING = """
import pytest
from sim.lab.links import set_down
from sim.lab.network import EmptyLab

@pytest.fixture
def lab():
    with EmptyLab("{name}") as lab:
        lab.add_remote("one", "10.2.2.3", ip="192.168.33.103")
        lab.add_remote("other", "10.2.2.4", ip="192.168.33.104")
        set_down(lab.hosts["other"].namespace, "vxlan33")
        yield lab

def test_that_fails(lab):
    assert lab.hosts["one"].ping("10.2.2.4", count=2) == 2
    raise ZeroDivisionError
"""


@pytest.fixture
def failing(tmp_path: Path) -> tuple[Path, str]:
    """A file with a test that fails in a lab, and the lab's name."""
    name = new_lab_name()
    file = tmp_path / "test_failing.py"
    file.write_text(FAILING.format(name=name))
    return file, name


def run(file: Path, *options: str, say: str = "") -> str:
    """Run the failing test with options; `say` is what is typed meanwhile."""
    argv = [sys.executable, "-m", "pytest", "-p", "tests.labs", str(file), *options]
    done = subprocess.run(
        argv,
        cwd=CHECKOUT,
        env={**os.environ, "SHELL": "/bin/sh"},
        input=say,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ZeroDivisionError" in done.stdout
    return done.stdout


def test_a_shell_is_opened_in_the_lab_of_a_failed_test_and_then_the_lab_ends(
    failing: tuple[Path, str],
) -> None:
    file, name = failing
    told = run(file, "--shell-on-error", say="python -m sim shell --name $LAB one ip -br addr\n")
    assert f"ZeroDivisionError\nLab {name}" in told
    assert "Hosts: underlay management one other" in told
    assert "10.2.2.3/24" in told
    assert not LabState(name).exists
    assert not list(FOLDER.glob(f"{name}-*"))


def test_the_packets_of_each_link_are_written_into_the_folder_of_the_test(
    failing: tuple[Path, str], tmp_path: Path
) -> None:
    file, _ = failing
    run(file, "--pcap", str(tmp_path / "packets"))
    (folder,) = (tmp_path / "packets").iterdir()
    assert folder.name.endswith("test_failing.py-test_that_fails")
    there = {path.stem for path in folder.iterdir()}
    assert there >= {"one-eth0", "other-eth0", "other-vxlan33", "underlay-one", "underlay-other"}
    for host, sender in (("one", "10.2.2.4"), ("other", "10.2.2.3")):
        pings = [packet for packet in rdpcap(str(folder / f"{host}-eth0.pcap")) if ICMP in packet]
        assert [packet["IP"].src for packet in pings] == [sender] * 2
