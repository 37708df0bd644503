"""Several tunnel IPs, several switches, several hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.switch.conftest import described
from tests.switch.dummy import BROADCAST, DummySwitch, several
from tests.switch.state import (
    assert_restart_changes_nothing,
    locator_names,
    switch_faults,
    tunnels,
)

STATION = "00:00:00:00:00:99"
HOST, OTHER = "00:00:00:00:00:01", "00:00:00:00:00:02"


def set_tunnel_ips(vtep: DummySwitch, *addresses: str, switch: str = "br0") -> None:
    quoted = ",".join(f'"{address}"' for address in addresses)
    vtep.vtep_ctl("set", "Physical_Switch", switch, f"tunnel_ips=[{quoted}]")


def ends(vtep: DummySwitch, bridge: str = "br0") -> set[tuple[str, str]]:
    """Return both ends of each tunnel port of a bridge."""
    return set(vtep.tunnel_ports(bridge))


# Tunnel IPs


def test_the_first_tunnel_ip_sends_and_all_of_them_receive(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    # The first one in lexicographical order, which is not that of numbers.
    set_tunnel_ips(joined, "127.0.0.9", "127.0.0.10")
    both = {("10.2.2.3", "127.0.0.10"), ("10.2.2.3", "127.0.0.9")}
    joined.wait(lambda: ends(joined) == both, "a port for each address")
    joined.wait(lambda: tunnels(joined, "127.0.0.10") == {"10.2.2.3"}, "one row, from the first")
    for local in ("127.0.0.10", "127.0.0.9"):
        delivers = lambda: joined.delivers("10.2.2.3", 33, BROADCAST, local)  # noqa: B023, E731
        joined.wait(lambda: delivers() == ["p0", "p1 vlan 10"], f"frames to {local}")  # noqa: B023
    number = joined.ovs_vsctl(
        "get", "interface", joined.tunnel_port("10.2.2.3", "127.0.0.10"), "ofport"
    )
    sent = [flow for flow in joined.flows() if "table=100" in flow and "reg2=0xa020203" in flow]
    assert [flow.split("output:")[1] for flow in sent] == [number]
    joined.receive("p0", HOST, BROADCAST)
    joined.wait(lambda: joined.local_macs() == {HOST: "127.0.0.10"}, "the first to be reported")
    assert locator_names(joined) == ["10.2.2.3", "127.0.0.10"]
    assert_restart_changes_nothing(joined)


def test_tunnel_ips_come_and_go_while_it_runs(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    joined.receive("p0", HOST, BROADCAST)
    joined.wait(lambda: joined.local_macs() == {HOST: "127.0.0.1"}, "the host")
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way there")
    joined.wait(lambda: "10.2.2.2 vni 33" in joined.sends("p0", BROADCAST), "replication")
    joined.wait(lambda: joined.sends("p1", HOST, 10) == ["p0"], "the way to the host")
    flows, groups = joined.flows(), joined.groups()
    set_tunnel_ips(joined, "127.0.0.1", "127.0.0.2")
    joined.wait(lambda: len(ends(joined)) == 4, "a second port to each remote address")
    joined.wait(lambda: joined.delivers("10.2.2.3", 33, HOST, "127.0.0.2") == ["p0"], "its frames")
    assert tunnels(joined) == {"10.2.2.2", "10.2.2.3"}
    set_tunnel_ips(joined, "127.0.0.2")
    joined.wait(lambda: joined.local_macs() == {HOST: "127.0.0.2"}, "the host at the new address")
    joined.wait(lambda: {local for _, local in ends(joined)} == {"127.0.0.2"}, "its ports alone")
    joined.vtep_ctl("clear", "Physical_Switch", "br0", "tunnel_ips")
    joined.wait(lambda: ends(joined) == set(), "no port")
    joined.wait(lambda: joined.local_macs() == {}, "nothing to report")
    joined.wait(lambda: locator_names(joined) == ["10.2.2.2", "10.2.2.3"], "the NVC's locators")
    assert switch_faults(joined) == {"unspecified_fault"}
    assert joined.sends("p1", HOST, 10) == ["p0"]
    set_tunnel_ips(joined, "127.0.0.1")
    joined.wait(lambda: joined.local_macs() == {HOST: "127.0.0.1"}, "the host at the old address")
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way there")
    joined.wait(lambda: switch_faults(joined) == set(), "the fault to clear")
    joined.wait(lambda: len(joined.flows()) == len(flows), "as many flows")
    assert len(joined.groups()) == len(groups)


def test_a_remote_mac_at_any_of_our_own_addresses_is_a_fault_and_sent_nowhere(
    joined: DummySwitch,
) -> None:
    set_tunnel_ips(joined, "127.0.0.1", "127.0.0.2")
    joined.receive("p0", HOST, BROADCAST)
    joined.wait(lambda: joined.local_macs() == {HOST: "127.0.0.1"}, "the host")
    for mac, address in ((HOST, "127.0.0.2"), (STATION, "127.0.0.1")):
        joined.place(mac, address)
        joined.wait_for_log(f"its locator {address} is an address of this switch")
    joined.wait(lambda: switch_faults(joined) == {"unspecified_fault"}, "the fault")
    assert joined.sends("p1", HOST, 10) == ["p0"]
    assert joined.sends("p0", STATION) == ["p1 vlan 10"]
    assert ends(joined) == set()
    # The same address taken from us: now it is that of another VTEP.
    set_tunnel_ips(joined, "127.0.0.1")
    joined.wait(lambda: ends(joined) == {("127.0.0.2", "127.0.0.1")}, "a tunnel there")
    joined.vtep_ctl("clear-remote-macs", "ls0")
    joined.wait(lambda: switch_faults(joined) == set(), "the faults to clear")


# Switches of one database


@pytest.fixture
def two(joined: DummySwitch) -> DummySwitch:
    """A second bridge, br1 with q0 and q1, whose Physical_Switch is at 127.0.0.2."""
    joined.add_bridge("br1", ports=("q0", "q1"))
    joined.add_physical_switch("br1", "127.0.0.2")
    joined.point_at_app("br1")
    joined.wait_for_log("br1 is managed")
    joined.wait(lambda: joined.port_rows("br1") == ["q0", "q1"], "its ports")
    return joined


def test_two_switches_have_tunnels_of_their_own_to_the_same_address(two: DummySwitch) -> None:
    two.place(STATION, "10.2.2.3")
    two.wait(lambda: two.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0")
    two.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    way = lambda: two.sends("q0", STATION, bridge="br1")  # noqa: E731
    two.wait(lambda: way() == ["10.2.2.3 vni 33"], "the way from br1")
    assert ends(two) == {("10.2.2.3", "127.0.0.1")}
    assert ends(two, "br1") == {("10.2.2.3", "127.0.0.2")}
    two.wait(lambda: len(two.rows("Tunnel")) == 2, "a row for each")
    for switch in two.rows("Physical_Switch"):
        assert len(several(switch["tunnels"])) == 1
    assert_restart_changes_nothing(two, "br0", "br1")
    two.vtep_ctl("unbind-ls", "br1", "q0", "0")
    two.wait(lambda: ends(two, "br1") == set() and len(two.rows("Tunnel")) == 1, "those of br1 go")
    assert two.sends("p0", STATION) == ["10.2.2.3 vni 33"]


def test_a_station_of_one_switch_is_a_remote_mac_for_the_other_and_no_fault(
    two: DummySwitch,
) -> None:
    two.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    two.receive("p0", HOST, BROADCAST)
    two.wait(lambda: two.local_macs() == {HOST: "127.0.0.1"}, "the host")
    two.place(HOST, "127.0.0.1")
    ways = lambda: set(two.tunnel_ports("br1"))  # noqa: E731
    two.wait(lambda: ways() == {("127.0.0.1", "127.0.0.2")}, "the tunnel of br1 to br0")
    two.come_to_rest()
    assert switch_faults(two) == switch_faults(two, "br1") == set()
    assert "is an address of this switch" not in two.app.log_text
    assert two.sends("p1", HOST, 10) == ["p0"]
    assert_restart_changes_nothing(two, "br0", "br1")
    # Without another switch that has the logical switch the row is of no use.
    two.vtep_ctl("unbind-ls", "br1", "q0", "0")
    two.wait_for_log("its locator 127.0.0.1 is an address of this switch")
    two.wait(lambda: switch_faults(two) == {"unspecified_fault"}, "the fault")
    # A switch that another process manages counts as well.
    two.vtep_ctl(
        "add-ps", "far", "--", "add-port", "far", "f0", "--", "bind-ls", "far", "f0", "0", "ls0"
    )
    two.wait(lambda: switch_faults(two) == set(), "the fault to clear")


def test_one_key_for_two_logical_switches_that_no_bridge_has_both_of(two: DummySwitch) -> None:
    two.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br1", "q0", "0", "ls1")
    two.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=33")
    two.place(STATION, "10.2.2.3")
    two.place(STATION, "10.2.2.3", logical_switch="ls1")
    two.wait(lambda: two.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0")
    way = lambda: two.sends("q0", STATION, bridge="br1")  # noqa: E731
    two.wait(lambda: way() == ["10.2.2.3 vni 33"], "the way from br1")
    delivered = lambda: two.delivers("10.2.2.3", 33, BROADCAST, "127.0.0.2", "br1")  # noqa: E731
    two.wait(lambda: delivered() == ["q0"], "the way to br1")
    assert two.delivers("10.2.2.3", 33, BROADCAST) == ["p0", "p1 vlan 10"]
    assert switch_faults(two) == switch_faults(two, "br1") == set()
    # At br0 they meet, and only there is it a fault.
    two.vtep_ctl("bind-ls", "br0", "p1", "20", "ls1")
    two.wait(lambda: switch_faults(two) == {"unspecified_fault"}, "the fault of br0")
    two.wait(lambda: two.sends("p0", STATION) == [], "no way from br0")
    assert way() == ["10.2.2.3 vni 33"]
    assert switch_faults(two, "br1") == set()
    two.vtep_ctl("unbind-ls", "br0", "p1", "20")
    two.wait(lambda: two.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0 again")
    two.wait(lambda: switch_faults(two) == set(), "no fault")


def test_hosts_are_reported_at_the_switch_that_heard_them(two: DummySwitch) -> None:
    two.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    flood = lambda: two.sends("q0", BROADCAST, bridge="br1")  # noqa: E731
    two.wait(lambda: "in_port=1" in "\n".join(two.flows("br1")), "the binding of br1")
    two.receive("p0", HOST, BROADCAST)
    two.receive("q0", OTHER, BROADCAST)
    at = {HOST: "127.0.0.1", OTHER: "127.0.0.2"}
    two.wait(lambda: two.local_macs() == at, "a host at each")
    (group,) = two.rows("Mcast_Macs_Local")
    members = two.row("Physical_Locator_Set", _uuid=group["locator_set"])["locators"]
    named = {row["_uuid"]: row["dst_ip"] for row in two.rows("Physical_Locator")}
    assert {named[uuid] for uuid in members} == {"127.0.0.1", "127.0.0.2"}
    two.wait(lambda: flood() == [], "no way from the only binding of br1")
    two.receive("q0", HOST, BROADCAST)
    two.wait(lambda: two.local_macs() == dict.fromkeys(at, "127.0.0.2"), "the host that moved")
    two.wait(lambda: HOST not in "\n".join(two.flows()), "its flows on br0 to go")
    two.vtep_ctl("del-ps", "br1")
    two.wait_for_log("br1 is no longer managed")
    two.wait(lambda: two.flows("br1") == [], "br1 to be empty")
    two.wait(lambda: two.local_macs() == {}, "its hosts to go")


def test_a_fault_of_one_switch_is_not_one_of_the_other(two: DummySwitch) -> None:
    set_tunnel_ips(two, "nonsense", switch="br1")
    two.wait(lambda: switch_faults(two, "br1") == {"unspecified_fault"}, "the fault of br1")
    assert switch_faults(two) == set()
    # An address that is that of the other switch: Open vSwitch makes the tunnel for one of them.
    two.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    two.place(STATION, "10.2.2.3")
    two.wait(lambda: two.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0")
    set_tunnel_ips(two, "127.0.0.1", switch="br1")
    two.wait_for_log("Physical_Switch br1: Open vSwitch cannot make the tunnel to 10.2.2.3")
    assert switch_faults(two) == set()
    assert two.sends("p0", STATION) == ["10.2.2.3 vni 33"]
    set_tunnel_ips(two, "127.0.0.2", switch="br1")
    way = lambda: two.sends("q0", STATION, bridge="br1")  # noqa: E731
    two.wait(lambda: way() == ["10.2.2.3 vni 33"], "the way from br1")
    two.wait(lambda: switch_faults(two, "br1") == set(), "no fault")


def test_a_switch_that_loses_its_bridge_keeps_its_rows_until_it_is_back(two: DummySwitch) -> None:
    two.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    two.receive("q0", OTHER, BROADCAST)
    two.place(STATION, "10.2.2.3")
    two.wait(lambda: ends(two, "br1") == {("10.2.2.3", "127.0.0.2")}, "its tunnel")
    two.ovs_vsctl("del-br", "br1")
    two.wait_for_log("br1 is no longer managed")
    two.wait(lambda: two.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0")
    two.add_bridge("br1", ports=("q0", "q1"))
    two.point_at_app("br1")
    way = lambda: two.sends("q0", STATION, bridge="br1")  # noqa: E731
    two.wait(lambda: "in_port=1" in "\n".join(two.flows("br1")), "br1 to be managed again")
    two.wait(lambda: way() == ["10.2.2.3 vni 33"], "the way from br1")
    two.wait(lambda: switch_faults(two, "br1") == set(), "no fault")


# Hosts


@contextmanager
def another_host(switch: DummySwitch) -> Iterator[DummySwitch]:
    """A second host with br1, its Physical_Switch, and ports q0 and q1; br0 is on the first."""
    with described(DummySwitch) as other:
        other.start()
        other.app = switch.app
        switch.app.give("ovs_db", switch.db, other.db)
        other.add_bridge("br1", ports=("q0", "q1"))
        other.add_underlay("10.2.2.3")
        other.point_at_app("br1")
        yield other


@pytest.fixture
def hosts(switch: DummySwitch) -> Iterator[tuple[DummySwitch, DummySwitch]]:
    """Two hosts with a managed bridge each: br0 of the first one and br1 of the second."""
    with another_host(switch) as other:
        switch.manage()
        switch.join()
        switch.add_physical_switch("br1", "127.0.0.2")
        switch.wait(lambda: switch.port_rows("br1") == ["q0", "q1"], "its ports")
        switch.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
        switch.place(STATION, "10.2.2.3")
        way = lambda: other.sends("q0", STATION, bridge="br1")  # noqa: E731
        switch.wait(lambda: "in_port=1" in "\n".join(other.flows("br1")), "the binding of br1")
        switch.wait(lambda: way() == ["10.2.2.3 vni 33"], "the way from br1")
        switch.receive("p0", HOST, BROADCAST)
        other.receive("q0", OTHER, BROADCAST)
        macs = {HOST: "127.0.0.1", OTHER: "127.0.0.2"}
        switch.wait(lambda: switch.local_macs() == macs, "a host of each")
        yield switch, other


def rows_of(
    switch: DummySwitch, name: str
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return all that the rows of a Physical_Switch say, and its local MACs."""
    tables = switch.snapshot("Physical_Switch", "Physical_Port", "Tunnel", "Ucast_Macs_Local")
    (physical,) = (row for row in tables["Physical_Switch"] if row["name"] == name)
    ports, ends = several(physical["ports"]), several(physical["tunnels"])
    return (
        physical,
        [row for row in tables["Physical_Port"] if row["_uuid"] in ports],
        [row for row in tables["Tunnel"] if row["_uuid"] in ends],
    )


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
def test_a_host_is_managed_whose_neighbour_does_not_answer_at_the_start(
    hosts: tuple[DummySwitch, DummySwitch], is_first: bool
) -> None:
    switch, other = hosts
    if not is_first:
        switch.app.give("ovs_db", other.db, switch.db)
    before, macs = rows_of(switch, "br1"), switch.local_macs()
    switch.app.stop()
    other.ovs_vswitchd.kill()
    other.ovsdb_server.kill()
    switch.restart_app()
    switch.place("00:00:00:00:00:98", "10.2.2.4")
    switch.wait(lambda: "10.2.2.4" in {remote for remote, _ in ends(switch)}, "a tunnel of br0")
    learned = "00:00:00:00:00:97"
    switch.learns(learned)
    assert switch.local_macs() == {**macs, learned: "127.0.0.1"}
    assert rows_of(switch, "br1") == before
    other.ovsdb_server.start()
    other.ovs_vswitchd.start()
    switch.wait(lambda: "br1 is managed" in switch.app.log_text, "br1 to be back")
    switch.come_to_rest()
    assert OTHER not in switch.local_macs()  # Open vSwitch there knows nobody any more


