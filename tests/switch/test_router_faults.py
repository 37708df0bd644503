"""Bad columns of Logical_Router: the words that the NVC sees, the line that says what to type."""

from __future__ import annotations

import shlex

import pytest

from tests.switch.dummy import DummySwitch, several
from tests.switch.state import assert_restart_changes_nothing, switch_faults
from vtep_ofapp.values.routers import derived_mac

SUBNETS = {"192.168.1.1/24": "ls0", "192.168.2.1/24": "ls1"}


def put(vtep: DummySwitch, column: str, router: str = "r1") -> None:
    vtep.vtep_ctl("set", "Logical_Router", router, column)


def bind(vtep: DummySwitch, router: str, keys: dict[str, str]) -> None:
    """Set keys of switch_binding, with the names of logical switches."""
    rows = {name: vtep.vtep_ctl("get", "Logical_Switch", name, "_uuid") for name in keys.values()}
    pairs = (f'switch_binding:"{key}"={rows[name]}' for key, name in keys.items())
    vtep.vtep_ctl("set", "Logical_Router", router, *pairs)


def route(vtep: DummySwitch, prefix: str, next_hop: str) -> None:
    vtep.vtep_ctl("set", "Logical_Router", "r1", f'static_routes:"{prefix}"="{next_hop}"')


def remove(vtep: DummySwitch, column: str, key: str, router: str = "r1") -> None:
    vtep.vtep_ctl("remove", "Logical_Router", router, column, f'"{key}"')


def lr_words(vtep: DummySwitch) -> set[str]:
    return switch_faults(vtep) - {"lr_support_fault"}


def of_router(vtep: DummySwitch, name: str) -> set[str]:
    return set(several(vtep.row("Logical_Router", name=name)["LR_fault_status"]))


def wait_for_words(vtep: DummySwitch, *words: str, router: str = "r1") -> None:
    """Wait for words at the switch, and for the one at the router that says that it has some."""
    shown = {"unspecified_fault"} if words else set()
    vtep.wait(
        lambda: (lr_words(vtep), of_router(vtep, router)) == ({*words}, shown),
        f"the words {words}",
    )


def with_options(vtep: DummySwitch, **options: object) -> None:
    vtep.app.options.update({name: str(value) for name, value in options.items()})
    vtep.restart_app()


@pytest.fixture
def routed(joined: DummySwitch) -> DummySwitch:
    """The same with ls1 at VLAN 20 of p1, ls2 that is not bound, and r1 between ls0 and ls1."""
    joined.vtep_ctl(
        "add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1", "--", "add-ls", "ls2"
    )
    joined.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=34")
    joined.vtep_ctl("set", "Logical_Switch", "ls2", "tunnel_key=35")
    joined.vtep_ctl("add-lr", "r1")
    bind(joined, "r1", SUBNETS)
    wait_for_words(joined)
    return joined


# switch_binding


def test_a_key_of_switch_binding_that_cannot_be_used(routed: DummySwitch) -> None:
    bind(routed, "r1", {"192.168.9.1": "ls0"})
    wait_for_words(routed, "lr_switch_bindings_fault")
    typed = "vtep-ctl remove Logical_Router r1 switch_binding '\"192.168.9.1\"'"
    text = "switch_binding 192.168.9.1: it has no prefix length, as 192.168.1.1/24 has"
    routed.wait_for_log(f"{text}; to remove it: {typed}")
    assert_restart_changes_nothing(routed)
    remove(routed, "switch_binding", "192.168.9.1")
    wait_for_words(routed)
    routed.wait_for_log(f"resolved: Logical_Router r1: {text}")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("192.168.2.2/24", "192.168.2.1/24 binds 192.168.2.0/24 to another logical switch"),
        ("192.168.1.1/16", "192.168.1.1 is also the address of 192.168.1.1/16"),
        ("224.0.0.1/4", "224.0.0.1 is not the address of one host"),
    ],
)
def test_a_key_that_contradicts_another_one(routed: DummySwitch, key: str, reason: str) -> None:
    bind(routed, "r1", {key: "ls0"})
    wait_for_words(routed, "lr_switch_bindings_fault")
    routed.wait_for_log(reason)
    remove(routed, "switch_binding", key)
    wait_for_words(routed)


def test_an_address_that_another_router_has_in_the_logical_switch(routed: DummySwitch) -> None:
    routed.vtep_ctl("add-lr", "r2")
    bind(routed, "r2", {"192.168.1.1/24": "ls0", "192.168.3.1/24": "ls2"})
    wait_for_words(routed, "lr_switch_bindings_fault", router="r2")
    assert of_router(routed, "r1") == set()
    routed.wait_for_log("Logical_Router r1 has 192.168.1.1 in Logical_Switch ls0 as well")
    routed.vtep_ctl("del-lr", "r1")
    wait_for_words(routed, router="r2")


