from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.__main__ import main
from sim.fabric import configuration, plan
from sim.fabric.configuration import Flooding
from sim.fabric.topology import Address, Topology
from sim.nvc import plan as nvc
from sim.nvc.acls import AclBinding
from sim.nvc.reading import BadPlan

ENTRY = {"sequence": 10, "direction": "ingress", "action": "deny"}


def content(**changes: object) -> dict[str, Any]:
    return {
        "vteps": [{"name": "leaf1"}, {"name": "leaf2", "tunnel_ip": "10.2.2.20"}],
        "service_nodes": [{"name": "sn1"}],
        "logical_switches": [
            {
                "name": "blue",
                "vni": 33,
                "bindings": [
                    {"vtep": "leaf1", "port": "p1"},
                    {"vtep": "leaf2", "port": "p1", "vlan": 10},
                ],
            },
            {
                "name": "green",
                "vni": 44,
                "service_nodes": ["sn1"],
                "bindings": [
                    {"vtep": "leaf2", "port": "p1", "vlan": 20},
                    {"vtep": "leaf2", "port": "p2"},
                ],
            },
        ],
        "hosts": [
            {"name": "a", "vtep": "leaf1", "port": "p1"},
            {"name": "b", "vtep": "leaf2", "port": "p1", "vlans": [10, 20]},
        ],
        "hypervisors": [{"name": "hv1", "logical_switches": ["blue", "green"]}],
        "acls": [{"name": "web", "entries": [{**ENTRY, "protocol": "tcp"}]}],
        "acl_bindings": [{"vtep": "leaf2", "port": "p1", "vlan": 20, "acl": "web"}],
        "bfd": {"min_rx": 300, "min_tx": 300},
        **changes,
    }


def read(text_or_content: str | Mapping[str, object]) -> Topology:
    if isinstance(text_or_content, str):
        return plan.parse(text_or_content)
    return plan.parse(yaml.safe_dump(text_or_content))


def problems(changed: str | Mapping[str, object]) -> list[str]:
    with pytest.raises(BadPlan) as refusal:
        read(changed)
    return refusal.value.problems


def changed(where: str, index: int, **change: object) -> dict[str, Any]:
    result = content()
    result[where][index].update(change)
    return result


# What a file says


def test_what_is_not_given_is_chosen() -> None:
    topology = read(content())
    assert [each.tunnel_ip for each in topology.vteps.values()] == ["10.2.2.1", "10.2.2.20"]
    assert [each.management_ip for each in topology.vteps.values()] == ["10.1.1.11", "10.1.1.12"]
    assert topology.service_nodes["sn1"].tunnel_ip == "10.2.2.101"
    assert topology.hosts["a"].addresses == (Address(0, "192.168.33.1", 24),)
    assert topology.hosts["b"].addresses == (
        Address(10, "192.168.33.2", 24),
        Address(20, "192.168.44.1", 24),
    )
    hypervisor = topology.hypervisors["hv1"]
    assert hypervisor.tunnel_ip == "10.2.2.201"
    assert hypervisor.addresses == {
        "blue": Address(33, "192.168.33.201", 24),
        "green": Address(44, "192.168.44.201", 24),
    }
    modes = {each.name: each.replication for each in topology.logical_switches.values()}
    assert modes == {"blue": "source_node", "green": "service_node"}


def test_the_members_of_a_logical_switch_have_their_addresses_in_it() -> None:
    topology = read(content())
    assert topology.members("blue") == [
        ("a", "192.168.33.1"),
        ("b", "192.168.33.2"),
        ("hv1", "192.168.33.201"),
    ]
    assert topology.members("green") == [("b", "192.168.44.1"), ("hv1", "192.168.44.201")]


def test_what_is_given_is_taken() -> None:
    given = content(
        vteps=[
            {"name": "leaf1", "tunnel_ip": "10.2.2.9", "management_ip": "10.1.1.9"},
            {"name": "leaf2"},
        ],
        hypervisors=[{"name": "hv1", "logical_switches": {"blue": "10.0.5.9"}}],
    )
    given["logical_switches"][0]["subnet"] = "10.0.5.0/28"
    given["hosts"][0]["ip"] = "10.0.5.7"
    given["hosts"][1]["vlans"] = {20: "192.168.44.9"}
    topology = read(given)
    assert topology.vteps["leaf1"].tunnel_ip == "10.2.2.9"
    assert topology.vteps["leaf1"].management_ip == "10.1.1.9"
    assert topology.vteps["leaf2"].tunnel_ip == "10.2.2.1"
    assert topology.hosts["a"].addresses == (Address(0, "10.0.5.7", 28),)
    assert topology.hosts["b"].addresses == (Address(20, "192.168.44.9", 24),)
    assert topology.hypervisors["hv1"].addresses == {"blue": Address(33, "10.0.5.9", 28)}


