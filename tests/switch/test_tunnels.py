"""Tunnel rows: one for each remote locator in use, and none for others."""

from __future__ import annotations

from uuid import UUID

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import (
    assert_restart_changes_nothing,
    locator_names,
    switch_faults,
    tunnels,
)

STATION = "00:00:00:00:00:99"
LOCAL_BFD = {"bfd_dst_mac": "00:23:20:00:00:01", "bfd_dst_ip": "169.254.1.0"}


def test_each_remote_locator_in_use_has_a_row_which_goes_with_its_last_user(
    joined: DummySwitch,
) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    joined.wait(lambda: tunnels(joined) == {"10.2.2.2", "10.2.2.3"}, "two rows")
    (own,) = (row for row in joined.rows("Physical_Locator") if row["dst_ip"] == "127.0.0.1")
    for row in joined.rows("Tunnel"):
        assert row["local"] == own["_uuid"]
        assert row["bfd_config_local"] == LOCAL_BFD
        assert row["bfd_status"] == {}
    assert_restart_changes_nothing(joined)
    joined.replicate(("10.2.2.3",))
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "one row")
    joined.wait(lambda: locator_names(joined) == ["10.2.2.3", "127.0.0.1"], "the locator to go")
    joined.replicate()
    joined.vtep_ctl("del-ucast-remote", "ls0", STATION)
    joined.wait(lambda: locator_names(joined) == ["127.0.0.1"], "our own locator alone")
    assert joined.rows("Tunnel") == []
    joined.wait(lambda: joined.tunnel_ports() == {}, "no tunnel port")


def test_a_logical_switch_that_is_not_bound_has_no_tunnels(joined: DummySwitch) -> None:
    joined.vtep_ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=34")
    joined.place(STATION, "10.2.2.5", logical_switch="ls1")
    joined.place(STATION, "10.2.2.3")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "a row for ls0 alone")
    joined.vtep_ctl("bind-ls", "br0", "p1", "20", "ls1")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3", "10.2.2.5"}, "a row for ls1 as well")
    joined.vtep_ctl("unbind-ls", "br0", "p1", "20")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "its end")


def test_locators_that_differ_by_their_keys_have_a_row_each_and_one_port(
    joined: DummySwitch,
) -> None:
    joined.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    joined.place(STATION, "10.2.2.3")
    joined.place(STATION, "10.2.2.3", 100, logical_switch="ls1")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3", "10.2.2.3/100"}, "two rows")
    joined.wait(lambda: len(joined.tunnel_ports()) == 1, "one port")
    joined.vtep_ctl("del-ucast-remote", "ls0", STATION)
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3/100"}, "the row that is left")
    assert len(joined.tunnel_ports()) == 1


def test_a_row_that_someone_deleted_comes_back(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "the row")
    joined.vtep_ctl("clear", "Physical_Switch", "br0", "tunnels")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "the row again")


def test_a_row_that_someone_made_for_a_locator_without_use_goes(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "the row")
    joined.vtep_ctl(
        "--", "--id=@l", "create", "Physical_Locator", "encapsulation_type=vxlan_over_ipv4",
        "dst_ip=10.2.2.4", "--", "--id=@t", "create", "Tunnel", "local=@l", "remote=@l",
        "--", "add", "Physical_Switch", "br0", "tunnels", "@t",
    )  # fmt: skip
    joined.wait(
        lambda: locator_names(joined) == ["10.2.2.3", "127.0.0.1"], "it and its locator to go"
    )


def test_the_local_end_follows_the_tunnel_ip(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "the row")
    joined.vtep_ctl("clear", "Physical_Switch", "br0", "tunnel_ips")
    joined.wait(lambda: joined.rows("Tunnel") == [], "no row without an address of ours")
    joined.wait(lambda: joined.sends("p0", STATION) == [], "no way without an address of ours")
    joined.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.2")
    joined.wait(lambda: tunnels(joined, "127.0.0.2") == {"10.2.2.3"}, "the row from there")
    joined.wait(lambda: locator_names(joined) == ["10.2.2.3", "127.0.0.2"], "the old locator to go")
    joined.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.1")
    joined.wait(lambda: tunnels(joined) == {"10.2.2.3"}, "the row from the first address")
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way there")


def test_a_tunnel_that_open_vswitch_cannot_make_is_a_fault(joined: DummySwitch) -> None:
    joined.ovs_vsctl(
        "add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy",
        "--", "add-port", "br1", "taken", "--", "set", "interface", "taken", "type=vxlan",
        "options:remote_ip=10.2.2.3", "options:local_ip=127.0.0.1", "options:key=flow",
    )  # fmt: skip
    joined.place(STATION, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    joined.wait_for_log("Open vSwitch cannot make the tunnel to 10.2.2.3")
    joined.wait(lambda: switch_faults(joined) == {"unspecified_fault"}, "the fault")
    joined.wait(lambda: "10.2.2.2 vni 33" in joined.sends("p0", BROADCAST), "the other tunnel")
    row = next(row for row in joined.rows("Tunnel") if row["remote"] in remotes(joined, "10.2.2.3"))
    joined.vtep_ctl("set", "Tunnel", str(row["_uuid"]), "bfd_params:enable=true")
    enabled = lambda: joined.row("Tunnel", _uuid=row["_uuid"])["bfd_status"].get("enabled")  # noqa: E731
    joined.wait(lambda: enabled() == "false", "BFD that cannot be enabled")
    joined.ovs_vsctl("del-br", "br1")
    joined.wait(lambda: switch_faults(joined) == set(), "the fault to clear")
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way there")
    joined.wait(lambda: enabled() == "true", "BFD to be enabled")


def remotes(vtep: DummySwitch, address: str) -> list[UUID]:
    return [row["_uuid"] for row in vtep.rows("Physical_Locator") if row["dst_ip"] == address]


def test_a_port_of_someone_else_with_the_name_of_a_tunnel_stays_and_is_a_fault(
    joined: DummySwitch,
) -> None:
    joined.place(STATION, "10.2.2.3")
    name = joined.tunnel_port("10.2.2.3")
    joined.vtep_ctl("del-ucast-remote", "ls0", STATION)
    joined.wait(lambda: joined.tunnel_ports() == {}, "no tunnel port")
    joined.add_port(name, 20)
    joined.place(STATION, "10.2.2.3")
    joined.wait_for_log("someone else has a port with the name for it")
    joined.wait(lambda: switch_faults(joined) == {"unspecified_fault"}, "the fault")
    assert joined.ovs_vsctl("get", "interface", name, "type") == "dummy"
    assert joined.sends("p0", STATION) == []
    joined.ovs_vsctl("del-port", "br0", name)
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way there")
    joined.wait(lambda: switch_faults(joined) == set(), "the fault to clear")
