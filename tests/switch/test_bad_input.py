"""Bad rows: said once with table and row, in the fault column, harmless, and mended with them."""

from __future__ import annotations

import pytest

from tests.switch.dummy import DummySwitch

STATION = "00:00:00:00:00:99"


def flows_text(vtep: DummySwitch) -> str:
    return "\n".join(vtep.flows())


@pytest.fixture
def bound(vtep: DummySwitch) -> DummySwitch:
    """The switch with p0 bound to ls0 and a station behind a tunnel: what must not suffer."""
    vtep.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    vtep.vtep_ctl("add-ucast-remote", "ls0", STATION, "10.2.2.3")
    vtep.wait(lambda: f"dl_dst={STATION}" in flows_text(vtep), "the station's flow")
    return vtep


def insert(vtep: DummySwitch, table: str, **columns: object) -> str:
    """Insert a row with raw OVSDB, past vtep-ctl's own care; return its UUID."""
    values = [f"{column}={value}" for column, value in columns.items()]
    return vtep.vtep_ctl("create", table, *values)


def row_of(vtep: DummySwitch, logical_switch: str) -> str:
    return vtep.vtep_ctl("get", "Logical_Switch", logical_switch, "_uuid")


def faults(vtep: DummySwitch) -> str:
    return vtep.column("Physical_Switch", "switch_fault_status", "br0")


def assert_unharmed(vtep: DummySwitch, flows: list[str]) -> None:
    """Whatever there was before the bad input is still there, as it was."""
    assert set(flows) <= set(vtep.flows())
    assert vtep.app.running


@pytest.mark.parametrize(
    ("mac", "why"),
    [
        ("00:11:22:33:44", "is not a MAC address"),
        ("hello", "is not a MAC address"),
        ("01:00:5e:00:00:01", "is not the address of one station"),
        ("00:00:00:00:00:00", "is not the address of one station"),
    ],
)
def test_a_malformed_mac(bound: DummySwitch, mac: str, why: str) -> None:
    flows = bound.flows()
    bound.vtep_ctl("add-ucast-remote", "ls0", mac, "10.2.2.3")
    bound.wait_for_log(why)
    assert f"Ucast_Macs_Remote {mac}" in bound.app.log_text
    bound.wait(lambda: faults(bound) == "[unspecified_fault]", "the fault")
    assert_unharmed(bound, flows)
    bound.vtep_ctl("del-ucast-remote", "ls0", mac)
    bound.wait(lambda: faults(bound) == "[]", "the fault to clear")
    assert bound.app.log_text.count(why) == 2  # once when it came, once when it was mended


@pytest.mark.parametrize("address", ["fe80::1", "10.2.2", "224.0.0.1", "somewhere"])
def test_an_unusable_locator(bound: DummySwitch, address: str) -> None:
    flows = bound.flows()
    bound.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:98", address)
    bound.wait_for_log("Ucast_Macs_Remote 00:00:00:00:00:98")
    bound.wait_for_log("Physical_Locator")
    assert "00:00:00:00:00:98" not in flows_text(bound)
    assert_unharmed(bound, flows)
    bound.vtep_ctl("add-ucast-remote", "ls0", "00:00:00:00:00:98", "10.2.2.3")
    bound.wait(lambda: "dl_dst=00:00:00:00:00:98" in flows_text(bound), "the mended row's flow")


def test_one_bad_locator_does_not_spoil_its_set(bound: DummySwitch) -> None:
    bound.vtep_ctl("set-replication-mode", "ls0", "source_node")
    bound.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", "10.2.2.2")
    bound.vtep_ctl("add-mcast-remote", "ls0", "unknown-dst", "fe80::2")
    bound.wait_for_log("fe80::2 is an IPv6 address")
    buckets = lambda: [group for group in bound.groups() if "set_field:0xa020202" in group]  # noqa: E731
    bound.wait(buckets, "the replication group")
    bound.wait(lambda: faults(bound) == "[unspecified_fault]", "the fault")
    bound.vtep_ctl("del-mcast-remote", "ls0", "unknown-dst", "fe80::2")
    bound.wait(lambda: faults(bound) == "[]", "the fault to clear")