def test_in_a_small_subnet_hypervisors_have_addresses_too() -> None:
    given = content()
    given["logical_switches"][0]["subnet"] = "10.0.5.0/29"
    assert read(given).hypervisors["hv1"].addresses["blue"].ip == "10.0.5.3"


@pytest.mark.parametrize(("vni", "subnet"), [(254, "192.168.254"), (5000, "172.19.136")])
def test_a_subnet_follows_from_the_vni(vni: int, subnet: str) -> None:
    topology = read(changed("logical_switches", 0, vni=vni))
    assert topology.hosts["a"].addresses == (Address(0, f"{subnet}.1", 24),)


def test_only_vteps_and_logical_switches_have_to_be_there() -> None:
    topology = read({"vteps": [{"name": "leaf1"}], "logical_switches": []})
    assert list(topology.vteps) == ["leaf1"]
    assert topology.bfd is None


def test_the_example_of_the_help_is_a_plan() -> None:
    assert plan.__doc__ is not None
    example = plan.__doc__.split("looks like this:")[1].split("\nWhat comments say")[0]
    # The dots stand for what a user fills in.
    topology = read(example)
    assert set(topology.hosts) == {"a", "b", "c"}
    said = {
        "leaf1": "10.2.2.1, management_ip: 10.1.1.11",
        "sn1": "tunnel_ip: 10.2.2.101",
        "blue": "subnet: 192.168.33.0/24, replication: source_node",
    }
    for name, default in said.items():
        assert any(name in line and default in line for line in example.splitlines())


# What is refused


