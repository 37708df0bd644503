"""Bindings of VLANs at ports: what comes in and leaves by them."""

import pytest

from vtep_ofapp.values.rows import BridgePort

from .builders import (
    BLUE,
    GREEN,
    MAC1,
    MAC2,
    RED,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    row_of,
    word_of,
)
from .reading import lines
from .switch_worlds import a_world
from .world import World


@pytest.fixture
def world() -> World:
    return a_world()


def test_an_untagged_binding(world: World) -> None:
    assert world.flows("ADMISSION", "EGRESS") == lines("""
        ADMISSION DEFAULT in_port=1,vlan_vid=0x0:
            set_field:0x1000->reg0,set_field:red->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=1,vlan_vid=0x1000:
            pop_vlan,set_field:0x1->reg4,set_field:0x1000->reg0,set_field:red->metadata,
            goto LEARNING
        EGRESS FORBIDDEN reg0=0x1000,reg1=0x1000: drop
        EGRESS DEFAULT metadata=red,reg1=0x1000,reg4=0x0: load:0->in_port,output:1
        EGRESS DEFAULT metadata=red,reg1=0x1000,reg4=0x1: load:0->in_port,output:1
    """)


def test_tagged_and_untagged_bindings_share_a_port_and_a_logical_switch() -> None:
    world = a_world(physical_port("p0", {0: RED, 10: RED, 20: BLUE}))
    assert world.flows("EGRESS") == lines("""
        EGRESS FORBIDDEN reg0=0x1000,reg1=0x1000: drop
        EGRESS DEFAULT metadata=red,reg1=0x1000,reg4=0x0: load:0->in_port,output:1
        EGRESS DEFAULT metadata=red,reg1=0x1000,reg4=0x1: load:0->in_port,output:1
        EGRESS FORBIDDEN reg0=0x100a,reg1=0x100a: drop
        EGRESS DEFAULT metadata=red,reg1=0x100a,reg4=0x0: push_vlan:10,load:0->in_port,output:1
        EGRESS DEFAULT metadata=red,reg1=0x100a,reg4=0x1: push_vlan:10,load:0->in_port,output:1
        EGRESS FORBIDDEN reg0=0x1014,reg1=0x1014: drop
        EGRESS DEFAULT metadata=blue,reg1=0x1014,reg4=0x0: push_vlan:20,load:0->in_port,output:1
        EGRESS DEFAULT metadata=blue,reg1=0x1014,reg4=0x1: push_vlan:20,load:0->in_port,output:1
    """)
    assert world.groups() == lines("""
        local(red) =
            set_field:0x1000->reg1,resubmit EGRESS |
            set_field:0x100a->reg1,resubmit EGRESS
        local(blue) = set_field:0x1014->reg1,resubmit EGRESS
    """)


def test_a_binding_that_goes_takes_its_flows_and_bucket_along() -> None:
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: RED}))
    world.physical(physical_switch(physical_port("p1", {0: RED})))
    world.settle()
    assert world.flows("EGRESS") == lines("""
        EGRESS FORBIDDEN reg0=0x2000,reg1=0x2000: drop
        EGRESS DEFAULT metadata=red,reg1=0x2000,reg4=0x0: load:0->in_port,output:2
        EGRESS DEFAULT metadata=red,reg1=0x2000,reg4=0x1: load:0->in_port,output:2
    """)
    assert world.groups() == lines("local(red) = set_field:0x2000->reg1,resubmit EGRESS")


def test_a_binding_that_moves_to_another_logical_switch() -> None:
    world = a_world()
    world.physical(physical_switch(physical_port("p0", {0: BLUE})))
    world.settle()
    assert world.groups() == lines("local(blue) = set_field:0x1000->reg1,resubmit EGRESS")
    assert not any("red" in flow for flow in world.flows())
    assert any("set_field:blue->metadata" in flow for flow in world.flows("ADMISSION"))


