"""What raises each fault, which column shows it, and what clears it."""

from __future__ import annotations

import itertools

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import (
    assert_restart_changes_nothing,
    port_faults,
    switch_faults,
    tunnels,
)

HOSTS = [f"00:00:00:00:01:{number:02x}" for number in range(20)]
STATION = "00:00:00:00:00:99"


def wait_for_fault(vtep: DummySwitch, *entries: str) -> None:
    vtep.wait(lambda: switch_faults(vtep) == set(entries), f"{entries} in switch_fault_status")


def wait_for_port_fault(vtep: DummySwitch, port: str, *entries: str) -> None:
    vtep.wait(lambda: port_faults(vtep, port) == set(entries), f"{entries} in port_fault_status")


def learned(vtep: DummySwitch) -> set[str]:
    return set(vtep.local_macs())


def learn(vtep: DummySwitch, port: str, *hosts: str, vlan: int | None = None) -> None:
    """Let hosts be heard at a port, and wait until they are known."""
    for host in hosts:
        vtep.learns(host, port, vlan)


def shows_to_controller(vtep: DummySwitch, port: str, vlan: int | None = None) -> bool:
    """Whether a frame of a station that nobody knows is shown to the application."""
    number = vtep.ovs_vsctl("get", "interface", port, "ofport")
    tag = "" if vlan is None else f"dl_vlan={vlan},"
    return "userspace" in vtep.trace(
        f"in_port={number},{tag}dl_src=00:00:00:00:0f:0f,dl_dst={BROADCAST}"
    )


# Limits


def test_a_port_with_its_share_of_stations_learns_no_more_and_others_do(
    switch: DummySwitch,
) -> None:
    switch.manage(max_local_macs_per_port="3")
    switch.join()
    learn(switch, "p0", *HOSTS[:3])
    wait_for_port_fault(switch, "p0", "unspecified_fault")
    assert switch_faults(switch) == port_faults(switch, "p1") == set()
    switch.wait_for_log("Physical_Port p0 of br0: the limit of 3 learned MACs is reached")
    switch.wait(lambda: not shows_to_controller(switch, "p0"), "no frame of p0 to be shown")
    for host in HOSTS[3:]:
        switch.receive("p0", host, BROADCAST)
    assert shows_to_controller(switch, "p1", 10)
    learn(switch, "p1", "00:00:00:00:02:01", vlan=10)
    assert learned(switch) == {*HOSTS[:3], "00:00:00:00:02:01"}
    assert switch.sends("p0", BROADCAST, source=HOSTS[9]) == ["p1 vlan 10"]
    assert switch.sends("p1", HOSTS[9], 10) == ["p0"]
    assert_restart_changes_nothing(switch)
    assert learned(switch) == {*HOSTS[:3], "00:00:00:00:02:01"}
    # A station that moves away makes room for another.
    learn(switch, "p1", HOSTS[0], vlan=10)
    wait_for_port_fault(switch, "p0")
    switch.wait(lambda: shows_to_controller(switch, "p0"), "frames of p0 to be shown again")
    learn(switch, "p0", HOSTS[5])
    wait_for_port_fault(switch, "p0", "unspecified_fault")


def test_a_logical_switch_with_its_share_of_stations_learns_no_more_and_others_do(
    switch: DummySwitch,
) -> None:
    switch.manage(max_local_macs="2")
    switch.join()
    switch.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p0", "20", "ls1")
    switch.wait(lambda: "dl_vlan=20" in "\n".join(switch.flows()), "the second logical switch")
    learn(switch, "p0", HOSTS[0])
    learn(switch, "p1", HOSTS[1], vlan=10)
    wait_for_fault(switch, "mac_table_exhaustion")
    switch.wait_for_log("Logical_Switch ls0: the limit of 2 learned MACs is reached")
    for port, vlan in (("p0", None), ("p1", 10)):
        switch.wait(lambda: not shows_to_controller(switch, port, vlan), "no frame to be shown")  # noqa: B023
        switch.receive(port, HOSTS[2], BROADCAST, vlan)
    switch.receive("p0", HOSTS[3], BROADCAST, 20)
    switch.wait(lambda: HOSTS[3] in switch.local_macs("ls1"), "a host of ls1")
    assert learned(switch) == set(HOSTS[:2])
    switch.vtep_ctl("unbind-ls", "br0", "p1", "10")
    wait_for_fault(switch)
    learn(switch, "p0", HOSTS[4])


