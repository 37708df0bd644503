"""Frames from VTEPs that no row of their logical switch names: counted and dropped, or let in."""

from __future__ import annotations

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing, port_faults, switch_faults

STATION, HOST = "00:00:00:00:00:99", "00:00:00:00:00:01"
UNNAMED = "cookie=0x7674657080000000/-1"
"""What docs/troubleshooting.md tells to look at."""


def dropped(vtep: DummySwitch) -> dict[int, int]:
    """Return how many frames were dropped for each VNI."""
    lines = vtep.ofctl("--no-names", "dump-flows", "br0", UNNAMED).splitlines()
    counts = {}
    for line in lines:
        if "tun_id=" in line:
            vni = int(line.split("tun_id=")[1].split()[0].split(",")[0], 16)
            counts[vni] = int(line.split("n_packets=")[1].split(",")[0])
    return counts


def arrive(
    vtep: DummySwitch, remote: str, vni: int, count: int = 1, local: str = "10.2.2.254"
) -> None:
    """Let VXLAN packets from a remote VTEP come in by the underlay."""
    inner = "ffffffffffff" + "000000000099" + "1234" + "00" * 46
    vxlan = f"08000000{vni << 8:08x}{inner}"
    for _ in range(count):
        vtep.appctl("netdev-dummy/receive", "wire", udp(vtep, remote, local, vxlan))


def udp(vtep: DummySwitch, remote: str, local: str, payload: str) -> str:
    """Return an Ethernet frame with a UDP packet for port 4789, in hexadecimal."""
    mac = vtep.ovs_vsctl("get", "interface", "br-phy", "mac_in_use").strip('"').replace(":", "")
    data = bytes.fromhex(payload)
    header = bytes.fromhex("45000000000040004011") + bytes(2) + packed(remote) + packed(local)
    header = header[:2] + (28 + len(data)).to_bytes(2, "big") + header[4:]
    header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
    ports = (50000).to_bytes(2, "big") + (4789).to_bytes(2, "big")
    return (
        f"{mac}aa55aa5500010800"
        + (header + ports + (8 + len(data)).to_bytes(2, "big") + bytes(2) + data).hex()
    )


