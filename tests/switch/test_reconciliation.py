"""Desired and installed state: only differences are sent, and what others made stays."""

from __future__ import annotations

from tests.switch.dummy import DummySwitch

BROADCAST = "ff:ff:ff:ff:ff:ff"
HOST = "00:00:00:00:00:01"


def configure(vtep: DummySwitch) -> None:
    """Bind both ports, place a station and a service node, let one host be learned."""
    vtep.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    vtep.vtep_ctl("bind-ls", "br0", "p1", "10", "ls0")
    vtep.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", "10.2.2.2")
    vtep.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:99", "10.2.2.3")
    vtep.wait(lambda: any("dl_dst=00:00:00:00:00:99" in flow for flow in vtep.flows()), "the flow")
    vtep.receive("p0", HOST, BROADCAST)
    vtep.wait(lambda: vtep.local_macs() == {HOST: "127.0.0.1"}, "the local MAC")
    # If the application ends between the row and the flow, the row goes with the next start.
    vtep.wait(lambda: any(f"dl_src={HOST}" in flow for flow in vtep.flows()), "the host's flow")


def settled(vtep: DummySwitch) -> None:
    """Wait until the flows stay what they are for a moment of the application's attention."""
    vtep.wait_for_log("br0 is managed")


def test_a_restart_sends_nothing_again(vtep: DummySwitch) -> None:
    configure(vtep)
    flows, groups, ports = vtep.flows(), vtep.groups(), vtep.ovs_vsctl("list-ports", "br0")
    row = vtep.vtep_ctl("--columns=_uuid", "list", "Ucast_Macs_Local")
    before = vtep.ages()
    vtep.app.kill()
    vtep.app.begin_log()
    vtep.app.start()
    vtep.wait_for_log("br0 is managed")
    # A change after the restart is the proof that whatever there was to send was sent.
    vtep.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:98", "10.2.2.3")
    vtep.wait(lambda: any("dl_dst=00:00:00:00:00:98" in flow for flow in vtep.flows()), "the flow")
    vtep.vtep_ctl("del-ucast-remote", "ls0", "00:00:00:00:00:98")
    vtep.wait(lambda: vtep.flows() == flows, "the same flows")
    assert vtep.groups() == groups
    assert vtep.ovs_vsctl("list-ports", "br0") == ports
    assert vtep.vtep_ctl("--columns=_uuid", "list", "Ucast_Macs_Local") == row
    after = vtep.ages()
    assert after.keys() == before.keys()
    assert all(after[flow] >= before[flow] for flow in before)


def test_what_changed_meanwhile_is_mended(vtep: DummySwitch) -> None:
    configure(vtep)
    vtep.app.kill()
    vtep.vtep_ctl("del-ucast-remote", "ls0", "00:00:00:00:00:99")
    vtep.vtep_ctl("unbind-ls", "br0", "p1", "10")
    vtep.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=34")
    vtep.app.start()
    vtep.wait(lambda: "tun_id=0x22" in "\n".join(vtep.flows()), "the new key")
    text = "\n".join(vtep.flows())
    assert "00:00:00:00:00:99" not in text
    assert "tun_id=0x21" not in text
    assert "dl_vlan=10" not in text
    assert vtep.local_macs() == {HOST: "127.0.0.1"}
    vtep.wait(lambda: len(vtep.ovs_vsctl("list-ports", "br0").split()) == 4, "one tunnel less")


def test_flows_groups_and_ports_of_others_stay(vtep: DummySwitch) -> None:
    configure(vtep)
    vtep.ofctl("add-flow", "br0", "table=0,priority=5,tcp,actions=drop")
    vtep.ofctl("add-group", "br0", "group_id=7,type=all,bucket=output:1")
    vtep.ovs_vsctl(
        "add-port", "br0", "other", "--", "set", "interface", "other", "type=vxlan",
        "options:remote_ip=10.9.9.9", "options:key=flow",
    )  # fmt: skip
    vtep.app.kill()
    vtep.app.start()
    vtep.wait(lambda: vtep.app.is_ready(), "the connection")
    vtep.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=34")
    vtep.wait(lambda: "tun_id=0x22" in "\n".join(vtep.flows()), "the new key")
    assert any("priority=5,tcp" in flow for flow in vtep.flows())
    assert any("group_id=7," in group for group in vtep.groups())
    assert "other" in vtep.ovs_vsctl("list-ports", "br0").split()


def test_deleted_flows_come_back(vtep: DummySwitch) -> None:
    configure(vtep)
    flows = vtep.flows()
    vtep.ofctl("del-flows", "br0")
    vtep.wait(lambda: vtep.flows() == flows, "the flows as they were")
    vtep.wait_for_log("someone changed ")


def test_unbinding_leaves_nothing_behind(vtep: DummySwitch) -> None:
    empty, no_groups = vtep.flows(), vtep.groups()
    configure(vtep)
    for port, vlan in (("p0", "0"), ("p1", "10")):
        vtep.vtep_ctl("unbind-ls", "br0", port, vlan)
    vtep.wait(lambda: vtep.flows() == empty and vtep.groups() == no_groups, "as before")
    vtep.wait(lambda: vtep.ovs_vsctl("list-ports", "br0") == "p0\np1", "no tunnel port")
    vtep.wait(lambda: vtep.local_macs() == {}, "no local MAC")
    assert "unknown-dst" not in vtep.vtep_ctl("list-local-macs", "ls0")


def test_switch_restart_brings_everything_back(vtep: DummySwitch) -> None:
    configure(vtep)
    flows, groups = vtep.flows(), vtep.groups()
    vtep.ovs_vswitchd.kill()
    vtep.ovs_vswitchd.start()
    vtep.wait(lambda: vtep.flows() == flows and vtep.groups() == groups, "the program as it was")
    assert vtep.local_macs() == {HOST: "127.0.0.1"}


def test_database_server_restart_with_changes_is_followed(vtep: DummySwitch) -> None:
    configure(vtep)
    vtep.ovsdb_server.kill()
    vtep.ovsdb_server.start()
    vtep.vtep_ctl("del-ucast-remote", "ls0", "00:00:00:00:00:99")
    vtep.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:97", "10.2.2.3")
    vtep.wait(lambda: any("00:00:00:00:00:97" in flow for flow in vtep.flows()), "the new row")
    assert not any("00:00:00:00:00:99" in flow for flow in vtep.flows())
    assert vtep.local_macs() == {HOST: "127.0.0.1"}


def test_rows_that_others_changed_are_mended(vtep: DummySwitch) -> None:
    configure(vtep)
    uuid = str(vtep.rows("Ucast_Macs_Local")[0]["_uuid"])
    vtep.vtep_ctl("destroy", "Ucast_Macs_Local", uuid)
    vtep.wait(lambda: vtep.local_macs() == {HOST: "127.0.0.1"}, "the local MAC again")
