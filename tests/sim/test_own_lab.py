"""A lab that the published API builds: VLAN hosts, hypervisors, a service node, later additions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from sim.api import Lab, VxlanEndpoint
from sim.fabric import plan
from tests.lab.trial import ForkedApp, new_lab_name, standing


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    bfd = {"min_rx": 300, "min_tx": 300}
    with standing(Lab(new_lab_name(), bfd=bfd, controller=ForkedApp)) as lab:
        leaf1, leaf2 = lab.add_vtep("leaf1"), lab.add_vtep("leaf2")
        node = lab.add_service_node("sn1")
        blue = lab.add_logical_switch("blue", 33)
        green = lab.add_logical_switch("green", 44, service_nodes=[node], subnet="10.0.5.0/28")
        blue.bind(leaf1, "p1")
        blue.bind(leaf2, "p1", vlan=10)
        green.bind(leaf1, "p2", vlan=7)
        green.bind(leaf2, "p1", vlan=20)
        lab.add_host("web", leaf1, "p1")
        lab.add_host("db", leaf1, "p2", vlans={7: "10.0.5.7"})
        lab.add_host("trunk", leaf2, "p1", vlans=[10, 20])
        lab.add_hypervisor("hv1", [blue, green])
        lab.add_hypervisor("hv2", {blue: "192.168.33.99"}, tunnel_ip="10.2.2.250")
        lab.start()
        yield lab


def test_all_hosts_of_a_logical_switch_ping_each_other(lab: Lab) -> None:
    blue = {"web": "192.168.33.1", "trunk": "192.168.33.2", "hv1": "192.168.33.201"}
    blue["hv2"] = "192.168.33.99"
    green = {"db": "10.0.5.7", "trunk": "10.0.5.1", "hv1": "10.0.5.2"}
    for switch in (blue, green):
        for (name, ip), (_, other) in itertools.permutations(switch.items(), 2):
            assert lab.hosts[name].ping(other, count=1) == 1, f"{name} {ip} to {other}"


def test_frames_of_a_vlan_host_are_tagged_on_its_link_and_not_in_the_tunnel(lab: Lab) -> None:
    trunk, web, hypervisor = lab.hosts["trunk"], lab.hosts["web"], lab.hosts["hv1"]
    lab.expect_delivery(
        trunk.send,
        {"web": ["untagged"], "hv1": ["vni 33"], "hv2": ["vni 33"]},
        src=trunk.mac,
        vlans=[10],
    )
    lab.expect_delivery(web.send, {"trunk": ["vlan 10"]}, src=web.mac, dst=trunk.mac)
    lab.expect_delivery(
        trunk.send, {"hv1": ["vni 33"]}, src=trunk.mac, dst=hypervisor.mac, vlans=[10]
    )


def test_a_vlan_that_is_not_bound_and_untagged_frames_of_a_trunk_go_nowhere(lab: Lab) -> None:
    trunk = lab.hosts["trunk"]
    for vlans in ([], [30]):
        lab.expect_delivery(trunk.send, {}, src=trunk.mac, vlans=vlans)


def test_the_service_node_replicates_and_bfd_watches_it(lab: Lab) -> None:
    db, node = lab.hosts["db"], lab.peers["sn1"]
    # hv1 and the VTEPs have all that the service node sends; hv2 drops what is of another VNI.
    lab.expect_delivery(
        db.send,
        {"trunk": ["vlan 20"], "sn1": ["vni 44"], "hv1": ["vni 44"], "hv2": ["vni 44"]},
        src=db.mac,
        vlans=[7],
    )
    for vtep in lab.vteps.values():
        assert vtep.tunnels()[node.tunnel_ip]["bfd_status"]["state"] == "up"


def test_a_large_packet_passes_untouched(lab: Lab) -> None:
    ping = ["ping", "-c1", "-w10", "-s1472", "-Mdo"]
    assert "1 received" in lab.hosts["web"].run([*ping, "192.168.33.2"])
    assert "1 received" in lab.hosts["db"].run([*ping, "10.0.5.2"])


def test_what_is_added_later_runs_after_a_further_start(lab: Lab) -> None:
    green = lab.logical_switches["green"]
    leaf3 = lab.add_vtep("leaf3")
    green.bind(leaf3, "p1")
    late = lab.add_host("late", leaf3, "p1")
    lab.start()
    assert late.ping("10.0.5.7", count=1) == 1
    assert lab.hosts["trunk"].ping(late.ip, count=1) == 1


def test_what_is_wrong_is_refused_and_harms_nothing(lab: Lab) -> None:
    leaf1 = lab.vteps["leaf1"]
    before = set(lab.state.hosts())
    with pytest.raises(ValueError, match="web is the name of another part"):
        lab.add_vtep("web")
    with pytest.raises(ValueError, match="port p1 of leaf1 is that of web"):
        lab.add_host("other", leaf1, "p1")
    with pytest.raises(ValueError, match="port p9 of leaf1: bound to no logical switch"):
        lab.add_host("other", leaf1, "p9")
    with pytest.raises(ValueError, match="VNI 33 is that of blue"):
        lab.add_logical_switch("red", 33)
    assert set(lab.state.hosts()) == before
    assert lab.hosts["web"].ping("192.168.33.2", count=1) == 1


def test_a_plan_is_built_as_it_says(lab: Lab) -> None:
    """`build` adds to a lab what `parse` has read: the same parts with the same addresses."""
    text = """
        vteps: [{name: leaf1}]
        logical_switches: [{name: blue, vni: 33, bindings: [{vtep: leaf1, port: p1, vlan: 10}]}]
        hosts: [{name: a, vtep: leaf1, port: p1, vlans: [10]}]
        hypervisors: [{name: hv1, logical_switches: [blue]}]
        service_nodes: [{name: sn1}]
    """
    topology = plan.parse(text)
    with Lab(new_lab_name()) as other:
        plan.build(other, topology)
        assert other.topology.hosts == topology.hosts
        assert other.topology.vteps == topology.vteps
        assert other.topology.hypervisors == topology.hypervisors
        assert other.topology.service_nodes == topology.service_nodes
        assert other.topology.bindings == topology.bindings
        assert other.hosts["a"].ip == "192.168.33.1"
        assert isinstance(other.hosts["hv1"], VxlanEndpoint)
        assert "192.168.33.1/24" in other.hosts["a"].run(["ip", "address", "show", "eth0.10"])