def test_a_host_of_a_full_switch_may_still_move(switch: DummySwitch) -> None:
    switch.manage(max_local_macs="2")
    switch.join()
    learn(switch, "p0", *HOSTS[:2])
    wait_for_fault(switch, "mac_table_exhaustion")
    switch.receive("p1", HOSTS[0], BROADCAST, 10)
    switch.wait(lambda: switch.sends("p0", HOSTS[0]) == ["p1 vlan 10"], "the host at p1")


def test_beyond_the_most_tunnels_those_that_are_there_stay(switch: DummySwitch) -> None:
    switch.manage(max_tunnels="2")
    switch.join()
    stations = {f"10.2.2.{number}": f"00:00:00:00:00:0{number}" for number in (2, 3, 4, 5)}
    for address in ("10.2.2.4", "10.2.2.5"):
        switch.place(stations[address], address)
        switch.wait(lambda: address in tunnels(switch), f"the tunnel to {address}")  # noqa: B023
    for address in ("10.2.2.2", "10.2.2.3"):
        switch.place(stations[address], address)
        switch.wait_for_log(f"no tunnel to {address}: there are 2 already")
    wait_for_fault(switch, "tunnel_exhaustion")
    assert tunnels(switch) == {"10.2.2.4", "10.2.2.5"}
    for address in ("10.2.2.4", "10.2.2.5"):
        assert switch.sends("p0", stations[address]) == [f"{address} vni 33"]
    assert switch.sends("p0", stations["10.2.2.2"]) == []
    assert_restart_changes_nothing(switch)
    assert tunnels(switch) == {"10.2.2.4", "10.2.2.5"}
    switch.vtep_ctl("del-ucast-remote", "ls0", stations["10.2.2.4"])
    switch.wait(lambda: tunnels(switch) == {"10.2.2.2", "10.2.2.5"}, "the freed place to be used")
    wait_for_fault(switch, "tunnel_exhaustion")
    switch.vtep_ctl("del-ucast-remote", "ls0", stations["10.2.2.3"])
    wait_for_fault(switch)
    switch.wait(
        lambda: switch.sends("p0", stations["10.2.2.2"]) == ["10.2.2.2 vni 33"], "the way there"
    )


# What is turned off


def test_a_router_of_a_bound_switch_is_a_fault_without_routing(joined: DummySwitch) -> None:
    joined.app.options.update(routing="False")
    joined.restart_app()
    joined.vtep_ctl("add-ls", "ls1", "--", "add-lr", "lr0")
    joined.vtep_ctl("bind-ls", "br0", "p1", "20", "ls1")
    joined.come_to_rest()
    assert switch_faults(joined) == set()
    joined.vtep_ctl("set", "Logical_Router", "lr0", f"switch_binding:10.0.0.1/24={ls(joined)}")
    wait_for_fault(joined, "lr_support_fault")
    joined.wait_for_log("Logical_Router lr0: the option routing is False")
    joined.vtep_ctl("clear", "Logical_Router", "lr0", "switch_binding")
    wait_for_fault(joined)
    joined.vtep_ctl("set", "Logical_Router", "lr0", f"switch_binding:10.0.0.1/24={ls(joined)}")
    wait_for_fault(joined, "lr_support_fault")
    joined.vtep_ctl("del-lr", "lr0")
    wait_for_fault(joined)


def ls(vtep: DummySwitch, name: str = "ls0") -> str:
    return vtep.vtep_ctl("get", "Logical_Switch", name, "_uuid")


