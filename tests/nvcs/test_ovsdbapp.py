"""Each way of docs/own_nvc.md to be the NVC, with its own commands, has its effect on packets."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from sim.lab.guide import Lab
from sim.waiting import wait_until
from sim.wire.frames import BROADCAST
from tests.docs.pages import ROOT, section
from tests.environments import kept
from tests.lab.trial import new_lab_name, standing

PAGE = ROOT / "docs" / "own_nvc.md"
EXAMPLE = ROOT / "etc" / "examples" / "nvc.py"
SOCKET = "unix:/var/run/openvswitch/db.sock"
STATION = "00:11:22:33:44:55"

pytestmark = pytest.mark.timeout(600)  # the first one installs ovsdbapp


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lab of the guide after its step 6: no logical switch is there."""
    with standing(Lab(new_lab_name())) as lab:
        lab.start()
        yield lab


@pytest.fixture(autouse=True)
def emptied(lab: Lab) -> Iterator[None]:
    """Remove what a test has configured."""
    yield
    for port in ("p0", "p1"):
        lab.vtep.vtep_ctl("clear", "Physical_Port", port, "vlan_bindings", "acl_bindings")
    for table in ("ACL", "ACL_entry"):
        lab.vtep.vtep_ctl("--all", "destroy", table)
    lab.vtep.vtep_ctl("clear-remote-macs", "ls0")
    local = lambda: lab.vtep.vtep_ctl("list-local-macs", "ls0")  # noqa: E731
    wait_until(lambda: "->" not in local(), "no local row that refers to it", evidence=local)
    lab.vtep.vtep_ctl("del-ls", "ls0")
    lab.expect_delivery(lab.vm1.send, {}, src=lab.vm1.mac, dst=BROADCAST)


def blocks(heading: str) -> list[str]:
    """Return the blocks of code under a heading of the page."""
    return re.findall(r"^```\w*\n(.*?)^```$", section(PAGE, heading), re.MULTILINE | re.DOTALL)


def has_its_effect(lab: Lab, *flooded: str) -> None:
    """Wait until VM1's frames arrive as the page says, broadcast at VM2 and these endpoints."""
    everyone = {"vm2": ["untagged"], **{each: ["vni 33"] for each in flooded}}
    lab.expect_delivery(lab.vm1.send, everyone, src=lab.vm1.mac, dst=BROADCAST)
    lab.expect_delivery(lab.vm1.send, {"hypervisor": ["vni 33"]}, src=lab.vm1.mac, dst=STATION)
    local = lambda: lab.vtep.vtep_ctl("list-local-macs", "ls0")  # noqa: E731
    wait_until(lambda: lab.vm1.mac in local(), "VM1 in the database", evidence=local)


def denies_telnet(lab: Lab) -> None:
    """Require the access list of the page to be bound to p0."""
    [ports, lists, entries] = lab.vtep.tables("Physical_Port", "ACL", "ACL_entry")
    [acl], [entry] = lists, entries
    bound = {row["name"]: row["acl_bindings"] for row in ports}
    assert bound == {"p0": {0: acl["_uuid"]}, "p1": {}}
    assert (entry["dest_port_min"], entry["dest_port_max"], entry["action"]) == (23, 23, "deny")


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """Run a command of the page in the clone until the end of the block."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_by_hand(lab: Lab) -> None:
    commands, look = blocks("By hand: vtep-ctl")
    for line in commands.splitlines():
        lab.vtep.vtep_ctl(*line.split()[1:])
    has_its_effect(lab, "service-node", "hypervisor")
    denies_telnet(lab)
    assert lab.vm1.mac in lab.vtep.vtep_ctl(*look.split()[1:])


def test_from_a_file(lab: Lab, tmp_path: Path) -> None:
    plan, command = blocks("From a file: sim nvc")
    assert SOCKET in plan
    file = tmp_path / "nvc.yaml"
    file.write_text(plan.replace(SOCKET, lab.vtep.db))
    assert command == ".venv/bin/python -m sim nvc nvc.yaml\n"
    with running([sys.executable, *command.split()[1:-1], file]):
        has_its_effect(lab, "service-node")
        denies_telnet(lab)


@pytest.fixture(scope="module")
def python() -> Path:
    """Python in an environment with ovsdbapp, as the page makes it."""
    make, install, run = blocks("In Python: ovsdbapp")[0].splitlines()
    assert make == "python3 -m venv nvc"
    assert run == f"nvc/bin/python {EXAMPLE.relative_to(ROOT)} {SOCKET}"
    wanted = re.fullmatch(r"nvc/bin/pip install '(.+)'", install)
    assert wanted
    return kept("ovsdbapp", Path(sys.executable), wanted[1]) / "bin/python"


def test_in_python(lab: Lab, python: Path) -> None:
    with running([python, EXAMPLE, lab.vtep.db]) as example:
        has_its_effect(lab, "service-node", "hypervisor")
        assert example.stdout
        assert example.stdout.readline() == f"learned {lab.vm1.mac}\n"
        before = lab.vtep.ofctl("--no-stats", "dump-flows", "br0")
    # Once more changes nothing: rows are other ones, flows are not.
    rows = lab.vtep.rows("Ucast_Macs_Remote")
    with running([python, EXAMPLE, lab.vtep.db]):
        wait_until(lambda: lab.vtep.rows("Ucast_Macs_Remote") != rows, "the second run")
        has_its_effect(lab, "service-node", "hypervisor")
        assert lab.vtep.ofctl("--no-stats", "dump-flows", "br0") == before


def fails(python: Path, *arguments: str | Path) -> str:
    """Return what is said when the example cannot do its work."""
    done = subprocess.run(
        [python, *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 1
    assert not done.stdout
    return done.stderr


def test_bad_input_is_one_clear_line(lab: Lab, python: Path, tmp_path: Path) -> None:
    nowhere = f"unix:{tmp_path}/db.sock"
    assert fails(python, EXAMPLE, nowhere) == f"nvc.py: Could not retrieve schema from {nowhere}\n"
    assert fails(python, EXAMPLE) == fails(python, EXAMPLE, "a", "b")
    assert "usage: nvc.py REMOTE" in fails(python, EXAMPLE)
    unknown = tmp_path / "nvc.py"
    unknown.write_text(EXAMPLE.read_text().replace('"p1": 0', '"p9": 0'))
    said = fails(python, unknown, lab.vtep.db)
    assert said == "nvc.py: Cannot find Physical_Port with name=p9\n"
    assert lab.vtep.rows("Ucast_Macs_Remote") == []
    assert lab.vtep.vtep_ctl("list-bindings", "br0", "p0") == ""
