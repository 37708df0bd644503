"""Rows of Logical_Router that a raw transaction writes, of which nothing else may suffer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.routers import Routers, router_mac
from tests.switch.dummy import DummySwitch
from tests.switch.state import assert_restart_changes_nothing, switch_faults

BINDINGS = {"192.168.1.1/24": "ls0", "192.168.2.1/24": "ls1", "2001:db8:1::1/64": "ls0"}
LONG = "n" * 10_000
NAMES = ["", " ", "a b", "it's", 'say "x"', "two\nlines\r\n", "\x1b[31mred", "Ünï-☃", "-h", LONG]


@pytest.fixture
def routed(joined: DummySwitch) -> DummySwitch:
    """The same with ls1 at VLAN 20 of p1, and r1 between ls0 and ls1."""
    joined.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    joined.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=34")
    Routers(joined).put("r1", BINDINGS, {"10.0.0.0/8": "192.168.2.50"})
    joined.wait(lambda: "nw_dst=10.0.0.0/8" in "\n".join(joined.flows()), "the route")
    joined.come_to_rest()
    return joined


def words(vtep: DummySwitch) -> set[str]:
    return switch_faults(vtep) - {"lr_support_fault"}


def of_r1(vtep: DummySwitch) -> list[str]:
    """Return the flows that tell of the MAC of r1."""
    return [each for each in vtep.flows() if router_mac("r1") in each]


def faulty(vtep: DummySwitch) -> set[str]:
    """Return the names of the routers with a fault."""
    return {row["name"] for row in vtep.rows("Logical_Router") if row["LR_fault_status"] != ()}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_that_no_one_would_give(routed: DummySwitch, name: str) -> None:
    """Each is said in one line of the log that is not long, and its fault names the row."""
    routers, before = Routers(routed), of_r1(routed)
    routers.put(name, {"192.168.1.7/24": "ls0", LONG: "ls0", "x\n/24": "ls1"}, {LONG: LONG})
    routed.wait(lambda: faulty(routed) == {name}, "the fault of the router")
    assert words(routed) == {"lr_switch_bindings_fault", "lr_static_routes_fault"}
    routed.come_to_rest()
    assert set(before) <= set(of_r1(routed))
    for line in routed.app.log_text.splitlines():
        assert len(line) < 5_000
        assert line.isprintable()
    for command in ("router/show", "route/show", "fault/show"):
        assert "Traceback" not in routed.app.ask(command)
    routers.put(name, {"192.168.1.7/24": "ls0"})
    routed.wait(lambda: not faulty(routed), "the end of its faults")
    routed.wait(lambda: router_mac(name) in "\n".join(routed.flows()), "its flows")
    assert words(routed) == set()
    assert_restart_changes_nothing(routed)


def test_a_router_that_is_deleted_and_made_again_at_once(routed: DummySwitch) -> None:
    """It is another row, with another number; what it says is the same."""
    row = routed.vtep_ctl("get", "Logical_Router", "r1", "_uuid")
    switches = {each["name"]: each["_uuid"] for each in routed.rows("Logical_Switch")}
    bindings = [[key, ["uuid", str(switches[name])]] for key, name in BINDINGS.items()]
    again = {"name": "r1", "switch_binding": ["map", bindings]}
    routed.transact(
        {"op": "delete", "table": "Logical_Router", "where": [["name", "==", "r1"]]},
        {"op": "insert", "table": "Logical_Router", "row": again},
    )
    assert routed.vtep_ctl("get", "Logical_Router", "r1", "_uuid") != row
    flows: Any = lambda: "\n".join(routed.flows())  # noqa: E731
    routed.wait(lambda: "nw_dst=10.0.0.0/8" not in flows(), "the end of the route")
    assert router_mac("r1") in flows()
    assert words(routed) == set()
    assert_restart_changes_nothing(routed)


def test_a_route_that_comes_and_goes_a_thousand_times(routed: DummySwitch) -> None:
    """What is left is what the rows say, and no memory of the others."""
    before, row = set(routed.flows()), [["name", "==", "r1"]]
    pairs = ["map", [["10.9.0.0/16", "192.168.2.60"]]]
    for number in range(1_000):
        change = ["static_routes", "insert" if number % 2 == 0 else "delete", pairs]
        routed.transact(
            {"op": "mutate", "table": "Logical_Router", "where": row, "mutations": [change]}
        )
    routed.come_to_rest()
    assert set(routed.flows()) == before
    assert_restart_changes_nothing(routed)


def test_a_restart_sends_nothing_for_routers_of_every_kind(routed: DummySwitch) -> None:
    """Mapped and link-local addresses, default routes, and prefixes of any length."""
    routed.vtep_ctl(
        "--", "--id=@e", "create", "ACL_entry", "sequence=10", "direction=ingress", "action=deny",
        "--", "--id=@a", "create", "ACL", "acl_name=x", "acl_entries=@e",
    )  # fmt: skip
    bindings = {
        **BINDINGS,
        "fe80::1/64": "ls0",
        "::ffff:1.2.3.4/120": "ls1",
        "10.3.0.0/31": "ls1",
        "128.0.0.1/1": "ls1",
        "2001:db8:f::/127": "ls1",
        "2001:db8:e::1/128": "ls1",
        "192.168.7.0/24": "ls0",
    }
    routes = {
        "0.0.0.0/0": "192.168.2.50",
        "::/0": "::ffff:1.2.3.5",
        "::ffff:9.0.0.0/104": "2001:db8:1::9",
        "10.9.9.9/32": "10.3.0.1",
        "2001:db8:9::1/128": "2001:db8:f::1",
    }
    Routers(routed).put("r1", bindings, routes, {"192.168.1.1": "x", "::ffff:1.2.3.4": "x"})
    routed.vtep_ctl("add-ucast-remote", "ls1", "00:00:00:00:00:99", "10.2.2.3")
    row = routed.row("Ucast_Macs_Remote", MAC="00:00:00:00:00:99")["_uuid"]
    routed.vtep_ctl("set", "Ucast_Macs_Remote", str(row), 'ipaddr="192.168.2.50"')
    routed.wait(lambda: "ipv6_dst=2001:db8:9::1" in "\n".join(routed.flows()), "the routes")
    assert words(routed) == set()
    for is_alone in (True, False):
        if not is_alone:
            routed.vtep_ctl(
                "--", "--id=@l", "create", "Physical_Locator",
                "encapsulation_type=vxlan_over_ipv4", "dst_ip=10.2.2.4",
                "--", "create", "Arp_Sources_Remote", 'src_mac="06:76:0a:02:02:04"', "locator=@l",
            )  # fmt: skip
            routed.wait(lambda: "06:76:0a:02:02:04" in "\n".join(routed.flows()), "its flows")
        assert_restart_changes_nothing(routed)