def test_the_mac_of_another_router_in_the_logical_switch(routed: DummySwitch) -> None:
    routed.vtep_ctl("add-lr", "r2")
    bind(routed, "r2", {"192.168.1.2/24": "ls0"})
    put(routed, 'other_config:router_mac="02:76:1d:35:ce:33"', "r2")  # r1 has it by its name
    wait_for_words(routed, "lr_switch_bindings_fault", router="r2")
    routed.vtep_ctl("remove", "Logical_Router", "r2", "other_config", "router_mac")
    wait_for_words(routed, router="r2")


def test_interfaces_beyond_the_limit(routed: DummySwitch) -> None:
    with_options(routed, max_interfaces=1)
    wait_for_words(routed, "lr_switch_bindings_fault")
    remove(routed, "switch_binding", "192.168.2.1/24")
    wait_for_words(routed)


# static_routes


@pytest.mark.parametrize(
    ("prefix", "next_hop"),
    [
        ("10.0.0.0/8", "172.16.0.1"),
        ("10.0.0.0/33", "192.168.2.50"),
        ("fe80::1", "192.168.2.50"),
        ("10.0.0.0/8", "192.168.2.1"),
        ("10.0.0.0/8", "2001:db8:1::50"),
    ],
)
def test_a_route_that_leads_nowhere(routed: DummySwitch, prefix: str, next_hop: str) -> None:
    route(routed, "10.9.0.0/16", "192.168.2.50")
    route(routed, prefix, next_hop)
    wait_for_words(routed, "lr_static_routes_fault")
    routed.wait_for_log(f"Logical_Router r1: static_routes {prefix}: ")
    remove(routed, "static_routes", prefix)
    wait_for_words(routed)


def test_two_keys_that_are_one_prefix(routed: DummySwitch) -> None:
    route(routed, "10.0.0.0/8", "192.168.2.50")
    route(routed, "10.1.0.0/8", "192.168.2.51")
    wait_for_words(routed, "lr_static_routes_fault")
    routed.wait_for_log("they are one prefix, 10.0.0.0/8; 192.168.2.50 is used; to remove one:")
    route(routed, "10.1.0.0/8", "192.168.2.50")
    wait_for_words(routed)


def test_routes_beyond_the_limit(routed: DummySwitch) -> None:
    with_options(routed, max_routes=1)
    route(routed, "10.0.0.0/8", "192.168.2.50")
    routed.come_to_rest()
    wait_for_words(routed)
    route(routed, "10.1.0.0/16", "192.168.2.50")
    wait_for_words(routed, "lr_static_routes_fault")
    routed.wait_for_log("br0 has no room for all of its static routes within max_routes (1)")
    remove(routed, "static_routes", "10.0.0.0/8")
    wait_for_words(routed)


# The router itself


def test_a_router_mac_that_is_no_mac(routed: DummySwitch) -> None:
    put(routed, 'other_config:router_mac="ff:ff:ff:ff:ff:ff"')
    wait_for_words(routed, "lr_creation_fault")
    routed.wait_for_log("to have 02:76:1d:35:ce:33: vtep-ctl remove Logical_Router r1 other_config")
    put(routed, 'other_config:router_mac="00:00:5E:00:01:01"')
    wait_for_words(routed)


def test_routers_beyond_the_limit(routed: DummySwitch) -> None:
    with_options(routed, max_routers=1)
    routed.vtep_ctl("add-lr", "r2")
    bind(routed, "r2", {"192.168.4.1/24": "ls0"})
    wait_for_words(routed, "lr_creation_fault", router="r2")
    assert of_router(routed, "r1") == set()
    routed.vtep_ctl("del-lr", "r1")
    wait_for_words(routed, router="r2")


def test_what_a_log_line_says_to_type_mends_the_fault(routed: DummySwitch) -> None:
    bind(routed, "r1", {"fe80::/64": "ls0"})
    route(routed, "it's/8", "192.168.2.50")
    put(routed, 'other_config:router_mac="x"')
    wait_for_words(
        routed, "lr_creation_fault", "lr_switch_bindings_fault", "lr_static_routes_fault"
    )
    routed.wait_for_log("static_routes it's/8")
    for line in routed.app.log_text.splitlines():
        _, found, command = line.rpartition(": vtep-ctl ")
        if found and "Logical_Router r1" in line:
            routed.vtep_ctl(*shlex.split(command))
    wait_for_words(routed)


