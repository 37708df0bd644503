"""The life of a port: it leaves and returns, changes its number, goes down, is a bond."""

from __future__ import annotations

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing, port_faults

HOST, OTHER, THIRD = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:03"
AT_P1 = "p1 vlan 10"


def wait_to_send(
    vtep: DummySwitch, port: str, mac: str, *expected: str, vlan: int | None = None
) -> None:
    sent = lambda: vtep.sends(port, mac, vlan)  # noqa: E731
    vtep.wait(lambda: sent() == sorted(expected), f"{mac} from {port} to leave by {expected}")


def ports(vtep: DummySwitch) -> list[str]:
    return vtep.port_rows("br0")


AWAY = "Physical_Port p1 of br0: it is not a port of the bridge; its binding stays for {} s"


def test_a_port_that_leaves_and_returns_keeps_its_row_and_bindings(switch: DummySwitch) -> None:
    switch.manage(port_grace="0.1")
    switch.join()
    row = switch.row("Physical_Port", name="p1")
    switch.learns(HOST, "p1", 10)
    switch.ovs_vsctl("del-port", "br0", "p1")
    switch.wait(lambda: switch.local_macs() == {}, "its station to go at once")
    wait_to_send(switch, "p0", BROADCAST)
    switch.wait_for_log(AWAY.format(86400))
    switch.come_to_rest()
    assert port_faults(switch, "p1") == set()
    switch.add_port("p1", 2)
    wait_to_send(switch, "p0", BROADCAST, AT_P1)
    switch.wait_for_log("Physical_Port p1 of br0: it is a port of the bridge again")
    now = switch.row("Physical_Port", name="p1")
    assert (now["_uuid"], now["vlan_bindings"]) == (row["_uuid"], row["vlan_bindings"])
    assert "resolved: Physical_Port p1" not in switch.app.log_text
    assert switch.app.log_text.count("it is not a port of the bridge") == 1
    switch.learns(HOST, "p1", 10)
    wait_to_send(switch, "p0", HOST, AT_P1)
    assert_restart_changes_nothing(switch)


def test_a_bound_port_that_stays_away_loses_its_bindings_and_a_line_says_so(
    switch: DummySwitch,
) -> None:
    switch.manage(bound_port_grace="1", port_grace="30")
    switch.join()
    switch.vtep_ctl("bind-ls", "br0", "p1", "20", "ls0")
    switch.wait(lambda: "dl_vlan=20" in "\n".join(switch.flows()), "the second binding")
    former = switch.row("Physical_Port", name="p1")["_uuid"]
    switch.ovs_vsctl("del-port", "br0", "p1")
    switch.wait(lambda: ports(switch) == ["p0"], "the row to go")
    switch.wait_for_log(
        "Physical_Port p1 of br0: it was not a port of the bridge for 1 s; "
        "its row goes, and 2 bindings with it"
    )
    assert "resolved" not in switch.app.log_text
    switch.wait(lambda: "dl_vlan=10" not in "\n".join(switch.flows()), "its flows to go")
    switch.add_port("p1", 2)
    switch.wait(lambda: ports(switch) == ["p0", "p1"], "a new row")
    row = switch.row("Physical_Port", name="p1")
    assert row["_uuid"] != former
    assert (row["vlan_bindings"], row["port_fault_status"]) == ({}, ())


def test_the_row_of_a_port_that_is_away_goes_soon_once_the_nvc_unbinds_it(
    switch: DummySwitch,
) -> None:
    switch.manage(port_grace="0.3")
    switch.join()
    switch.ovs_vsctl("del-port", "br0", "p1")
    switch.wait_for_log(AWAY.format(86400))
    switch.come_to_rest()
    assert ports(switch) == ["p0", "p1"]
    switch.vtep_ctl("unbind-ls", "br0", "p1", "10")
    switch.wait(lambda: ports(switch) == ["p0"], "the row to go")
    assert "its row goes" not in switch.app.log_text


def test_a_port_may_be_bound_before_it_exists(switch: DummySwitch) -> None:
    switch.manage(port_grace="0.3")
    switch.join()
    # At once with its binding, and while nobody looks.
    port = ("--", "--id=@p", "create", "Physical_Port")
    ls = switch.vtep_ctl("get", "Logical_Switch", "ls0", "_uuid")
    for name in ("p2", "p3"):
        if name == "p3":
            switch.app.kill()
        switch.vtep_ctl(
            *port, f"name={name}", f"vlan_bindings:0={ls}",
            "--", "add", "Physical_Switch", "br0", "ports", "@p",
        )  # fmt: skip
    switch.restart_app()
    switch.wait_for_log("Physical_Port p3 of br0: it is not a port of the bridge; its binding")
    switch.come_to_rest()
    rows = {row["name"]: row["_uuid"] for row in switch.rows("Physical_Port")}
    assert set(rows) == {"p0", "p1", "p2", "p3"}
    assert port_faults(switch, "p2") == port_faults(switch, "p3") == set()
    for number, name in enumerate(("p2", "p3"), 3):
        switch.add_port(name, number)
    wait_to_send(switch, "p0", BROADCAST, AT_P1, "p2", "p3")
    assert {row["name"]: row["_uuid"] for row in switch.rows("Physical_Port")} == rows
    # A row without bindings does not wait so long.
    switch.vtep_ctl(*port, "name=p4", "--", "add", "Physical_Switch", "br0", "ports", "@p")
    switch.wait(lambda: "p4" not in ports(switch), "the row of p4 to go")


