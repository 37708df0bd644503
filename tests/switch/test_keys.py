"""Keys of locators: the model in which each locator has a VNI, alone and beside the other."""

from __future__ import annotations

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing, switch_faults

STATION, SECOND = "00:00:00:00:00:99", "00:00:00:00:00:98"


@pytest.fixture
def keyed(joined: DummySwitch) -> DummySwitch:
    """A switch with ls1 and ls2, which have no keys, at VLAN 21 and 22 of p0 and p1."""
    for name, vlan in (("ls1", "21"), ("ls2", "22")):
        joined.vtep_ctl(
            "add-ls", name, "--", "bind-ls", "br0", "p0", vlan, name,
            "--", "bind-ls", "br0", "p1", vlan, name,
        )  # fmt: skip
    return joined


def wait_for(vtep: DummySwitch, vlan: int | None, mac: str, *expected: str) -> None:
    """Wait until frames for a station that come in by p0 with this tag leave there."""
    sent = lambda: vtep.sends("p0", mac, vlan)  # noqa: E731
    vtep.wait(lambda: sent() == sorted(expected), f"{mac} of VLAN {vlan} to go to {expected}")


def set_key(vtep: DummySwitch, address: str, former: int, key: int) -> None:
    """Write another key into the locator that has this address and key."""
    (row,) = (
        row
        for row in vtep.rows("Physical_Locator")
        if (row["dst_ip"], row["tunnel_key"]) == (address, former)
    )
    vtep.vtep_ctl("set", "Physical_Locator", str(row["_uuid"]), f"tunnel_key={key}")


def test_switches_share_one_tunnel_to_one_address_by_the_keys_of_their_locators(
    keyed: DummySwitch,
) -> None:
    keyed.place(STATION, "10.2.2.3")
    keyed.place(STATION, "10.2.2.3", 101, logical_switch="ls1")
    keyed.place(SECOND, "10.2.2.3", 102, logical_switch="ls2")
    wait_for(keyed, None, STATION, "10.2.2.3 vni 33")
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 101")
    wait_for(keyed, 22, SECOND, "10.2.2.3 vni 102")
    assert len(keyed.tunnel_ports()) == 1
    delivered = {vni: keyed.delivers("10.2.2.3", vni, BROADCAST) for vni in (33, 101, 102, 103, 0)}
    assert delivered == {
        33: ["p0", "p1 vlan 10"],
        101: ["p0 vlan 21", "p1 vlan 21"],
        102: ["p0 vlan 22", "p1 vlan 22"],
        103: [],
        0: [],
    }
    assert switch_faults(keyed) == set()
    assert_restart_changes_nothing(keyed)


def test_each_member_of_a_set_gets_the_key_of_its_locator(keyed: DummySwitch) -> None:
    keyed.vtep_ctl("set-replication-mode", "ls1", "source_node")
    keyed.replicate(("10.2.2.2", 100), ("10.2.2.3", 200), ("10.2.2.4",), logical_switch="ls1")
    wait_for(keyed, 21, BROADCAST, "10.2.2.2 vni 100", "10.2.2.3 vni 200", "p1 vlan 21")
    assert keyed.delivers("10.2.2.2", 100, BROADCAST) == ["p0 vlan 21", "p1 vlan 21"]
    assert keyed.delivers("10.2.2.2", 200, BROADCAST) == []
    assert keyed.delivers("10.2.2.4", 100, BROADCAST) == []


