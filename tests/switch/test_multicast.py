"""Multicast addresses of Mcast_Macs_Remote, and switches without unknown-dst."""

from __future__ import annotations

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing, switch_faults, tunnels

GROUP, OTHER = "01:00:5e:00:00:fb", "01:00:5e:00:00:fc"
STATION = "00:00:00:00:00:99"
LOCAL = "p1 vlan 10"


@pytest.fixture
def flooding(joined: DummySwitch) -> DummySwitch:
    """A switch whose unknown-dst is the service node 10.2.2.2."""
    joined.replicate(("10.2.2.2",))
    joined.wait(lambda: joined.sends("p0", BROADCAST) == ["10.2.2.2 vni 33", LOCAL], "flooding")
    return joined


def wait_for(vtep: DummySwitch, group: str, *expected: str, source_port: str = "p0") -> None:
    """Wait until frames for a group leave for these places."""
    wanted = sorted(expected)
    sent = lambda: vtep.sends(source_port, group)  # noqa: E731
    vtep.wait(lambda: sent() == wanted, f"{group} to go to {wanted}")


def test_a_group_has_its_own_targets_and_the_bindings(flooding: DummySwitch) -> None:
    flooding.replicate(("10.2.2.3",), mac=GROUP)
    wait_for(flooding, GROUP, "10.2.2.3 vni 33", LOCAL)
    for others in (OTHER, BROADCAST, STATION):
        wait_for(flooding, others, "10.2.2.2 vni 33", LOCAL)
    assert flooding.delivers("10.2.2.3", 33, GROUP) == ["p0", LOCAL]
    assert tunnels(flooding) == {"10.2.2.2", "10.2.2.3"}
    assert_restart_changes_nothing(flooding)
    flooding.replicate(("10.2.2.4",), mac=GROUP)
    wait_for(flooding, GROUP, "10.2.2.4 vni 33", LOCAL)
    flooding.replicate(mac=GROUP)
    wait_for(flooding, GROUP, "10.2.2.2 vni 33", LOCAL)
    flooding.wait(lambda: tunnels(flooding) == {"10.2.2.2"}, "the unused tunnels to go")
    assert not [group for group in flooding.flows() if GROUP in group]


def test_a_group_is_replicated_as_its_logical_switch_says(flooding: DummySwitch) -> None:
    flooding.replicate(("10.2.2.3",), ("10.2.2.4",), ("10.2.2.5",), mac=GROUP)
    all_three = [f"10.2.2.{number} vni 33" for number in (3, 4, 5)]
    one_of_them = [[each, LOCAL] for each in all_three]
    flooding.wait(lambda: flooding.sends("p0", GROUP) in one_of_them, "one service node")
    flooding.vtep_ctl("set-replication-mode", "ls0", "source_node")
    wait_for(flooding, GROUP, *all_three, LOCAL)
    flooding.replicate(("10.2.2.3",), mac=GROUP)
    wait_for(flooding, GROUP, all_three[0], LOCAL)
    flooding.replicate(("10.2.2.4",), ("10.2.2.5",), mac=GROUP)
    wait_for(flooding, GROUP, *all_three[1:], LOCAL)
    flooding.vtep_ctl("set-replication-mode", "ls0", "service_node")
    flooding.wait(lambda: flooding.sends("p0", GROUP) in one_of_them[1:], "one service node again")


def test_the_same_group_differs_between_logical_switches(flooding: DummySwitch) -> None:
    flooding.vtep_ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=34")
    flooding.vtep_ctl(
        "bind-ls", "br0", "p0", "20", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1"
    )
    flooding.replicate(("10.2.2.3",), mac=GROUP)
    flooding.replicate(("10.2.2.4",), mac=GROUP, logical_switch="ls1")
    wait_for(flooding, GROUP, "10.2.2.3 vni 33", LOCAL)
    sent = lambda: flooding.sends("p0", GROUP, 20)  # noqa: E731
    flooding.wait(lambda: sent() == ["10.2.2.4 vni 34", "p1 vlan 20"], "the way of ls1")
    flooding.replicate(mac=GROUP)
    wait_for(flooding, GROUP, "10.2.2.2 vni 33", LOCAL)
    assert sent() == ["10.2.2.4 vni 34", "p1 vlan 20"]


def test_a_group_whose_only_locator_is_our_own_stays_local(flooding: DummySwitch) -> None:
    flooding.replicate(("127.0.0.1",), mac=GROUP)
    wait_for(flooding, GROUP, LOCAL)
    wait_for(flooding, BROADCAST, "10.2.2.2 vni 33", LOCAL)
    assert switch_faults(flooding) == set()


def test_several_rows_for_one_group_are_taken_together(flooding: DummySwitch) -> None:
    flooding.vtep_ctl("set-replication-mode", "ls0", "source_node")
    flooding.vtep_ctl("add-mcast-remote", "ls0", GROUP.upper(), "10.2.2.3")
    flooding.vtep_ctl("add-mcast-remote", "ls0", GROUP, "10.2.2.4")
    wait_for(flooding, GROUP, "10.2.2.3 vni 33", "10.2.2.4 vni 33", LOCAL)
    flooding.replicate(mac=GROUP.upper())
    wait_for(flooding, GROUP, "10.2.2.4 vni 33", LOCAL)


def test_a_row_for_the_address_of_one_station_is_a_fault(flooding: DummySwitch) -> None:
    flooding.replicate(("10.2.2.3",), mac=STATION)
    flooding.wait_for_log(f"{STATION} is neither unknown-dst nor a group address")
    flooding.wait(lambda: switch_faults(flooding) == {"unspecified_fault"}, "the fault")
    wait_for(flooding, STATION, "10.2.2.2 vni 33", LOCAL)
    flooding.replicate(mac=STATION)
    flooding.wait(lambda: switch_faults(flooding) == set(), "the fault to clear")


def test_without_unknown_dst_frames_stay_local_unless_that_is_wanted(switch: DummySwitch) -> None:
    switch.manage()
    switch.join()
    switch.place(STATION, "10.2.2.3")
    switch.place("00:00:00:00:00:98", "10.2.2.4")
    switch.wait(lambda: switch.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the station")
    switch.come_to_rest()
    assert switch.sends("p0", BROADCAST) == [LOCAL]
    switch.app.options["flood_without_unknown_dst"] = "true"
    switch.restart_app()
    wait_for(switch, BROADCAST, "10.2.2.3 vni 33", "10.2.2.4 vni 33", LOCAL)
    switch.vtep_ctl("del-ucast-remote", "ls0", "00:00:00:00:00:98")
    wait_for(switch, BROADCAST, "10.2.2.3 vni 33", LOCAL)
    switch.place("00:00:00:00:00:97", "10.2.2.5")
    wait_for(switch, BROADCAST, "10.2.2.3 vni 33", "10.2.2.5 vni 33", LOCAL)
    switch.replicate(("10.2.2.2",))
    wait_for(switch, BROADCAST, "10.2.2.2 vni 33", LOCAL)
    switch.replicate()
    wait_for(switch, BROADCAST, "10.2.2.3 vni 33", "10.2.2.5 vni 33", LOCAL)
    assert_restart_changes_nothing(switch)