@pytest.mark.parametrize(
    ("where", "change", "expected"),
    [
        ("vteps", {"colour": 1}, "unknown: colour"),
        ("vteps", {"name": "a-name-of-16-cha"}, "name: 'a-name-of-16-cha' is not a letter and"),
        ("vteps", {"name": "9lives"}, "name: '9lives' is not a letter and up to 14"),
        ("vteps", {"name": "two words"}, "name: 'two words' is not a letter"),
        ("vteps", {"name": "underlay"}, "name: underlay is the name of a part of every lab"),
        ("vteps", {"tunnel_ip": "10.3.2.1"}, "10.3.2.1 is no address of a host in 10.2.2.0/24"),
        ("vteps", {"tunnel_ip": "10.2.2.255"}, "no address of a host in 10.2.2.0/24"),
        ("vteps", {"tunnel_ip": 10}, "tunnel_ip: 10 is no text to YAML"),
        ("vteps", {"management_ip": "10.1.1.2"}, "10.1.1.2 is the address of the NVC"),
        ("service_nodes", {"name": "leaf1"}, "leaf1 is the name of another part"),
        ("service_nodes", {"tunnel_ip": "10.2.2.20"}, "10.2.2.20 is the address of leaf2"),
        ("logical_switches", {"vni": 44}, "VNI 44 is that of blue"),
        ("logical_switches", {"vni": 0}, "vni: 0 is no integer from 1 to 16777215"),
        ("logical_switches", {"name": "green"}, "there is a logical switch green already"),
        ("logical_switches", {"service_nodes": ["sn2"]}, "no service node sn2, only sn1"),
        ("logical_switches", {"replication": "both"}, "neither service_node nor source_node"),
        ("logical_switches", {"replication": "service_node"}, "needs at least one"),
        ("logical_switches", {"subnet": "10.0.5.1/24"}, "subnet: '10.0.5.1/24' is no IPv4 subnet"),
        ("logical_switches", {"subnet": "10.0.0.0/8"}, "overlaps 10.2.2.0/24"),
        ("logical_switches", {"subnet": "10.0.5.0/31"}, "has no room for two hosts"),
        ("hosts", {"vtep": "leaf3"}, "there is no VTEP leaf3, only leaf1, leaf2"),
        ("hosts", {"port": "eth0"}, "port: eth0 is the name of another interface"),
        ("hosts", {"port": "a/b"}, "port: 'a/b' is not a letter"),
        (
            "hosts",
            {"port": "p9"},
            "untagged frames at port p9 of leaf1: bound to no logical switch",
        ),
        ("hosts", {"ip": "192.168.44.1"}, "192.168.44.1 is no address of a host in 192.168.33.0"),
        ("hosts", {"vlans": [10]}, "VLAN 10 at port p1 of leaf1: bound to no logical switch"),
        ("hosts", {"vlans": [5000]}, "vlans: 5000 is no integer from 0 to 4094"),
        ("hosts", {"vlans": 10}, "vlans: 10 is neither a list nor a mapping to addresses"),
        ("hosts", {"vlans": []}, "vlans: at least one"),
        ("hosts", {"vlans": [0, 0]}, "0 is there more than once"),
        ("hosts", {"vlans": [0], "ip": "192.168.33.9"}, "ip is for a host without vlans"),
        ("hypervisors", {"logical_switches": ["red"]}, "no logical switch red, only blue, green"),
        ("hypervisors", {"logical_switches": []}, "logical_switches: at least one"),
        ("hypervisors", {"name": "a"}, "a is the name of another part"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_item(
    where: str, change: dict[str, object], expected: str
) -> None:
    (problem,) = problems(changed(where, 0, **change))
    # Of two logical switches that collide, the second one is named.
    index = 1 if change in ({"vni": 44}, {"name": "green"}) else 0
    assert problem.startswith(f"{where}[{index}]: ")
    assert expected in problem


def test_a_port_has_one_host() -> None:
    given = changed("hosts", 1, vtep="leaf1", vlans=None)
    del given["hosts"][1]["vlans"]
    assert problems(given) == ["hosts[1]: port p1 of leaf1 is that of a"]


def test_a_vlan_of_a_port_has_one_binding() -> None:
    given = content()
    given["logical_switches"][1]["bindings"][0]["vlan"] = 10
    assert problems(given) == [
        "logical_switches[1]: bindings[0]: VLAN 10 at port p1 of leaf2: bound to blue already"
    ]


def test_an_address_has_one_host() -> None:
    given = changed("hosts", 1, vlans={10: "192.168.33.1"})
    assert problems(given) == ["hosts[1]: 192.168.33.1 is the address of a"]


def test_a_binding_is_named_by_its_place_in_the_file() -> None:
    given = content()
    given["logical_switches"][1]["bindings"][1]["vlna"] = 10
    assert problems(given) == [
        "logical_switches[1].bindings[1]: unknown: vlna; there are vtep, port, vlan"
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"colour": "red"},
            "the file: unknown: colour; there are vteps, service_nodes, logical_switches, hosts, "
            "hypervisors, acls, acl_bindings, bfd",
        ),
        ({"vteps": []}, "the file: vteps: at least one"),
        ({"bfd": {"min_rx": 0}}, "the file: bfd: min_rx: 0 is no integer from 1 to 2147483647"),
        ({"bfd": None}, "the file: bfd has no value"),
        ({"hosts": None}, "the file: hosts has no value"),
    ],
)
def test_what_is_wrong_with_the_whole_is_named(change: dict[str, object], expected: str) -> None:
    assert problems(content(**change)) == [expected]


def test_an_empty_file_is_said_to_be_empty() -> None:
    with pytest.raises(BadPlan) as refusal:
        plan.parse("# nothing yet\n")
    assert refusal.value.problems == ["the file is empty"]


def test_all_items_that_are_wrong_by_themselves_are_named_at_once() -> None:
    given = content()
    given["vteps"][1]["name"] = ""
    given["hosts"][0]["port"] = 7
    assert [each.split(":")[0] for each in problems(given)] == ["vteps[1]", "hosts[0]"]


@pytest.mark.parametrize(
    ("where", "change", "expected"),
    [
        ("acls", {"entries": [{**ENTRY, "action": "drop"}]}, "acls[0].entries[0]: action: 'drop'"),
        ("acls", {"entry": []}, "acls[0]: unknown: entry"),
        ("acl_bindings", {"acl": "db"}, "acl_bindings[0]: there is no access list db, only web"),
        ("acl_bindings", {"vtep": "leaf3"}, "acl_bindings[0]: there is no VTEP leaf3"),
        ("acl_bindings", {"port": "p9", "vlan": 0}, "[0]: port p9 of leaf2 is in no logical"),
        ("acl_bindings", {"vlan": 30}, "[0]: VLAN 30 of port p1 of leaf2 is in no logical switch"),
        ("acl_bindings", {"vlan": 4095}, "vlan: 4095 is no integer from 0 to 4094"),
    ],
)
def test_a_wrong_access_list_is_named_with_its_place(
    where: str, change: dict[str, object], expected: str
) -> None:
    given = content()
    given[where][0].update(change)
    (problem,) = problems(given)
    assert expected in problem


