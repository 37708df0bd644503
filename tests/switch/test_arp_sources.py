"""Arp_Sources_Local and Arp_Sources_Remote: our own row, and VTEPs that others name there."""

from __future__ import annotations

from tests.routers import router_mac
from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import (
    assert_restart_changes_nothing,
    locator_names,
    switch_faults,
    tunnels,
)

RMAC = router_mac("r1")
OTHER, SOURCE = "10.2.2.4", "06:00:00:00:00:03"
HOST = "00:00:00:00:00:11"
FLOW_TO_SOURCE = f"dl_src={HOST},dl_dst={SOURCE}"
REPLY = f"{FLOW_TO_SOURCE},arp,arp_op=2,arp_sha={HOST},arp_spa=10.0.0.11,arp_tpa=10.0.0.1"


def add_router(vtep: DummySwitch, name: str = "r1") -> None:
    """Let the NVC give ls0 a router."""
    uuid = vtep.logical_switch("ls0")[1]
    binding = f'switch_binding:"10.0.0.1/24"={uuid}'
    vtep.vtep_ctl("add-lr", name, "--", "set", "Logical_Router", name, binding)


def sources(vtep: DummySwitch) -> dict[str, str]:
    """Return the rows of Arp_Sources_Local: the address of the locator by MAC."""
    tables = vtep.snapshot("Arp_Sources_Local", "Physical_Locator")
    named = {row["_uuid"]: row for row in tables["Physical_Locator"]}
    assert all(named[row["locator"]]["tunnel_key"] == () for row in tables["Arp_Sources_Local"])
    return {row["src_mac"]: named[row["locator"]]["dst_ip"] for row in tables["Arp_Sources_Local"]}


def add_source(vtep: DummySwitch, mac: str = SOURCE, address: str = OTHER) -> str:
    """Let the NVC tell of another VTEP that routes; return the UUID of its row."""
    return vtep.vtep_ctl(
        "--", "--id=@l", "create", "Physical_Locator", "encapsulation_type=vxlan_over_ipv4",
        f"dst_ip={address}", "--", "create", "Arp_Sources_Remote",
        f'src_mac="{mac}"', "locator=@l",
    ).split()[-1]  # fmt: skip


def test_a_switch_with_a_router_has_one_row_which_follows_it(joined: DummySwitch) -> None:
    """S1."""
    add_router(joined)
    joined.wait(lambda: sources(joined) == {"06:76:7f:00:00:01": "127.0.0.1"}, "our row")
    assert_restart_changes_nothing(joined)
    joined.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.2")
    joined.wait(lambda: sources(joined) == {"06:76:7f:00:00:02": "127.0.0.2"}, "the new address")
    joined.vtep_ctl("del-lr", "r1")
    joined.wait(lambda: sources(joined) == {}, "its end")
    joined.wait(lambda: locator_names(joined) == ["127.0.0.2"], "our own locator alone")


def test_two_switches_of_a_database_have_a_row_each(joined: DummySwitch) -> None:
    """S2. Each is another VTEP that routes, to the other one."""
    add_router(joined)
    joined.add_bridge("br1", ("q0",))
    joined.add_physical_switch("br1", "127.0.0.2")
    joined.point_at_app("br1")
    joined.wait(lambda: joined.port_rows("br1") == ["q0"], "the port of br1")
    assert set(sources(joined)) == {"06:76:7f:00:00:01"}
    joined.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    both = {"06:76:7f:00:00:01": "127.0.0.1", "06:76:7f:00:00:02": "127.0.0.2"}
    joined.wait(lambda: sources(joined) == both, "two rows")
    joined.wait(lambda: ("127.0.0.2", "127.0.0.1") in joined.tunnel_ports(), "a tunnel")
    assert_restart_changes_nothing(joined, "br0", "br1")


def test_a_vtep_that_routes_needs_no_other_row_and_is_not_flooded(joined: DummySwitch) -> None:
    """S4, S5."""
    add_router(joined)
    joined.learns(HOST)
    row = add_source(joined)
    joined.wait(lambda: tunnels(joined) == {OTHER}, "the Tunnel row")
    joined.wait(lambda: joined.delivers(OTHER, 33, HOST) == ["p0"], "its frames to reach a host")
    assert joined.sends("p0", BROADCAST) == ["p1 vlan 10"]
    port = joined.ovs_vsctl("get", "interface", "p0", "ofport")
    joined.wait(
        lambda: joined.goes(f"in_port={port},{REPLY}") == [f"{OTHER} vni 33"],
        "the answer of a host to go there",
    )
    assert joined.delivers("10.2.2.5", 33, SOURCE) == []
    assert_restart_changes_nothing(joined)
    joined.vtep_ctl("destroy", "Arp_Sources_Remote", row)
    joined.wait(lambda: tunnels(joined) == set(), "the end of the Tunnel row")
    joined.wait(lambda: joined.tunnel_ports() == {}, "the end of the tunnel")
    assert joined.delivers(OTHER, 33, HOST) == []


def test_the_mac_of_a_router_is_reported_while_no_other_vtep_routes(joined: DummySwitch) -> None:
    add_router(joined)
    joined.wait(lambda: joined.local_macs().get(RMAC) == "127.0.0.1", "the row")
    (row,) = (row for row in joined.rows("Ucast_Macs_Local") if row["MAC"] == RMAC)
    assert row["ipaddr"] == "10.0.0.1"
    assert_restart_changes_nothing(joined)
    source = add_source(joined)
    joined.wait(lambda: RMAC not in joined.local_macs(), "its end")
    joined.vtep_ctl("destroy", "Arp_Sources_Remote", source)
    joined.wait(lambda: RMAC in joined.local_macs(), "the row again")


def test_a_row_that_cannot_be_used_is_a_fault_until_it_is_mended(joined: DummySwitch) -> None:
    row = add_source(joined, "01:00:00:00:00:03")
    add_router(joined)
    joined.wait(lambda: "unspecified_fault" in switch_faults(joined), "the fault")
    joined.wait_for_log(f"Arp_Sources_Remote (row {row}): src_mac: 01:00:00:00:00:03 is not the")
    joined.vtep_ctl("set", "Arp_Sources_Remote", row, f'src_mac="{SOURCE}"')
    joined.wait(lambda: "unspecified_fault" not in switch_faults(joined), "its end")
    joined.wait(lambda: tunnels(joined) == {OTHER}, "the Tunnel row")
    joined.vtep_ctl("set", "Arp_Sources_Remote", row, f'src_mac="{RMAC}"')
    joined.wait(lambda: "unspecified_fault" in switch_faults(joined), "the fault of a router's MAC")
    joined.wait(lambda: tunnels(joined) == set(), "the end of the tunnel")