def test_a_port_that_left_while_the_application_was_away_keeps_its_bindings_too(
    switch: DummySwitch,
) -> None:
    switch.manage(port_grace="0.1")
    switch.join()
    row = switch.row("Physical_Port", name="p1")
    switch.app.kill()
    switch.ovs_vsctl("del-port", "br0", "p1")
    switch.restart_app()
    wait_to_send(switch, "p0", BROADCAST)
    switch.wait_for_log(AWAY.format(86400))
    switch.add_port("p1", 2)
    wait_to_send(switch, "p0", BROADCAST, AT_P1)
    assert switch.row("Physical_Port", name="p1")["_uuid"] == row["_uuid"]


def test_a_port_that_cannot_be_used_is_a_fault_and_one_without_its_device_is_none(
    joined: DummySwitch,
) -> None:
    joined.ovs_vsctl("set", "interface", "p1", "type=system")
    joined.wait_for_log(
        "Physical_Port p1 of br0: Open vSwitch has no port number for it: could not"
    )
    joined.come_to_rest()
    assert port_faults(joined, "p1") == set()
    joined.ovs_vsctl("set", "interface", "p1", "type=vxlan")  # without a remote_ip
    joined.wait(lambda: port_faults(joined, "p1") == {"unspecified_fault"}, "the fault")
    joined.ovs_vsctl("set", "interface", "p1", "type=dummy", "ofport_request=2")
    joined.wait(lambda: port_faults(joined, "p1") == set(), "the fault to clear")
    wait_to_send(joined, "p0", BROADCAST, AT_P1)


def test_a_port_that_gets_another_number_keeps_its_bindings(joined: DummySwitch) -> None:
    joined.learns(HOST, "p0")
    joined.learns(OTHER, "p1", 10)
    joined.ovs_vsctl("set", "interface", "p1", "ofport_request=9")
    joined.wait(lambda: "in_port=9,dl_vlan=10" in "\n".join(joined.flows()), "the number in use")
    wait_to_send(joined, "p0", BROADCAST, AT_P1)
    wait_to_send(joined, "p1", BROADCAST, "p0", vlan=10)
    joined.learns(OTHER, "p1", 10)
    wait_to_send(joined, "p0", OTHER, AT_P1)
    wait_to_send(joined, "p1", HOST, "p0", vlan=10)
    assert not [flow for flow in joined.flows() if "in_port=2" in flow]
    assert_restart_changes_nothing(joined)


def test_ports_may_trade_their_numbers(joined: DummySwitch) -> None:
    joined.learns(HOST, "p0")
    joined.learns(OTHER, "p1", 10)
    joined.ovs_vsctl("del-port", "br0", "p0", "--", "del-port", "br0", "p1")
    joined.ovs_vsctl(
        "add-port", "br0", "p0", "--", "set", "interface", "p0", "type=dummy", "ofport_request=2",
        "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
        "ofport_request=1",
    )  # fmt: skip
    wait_to_send(joined, "p0", BROADCAST, AT_P1)
    wait_to_send(joined, "p1", BROADCAST, "p0", vlan=10)
    wait_to_send(joined, "p1", BROADCAST)
    wait_to_send(joined, "p0", BROADCAST, vlan=10)
    joined.learns(HOST, "p0")
    wait_to_send(joined, "p1", HOST, "p0", vlan=10)


def test_the_stations_of_a_port_whose_link_is_down_leave_at_once(joined: DummySwitch) -> None:
    joined.vtep_ctl("bind-ls", "br0", "p1", "0", "ls0")
    joined.wait(lambda: joined.sends("p0", BROADCAST) == ["p1", AT_P1], "the bindings")
    joined.learns(HOST, "p1", 10)
    joined.learns(OTHER, "p1")
    joined.learns(THIRD, "p0")
    row = joined.row("Physical_Port", name="p1")
    joined.set_link("p1", "down")
    joined.wait(lambda: set(joined.local_macs()) == {THIRD}, "its stations to go")
    assert HOST not in "\n".join(joined.flows())
    wait_to_send(joined, "p1", THIRD, "p0", vlan=10)
    joined.set_link("p1", "up")
    joined.learns(HOST, "p1", 10)
    wait_to_send(joined, "p0", HOST, AT_P1)
    wait_to_send(joined, "p0", BROADCAST, "p1", AT_P1)
    now = joined.row("Physical_Port", name="p1")
    assert (now["_uuid"], now["vlan_bindings"]) == (row["_uuid"], row["vlan_bindings"])
    assert now["port_fault_status"] == ()