def test_one_key_for_two_switches_is_a_fault_for_both_where_they_meet(keyed: DummySwitch) -> None:
    keyed.place(STATION, "10.2.2.3", 101, logical_switch="ls1")
    keyed.place(SECOND, "10.2.2.4", 101, logical_switch="ls1")
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 101")
    keyed.place(STATION, "10.2.2.3", 101, logical_switch="ls2")
    keyed.wait(lambda: switch_faults(keyed) == {"unspecified_fault"}, "the fault")
    for name, other in (("ls1", "ls2"), ("ls2", "ls1")):
        keyed.wait_for_log(f"Logical_Switch {name}: its key at 10.2.2.3 is also that of {other}")
    wait_for(keyed, 21, STATION)
    wait_for(keyed, 22, STATION)
    wait_for(keyed, 21, SECOND, "10.2.2.4 vni 101")
    assert keyed.delivers("10.2.2.3", 101, BROADCAST) == []
    assert keyed.sends("p0", BROADCAST, 21) == ["p1 vlan 21"]
    keyed.vtep_ctl("del-ucast-remote", "ls2", STATION)
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 101")
    keyed.wait(lambda: switch_faults(keyed) == set(), "the fault to clear")


def test_the_key_of_a_switch_and_that_of_a_locator_may_clash_too(keyed: DummySwitch) -> None:
    keyed.place(STATION, "10.2.2.3")
    keyed.place(SECOND, "10.2.2.4")
    keyed.place(STATION, "10.2.2.3", 33, logical_switch="ls1")
    keyed.wait(lambda: switch_faults(keyed) == {"unspecified_fault"}, "the fault")
    wait_for(keyed, None, STATION)
    wait_for(keyed, 21, STATION)
    wait_for(keyed, None, SECOND, "10.2.2.4 vni 33")
    set_key(keyed, "10.2.2.3", 33, 34)
    wait_for(keyed, None, STATION, "10.2.2.3 vni 33")
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 34")
    keyed.wait(lambda: switch_faults(keyed) == set(), "the fault to clear")


def test_a_key_that_is_changed_in_place_is_followed(keyed: DummySwitch) -> None:
    keyed.place(STATION, "10.2.2.3", 101, logical_switch="ls1")
    keyed.replicate(("10.2.2.3", 101), logical_switch="ls1")
    wait_for(keyed, 21, BROADCAST, "10.2.2.3 vni 101", "p1 vlan 21")
    set_key(keyed, "10.2.2.3", 101, 111)
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 111")
    wait_for(keyed, 21, BROADCAST, "10.2.2.3 vni 111", "p1 vlan 21")
    assert keyed.delivers("10.2.2.3", 101, BROADCAST) == []
    assert keyed.delivers("10.2.2.3", 111, BROADCAST) == ["p0 vlan 21", "p1 vlan 21"]
    keyed.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=44")
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 44")
    assert keyed.delivers("10.2.2.3", 111, BROADCAST) == []
    keyed.vtep_ctl("clear", "Logical_Switch", "ls1", "tunnel_key")
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 111")


def test_no_key_and_key_zero_are_no_faults_and_switch_locally(keyed: DummySwitch) -> None:
    for name in ("ls1", "ls2"):
        keyed.place(STATION, "10.2.2.3", 0, logical_switch=name)
        keyed.place(SECOND, "10.2.2.4", logical_switch=name)
    keyed.place(STATION, "10.2.2.5")
    wait_for(keyed, None, STATION, "10.2.2.5 vni 33")
    keyed.come_to_rest()
    assert switch_faults(keyed) == set()
    for vlan in (21, 22):
        assert keyed.sends("p0", STATION, vlan) == []
        assert keyed.sends("p0", BROADCAST, vlan) == [f"p1 vlan {vlan}"]


def test_a_key_out_of_range_is_a_fault_of_its_locator(keyed: DummySwitch) -> None:
    keyed.place(STATION, "10.2.2.3", 101, logical_switch="ls1")
    keyed.place(SECOND, "10.2.2.4", 102, logical_switch="ls1")
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 101")
    former = 101
    for key in (16777216, -1):
        set_key(keyed, "10.2.2.3", former, key)
        keyed.wait_for_log(f"tunnel key {key} is outside of 0 to 16777215")
        former = key
        keyed.wait(lambda: switch_faults(keyed) == {"unspecified_fault"}, "the fault")
        wait_for(keyed, 21, STATION, "p1 vlan 21")
        wait_for(keyed, 21, SECOND, "10.2.2.4 vni 102")
    set_key(keyed, "10.2.2.3", former, 103)
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 103")
    keyed.wait(lambda: switch_faults(keyed) == set(), "the fault to clear")