# What an NVC leaves out


def test_remote_macs_without_unknown_dst_are_a_line_that_names_the_option(
    joined: DummySwitch,
) -> None:
    asks = "Logical_Switch {}: rows name remote VTEPs and there is no unknown-dst"
    joined.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p0", "21", "ls1")
    joined.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=34")
    joined.vtep_ctl("add-ls", "ls2", "--", "bind-ls", "br0", "p0", "22", "ls2")
    # An NVC that writes its rows one after the other causes no line.
    joined.place(STATION, "10.2.2.3", logical_switch="ls1")
    joined.replicate(("10.2.2.2",), logical_switch="ls1")
    joined.place(STATION, "10.2.2.3")
    joined.place(HOSTS[1], "10.2.2.4")
    joined.wait_for_log(asks.format("ls0"))
    assert "set flood_without_unknown_dst" in joined.app.log_text
    for name in ("ls1", "ls2"):
        assert asks.format(name) not in joined.app.log_text
    joined.place(HOSTS[2], "10.2.2.5")
    joined.come_to_rest()
    assert switch_faults(joined) == set()
    assert joined.app.log_text.count(asks.format("ls0")) == 1
    joined.replicate(("10.2.2.2",))
    joined.wait_for_log(f"resolved: {asks.format('ls0')}")


# What Open vSwitch says otherwise


def test_a_port_with_vlans_of_open_vswitch_is_not_used_and_its_map_is_a_fault(
    joined: DummySwitch,
) -> None:
    joined.vtep_ctl("bind-ls", "br0", "p1", "0", "ls0")
    both = lambda: joined.sends("p0", BROADCAST) == ["p1", "p1 vlan 10"]  # noqa: E731
    joined.wait(both, "both bindings")
    for setting in ("tag=5", "trunks=10,20", "vlan_mode=access"):
        joined.ovs_vsctl("set", "port", "p1", setting)
        wait_for_port_fault(joined, "p1", "invalid_vlan_map")
        joined.wait(lambda: joined.sends("p0", BROADCAST) == [], "no copy for p1")
        assert joined.sends("p1", BROADCAST) == []
        assert port_faults(joined, "p0") == set()
        joined.ovs_vsctl("clear", "port", "p1", setting.split("=")[0])
        wait_for_port_fault(joined, "p1")
        joined.wait(both, "both bindings")


def test_of_two_rows_for_one_port_one_is_used_and_the_other_is_a_fault(joined: DummySwitch) -> None:
    joined.vtep_ctl(
        "--", "--id=@p", "create", "Physical_Port", "name=p1",
        "--", "add", "Physical_Switch", "br0", "ports", "@p",
    )  # fmt: skip
    statuses = lambda: sorted(  # noqa: E731
        str(row["port_fault_status"]) for row in joined.rows("Physical_Port") if row["name"] == "p1"
    )
    joined.wait(lambda: statuses() == ["()", "unspecified_fault"], "the fault of one")
    new = next(
        row
        for row in joined.rows("Physical_Port")
        if row["name"] == "p1" and not row["vlan_bindings"]
    )
    joined.vtep_ctl("remove", "Physical_Switch", "br0", "ports", str(new["_uuid"]))
    joined.wait(lambda: statuses() == ["()"], "the fault to clear")
    joined.wait(lambda: joined.sends("p0", BROADCAST) == ["p1 vlan 10"], "the row that is left")


def test_a_vlan_that_cannot_be_leaves_the_others_of_its_port_alone(joined: DummySwitch) -> None:
    joined.vtep_ctl("bind-ls", "br0", "p1", "4095", "ls0")
    wait_for_port_fault(joined, "p1", "invalid_vlan_map")
    assert joined.sends("p0", BROADCAST) == ["p1 vlan 10"]
    joined.vtep_ctl("bind-ls", "br0", "p1", "4094", "ls0")
    joined.wait(
        lambda: joined.sends("p0", BROADCAST) == ["p1 vlan 10", "p1 vlan 4094"], "the last VLAN"
    )
    joined.vtep_ctl("unbind-ls", "br0", "p1", "4095")
    wait_for_port_fault(joined, "p1")


