"""The sections "In a lab" of three pages: their lines are typed, in turn, in one lab."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sim.lab.process import CHECKOUT
from sim.lab.state import LabState
from sim.waiting import wait_until
from tests.docs.pages import section
from tests.lab.trial import new_lab_name
from tests.switch.operating import shown

SIM = ".venv/bin/python -m sim"


@pytest.fixture(scope="module")
def lab() -> Iterator[str]:
    """The name of the lab that each of the pages builds."""
    name = new_lab_name()
    run(f"{SIM} up --configured", name)
    yield name
    run(f"{SIM} down", name)
    assert not LabState(name).exists


def run(line: str, lab: str) -> str:
    """Return what a line of a page says in this lab, with its errors."""
    line = line.replace("/run/vtep-sim/vtep/", f"/run/vtep-sim/{lab}/")
    for command in ("up", "down", "shell"):
        line = line.replace(f"{SIM} {command}", f"{sys.executable} -m sim {command} --name {lab}")
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=60, cwd=CHECKOUT
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def on_vtep(line: str, lab: str) -> str:
    return run(f"{SIM} shell vtep bash -c {shlex.quote(line)}", lab)


def lines(page: str) -> list[str]:
    """Return the lines of code of the section."""
    parts = section(CHECKOUT / "docs" / page, "In a lab").split("```\n")
    return [line for block in parts[1::2] for line in block.splitlines()]


def test_ssh_is_denied(lab: str) -> None:
    up, connect, denied, show = lines("acls.md")
    assert up == f"{SIM} up --configured"
    assert "Connection refused" in run(connect, lab)
    by_hand, *_ = shown((CHECKOUT / "docs" / "acls.md").read_text())
    on_vtep(shlex.join(by_hand.command), lab)
    wait_until(lambda: run(denied, lab) == "", "no answer to VM1", evidence=lambda: run(show, lab))
    (entry,) = (line for line in run(show, lab).splitlines() if "tcp dport 22" in line)
    *_, hits, problem = entry.split()
    assert int(hits) > 0
    assert problem == "-"
    on_vtep("vtep-ctl clear Physical_Port p0 acl_bindings -- --all destroy ACL", lab)


def test_a_request_is_answered(lab: str) -> None:
    up, ping, put, again, count = lines("neighbours.md")
    assert up == f"{SIM} up --configured"
    assert "1 received" in run(ping, lab)
    assert not counted(count, lab)
    flows = lambda: run(count, lab)  # noqa: E731
    on_vtep(put, lab)
    wait_until(
        lambda: "arp_tpa=192.168.33.103" in flows(),
        "a flow that answers",
        evidence=lambda: run(count, lab),
    )
    assert "1 received" in run(again, lab)
    wait_until(lambda: counted(count, lab), "a request that it counted", evidence=flows)


def counted(line: str, lab: str) -> bool:
    """Whether the flow that answers for the hypervisor has counted a request."""
    flows = [each for each in run(line, lab).splitlines() if "arp_tpa=192.168.33.103" in each]
    return any("n_packets=0," not in each for each in flows)


def test_a_host_joins_a_group(lab: str) -> None:
    up, *typed, join, show, trace = lines("multicast.md")
    assert up == f"{SIM} up --configured"
    for line in typed:
        run(line, lab)
    ready = lambda: on_vtep("ovs-appctl -t vtep_ofapp status", lab)  # noqa: E731
    wait_until(lambda: "is_ready: yes" in ready(), "the application to be ready", evidence=ready)
    run(join, lab)
    members = lambda: run(show, lab)  # noqa: E731
    wait_until(lambda: "239.1.1.1  p0 VLAN 0" in members(), "VM1 as a member", evidence=members)
    *_, verdict = run(trace, lab).splitlines()
    assert "only members of 239.1.1.1 and routers get it: p0 VLAN 0; leaves by p0 " in verdict
    run(f"{SIM} shell vm1 ip address del 239.1.1.1/32 dev eth0", lab)
    wait_until(lambda: "members: none" in members(), "no member", evidence=members)
    flooded = lambda: run(trace, lab).splitlines()[-1]  # noqa: E731
    wait_until(lambda: "only members" not in flooded(), "all to get it", evidence=flooded)
