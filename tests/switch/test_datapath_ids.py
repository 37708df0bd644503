"""Bridges that cannot be told apart by their datapath ids, and ids that come late."""

from __future__ import annotations

import pytest

from tests.switch.conftest import a_switch
from tests.switch.dummy import DummySwitch, several

REMEDY = "other-config:datapath-id=<16 other hex digits>"


def datapath_id(switch: DummySwitch, bridge: str) -> str:
    return switch.ovs_vsctl("get", "bridge", bridge, "datapath_id").strip('"')


def faults(switch: DummySwitch, bridge: str) -> tuple[str, ...]:
    return several(switch.row("Physical_Switch", name=bridge)["switch_fault_status"])


@pytest.mark.parametrize("is_physical", [True, False], ids=["of two rows", "of one row"])
def test_two_bridges_with_one_id_get_nothing_of_each_other(
    vtep: DummySwitch, is_physical: bool
) -> None:
    same = datapath_id(vtep, "br0")
    before = vtep.flows("br0")
    vtep.add_bridge("br1", ("q0",))
    vtep.ovs_vsctl("set-fail-mode", "br1", "secure")
    vtep.ovs_vsctl("set", "bridge", "br1", f"other-config:datapath-id={same}")
    if is_physical:
        vtep.add_physical_switch("br1", "127.0.0.2")
    vtep.point_at_app("br1")
    vtep.wait_for_log(f"the bridges br0 and br1 have the datapath id {same}: ovs-vsctl set bridge")
    vtep.wait(lambda: "unspecified_fault" in faults(vtep, "br0"), "the fault of br0")
    if is_physical:
        vtep.wait(lambda: "unspecified_fault" in faults(vtep, "br1"), "the fault of br1")
    vtep.wait_for_log(f"datapath {same} is refused: the bridges br0 and br1")
    vtep.app.kill()
    vtep.app.start()
    vtep.wait(lambda: vtep.app.log_text.count(f"datapath {same} is refused") >= 2, "both again")
    assert vtep.flows("br1") == []
    assert vtep.flows("br0") == before

    vtep.ovs_vsctl("set", "bridge", "br1", "other-config:datapath-id=00000000000000b1")
    vtep.wait(lambda: not faults(vtep, "br0"), "the end of the fault")
    vtep.wait(lambda: vtep.app.log_text.count("br0 is managed") == 2, "br0 again")
    if is_physical:
        vtep.wait_for_log("br1 is managed")
    assert not faults(vtep, "br0")


def test_a_bridge_of_an_unread_database_is_known_by_its_name(switch: DummySwitch) -> None:
    """It claims the id of br0, which is not connected, and no database that is read has it."""
    switch.add_bridge()
    switch.add_physical_switch()
    switch.app.start()
    with a_switch() as host:
        host.add_bridge("br7", ("q0",))
        same = f"other-config:datapath-id={datapath_id(switch, 'br0')}"
        host.ovs_vsctl("set", "bridge", "br7", "fail_mode=secure", same)
        host.ovs_vsctl("set-controller", "br7", switch.app.target)
        switch.wait_for_log("the bridges br0 and br7 have the datapath id")
        assert host.flows("br7") == []
        switch.point_at_app()
        switch.wait_for_log("br0 is managed")
        assert host.flows("br7") == []


def test_a_bridge_that_gets_another_id_is_managed_again(vtep: DummySwitch) -> None:
    vtep.ovs_vsctl("set", "bridge", "br0", "other-config:datapath-id=00000000000000b7")
    vtep.wait(lambda: vtep.app.log_text.count("br0 is managed") == 1, "br0")
    vtep.vtep_ctl("bind-ls", "br0", "p0", "7", "ls0")
    vtep.wait(lambda: "dl_vlan=7" in "\n".join(vtep.flows()), "a binding")


def test_after_a_restart_of_its_database_a_bridge_is_refused_by_no_line(vtep: DummySwitch) -> None:
    for number in range(5):
        vtep.ovsdb_server.kill()
        vtep.ovs_vswitchd.kill()
        vtep.ovsdb_server.start()
        vtep.ovs_vswitchd.start()
        vtep.vtep_ctl("bind-ls", "br0", "p0", str(number + 10), "ls0")
        tag = f"dl_vlan={number + 10}"
        vtep.wait(lambda: tag in "\n".join(vtep.flows()), "a binding")  # noqa: B023
    assert "is refused" not in vtep.app.log_text