# Where they show


def test_a_router_that_is_not_present_has_no_fault(routed: DummySwitch) -> None:
    routed.vtep_ctl("add-lr", "r2")
    bind(routed, "r2", {"192.168.1.1": "ls2", "192.168.1.1/24": "ls2"})
    routed.come_to_rest()
    wait_for_words(routed, router="r2")
    routed.vtep_ctl("bind-ls", "br0", "p1", "30", "ls2")
    wait_for_words(routed, "lr_switch_bindings_fault", router="r2")
    routed.vtep_ctl("unbind-ls", "br0", "p1", "30")
    wait_for_words(routed, router="r2")


def test_a_column_that_a_former_process_wrote_is_cleared(routed: DummySwitch) -> None:
    bind(routed, "r1", {"192.168.9.1": "ls0"})
    wait_for_words(routed, "lr_switch_bindings_fault")
    routed.app.kill()
    for port, vlan in (("p0", "0"), ("p1", "10"), ("p1", "20")):
        routed.vtep_ctl("unbind-ls", "br0", port, vlan)
    routed.app.start()
    wait_for_words(routed)


def test_what_someone_else_writes_is_put_back(routed: DummySwitch) -> None:
    put(routed, "LR_fault_status=invalid_ACL_binding")
    wait_for_words(routed)


# What is no fault


def test_a_good_router_has_no_fault_while_others_come_and_go(routed: DummySwitch) -> None:
    route(routed, "10.0.0.0/8", "192.168.2.50")
    route(routed, "0.0.0.0/0", "192.168.1.9")
    put(routed, 'description="of floor 7"')
    put(routed, "other_config:color=red")
    bind(routed, "r1", {"2001:db8:1::1/64": "ls0", "192.168.7.0/24": "ls0", "10.1.0.1/32": "ls1"})
    routed.vtep_ctl("add-lr", "r2")
    bind(routed, "r2", {"192.168.1.1/24": "ls2"})  # the addresses of r1 in another logical switch
    routed.vtep_ctl("bind-ls", "br0", "p1", "30", "ls2")
    routed.come_to_rest()
    for router in ("r1", "r2"):
        assert of_router(routed, router) == set()
    assert switch_faults(routed) == set()
    assert "Logical_Router" not in routed.app.log_text
    assert_restart_changes_nothing(routed)
    row = routed.row("Logical_Router", name="r1")
    assert (row["description"], row["other_config"]) == ("of floor 7", {"color": "red"})


def test_routers_on_two_logical_switches_may_have_one_address(routed: DummySwitch) -> None:
    """Both have a MAC of their own, and hosts of one logical switch do not reach the other."""
    routed.vtep_ctl("add-lr", "r2")
    bind(routed, "r2", {"192.168.1.1/24": "ls2"})
    routed.come_to_rest()
    flows = "\n".join(routed.flows())
    assert "02:76:1d:35:ce:33" in flows  # r1's by its name
    mac = derived_mac("r2")
    assert mac not in flows
    routed.vtep_ctl("bind-ls", "br0", "p1", "30", "ls2")
    routed.wait(lambda: mac in "\n".join(routed.flows()), "the flows of r2")
    assert switch_faults(routed) == set()
    number = routed.ovs_vsctl("get", "interface", "p0", "ofport")
    frame = f"in_port={number},dl_src=00:00:00:00:00:01,dl_dst={mac},ip,nw_src=192.168.1.11"
    assert routed.goes(f"{frame},nw_dst=192.168.1.1,nw_ttl=64") == routed.sends("p0", mac)
    routed.vtep_ctl("unbind-ls", "br0", "p1", "30")
    routed.wait(lambda: mac not in "\n".join(routed.flows()), "the end of r2's flows")


def test_an_access_list_at_no_address_of_the_router_is_a_fault_of_its_row(
    routed: DummySwitch,
) -> None:
    routed.vtep_ctl(
        "--", "--id=@e", "create", "ACL_entry", "sequence=10", "direction=ingress", "action=deny",
        "--", "--id=@a", "create", "ACL", "acl_name=x", "acl_entries=@e",
        "--", "set", "Logical_Router", "r1", 'acl_binding:"192.168.1.77"=@a',
    )  # fmt: skip
    routed.wait(lambda: of_router(routed, "r1") == {"invalid_ACL_binding"}, "the fault")
    assert switch_faults(routed) == set()
    remove(routed, "acl_binding", "192.168.1.77")
    routed.wait(lambda: of_router(routed, "r1") == set(), "its end")
