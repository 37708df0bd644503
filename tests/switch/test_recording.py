"""A record of the running application, and its replay in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch

HOST, OTHER, FAR = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"


@pytest.fixture
def recorded(switch: DummySwitch) -> DummySwitch:
    """The switch ``joined``, and what its application is told is recorded."""
    switch.app.give("record", str(record(switch)))
    switch.manage()
    switch.join()
    return switch


def record(vtep: DummySwitch) -> Path:
    return vtep.folder / "record"


def replayed(vtep: DummySwitch, *options: str) -> Any:
    """Return what the replay ends with, in a process whose sets have another order."""
    replay = subprocess.run(
        [sys.executable, "-m", "vtep_ofapp.recording", str(record(vtep)), "--json", *options],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    session, turns = replay.stderr.splitlines()
    assert session.startswith("session ")
    assert turns.endswith(" turns")
    return json.loads(replay.stdout)


def check(vtep: DummySwitch, replay: Any) -> None:
    """Check that a replay desires the flows, groups and tunnel ports that the switch has."""
    (vtep.folder / "replayed").write_text("\n".join(replay["switches"]["br0"]["flows"]))
    flows = vtep.ofctl("diff-flows", "br0", str(vtep.folder / "replayed"))
    groups = {line.split("group_id=")[1].split(",")[0] for line in vtep.groups()}
    ports = set(vtep.ovs_vsctl("list-ports", "br0").split()) - {"p0", "p1"}
    desired = replay["switches"]["br0"]
    assert {int(line[9:19], 16) for line in desired["groups"]} == set(map(int, groups))
    assert {line.split(":")[0] for line in desired["tunnel ports"]} == ports
    assert flows == ""


def test_a_replay_ends_with_what_the_switch_has(recorded: DummySwitch) -> None:
    vtep = recorded
    vtep.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", "10.2.2.2")
    vtep.vtep_ctl("add-ucast-remote", "ls0", FAR, "10.2.2.3")
    vtep.receive("p0", HOST, BROADCAST)
    vtep.wait(lambda: vtep.local_macs() == {HOST: "127.0.0.1"}, "the local MAC")
    vtep.ovs_vsctl("set-controller", "br0", "tcp:127.0.0.1:1")
    vtep.wait_for_log("br0: connection lost")
    vtep.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:98", "10.2.2.4")
    vtep.point_at_app()
    vtep.wait_for_log("br0: connected again")
    vtep.come_to_rest()
    first = replayed(vtep)
    check(vtep, first)
    assert f"mac={HOST} address=127.0.0.1" in "\n".join(first["rows"])

    vtep.restart_app()
    vtep.receive("p1", OTHER, BROADCAST, vlan=10)
    vtep.wait(lambda: OTHER in vtep.local_macs(), "the other local MAC")
    vtep.come_to_rest()
    check(vtep, replayed(vtep))
    assert replayed(vtep, "--session", "1") == first


def test_a_full_disk_harms_nobody(switch: DummySwitch) -> None:
    switch.app.give("record", "/dev/full")
    switch.manage()
    switch.wait_for_log("the record /dev/full ends here: No space left on device")
    switch.come_to_rest()
    assert switch.app.log_text.count("/dev/full") == 1