# The columns


def test_a_column_holds_each_entry_once_and_loses_only_what_was_mended(joined: DummySwitch) -> None:
    joined.app.options.update(routing="False")
    joined.restart_app()
    joined.vtep_ctl("add-lr", "lr0")
    joined.vtep_ctl("set", "Logical_Router", "lr0", f"switch_binding:10.0.0.1/24={ls(joined)}")
    for mac in ("bad", "worse"):
        joined.vtep_ctl("add-ucast-remote", "ls0", mac, "10.2.2.3")
    wait_for_fault(joined, "lr_support_fault", "unspecified_fault")
    joined.vtep_ctl("del-ucast-remote", "ls0", "bad")
    joined.wait_for_log("resolved: Ucast_Macs_Remote bad")
    joined.come_to_rest()
    assert switch_faults(joined) == {"lr_support_fault", "unspecified_fault"}
    assert_restart_changes_nothing(joined)
    joined.vtep_ctl("del-ucast-remote", "ls0", "worse")
    wait_for_fault(joined, "lr_support_fault")
    joined.vtep_ctl("del-lr", "lr0")
    wait_for_fault(joined)


def test_what_someone_else_writes_into_a_fault_column_is_mended(joined: DummySwitch) -> None:
    joined.vtep_ctl("set", "Physical_Switch", "br0", "switch_fault_status=lr_creation_fault")
    wait_for_fault(joined)
    port = str(joined.row("Physical_Port", name="p0")["_uuid"])
    joined.vtep_ctl("set", "Physical_Port", port, "port_fault_status=invalid_vlan_map")
    wait_for_port_fault(joined, "p0")


def test_a_fault_that_ended_while_nobody_looked_is_cleared(joined: DummySwitch) -> None:
    joined.vtep_ctl("bind-ls", "br0", "p1", "4095", "ls0")
    joined.vtep_ctl("add-ucast-remote", "ls0", "bad", "10.2.2.3")
    wait_for_port_fault(joined, "p1", "invalid_vlan_map")
    wait_for_fault(joined, "unspecified_fault")
    joined.app.kill()
    joined.vtep_ctl("unbind-ls", "br0", "p1", "4095")
    joined.vtep_ctl("del-ucast-remote", "ls0", "bad")
    joined.app.start()
    wait_for_port_fault(joined, "p1")
    wait_for_fault(joined)


def test_a_bad_tunnel_ip_is_a_fault_and_the_good_one_is_used(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.vtep_ctl("set", "Physical_Switch", "br0", 'tunnel_ips=["127.0.0.1","10.300.1.1"]')
    joined.wait_for_log("Physical_Switch br0: tunnel_ips: '10.300.1.1' is not an IP address")
    wait_for_fault(joined, "unspecified_fault")
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the tunnel to be used")
    joined.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.1")
    wait_for_fault(joined)


def test_more_bindings_than_there_is_room_for(vtep: DummySwitch) -> None:
    binds = (["--", "bind-ls", "br0", "p0", str(vlan), "ls0"] for vlan in range(1100))
    vtep.vtep_ctl(*itertools.chain.from_iterable(binds))
    wait_for_fault(vtep, "unspecified_fault")
    vtep.wait_for_log("Logical_Switch ls0: it has 1100 bindings; only 1024 of them are flooded to")
    flooded = lambda: "\n".join(vtep.groups()).count("resubmit(,110)")  # noqa: E731
    vtep.wait(lambda: flooded() == 1024, "all buckets that there is room for")
    unbinds = (["--", "unbind-ls", "br0", "p0", str(vlan)] for vlan in range(1, 1100))
    vtep.vtep_ctl(*itertools.chain.from_iterable(unbinds))
    wait_for_fault(vtep)