def test_access_lists_and_their_places_differ() -> None:
    twice = content()
    twice["acls"] *= 2
    assert problems(twice) == ["acls[1]: there is an access list web already"]
    twice = content()
    twice["acl_bindings"] *= 2
    assert problems(twice) == [
        "acl_bindings[1]: port p1 of leaf2, VLAN 20: web is bound to it already"
    ]


def test_all_addresses_of_a_subnet_can_be_in_use() -> None:
    given = content()
    given["logical_switches"][0]["subnet"] = "10.0.5.0/30"
    assert problems(given) == ["hypervisors[0]: 10.0.5.0/30 has no free address"]


# What the NVC is told


def test_the_nvc_can_read_its_file() -> None:
    stations = [nvc.Station("blue", "02:00:00:00:00:09", "10.2.2.201", ("192.168.33.201",))]
    told = configuration.nvc_plan(read(content()), stations)
    found = nvc.parse(yaml.safe_dump(told))
    assert found.vteps == {"leaf1": "tcp:10.1.1.11:6640", "leaf2": "tcp:10.1.1.12:6640"}
    assert found.logical_switches == {
        "blue": nvc.LogicalSwitch("blue", 33, "source_node"),
        "green": nvc.LogicalSwitch("green", 44, "service_node", ("10.2.2.101",)),
    }
    assert nvc.Binding("leaf2", "br0", "p1", 20, "green") in found.bindings
    assert found.stations == tuple(stations)
    assert found.acls["web"].entries == ({**ENTRY, "protocol": 6},)
    assert found.acl_bindings == (AclBinding("leaf2", "br0", "p1", 20, "web"),)
    assert found.bfd_params == {"enable": "true", "min_rx": "300", "min_tx": "300"}


PORTS = {"leaf1": ["p1"], "leaf2": ["p1"]}


def test_flooding_follows_from_the_topology() -> None:
    topology = read(content())
    assert configuration.expected_flooding(topology, PORTS, "leaf1") == {
        "blue": Flooding(frozenset({"p1 VLAN 0"}), frozenset({"10.2.2.20", "10.2.2.201"}))
    }
    # p2 is bound, but there is no such port yet.
    assert configuration.expected_flooding(topology, PORTS, "leaf2") == {
        "blue": Flooding(frozenset({"p1 VLAN 10"}), frozenset({"10.2.2.1", "10.2.2.201"})),
        "green": Flooding(frozenset({"p1 VLAN 20"}), frozenset({"10.2.2.101"})),
    }


def test_tunnels_are_up_when_all_are() -> None:
    def answer(state: str, bfd: str | None) -> dict[str, object]:
        return {"tunnels": [{"remote_vtep": "10.2.2.20", "state": state, "bfd": bfd}]}

    here = ["10.2.2.20"]
    assert configuration.are_tunnels_up(answer("up", None), here, [])
    assert configuration.are_tunnels_up(answer("up", "up"), here, [*here, "10.2.2.1"])
    assert not configuration.are_tunnels_up(answer("creating", None), here, [])
    assert not configuration.are_tunnels_up(answer("up", "down"), here, here)
    assert not configuration.are_tunnels_up(answer("up", None), [*here, "10.2.2.9"], [])


# The command


def test_the_check_says_all_that_is_wrong_and_builds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    file = tmp_path / "fabric.yaml"
    file.write_text(yaml.safe_dump(changed("vteps", 1, name="leaf1")))
    assert main(["fabric", "--plan", str(file), "--check"]) == 1
    assert capsys.readouterr().err == f"{file}: vteps[1]: leaf1 is the name of another part\n"
    file.write_text(yaml.safe_dump(content()))
    assert main(["fabric", "--plan", str(file), "--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_check_needs_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fabric", "--check"]) == 2
    assert capsys.readouterr().err == "--check is about the file of --plan FILE\n"


def test_a_plan_says_how_many_vteps_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["fabric", "--plan", "none.yaml", "--vteps", "3"])
    assert end.value.code == 2
    assert "not allowed with argument --plan" in capsys.readouterr().err


def test_a_plan_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none.yaml"
    assert main(["fabric", "--plan", str(file), "--check"]) == 1
    assert capsys.readouterr().err == f"{file}: No such file or directory\n"