def test_several_keys_of_one_switch_at_one_address_are_a_fault_and_the_least_is_used(
    keyed: DummySwitch,
) -> None:
    keyed.place(STATION, "10.2.2.3", 102, logical_switch="ls1")
    keyed.place(SECOND, "10.2.2.3", 101, logical_switch="ls1")
    keyed.wait_for_log("its locators for 10.2.2.3 have several keys; only the least is used")
    keyed.wait(lambda: switch_faults(keyed) == {"unspecified_fault"}, "the fault")
    for mac in (STATION, SECOND):
        wait_for(keyed, 21, mac, "10.2.2.3 vni 101")
    keyed.vtep_ctl("del-ucast-remote", "ls1", SECOND)
    wait_for(keyed, 21, STATION, "10.2.2.3 vni 102")
    keyed.wait(lambda: switch_faults(keyed) == set(), "the fault to clear")


def test_a_locator_with_another_key_than_its_logical_switch_is_a_line_and_no_fault(
    keyed: DummySwitch,
) -> None:
    keyed.place(STATION, "10.2.2.3", 34)
    keyed.wait_for_log(
        "Logical_Switch ls0: its own key 33 is used towards 10.2.2.3, and not the key 34 of the "
        "locator; vtep(5) has one or the other"
    )
    wait_for(keyed, None, STATION, "10.2.2.3 vni 33")
    keyed.come_to_rest()
    assert switch_faults(keyed) == set()
    keyed.vtep_ctl("clear", "Logical_Switch", "ls0", "tunnel_key")
    keyed.wait_for_log("resolved: Logical_Switch ls0: its own key 33")
    wait_for(keyed, None, STATION, "10.2.2.3 vni 34")


def test_a_logical_switch_that_is_bound_nowhere_here_is_in_nobodys_way(keyed: DummySwitch) -> None:
    """What a failed delete left behind: a logical switch with the same key, and rows for it."""
    keyed.place(STATION, "10.2.2.3")
    keyed.place(SECOND, "10.2.2.4", 101, logical_switch="ls1")
    wait_for(keyed, None, STATION, "10.2.2.3 vni 33")
    wait_for(keyed, 21, SECOND, "10.2.2.4 vni 101")
    for name, *key in (("left", "tunnel_key=33"), ("over",)):
        keyed.vtep_ctl("add-ls", name)
        if key:
            keyed.vtep_ctl("set", "Logical_Switch", name, *key)
    keyed.place(STATION, "10.2.2.3", logical_switch="left")
    keyed.place(STATION, "10.2.2.3", 33, logical_switch="over")
    keyed.place(SECOND, "10.2.2.4", 101, logical_switch="over")
    keyed.come_to_rest()
    assert keyed.sends("p0", STATION) == ["10.2.2.3 vni 33"]
    assert keyed.delivers("10.2.2.3", 33, BROADCAST) == ["p0", "p1 vlan 10"]
    assert keyed.sends("p0", SECOND, 21) == ["10.2.2.4 vni 101"]
    assert switch_faults(keyed) == set()
    assert_restart_changes_nothing(keyed)
    # Bound here it does compete, until it is unbound.
    keyed.vtep_ctl("bind-ls", "br0", "p0", "23", "left")
    keyed.wait(lambda: switch_faults(keyed) == {"unspecified_fault"}, "the fault")
    for name, other in (("ls0", "left"), ("left", "ls0")):
        keyed.wait_for_log(f"Logical_Switch {name}: its tunnel key is also that of {other}")
    wait_for(keyed, None, STATION)
    wait_for(keyed, 21, SECOND, "10.2.2.4 vni 101")
    keyed.vtep_ctl("unbind-ls", "br0", "p0", "23")
    wait_for(keyed, None, STATION, "10.2.2.3 vni 33")
    keyed.wait(lambda: switch_faults(keyed) == set(), "the fault to clear")