def test_a_vlan_that_no_frame_may_carry(bound: DummySwitch) -> None:
    flows = bound.flows()
    bound.vtep_ctl("bind-ls", "br0", "p1", "4095", "ls0")
    bound.wait_for_log("VLAN 4095 is outside of 0 to 4094")
    port = bound.vtep_ctl("--bare", "--columns=_uuid", "find", "Physical_Port", "name=p1")
    status = lambda: bound.column("Physical_Port", "port_fault_status", port)  # noqa: E731
    bound.wait(lambda: status() == "[invalid_vlan_map]", "the fault")
    assert_unharmed(bound, flows)
    bound.vtep_ctl("unbind-ls", "br0", "p1", "4095")
    bound.wait(lambda: status() == "[]", "the fault to clear")


def test_a_bound_port_that_is_not_on_the_bridge(bound: DummySwitch) -> None:
    flows = bound.flows()
    switch = bound.vtep_ctl("get", "Physical_Switch", "br0", "_uuid")
    bound.vtep_ctl(
        "--", "--id=@p", "create", "Physical_Port", "name=p7",
        f"vlan_bindings:0={row_of(bound, 'ls0')}",
        "--", "add", "Physical_Switch", switch, "ports", "@p",
    )  # fmt: skip
    bound.wait_for_log("Physical_Port p7 of br0: it is not a port of the bridge")
    assert_unharmed(bound, flows)
    bound.add_port("p7", 7)
    bound.wait(lambda: "in_port=7" in flows_text(bound), "the port's flows once it is there")


def test_a_datapath_id_that_is_no_number_is_none(bound: DummySwitch) -> None:
    """Open vSwitch writes it, and leaves it as it is when someone else does."""
    flows = bound.flows()
    bound.ovs_vsctl("--no-wait", "set", "bridge", "br0", "datapath_id=nonsense")
    bound.come_to_rest()
    assert_unharmed(bound, flows)
    assert "a bug" not in bound.app.log_text


def test_a_logical_switch_without_a_key_switches_locally(bound: DummySwitch) -> None:
    bound.vtep_ctl("clear", "Logical_Switch", "ls0", "tunnel_key")
    bound.wait_for_log("Logical_Switch ls0: it has no tunnel key yet")
    assert faults(bound) == "[]"
    bound.wait(lambda: "tun_id" not in flows_text(bound), "no flow with a key")
    assert "in_port=1" in flows_text(bound)
    bound.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=35")
    bound.wait(lambda: "tun_id=0x23" in flows_text(bound), "the flows with the key")


def test_many_logical_switches_with_key_zero_are_no_fault(bound: DummySwitch) -> None:
    for name in ("ls1", "ls2"):
        bound.vtep_ctl("add-ls", name)
        bound.vtep_ctl("set", "Logical_Switch", name, "tunnel_key=0")
    bound.vtep_ctl("bind-ls", "br0", "p1", "0", "ls1")
    bound.vtep_ctl("bind-ls", "br0", "p1", "2", "ls2")
    bound.wait(lambda: "dl_vlan=2" in flows_text(bound), "both bindings")
    assert faults(bound) == "[]"


def test_two_logical_switches_with_one_key(bound: DummySwitch) -> None:
    bound.vtep_ctl("add-ls", "ls1")
    bound.vtep_ctl("bind-ls", "br0", "p1", "0", "ls1")
    bound.wait(lambda: "in_port=2" in flows_text(bound), "the second binding")
    bound.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=33")
    bound.wait(lambda: "tun_id" not in flows_text(bound), "nobody to use the shared key")
    bound.wait(lambda: faults(bound) == "[unspecified_fault]", "the fault")
    for name, other in (("ls0", "ls1"), ("ls1", "ls0")):
        assert f"Logical_Switch {name}: its tunnel key is also that of {other}" in (
            bound.app.log_text
        )
    assert "in_port=1" in flows_text(bound)
    bound.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=34")
    bound.wait(lambda: "tun_id=0x21" in flows_text(bound), "the first one's key")
    bound.wait(lambda: faults(bound) == "[]", "the fault to clear")


def test_no_tunnel_ips(bound: DummySwitch) -> None:
    bound.vtep_ctl("clear", "Physical_Switch", "br0", "tunnel_ips")
    bound.wait_for_log("Physical_Switch br0: it has no usable tunnel_ips")
    bound.wait(lambda: "vx" not in bound.ovs_vsctl("list-ports", "br0"), "no tunnel port")
    bound.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.2")
    bound.wait(lambda: "vx" in bound.ovs_vsctl("list-ports", "br0"), "the tunnel port again")
    name = next(port for port in bound.ovs_vsctl("list-ports", "br0").split() if "vx" in port)
    assert "127.0.0.2" in bound.ovs_vsctl("get", "interface", name, "options:local_ip")