def packed(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


def checksum(header: bytes) -> int:
    total = sum(int.from_bytes(header[index : index + 2], "big") for index in range(0, 20, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@pytest.fixture
def open_vtep(switch: DummySwitch) -> DummySwitch:
    """The switch of joined() with accept_from = any."""
    switch.manage(accept_from="any")
    switch.join()
    return switch


def numbered(vtep: DummySwitch, local: str = "127.0.0.1") -> str:
    """Wait for the port for VTEPs that no row names, and the flow that lets its frames in."""
    name = vtep.wait(lambda: vtep.ports_to_anyone().get(local, ""), "the port")
    number = vtep.wait(
        lambda: vtep.ovs_vsctl("get", "interface", name, "ofport").strip("[]"), "its number"
    )
    vtep.wait(lambda: f"in_port={number} " in "\n".join(vtep.flows()), "its flow")
    return name


def receive_at_underlay(joined: DummySwitch) -> None:
    """Let VXLAN packets come in by the address of br-phy, from 10.2.2.3, which a row names."""
    joined.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=10.2.2.254")
    numbered(joined, "10.2.2.254")
    joined.place(STATION, "10.2.2.3")
    joined.tunnel_port("10.2.2.3", "10.2.2.254")
    named = lambda: joined.delivers("10.2.2.3", 33, BROADCAST, "10.2.2.254")  # noqa: E731
    joined.wait(lambda: named() == ["p0", "p1 vlan 10"], "the way in")


def test_named_drops_and_counts_frames_that_no_row_lets_in(joined: DummySwitch) -> None:
    numbered(joined)
    joined.place(STATION, "10.2.2.3")
    joined.tunnel_port("10.2.2.3")
    joined.wait(lambda: joined.delivers("10.2.2.3", 33, BROADCAST) != [], "frames of the named")
    assert joined.delivers("10.2.2.4", 33, BROADCAST) == []
    assert dropped(joined) == {33: 0}
    assert_restart_changes_nothing(joined)


def test_what_is_dropped_is_counted_and_said_once(switch: DummySwitch) -> None:
    switch.manage(stats_interval="0.5")
    switch.join()
    receive_at_underlay(switch)
    line = "frames with VNI 33 were dropped: no row of ls0 names their sender"
    arrive(switch, "10.2.2.3", 33, count=2)
    arrive(switch, "10.2.2.4", 34, count=2)
    switch.come_to_rest()
    assert dropped(switch) == {33: 0}
    assert line not in switch.app.log_text
    arrive(switch, "10.2.2.4", 33, count=3)
    switch.wait(lambda: dropped(switch) == {33: 3}, "the drops")
    switch.wait_for_log(f"{line}; accept_from = any would accept them")
    # A VTEP that rows of another logical switch name has a port of its own.
    switch.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    switch.place(STATION, "10.2.2.5", 55, logical_switch="ls1")
    port = switch.tunnel_port("10.2.2.5", "10.2.2.254")
    number = switch.ovs_vsctl("get", "interface", port, "ofport")
    switch.wait(lambda: f"in_port={number} " in "\n".join(switch.flows()), "the port's flow")
    arrive(switch, "10.2.2.5", 33)
    switch.wait(lambda: dropped(switch) == {33: 4}, "the next drop")
    switch.come_to_rest()
    assert switch.app.log_text.count(line) == 1


def test_any_lets_in_by_vni_and_inner_destination_and_learns_nothing(
    open_vtep: DummySwitch,
) -> None:
    numbered(open_vtep)
    to_all = ["p0", "p1 vlan 10"]
    open_vtep.wait(lambda: open_vtep.delivers("10.2.2.4", 33, BROADCAST) == to_all, "the frames")
    assert open_vtep.delivers("10.2.2.4", 34, BROADCAST) == []
    open_vtep.learns(HOST)
    one = lambda: open_vtep.delivers("10.2.2.4", 33, HOST)  # noqa: E731
    open_vtep.wait(lambda: one() == ["p0"], "unicast to the host")
    # Its frames come in, and a reply goes nowhere but where rows say.
    assert open_vtep.local_macs() == {HOST: "127.0.0.1"}
    assert open_vtep.sends("p0", STATION) == ["p1 vlan 10"]
    open_vtep.place(STATION, "10.2.2.3")
    open_vtep.wait(lambda: open_vtep.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way there")
    # A frame from a tunnel never goes into another one.
    open_vtep.replicate(("10.2.2.2",))
    open_vtep.wait(lambda: "10.2.2.2 vni 33" in open_vtep.sends("p0", BROADCAST), "replication")
    assert open_vtep.delivers("10.2.2.4", 33, STATION) == to_all
    assert open_vtep.delivers("10.2.2.4", 33, BROADCAST) == to_all
    assert_restart_changes_nothing(open_vtep)


def test_a_vtep_that_rows_of_another_logical_switch_name(open_vtep: DummySwitch) -> None:
    numbered(open_vtep)
    open_vtep.vtep_ctl(
        "add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=44",
        "--", "bind-ls", "br0", "p1", "20", "ls1",
    )  # fmt: skip
    open_vtep.place(STATION, "10.2.2.3", logical_switch="ls1")
    open_vtep.tunnel_port("10.2.2.3")
    get_in = lambda vni: open_vtep.delivers("10.2.2.3", vni, BROADCAST)  # noqa: E731
    open_vtep.wait(lambda: get_in(44) == ["p1 vlan 20"], "frames for ls1")
    assert get_in(33) == ["p0", "p1 vlan 10"]


def test_the_port_is_no_physical_port_and_goes_with_the_switch(joined: DummySwitch) -> None:
    name = numbered(joined)
    assert joined.port_rows("br0") == ["p0", "p1"]
    assert port_faults(joined, "p0") == switch_faults(joined) == set()
    joined.vtep_ctl("unbind-ls", "br0", "p0", "0", "--", "unbind-ls", "br0", "p1", "10")
    joined.wait(lambda: joined.ports_to_anyone() == {}, "no port without a logical switch")
    joined.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    assert numbered(joined) == name
    joined.vtep_ctl("del-ps", "br0")
    joined.wait(lambda: joined.ports_to_anyone() == {}, "no port without a row")


def test_each_tunnel_ip_has_its_port(joined: DummySwitch) -> None:
    numbered(joined)
    joined.vtep_ctl("set", "Physical_Switch", "br0", 'tunnel_ips=["127.0.0.1","127.0.0.2"]')
    joined.wait(lambda: set(joined.ports_to_anyone()) == {"127.0.0.1", "127.0.0.2"}, "both")
    joined.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.2")
    joined.wait(lambda: set(joined.ports_to_anyone()) == {"127.0.0.2"}, "the one")


def test_two_bridges_with_one_tunnel_ip_work_as_far_as_rows_go(joined: DummySwitch) -> None:
    numbered(joined)
    joined.add_bridge("br1", ports=("q0", "q1"))
    joined.add_physical_switch("br1")
    joined.point_at_app("br1")
    joined.wait_for_log("br1 is managed")
    joined.vtep_ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=44")
    joined.wait(lambda: joined.port_rows("br1") == ["q0", "q1"], "its ports")
    joined.vtep_ctl("bind-ls", "br1", "q0", "0", "ls1", "--", "bind-ls", "br1", "q1", "0", "ls1")
    joined.place(STATION, "10.2.2.3")
    joined.place(STATION, "10.2.2.4", logical_switch="ls1")
    joined.wait_for_log("Physical_Switch br1: frames to 127.0.0.1 from VTEPs that no row names")
    way = lambda: joined.sends("q0", STATION, bridge="br1")  # noqa: E731
    joined.wait(lambda: joined.sends("p0", STATION) == ["10.2.2.3 vni 33"], "the way from br0")
    joined.wait(lambda: way() == ["10.2.2.4 vni 44"], "the way from br1")
    into = lambda: joined.delivers("10.2.2.4", 44, BROADCAST, bridge="br1")  # noqa: E731
    joined.wait(lambda: into() == ["q0", "q1"], "the way into br1")
    assert joined.delivers("10.2.2.3", 33, BROADCAST) == ["p0", "p1 vlan 10"]
    assert switch_faults(joined) == switch_faults(joined, "br1") == set()