def bind_bond(vtep: DummySwitch, lacp: str = "off") -> None:
    vtep.ovs_vsctl(
        "add-bond", "br0", "bond0", "b0", "b1", f"lacp={lacp}",
        "--", "set", "interface", "b0", "type=dummy", "ofport_request=11",
        "--", "set", "interface", "b1", "type=dummy", "ofport_request=12",
    )  # fmt: skip
    vtep.wait(lambda: "bond0" in ports(vtep), "the bond's row")
    vtep.vtep_ctl("bind-ls", "br0", "bond0", "30", "ls0")
    vtep.wait(lambda: "dl_vlan=30" in "\n".join(vtep.flows()), "its binding")


def test_a_bond_without_lacp_uses_the_first_interface_that_is_up(joined: DummySwitch) -> None:
    bind_bond(joined)
    assert ports(joined) == ["bond0", "p0", "p1"]
    wait_to_send(joined, "p0", BROADCAST, AT_P1, "b0 vlan 30")
    wait_to_send(joined, "b0", BROADCAST, "p0", AT_P1, vlan=30)
    assert joined.sends("b1", BROADCAST, 30) == []
    joined.learns(HOST, "b0", 30)
    wait_to_send(joined, "p0", HOST, "b0 vlan 30")
    joined.set_link("b0", "down")
    wait_to_send(joined, "p0", BROADCAST, AT_P1, "b1 vlan 30")
    wait_to_send(joined, "p0", HOST, "b1 vlan 30")
    wait_to_send(joined, "b1", BROADCAST, "p0", AT_P1, vlan=30)
    assert HOST in joined.local_macs()
    assert_restart_changes_nothing(joined)
    joined.set_link("b0", "up")
    wait_to_send(joined, "p0", HOST, "b0 vlan 30")
    joined.set_link("b0", "down")
    joined.set_link("b1", "down")
    joined.wait(lambda: HOST not in joined.local_macs(), "the station to go with the last link")


def connect_bond(vtep: DummySwitch) -> None:
    """Put a switch that speaks LACP behind b0 and b1."""
    vtep.ovs_vsctl("add-br", "far", "--", "set", "bridge", "far", "datapath_type=dummy")
    far = []
    for member in ("f0", "f1"):
        socket = f"options:pstream=punix:{vtep.folder}/{member}.sock"
        far += ["--", "set", "interface", member, "type=dummy", socket]
    vtep.ovs_vsctl("add-bond", "far", "bond1", "f0", "f1", "lacp=active", *far)
    for bond in ("bond0", "bond1"):
        vtep.ovs_vsctl("set", "port", bond, "other_config:lacp-time=fast")
    for member, other in (("b0", "f0"), ("b1", "f1")):
        socket = f"options:stream=unix:{vtep.folder}/{other}.sock"
        vtep.ovs_vsctl("set", "interface", member, socket)


def test_a_bond_with_lacp_takes_frames_from_all_and_sends_by_one(joined: DummySwitch) -> None:
    bind_bond(joined, lacp="active")
    connect_bond(joined)
    for member in ("b0", "b1"):
        wait_to_send(joined, member, BROADCAST, "p0", AT_P1, vlan=30)
    leaves = lambda: joined.sends("p0", BROADCAST)  # noqa: E731
    one = [sorted([AT_P1, f"{member} vlan 30"]) for member in ("b0", "b1")]
    joined.wait(lambda: leaves() in one, "a copy by one interface")
    joined.learns(HOST, "b0", 30)
    joined.receive("b1", HOST, BROADCAST, 30)
    joined.set_link("b0", "down")
    wait_to_send(joined, "p0", HOST, "b1 vlan 30")
    joined.set_link("b0", "up")
    joined.set_link("b1", "down")
    wait_to_send(joined, "p0", HOST, "b0 vlan 30")
    assert HOST in joined.local_macs()
    joined.ovs_vsctl("set", "port", "bond0", "lacp=off")
    joined.wait(lambda: joined.sends("b1", BROADCAST, 30) == [], "one interface without LACP")


def test_a_bond_that_loses_an_interface_goes_on(joined: DummySwitch) -> None:
    bind_bond(joined)
    joined.learns(HOST, "b0", 30)
    row = joined.row("Physical_Port", name="bond0")
    joined.ovs_vsctl("del-bond-iface", "bond0", "b0")
    wait_to_send(joined, "p0", BROADCAST, AT_P1, "b1 vlan 30")
    wait_to_send(joined, "b1", BROADCAST, "p0", AT_P1, vlan=30)
    assert joined.row("Physical_Port", name="bond0")["_uuid"] == row["_uuid"]