@pytest.mark.parametrize(
    ("ports", "reason", "entry"),
    [
        (
            [port("p0", None, error="could not add network device p0 (File exists)")],
            "Open vSwitch has no port number for it: could not add network device p0 (File exists)",
            "unspecified_fault",
        ),
        ([port("p0", 1, is_ours=True)], "it is a tunnel port", "unspecified_fault"),
        (
            [port("p0", 1, has_vlans=True)],
            "Open vSwitch has VLAN settings of its own for it: "
            "ovs-vsctl clear port p0 tag trunks vlan_mode",
            "invalid_vlan_map",
        ),
    ],
    ids=lambda value: "" if isinstance(value, list) else str(value),
)
def test_a_bound_port_that_cannot_be_used_is_a_fault_of_the_port(
    ports: list[BridgePort], reason: str, entry: str
) -> None:
    world = a_world()
    world.exactly(*ports)
    world.settle()
    assert world.complaints() == {f"Physical_Port p0 of br0: {reason}"}
    (fault,) = world.faults()
    assert (row_of(fault), word_of(fault)) == (physical_port("p0").uuid, entry)
    assert world.flows("EGRESS") == set()
    world.exactly(port("p0", 1))
    world.settle()
    assert world.complaints() == set()
    assert len(world.flows("EGRESS")) == 3


def test_a_bond_is_one_port_with_several_numbers() -> None:
    world = a_world()
    world.bridge(port("p0", 4, members=(4, 5)))
    world.settle()
    assert world.flows("EGRESS") == lines("""
        EGRESS FORBIDDEN reg0=0x4000,reg1=0x4000: drop
        EGRESS DEFAULT metadata=red,reg1=0x4000,reg4=0x0:
            load:0->in_port,bundle(eth_src,0,hrw,ofport,members:4,5)
        EGRESS DEFAULT metadata=red,reg1=0x4000,reg4=0x1:
            load:0->in_port,bundle(eth_src,0,hrw,ofport,members:4,5)
    """)


def test_stations_stay_where_they_are_while_a_bond_changes_its_members() -> None:
    world = a_world()
    world.bridge(port("p0", 4, members=(4, 5)))
    world.see(MAC1, "p0")
    world.bridge(port("p0", 4, members=(5,)))
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))
    assert any("in_port=5" in flow for flow in world.flows("ADMISSION"))
    assert not any("in_port=4" in flow for flow in world.flows("ADMISSION"))


def test_a_port_that_goes_down_loses_its_stations_and_keeps_its_flows() -> None:
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: RED}))
    world.see(MAC1, "p0")
    world.see(MAC2, "p1")
    world.settle()
    world.bridge(port("p0", 1, is_up=False), port("p1", 2))
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())
    assert any(MAC2 in flow for flow in world.flows("UNICAST"))
    assert len(world.flows("EGRESS")) == 6
    world.bridge(port("p0", 1), port("p1", 2))
    world.see(MAC1, "p0")
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))


def test_a_port_that_is_renumbered_is_followed(world: World) -> None:
    world.see(MAC1, "p0")
    world.settle()
    world.bridge(port("p0", 7))
    world.settle()
    assert world.flows("EGRESS") == lines("""
        EGRESS FORBIDDEN reg0=0x7000,reg1=0x7000: drop
        EGRESS DEFAULT metadata=red,reg1=0x7000,reg4=0x0: load:0->in_port,output:7
        EGRESS DEFAULT metadata=red,reg1=0x7000,reg4=0x1: load:0->in_port,output:7
    """)
    assert world.groups() == lines("local(red) = set_field:0x7000->reg1,resubmit EGRESS")
    assert not any(MAC1 in flow for flow in world.flows())


def test_ports_that_exchange_their_numbers_are_followed() -> None:
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE}))
    world.bridge(port("p0", 2), port("p1", 1))
    world.settle()
    assert world.flows("ADMISSION") >= lines("""
        ADMISSION DEFAULT in_port=2,vlan_vid=0x0:
            set_field:0x2000->reg0,set_field:red->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=1,vlan_vid=0x0:
            set_field:0x1000->reg0,set_field:blue->metadata,goto LEARNING
    """)


def test_a_binding_of_a_logical_switch_without_a_row_waits_for_it() -> None:
    world = a_world(physical_port("p0", {0: GREEN}))
    assert world.flows("EGRESS") == world.groups() == set()
    world.tell(logical_switch(GREEN, 5003))
    world.settle()
    assert len(world.flows("EGRESS")) == 3
    assert world.groups() == lines("local(green) = set_field:0x1000->reg1,resubmit EGRESS")