def test_a_key_out_of_range(bound: DummySwitch) -> None:
    bound.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=16777216")
    bound.wait_for_log("tunnel key 16777216 is outside of 0 to 16777215")
    bound.wait(lambda: "tun_id" not in flows_text(bound), "no flow with a key")
    assert "in_port=1" in flows_text(bound)


@pytest.mark.parametrize("name", ["two words", 'a "quote"', "日本語", "x" * 500, "--help", "a,b=c"])
def test_names_may_be_anything(bound: DummySwitch, name: str) -> None:
    ls = insert(bound, "Logical_Switch", name=_quoted(name), tunnel_key=77)
    port = bound.vtep_ctl("--bare", "--columns=_uuid", "find", "Physical_Port", "name=p1")
    bound.vtep_ctl("set", "Physical_Port", port, f"vlan_bindings:5={ls}")
    bound.wait(lambda: "dl_vlan=5" in flows_text(bound), "the binding's flows")


def test_thousands_of_rows_come_and_go_at_once(bound: DummySwitch) -> None:
    before = bound.flows()
    macs = [f"00:00:00:01:{number // 256:02x}:{number % 256:02x}" for number in range(3000)]
    for start in range(0, 3000, 500):
        commands = [
            ["--", "add-ucast-remote", "ls0", mac, "10.2.2.3"] for mac in macs[start:][:500]
        ]
        bound.vtep_ctl(*[word for command in commands for word in command])
    bound.wait(lambda: len(bound.flows()) == len(before) + 3000, "3,000 flows")
    bound.vtep_ctl("clear-remote-macs", "ls0")
    bound.wait(lambda: STATION not in flows_text(bound), "no station")
    assert bound.app.running


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


NAMES = ["two words", 'a "quote"', "日本語", "x" * 500, "--help", "a,b=c", "[uuid", "\t"]


def test_ports_may_have_any_name_that_open_vswitch_takes(bound: DummySwitch) -> None:
    for number, name in enumerate(NAMES, 10):
        bound.ovs_vsctl(
            "--", "--id=@i", "create", "Interface", f"name={_quoted(name)}", "type=dummy",
            f"ofport_request={number}",
            "--", "--id=@p", "create", "Port", f"name={_quoted(name)}", "interfaces=@i",
            "--", "add", "Bridge", "br0", "ports", "@p",
        )  # fmt: skip
    named = lambda: {row["name"]: row["_uuid"] for row in bound.rows("Physical_Port")}  # noqa: E731
    bound.wait(lambda: named().keys() == {"p0", "p1", *NAMES}, "a row for each")
    ls = row_of(bound, "ls0")
    for name in NAMES:
        bound.vtep_ctl("set", "Physical_Port", str(named()[name]), f"vlan_bindings:5={ls}")
    numbers = range(10, 10 + len(NAMES))
    bound.wait(
        lambda: all(f"in_port={number},dl_vlan=5" in flows_text(bound) for number in numbers),
        "the bindings of all",
    )
    assert bound.sends("p0", "ff:ff:ff:ff:ff:ff") == sorted(f"{name} vlan 5" for name in NAMES)
    for name in NAMES:
        bound.vtep_ctl("clear", "Physical_Port", str(named()[name]), "vlan_bindings")
    for port in bound.rows("Port", "Open_vSwitch"):
        if port["name"] in NAMES:
            bound.ovs_vsctl("remove", "Bridge", "br0", "ports", str(port["_uuid"]))
    bound.wait(lambda: named().keys() == {"p0", "p1"}, "only the others")


def test_switches_may_have_any_name(bound: DummySwitch) -> None:
    flows = bound.flows()
    for name in NAMES:
        bound.vtep_ctl(
            "--", "--id=@s", "create", "Physical_Switch", f"name={_quoted(name)}",
            "tunnel_ips=127.0.0.8", "--", "add", "Global", ".", "switches", "@s",
        )  # fmt: skip
    for bridge in NAMES[:3]:
        bound.ovs_vsctl("add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=dummy")
        bound.point_at_app(bridge)
        bound.wait_for_log(f"{bridge} is managed")
    assert_unharmed(bound, flows)


