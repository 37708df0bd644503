"""From ovs-vtep to the application: what the emulator left goes, and frames pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim.lab.app import Emulator
from tests.switch.dummy import DummySwitch
from tests.switch.test_cleanup import clean, everything

FAR, NODE = "00:00:00:00:00:99", "10.2.2.2"
PATCH_PORTS = {"0000-p0-p", "0010-p1-p"}


@pytest.fixture
def emulated(switch: DummySwitch) -> Iterator[Emulator]:
    """br0 with two bindings and two tunnels, made by the emulator, which has ended."""
    switch.add_bridge()
    switch.add_physical_switch()
    switch.add_underlay(NODE, "10.2.2.3")
    switch.vtep_ctl("add-ls", "ls0", "--", "set", "Logical_Switch", "ls0", "tunnel_key=33")
    emulator = Emulator(switch)
    emulator.start()
    try:
        switch.wait(lambda: switch.port_rows("br0") == ["p0", "p1"], "its ports")
        switch.vtep_ctl(
            "bind-ls", "br0", "p0", "0", "ls0", "--", "bind-ls", "br0", "p1", "10", "ls0",
            "--", "add-ucast-remote", "ls0", FAR, "10.2.2.3",
            "--", "add-mcast-remote", "ls0", "unknown-dst", NODE,
        )  # fmt: skip
        switch.wait(
            lambda: len(switch.rows("Tunnel")) == 2 and ports(switch) >= PATCH_PORTS,
            "its patch ports and tunnels",
            timeout=60,
        )
        switch.app.start()  # it writes the configuration file that the command reads
        switch.wait_for_log("this process has the lock")
        yield emulator
    finally:
        emulator.stop()


@pytest.fixture
def left(switch: DummySwitch, emulated: Emulator) -> DummySwitch:
    """What it left, with the application running."""
    emulated.stop()
    return switch


def ports(switch: DummySwitch) -> set[str]:
    return set(switch.ovs_vsctl("list-ports", "br0").split())


def bridges(switch: DummySwitch) -> set[str]:
    return set(switch.ovs_vsctl("list-br").split())


def test_what_it_left_goes_and_all_else_stays(left: DummySwitch) -> None:
    assert bridges(left) == {"br0", "br-phy", "br0_vtep_ls1", "vtep_bfd"}
    left.ofctl("add-flow", "br0", "table=0,priority=7,actions=drop")
    left.ovs_vsctl("add-br", "other", "--", "set", "bridge", "other", "datapath_type=dummy")
    for port, peer, bridge in (("to-other", "to-br0", "br0"), ("to-br0", "to-other", "other")):
        left.ovs_vsctl(
            "add-port", bridge, port,
            "--", "set", "interface", port, "type=patch", f"options:peer={peer}",
        )  # fmt: skip
    before = everything(left)
    said = clean(left, "--ovs-vtep", "--dry-run")
    assert everything(left) == before
    assert said.replace(" would be removed\n", ": removed\n") == clean(left, "--ovs-vtep")
    assert bridges(left) == {"br0", "br-phy", "other"}
    assert ports(left) == {"p0", "p1", "to-other"}
    assert left.flows() == [" priority=7 actions=drop"]
    assert left.row("Physical_Switch", name="br0")["description"] == ""
    assert clean(left, "--ovs-vtep") == "there is nothing to remove\n"


def test_afterwards_frames_pass_and_nothing_is_faulty(left: DummySwitch) -> None:
    clean(left, "--ovs-vtep")
    left.point_at_app()
    left.wait_for_log("br0 is managed")
    left.wait(lambda: left.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host")
    assert left.sends("p0", "00:00:00:00:00:55") == ["10.2.2.2 vni 33", "p1 vlan 10"]
    left.wait(lambda: left.delivers(NODE, 33, FAR) == ["p0", "p1 vlan 10"], "the way back")
    assert {row["name"] for row in left.rows("Physical_Port")} == {"p0", "p1"}
    assert left.row("Physical_Switch", name="br0")["switch_fault_status"] == ()
    assert left.row("Physical_Switch", name="br0")["description"].endswith("vtep_ofapp")
    assert all(row["port_fault_status"] == () for row in left.rows("Physical_Port"))


def test_its_patch_ports_are_no_physical_ports(left: DummySwitch) -> None:
    left.point_at_app()
    left.wait_for_log("br0 is managed")
    left.come_to_rest()
    assert ports(left) >= PATCH_PORTS
    assert {row["name"] for row in left.rows("Physical_Port")} == {"p0", "p1"}


def test_nothing_is_removed_while_it_runs(switch: DummySwitch, emulated: Emulator) -> None:
    before = bridges(switch)
    said = clean(switch, "--ovs-vtep", code=1)
    assert "ovs-vtep runs; end it first: `ovs-appctl -t " in said
    assert bridges(switch) == before
    assert ports(switch) >= PATCH_PORTS


def test_the_emulator_can_have_it_back(left: DummySwitch, emulated: Emulator) -> None:
    clean(left, "--ovs-vtep")
    left.point_at_app()
    left.wait_for_log("br0 is managed")
    left.app.stop()
    clean(left)
    left.ovs_vsctl("del-controller", "br0", "--", "set-fail-mode", "br0", "standalone")
    emulated.start()
    left.wait(lambda: ports(left) >= PATCH_PORTS, "its patch ports")
    left.wait(lambda: left.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the way to the far host", 60)
