"""Other VXLAN ports of one Open vSwitch: those that refuse ours, and those that take packets."""

from __future__ import annotations

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import switch_faults

STATION = "00:00:00:00:00:99"
SOON = 10 * 10.0
"""Seconds that a test waits for a tunnel once the reason why it could not be made has gone: it is
tried again every 10 seconds at the latest."""


@pytest.fixture
def two(joined: DummySwitch) -> DummySwitch:
    """A second bridge, br1 with q0 and q1 in ls0 as well, whose Physical_Switch is at 127.0.0.2."""
    joined.add_bridge("br1", ports=("q0", "q1"))
    joined.add_physical_switch("br1", "127.0.0.2")
    joined.point_at_app("br1")
    joined.wait(lambda: joined.port_rows("br1") == ["q0", "q1"], "its ports")
    joined.vtep_ctl("bind-ls", "br1", "q0", "0", "ls0")
    joined.place(STATION, "10.2.2.3")
    joined.wait(lambda: sends(joined, "br0") == sends(joined, "br1") == WAY, "both ways")
    return joined


WAY = ["10.2.2.3 vni 33"]


def sends(vtep: DummySwitch, bridge: str) -> list[str]:
    port = {"br0": "p0", "br1": "q0"}[bridge]
    return vtep.sends(port, STATION, bridge=bridge)


def set_tunnel_ips(vtep: DummySwitch, **of: str) -> None:
    """Write tunnel_ips of switches in one transaction."""
    commands = [
        ["--", "set", "Physical_Switch", name, f"tunnel_ips={ip}"] for name, ip in of.items()
    ]
    vtep.vtep_ctl(*(word for command in commands for word in command))


def test_two_bridges_swap_their_addresses_in_one_transaction(two: DummySwitch) -> None:
    for br0, br1 in (("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")):
        set_tunnel_ips(two, br0=br0, br1=br1)
        swapped = lambda: (  # noqa: E731
            set(two.tunnel_ports("br0")) == {("10.2.2.3", br0)}  # noqa: B023
            and set(two.tunnel_ports("br1")) == {("10.2.2.3", br1)}  # noqa: B023
        )
        two.wait(swapped, "the ports from the new addresses", SOON)
        up = lambda: sends(two, "br0") == sends(two, "br1") == WAY  # noqa: E731
        two.wait(up, "both tunnels", SOON)
        anyone = lambda: [list(two.ports_to_anyone(name)) for name in ("br0", "br1")]  # noqa: E731
        two.wait(lambda: anyone() == [[br0], [br1]], "the ports for the others", SOON)  # noqa: B023
        clear = lambda: switch_faults(two) == switch_faults(two, "br1") == set()  # noqa: E731
        two.wait(clear, "no fault", SOON)


@pytest.mark.parametrize("how", ["moves", "goes"])
def test_a_tunnel_comes_up_when_the_bridge_that_had_it_moves_or_goes(
    two: DummySwitch, how: str
) -> None:
    set_tunnel_ips(two, br1="127.0.0.1")
    two.wait_for_log("Physical_Switch br1: Open vSwitch cannot make the tunnel to 10.2.2.3")
    two.wait(lambda: switch_faults(two, "br1") == {"unspecified_fault"}, "the fault")
    if how == "moves":
        set_tunnel_ips(two, br0="127.0.0.3")
    else:
        two.vtep_ctl("del-ps", "br0")
    two.wait(lambda: sends(two, "br1") == WAY, "the tunnel of br1", SOON)
    two.wait(lambda: switch_faults(two, "br1") == set(), "no fault", SOON)
    # It has the port for senders that no row names as well.
    name = two.wait(lambda: two.ports_to_anyone("br1").get("127.0.0.1"), "the port", SOON)
    number = lambda: two.ovs_vsctl("get", "interface", name, "ofport")  # noqa: E731
    two.wait(lambda: number() not in ("[]", "-1"), "its number", SOON)


def add_vxlan(vtep: DummySwitch, name: str, *options: str) -> None:
    settings = [f"options:{option}" for option in options]
    vtep.ovs_vsctl("add-port", "br9", name, "--", "set", "interface", name, "type=vxlan", *settings)


@pytest.mark.parametrize(
    "options",
    [
        ("remote_ip=10.2.2.3", "key=33"),
        ("remote_ip=10.2.2.3", "local_ip=127.0.0.1", "in_key=0x21"),
        ("remote_ip=flow", "key=33"),
    ],
    ids=["remote", "both ends", "any remote"],
)
def test_a_vxlan_port_that_takes_what_is_ours_is_a_fault_with_its_name(
    joined: DummySwitch, options: str
) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.tunnel_port("10.2.2.3")
    joined.wait(lambda: joined.delivers("10.2.2.3", 33, BROADCAST) != [], "the way in")
    assert switch_faults(joined) == set()
    joined.ovs_vsctl("add-br", "br9", "--", "set", "bridge", "br9", "datapath_type=dummy")
    add_vxlan(joined, "vx9", *options)
    joined.wait_for_log("VXLAN port vx9 of bridge br9 takes the packets with key 33")
    assert "ovs-vsctl del-port br9 vx9" in joined.app.log_text
    joined.wait(lambda: switch_faults(joined) == {"unspecified_fault"}, "the fault")
    joined.ovs_vsctl("del-port", "br9", "vx9")
    joined.wait(lambda: switch_faults(joined) == set(), "the fault to clear")


def test_a_vxlan_port_that_takes_nothing_of_ours_is_no_fault(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.tunnel_port("10.2.2.3")
    joined.ovs_vsctl("add-br", "br9", "--", "set", "bridge", "br9", "datapath_type=dummy")
    add_vxlan(joined, "vx1", "remote_ip=10.2.2.3", "key=34")
    add_vxlan(joined, "vx2", "remote_ip=10.2.2.4", "key=33")
    add_vxlan(joined, "vx3", "remote_ip=10.2.2.3", "key=33", "local_ip=127.0.0.9")
    add_vxlan(joined, "vx4", "remote_ip=10.2.2.3", "key=33", "dst_port=4790")
    add_vxlan(joined, "vx5", "remote_ip=10.2.2.3", "key=flow")
    joined.come_to_rest()
    assert switch_faults(joined) == set()
    # The key of BFD packets is 0: one that has it takes them once BFD is on.
    add_vxlan(joined, "vx6", "remote_ip=10.2.2.3")
    joined.come_to_rest()
    assert switch_faults(joined) == set()
    (row,) = joined.rows("Tunnel")
    joined.vtep_ctl("set", "Tunnel", str(row["_uuid"]), "bfd_params:enable=true")
    joined.wait_for_log("VXLAN port vx6 of bridge br9 takes the packets with key 0")
    joined.wait(lambda: switch_faults(joined) == {"unspecified_fault"}, "the fault")
    # A logical switch that gets the key of such a port loses its packets.
    joined.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=34")
    joined.wait_for_log("VXLAN port vx1 of bridge br9 takes the packets with key 34")