def test_a_new_host_is_managed_while_another_one_was_never_there(switch: DummySwitch) -> None:
    with another_host(switch) as other:
        other.ovs_vswitchd.kill()
        other.ovsdb_server.kill()
        switch.app.give("ovs_db", other.db, switch.db)
        switch.manage()
        switch.join()
        switch.place(STATION, "10.2.2.3")
        switch.wait(lambda: switch.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0")


def test_a_bridge_with_the_name_of_one_that_is_away_waits_for_it(
    hosts: tuple[DummySwitch, DummySwitch],
) -> None:
    switch, other = hosts
    before = rows_of(switch, "br1")
    switch.app.stop()
    other.ovs_vswitchd.kill()
    other.ovsdb_server.kill()
    switch.add_bridge("br1", ports=("q0",))
    switch.point_at_app("br1")
    switch.restart_app()
    switch.wait_for_log("Physical_Switch br1: Open_vSwitch of")
    assert "may have the one that was; take a host that is gone for good" in switch.app.log_text
    assert switch.flows("br1") == []
    assert rows_of(switch, "br1") == before
    other.ovsdb_server.start()
    other.ovs_vswitchd.start()
    switch.wait(lambda: "in_port=1" in "\n".join(other.flows("br1")), "br1 to be back")
    switch.wait_for_log("that of Open_vSwitch of")
    assert "is managed; give the other another name" in switch.app.log_text
    assert switch.flows("br1") == []
    # The host comes back without its bridge: now the name is free.
    other.ovs_vsctl("del-br", "br1")
    switch.wait(lambda: "table=30" in "\n".join(switch.flows("br1")), "the other one")


def test_one_application_manages_the_bridges_of_two_hosts(
    hosts: tuple[DummySwitch, DummySwitch],
) -> None:
    switch, other = hosts
    assert set(other.tunnel_ports("br1")) == {("10.2.2.3", "127.0.0.2")}
    assert other.ovs_vsctl("get-fail-mode", "br1") == "secure"
    assert ends(switch) == {("10.2.2.3", "127.0.0.1")}
    # One host fails; the other one's switch goes on, and all comes back.
    other.ovs_vswitchd.kill()
    other.ovsdb_server.kill()
    switch.wait_for_log("connection lost")
    switch.place("00:00:00:00:00:98", "10.2.2.4")
    switch.wait(lambda: "10.2.2.4" in {remote for remote, _ in ends(switch)}, "a tunnel of br0")
    other.ovsdb_server.start()
    other.ovs_vswitchd.start()
    switch.wait(lambda: "in_port=1" in "\n".join(other.flows("br1")), "br1 to be back")
    assert other.sends("q0", STATION, bridge="br1") == []


# Identification


def test_an_empty_description_and_management_ips_are_filled_in_and_others_stay(
    switch: DummySwitch,
) -> None:
    switch.add_bridge()
    switch.add_bridge("br1", ports=())
    for bridge in ("br0", "br1"):
        switch.add_physical_switch(bridge)
        switch.point_at_app(bridge)
    ours = 'description="rack 7"', 'management_ips="192.0.2.7"'
    switch.vtep_ctl("set", "Physical_Switch", "br1", *ours)
    switch.app.start()
    description = lambda: switch.row("Physical_Switch", name="br0")["description"]  # noqa: E731
    switch.wait(lambda: description() == "br0 of Open vSwitch, managed by vtep_ofapp", "an answer")
    switch.wait_for_log("br1 is managed")
    named = switch.row("Physical_Switch", name="br1")
    assert (named["description"], named["management_ips"]) == ("rack 7", "192.0.2.7")
    switch.vtep_ctl("set", "Physical_Switch", "br0", "description=mine")
    switch.vtep_ctl("set", "Physical_Switch", "br1", 'description=""')
    again = lambda: switch.row("Physical_Switch", name="br1")["description"]  # noqa: E731
    switch.wait(lambda: again() == "br1 of Open vSwitch, managed by vtep_ofapp", "it to be filled")
    assert description() == "mine"
    assert switch.row("Physical_Switch", name="br0")["management_ips"] == ()
    switch.vtep_ctl("set-manager", "ptcp:6640:198.51.100.9")
    addresses = lambda name: switch.row("Physical_Switch", name=name)["management_ips"]  # noqa: E731
    switch.wait(lambda: addresses("br0") == "198.51.100.9", "where managers are awaited")
    assert addresses("br1") == "192.0.2.7"
    switch.vtep_ctl("set", "Physical_Switch", "br0", "management_ips=192.0.2.8")
    switch.vtep_ctl("set-manager", "ptcp:6640:198.51.100.10")
    switch.vtep_ctl("set", "Physical_Switch", "br1", 'description=""')
    switch.wait(lambda: again() != "", "the next answer")
    assert addresses("br0") == "192.0.2.8"