def test_two_rows_for_one_mac(joined: DummySwitch) -> None:
    ways = {f"10.2.2.{number}": [f"10.2.2.{number} vni 33"] for number in (3, 4)}
    for address in ways:
        joined.place(STATION, address)
    joined.wait(lambda: faults(joined) == "[unspecified_fault]", "the fault")
    joined.wait_for_log(f"Ucast_Macs_Remote {STATION} in Logical_Switch ls0: it is placed more")
    used = joined.wait(
        lambda: next(
            (each for each, way in ways.items() if joined.sends("p0", STATION) == way), None
        ),
        "one of them to be used",
    )
    (other,) = ways.keys() - {used}
    for address in (used, other):
        keep = other if address == used else used
        remove_station(joined, address)
        joined.wait(lambda: joined.sends("p0", STATION) == ways[keep], "the one that is left")  # noqa: B023
        joined.wait(lambda: faults(joined) == "[]", "the fault to clear")
        joined.place(STATION, address)
        joined.wait(lambda: faults(joined) == "[unspecified_fault]", "the fault again")


def remove_station(vtep: DummySwitch, address: str) -> None:
    tables = vtep.snapshot("Physical_Locator", "Ucast_Macs_Remote")
    (locator,) = (row["_uuid"] for row in tables["Physical_Locator"] if row["dst_ip"] == address)
    (row,) = (row for row in tables["Ucast_Macs_Remote"] if row["locator"] == locator)
    vtep.vtep_ctl("destroy", "Ucast_Macs_Remote", str(row["_uuid"]))


def test_a_set_of_locators_shrinks_to_what_cannot_be_reached(joined: DummySwitch) -> None:
    broadcast = "ff:ff:ff:ff:ff:ff"
    sent = lambda: joined.sends("p0", broadcast)  # noqa: E731
    joined.replicate(("10.2.2.2",), ("10.2.2.3",), ("fe80::1",), ("127.0.0.1",))
    either = [[f"10.2.2.{number} vni 33", "p1 vlan 10"] for number in (2, 3)]
    joined.wait(lambda: sent() in either, "one service node")
    (used,) = (each for each in ("10.2.2.2", "10.2.2.3") if f"{each} vni 33" in sent())
    (dead,) = {"10.2.2.2", "10.2.2.3"} - {used}
    tables = joined.snapshot("Physical_Locator", "Tunnel")
    for address in (used, dead):  # BFD finds nobody there.
        (row,) = (row for row in tables["Physical_Locator"] if row["dst_ip"] == address)
        tunnel = next(each for each in tables["Tunnel"] if each["remote"] == row["_uuid"])
        joined.vtep_ctl("set", "Tunnel", str(tunnel["_uuid"]), "bfd_params:enable=true")
        if address == used:
            joined.wait(lambda: f"{dead} vni 33" in sent(), "the other service node")
    joined.wait_for_log("all its service nodes are down by BFD; frames still go to one of them")
    joined.wait(lambda: f"{used} vni 33" in sent(), "the first of them, as the last resort")
    assert len(sent()) == 2
    joined.replicate((dead,))
    joined.wait(lambda: f"{dead} vni 33" in sent(), "the one that is left")
    joined.replicate(("fe80::1",), ("127.0.0.1",))
    joined.wait(lambda: sent() == ["p1 vlan 10"], "local flooding alone")
    joined.replicate()
    joined.wait(lambda: joined.rows("Tunnel") == [] and joined.tunnel_ports() == {}, "no tunnels")
    assert sent() == ["p1 vlan 10"]


def test_a_logical_switch_is_deleted_with_all_that_names_it_at_once(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    joined.receive("p0", "00:00:00:00:00:01", "ff:ff:ff:ff:ff:ff")
    joined.wait(lambda: joined.local_macs(), "a local MAC")
    joined.vtep_ctl(
        "unbind-ls", "br0", "p0", "0", "--", "unbind-ls", "br0", "p1", "10",
        "--", "clear-remote-macs", "ls0", "--", "clear-local-macs", "ls0", "--", "del-ls", "ls0",
    )  # fmt: skip
    joined.wait(lambda: joined.tunnel_ports() == {}, "no tunnel port")
    joined.wait(
        lambda: "table=60, send_flow_rem" in flows_text(joined), "the flows of every switch"
    )
    joined.wait(lambda: "metadata=" not in flows_text(joined), "no flow of a logical switch")
    assert joined.rows("Physical_Locator") == []
    assert faults(joined) == "[]"
