"""What one switch wants, for each cause. br0 has p0 in red, untagged, unless a test says more."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from vtep_ofapp.engine import switch_state
from vtep_ofapp.engine.desired_actual import DesiredActual
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.features.bridge import HostLooked
from vtep_ofapp.features.learning.feature import Learned
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.features.tunnels.rows import TunnelTo
from vtep_ofapp.features.unicast import Placed
from vtep_ofapp.pipeline.layout import MAX_BINDINGS, Priority
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import ANYONE, Gone, PhysicalPort

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    GREEN,
    MAC1,
    MAC2,
    MAC3,
    MULTICAST,
    OWN,
    RED,
    SWITCH,
    locator,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    refused,
    remote_group,
    remote_mac,
    row_of,
    to_anyone,
    tunnel_row,
    unknown_dst,
    uuid,
    word_of,
)
from .reading import lines, read_flows
from .walk import Frame, Pipeline
from .world import World


def a_world(*ports: PhysicalPort, **more) -> World:
    """Return br0 with p0 and p1 as OpenFlow ports 1 and 2, and these rows of Physical_Port."""
    world = World()
    world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002))
    world.physical(physical_switch(*(ports or [physical_port("p0", {0: RED})]), **more))
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    return world


@pytest.fixture
def world() -> World:
    return a_world()


def with_tunnel(*rows, **more) -> World:
    """Return a world whose tunnels to what the rows name are up."""
    world = a_world(**more)
    world.tell(*rows)
    world.calm_down()
    return world


def ofport(world: World, address: str) -> int:
    (number,) = (each.number for each in world.tunnel_ports() if each.remote == address)
    assert number is not None
    return number


# The switch itself


def test_a_switch_without_bindings_wants_the_frame_of_the_pipeline():
    world = World()
    world.physical(physical_switch())
    world.bridge(port("p0", 1))
    world.settle()
    no_tag_inside = {
        f"{table} FORBIDDEN {tag}: drop"
        for table in ("DECAPSULATION", "ENCAPSULATION")
        for tag in ("vlan_vid=0x1000/0x1000", "eth_type=0x8100", "eth_type=0x88a8")
    }
    assert world.flows() - no_tag_inside == lines("""
        ADMISSION FORBIDDEN eth_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0: drop
        LEARNING FORBIDDEN eth_src=01:00:00:00:00:00/01:00:00:00:00:00: drop
        LEARNING FORBIDDEN eth_src=00:00:00:00:00:00: drop
        LEARNING MISS any: resubmit MEASURING,goto UNICAST
        MEASURING MISS any: check_pkt_larger(16384)->reg6[0],resubmit SHOWING
        SHOWING DEFAULT reg6=0x0: controller:14
        UNICAST MISS any: goto FLOODING
        EGRESS FORBIDDEN reg1=0x0/0xfff,vlan_vid=0x1000/0x1000: drop
        EGRESS FORBIDDEN eth_type=0x8100,reg1=0x0/0xfff: drop
        EGRESS FORBIDDEN eth_type=0x88a8,reg1=0x0/0xfff: drop
    """)
    assert no_tag_inside <= world.flows()
    assert world.groups() == set()
    assert len(world.group_values()) == 2
    assert world.tunnels() == set()
    assert world.complaints() == set()


def test_a_switch_without_a_row_wants_nothing():
    world = World()
    world.bridge(port("p0", 1))
    world.settle()
    assert world.flows() == set()


def test_a_switch_that_loses_its_row_wants_nothing_any_more():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR, FURTHER))
    world.see(MAC2, "p0")
    world.settle()
    world.physical(None)
    world.settle()
    assert world.flows() == world.groups() == world.tunnels() == set()
    assert world.complaints() == set()


def test_a_switch_whose_row_comes_back_wants_the_same_as_before():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR, FURTHER))
    before, row = world.summary(), world.switch.physical
    world.physical(None)
    world.settle()
    world.physical(row)
    world.calm_down()
    after = world.summary()
    assert after["tunnels of br0"] == before["tunnels of br0"]
    assert after == world.anew_settled().summary()


def test_a_switch_without_tunnel_ips_says_so_and_switches_locally():
    world = a_world(tunnel_ips=())
    world.tell(remote_mac(MAC1, FAR), unknown_dst(FAR))
    world.settle()
    assert world.complaints() == {
        "Physical_Switch br0: it has no usable tunnel_ips, so there are no tunnels: "
        "vtep-ctl set Physical_Switch br0 tunnel_ips=ADDRESS"
    }
    assert world.tunnels() == set()
    assert world.flows("FLOODING") == lines("""
        FLOODING DEFAULT metadata=red,reg3=0x0: local(red)
        FLOODING DEFAULT metadata=red,reg3=0x1: local(red)
    """)


def test_of_several_tunnel_ips_frames_leave_by_the_first_and_come_in_by_all():
    world = with_tunnel(remote_mac(MAC1, FAR), tunnel_ips=("10.0.0.1", "10.9.0.1"))
    assert world.switch.tunnel_ip == "10.0.0.1"
    assert world.tunnels() == {(FAR, "10.0.0.1"), (FAR, "10.9.0.1")}
    numbers = {each.local: each.number for each in world.tunnel_ports()}
    assert world.flows("TUNNEL") == lines(f"""
        TUNNEL DEFAULT reg2=10.0.0.2: output:{numbers["10.0.0.1"]}
    """)
    assert world.flows("ADMISSION") >= {
        f"ADMISSION DEFAULT in_port={number:#x}: set_field:10.0.0.2->reg2,goto DECAPSULATION"
        for number in numbers.values()
    }


def test_every_tunnel_ip_is_our_own_address():
    world = a_world(tunnel_ips=("10.0.0.1", "10.9.0.1"))
    world.tell(unknown_dst("10.9.0.1", FAR))
    world.settle()
    assert {remote for remote, _ in world.tunnels()} == {FAR}


def test_a_tunnel_from_the_former_tunnel_ip_stays_until_the_new_one_is_up():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    former = ofport(world, FAR)
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=["10.7.0.1"]))
    world.settle()
    assert world.tunnels() == {(FAR, OWN), (FAR, "10.7.0.1")}
    assert world.flows("TUNNEL") == lines(f"TUNNEL DEFAULT reg2=10.0.0.2: output:{former}")
    assert any(f"in_port={former:#x}:" in flow for flow in world.flows("ADMISSION"))
    assert any(f"watch_port:{former}," in group for group in world.groups())
    world.calm_down()
    assert world.tunnels() == {(FAR, "10.7.0.1")}
    assert world.flows("TUNNEL") == lines(
        f"TUNNEL DEFAULT reg2=10.0.0.2: output:{ofport(world, FAR)}"
    )


def test_while_the_tunnels_move_to_a_new_tunnel_ip_no_group_watches_what_is_not_there():
    world = with_tunnel(unknown_dst(FAR, FURTHER))
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=["10.7.0.1"]))
    world.settle()
    numbers = {None, *(each.number for each in world.tunnel_ports())}
    for group in world.group_values():
        assert {bucket.watch_port for bucket in group.buckets} <= numbers
        if group.fast_failover:
            assert all(bucket.watch_port or bucket.watch_group for bucket in group.buckets)
    world.calm_down()
    assert any("first of watch_port" in group for group in world.groups())


def test_an_address_that_is_ours_no_more_is_that_of_another_vtep():
    world = a_world(tunnel_ips=(OWN, FAR))
    world.tell(unknown_dst(FAR), remote_mac(MAC1, FAR))
    world.calm_down()
    assert world.tunnels() == set()
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.calm_down()
    assert world.tunnels() == {(FAR, OWN)}
    assert any("10.0.0.2->reg2" in group for group in world.groups())
    assert any("10.0.0.2->reg2" in flow for flow in world.flows("UNICAST"))
    assert world.complaints() == set()


def test_a_new_tunnel_ip_moves_the_tunnels():
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=["10.7.0.1"]))
    world.calm_down()
    assert world.tunnels() == {(FAR, "10.7.0.1")}


def test_bad_tunnel_ips_and_bindings_are_faults_of_switch_and_port():
    bad_port = physical_port("p0", {0: RED}, refused=("VLAN 4095 is outside of 0 to 4094",))
    world = a_world(bad_port, refused=("'x' is not an IP address",))
    assert world.complaints() == {
        "Physical_Switch br0: 'x' is not an IP address",
        "Physical_Port p0 of br0: VLAN 4095 is outside of 0 to 4094",
    }
    by_row = {row_of(each): word_of(each) for each in world.faults()}
    assert by_row == {SWITCH: "unspecified_fault", bad_port.uuid: "invalid_vlan_map"}


def test_faults_move_to_the_row_that_replaces_another():
    world = a_world()
    world.tell(remote_mac(MAC1, OWN))
    world.settle()
    world.physical(physical_switch(physical_port("p0", {0: RED}), row=uuid(0x5999)))
    world.settle()
    assert {row_of(each) for each in world.faults()} == {uuid(0x5999)}


def test_of_two_rows_for_a_port_the_other_one_is_a_fault():
    one, other = (physical_port("p0", {0: of}, uuid=uuid(n)) for n, of in [(1, RED), (2, BLUE)])
    world = a_world(other, one)
    assert world.complaints() == {
        f"Physical_Port p0 of br0: row {uuid(1)} has the same name and is used instead"
    }
    assert {row_of(each) for each in world.faults()} == {uuid(2)}


# Bindings


def test_an_untagged_binding(world):
    assert world.flows("ADMISSION", "EGRESS") == lines("""
        ADMISSION DEFAULT in_port=0x1,vlan_vid=0x0:
            set_field:0x1000->reg0,set_field:red->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=0x1,vlan_vid=0x1000:
            pop_vlan,set_field:0x1->reg4,set_field:0x1000->reg0,set_field:red->metadata,
            goto LEARNING
        EGRESS FORBIDDEN reg0=0x1000,reg1=0x1000: drop
        EGRESS DEFAULT metadata=red,reg1=0x1000,reg4=0x0: load:0->in_port,output:1
        EGRESS DEFAULT metadata=red,reg1=0x1000,reg4=0x1: load:0->in_port,output:1
    """)


def test_tagged_and_untagged_bindings_share_a_port_and_a_logical_switch():
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


def test_a_binding_that_goes_takes_its_flows_and_bucket_along():
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: RED}))
    world.physical(physical_switch(physical_port("p1", {0: RED})))
    world.settle()
    assert world.flows("EGRESS") == lines("""
        EGRESS FORBIDDEN reg0=0x2000,reg1=0x2000: drop
        EGRESS DEFAULT metadata=red,reg1=0x2000,reg4=0x0: load:0->in_port,output:2
        EGRESS DEFAULT metadata=red,reg1=0x2000,reg4=0x1: load:0->in_port,output:2
    """)
    assert world.groups() == lines("local(red) = set_field:0x2000->reg1,resubmit EGRESS")


def test_a_binding_that_moves_to_another_logical_switch():
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
            "Open vSwitch has VLAN settings of its own for it (tag, trunks or vlan_mode)",
            "invalid_vlan_map",
        ),
    ],
    ids=lambda value: "" if isinstance(value, list) else str(value),
)
def test_a_bound_port_that_cannot_be_used_is_a_fault_of_the_port(ports, reason, entry):
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


def test_a_bond_is_one_port_with_several_numbers():
    world = a_world()
    world.bridge(port("p0", 4, members=(4, 5)))
    world.settle()
    assert world.flows("EGRESS") == lines("""
        EGRESS FORBIDDEN reg0=0x4000,reg1=0x4000: drop
        EGRESS DEFAULT metadata=red,reg1=0x4000,reg4=0x0:
            load:0->in_port,bundle(eth_src,hrw,4,5)
        EGRESS DEFAULT metadata=red,reg1=0x4000,reg4=0x1:
            load:0->in_port,bundle(eth_src,hrw,4,5)
    """)


def test_stations_stay_where_they_are_while_a_bond_changes_its_members():
    world = a_world()
    world.bridge(port("p0", 4, members=(4, 5)))
    world.see(MAC1, "p0")
    world.bridge(port("p0", 4, members=(5,)))
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))
    assert any("in_port=0x5" in flow for flow in world.flows("ADMISSION"))
    assert not any("in_port=0x4" in flow for flow in world.flows("ADMISSION"))


def test_a_port_that_goes_down_loses_its_stations_and_keeps_its_flows():
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


def test_a_port_that_is_renumbered_is_followed(world):
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


def test_ports_that_exchange_their_numbers_are_followed():
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: BLUE}))
    world.bridge(port("p0", 2), port("p1", 1))
    world.settle()
    assert world.flows("ADMISSION") >= lines("""
        ADMISSION DEFAULT in_port=0x2,vlan_vid=0x0:
            set_field:0x2000->reg0,set_field:red->metadata,goto LEARNING
        ADMISSION DEFAULT in_port=0x1,vlan_vid=0x0:
            set_field:0x1000->reg0,set_field:blue->metadata,goto LEARNING
    """)


def test_a_binding_of_a_logical_switch_without_a_row_waits_for_it():
    world = a_world(physical_port("p0", {0: GREEN}))
    assert world.flows("EGRESS") == world.groups() == set()
    world.tell(logical_switch(GREEN, 5003))
    world.settle()
    assert len(world.flows("EGRESS")) == 3
    assert world.groups() == lines("local(green) = set_field:0x1000->reg1,resubmit EGRESS")


# Frames from VTEPs that no row names


def unnamed(world: World) -> set[str]:
    """Return what becomes of frames with each VNI from senders that no row names."""
    flows = [each for each in world.flow_values() if each.key.priority == Priority.FALLBACK]
    return read_flows(flows, world.names())


def test_while_a_logical_switch_is_bound_there_is_a_port_for_senders_that_no_row_names():
    world = a_world(tunnel_ips=(OWN, "10.0.0.11"))
    world.calm_down()
    assert world.locals_to_anyone() == {OWN, "10.0.0.11"}
    numbers = {each.number for each in world.ports_to_anyone()}
    into = {f"ADMISSION DEFAULT in_port={number:#x}: goto DECAPSULATION" for number in numbers}
    assert into <= world.flows()
    world.physical(physical_switch(physical_port("p0"), tunnel_ips=(OWN, "10.0.0.11")))
    world.calm_down()
    assert world.locals_to_anyone() == set()
    assert world.ports_to_anyone() == []
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=()))
    world.calm_down()
    assert world.locals_to_anyone() == set()


def test_the_gate_does_not_wait_for_that_port_and_it_counts_for_no_limit():
    world = World(settings=Settings(max_tunnels=1))
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.settle()
    world.make_tunnels(outcome=lambda address: "later" if address == ANYONE else "up")
    world.settle()
    assert world.switch.are_tunnels_up()
    assert world.complaints() == set()


def test_where_another_bridge_has_that_port_it_is_said_and_no_fault():
    world = a_world()
    world.calm_down(lambda address: "error" if address == ANYONE else "up")
    (fault,) = world.faults()
    assert row_of(fault) is None
    assert "frames to 10.0.0.1 from VTEPs that no row names do not come in here" in str(fault)
    (there,) = world.ports_to_anyone()
    world.exactly(port("p0", 1), port(there.name, 7))
    world.settle()
    assert "port with the name for their tunnel" in "".join(world.complaints())
    world.exactly(port("p0", 1))
    world.calm_down()
    assert world.complaints() == set()


def test_frames_that_no_row_lets_in_are_dropped_by_their_vni():
    world = with_tunnel(remote_mac(MAC1, FAR))
    assert unnamed(world) == {"DECAPSULATION FALLBACK tunnel_id=0x1389: drop"}
    world.tell(logical_switch(RED, None))
    world.settle()
    assert unnamed(world) == set()


def test_where_any_may_send_the_vni_decides():
    world = World(settings=Settings(accept_from="any"))
    world.tell(logical_switch(RED), logical_switch(BLUE, None), remote_mac(MAC1, FAR))
    ports = physical_port("p0", {0: RED, 10: BLUE})
    world.physical(physical_switch(ports))
    world.bridge(port("p0", 1))
    world.calm_down()
    let_in = lines("""
        DECAPSULATION FALLBACK tunnel_id=0x1389:
            set_field:red->metadata,set_field:0x1->reg3,goto UNICAST
    """)
    assert unnamed(world) == let_in
    contested = "DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1389: drop"
    assert contested not in world.flows()
    # Where rows of two logical switches name one VTEP with one key, its frames belong to none.
    world.tell(remote_mac(MAC2, FAR, of=BLUE, key=5001, row=uuid(101)))
    world.settle()
    assert unnamed(world) == let_in
    assert contested in world.flows()
    world.tell(logical_switch(BLUE, 5001))
    world.settle()
    assert unnamed(world) == set()


# Tunnel IPs that the host does not have


def checked(world: World, *addresses: str, is_here: bool = True) -> set[str]:
    """Let it look at a host with these addresses, once; return what it complains of then."""
    world.switch.invalidate(HostLooked(lambda *interface: is_here, addresses.__contains__))
    world.settle()
    return world.complaints()


def with_interface(world: World) -> None:
    there = world.switch.bridge
    assert there is not None
    ports = {
        name: replace(each, egress="br-phy") if each.remote == FAR else each
        for name, each in there.ports.items()
    }
    world.switch.set_bridge(replace(there, interface=(7, "02:00:00:00:00:07"), ports=ports))


def test_a_tunnel_ip_that_the_host_does_not_have_is_said_when_that_lasts():
    world = with_tunnel(remote_mac(MAC1, FAR))
    with_interface(world)
    assert checked(world) == set()
    (line,) = checked(world, FAR)
    assert line == (
        "Physical_Switch br0: no interface of this host has the tunnel IP 10.0.0.1, and Open "
        "vSwitch sends nothing from it: ip addr add 10.0.0.1/PREFIX dev br-phy"
    )
    assert {row_of(fault) for fault in world.faults()} == {None}
    assert checked(world, OWN) == set()
    assert checked(world) == set()


def test_nothing_is_said_of_the_addresses_of_another_host():
    world = with_tunnel(remote_mac(MAC1, FAR))
    for _ in range(3):
        assert checked(world) == set()
    with_interface(world)
    for _ in range(3):
        assert checked(world, is_here=False) == set()


# Keys


def test_the_key_is_the_vni_both_ways():
    world = with_tunnel(remote_mac(MAC1, FAR))
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1389:
            set_field:red->metadata,set_field:0x1->reg3,goto UNICAST
        ENCAPSULATION DEFAULT metadata=red: set_field:0x1389->tunnel_id,goto TUNNEL
    """)
    world.tell(logical_switch(RED, 6001))
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1771:
            set_field:red->metadata,set_field:0x1->reg3,goto UNICAST
        ENCAPSULATION DEFAULT metadata=red: set_field:0x1771->tunnel_id,goto TUNNEL
    """)


def test_without_a_key_frames_stay_at_home():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    world.tell(logical_switch(RED, None))
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == set()
    assert world.complaints() == {
        "Logical_Switch red: it has no tunnel key yet; it switches locally only"
    }
    assert {row_of(each) for each in world.faults()} == {None}


def test_a_bad_key_is_a_fault_of_the_switch(world):
    world.tell(logical_switch(RED, None, refused=("tunnel key -1 is outside of 0 to 16777215",)))
    world.settle()
    assert world.complaints() == {"Logical_Switch red: tunnel key -1 is outside of 0 to 16777215"}
    assert {row_of(each) for each in world.faults()} == {SWITCH}


def test_more_bindings_than_a_group_has_room_for_are_a_fault(world):
    bindings = dict.fromkeys(range(MAX_BINDINGS + 1), RED)
    world.physical(physical_switch(physical_port("p0", bindings)))
    world.settle()
    assert world.complaints() == {
        "Logical_Switch red: it has 1025 bindings; only 1024 of them are flooded to"
    }
    assert {row_of(each) for each in world.faults()} == {SWITCH}
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.settle()
    assert world.complaints() == set()


def test_a_shared_key_is_used_by_none_and_mended_for_both():
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: BLUE})))
    world.tell(logical_switch(BLUE, 5001))
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == set()
    assert world.complaints() == {
        "Logical_Switch red: its tunnel key is also that of blue; none of them uses it",
        "Logical_Switch blue: its tunnel key is also that of red; none of them uses it",
    }
    world.tell(logical_switch(BLUE, 5002))
    world.settle()
    assert world.complaints() == set()
    assert len(world.flows("ENCAPSULATION")) == 2
    assert len(world.flows("DECAPSULATION")) == 1


def test_a_key_of_a_logical_switch_that_is_not_bound_here_is_in_nobodys_way():
    world = with_tunnel(remote_mac(MAC1, FAR))
    right = world.flows("DECAPSULATION", "ENCAPSULATION")
    world.tell(
        logical_switch(BLUE, 5001),
        logical_switch(GREEN, None),
        remote_mac(MAC1, FAR, of=BLUE, row=uuid(101)),
        remote_mac(MAC1, FAR, of=GREEN, key=5001, row=uuid(102)),
    )
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == right
    assert world.complaints() == set()
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: GREEN})))
    world.settle()
    reason = "its key at 10.0.0.2 is also that of {}; none of them uses it there"
    assert world.complaints() == {
        f"Logical_Switch red: {reason.format('green')}",
        f"Logical_Switch green: {reason.format('red')}",
    }
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == right
    assert world.complaints() == set()


def test_two_logical_switches_with_one_key_at_different_switches_both_use_it():
    world = World(["br0", "br1"])
    for name, of, own in (("br0", RED, OWN), ("br1", BLUE, "10.0.0.11")):
        world.bridge(port("p0", 1), name=name)
        world.physical(
            physical_switch(
                physical_port("p0", {0: of}, uuid=uuid(0x6000 + of.int)),
                name=name,
                row=uuid(0x5000 + of.int),
                tunnel_ips=[own],
            ),
            name,
        )
    world.tell(
        logical_switch(RED, 5001),
        logical_switch(BLUE, 5001),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC1, FAR, of=BLUE, row=uuid(101)),
    )
    world.calm_down()
    assert world.complaints() == set()
    for name in ("br0", "br1"):
        flows = [str(flow) for flow in world.flow_values(name)]
        assert sum("set_field:0x1389->tunnel_id" in flow for flow in flows) == 1
        assert sum("reg2=0xa000002,tunnel_id=0x1389" in flow for flow in flows) == 1


def test_a_bound_port_that_is_away_is_no_fault():
    world = a_world()
    for ports, late in (
        ([], set()),
        ([port("p0", None)], {"not yet"}),
        (
            [port("p0", None, error="could not open network device p0 (No such device)")],
            {"could not open network device p0 (No such device)"},
        ),
        ([port("p0", 1)], set()),
    ):
        world.exactly(*ports)
        world.settle()
        assert world.complaints() == set()
        assert {row_of(each) for each in world.faults()} <= {None}
        reason = "Physical_Port p0 of br0: Open vSwitch has no port number for it"
        assert world.late_complaints() == {f"{reason}: {each}" for each in late}


NO_FLOODING = (
    "Logical_Switch red: rows name remote VTEPs and there is no unknown-dst in Mcast_Macs_Remote, "
    "so that broadcast and unknown unicast reach none of them; if the NVC never writes one, set "
    "flood_without_unknown_dst"
)


def test_remote_macs_without_unknown_dst_are_said_after_a_while():
    world = a_world()
    assert world.late_complaints() == set()
    for rows, late in (
        ([remote_mac(MAC1, OWN)], set()),
        ([remote_mac(MAC1, FAR)], {NO_FLOODING}),
        ([remote_mac(MAC2, FURTHER, row=uuid(101))], {NO_FLOODING}),
        ([unknown_dst(FAR)], set()),
        ([Gone(unknown_dst(FAR).uuid)], {NO_FLOODING}),
        ([Gone(uuid(101)), Gone(uuid(0x1000))], set()),
        ([remote_group(MULTICAST, FAR, row=uuid(102))], {NO_FLOODING}),
    ):
        world.tell(*rows)
        world.settle()
        assert world.late_complaints() == late
    world.physical(physical_switch(physical_port("p0", {0: BLUE})))
    world.settle()
    assert world.late_complaints() == set()


def test_who_floods_without_unknown_dst_is_told_nothing():
    world = World(settings=Settings(flood_without_unknown_dst=True))
    world.bridge(port("p0", 1))
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.calm_down()
    assert world.late_complaints() == set()


def test_faults_of_logical_switches_that_are_not_bound_here_are_not_ours(world):
    world.tell(logical_switch(GREEN, None), refused(uuid(300), GREEN), remote_mac(of=GREEN))
    world.settle()
    assert world.complaints() == set()
    assert not any("green" in flow for flow in world.flows())


# Stations


def test_a_learned_station(world):
    world.see(MAC1, "p0")
    world.settle()
    assert {flow for flow in world.flows() if MAC1 in flow} == lines(f"""
        LEARNING DEFAULT eth_src={MAC1},metadata=red,reg0=0x1000: goto UNICAST (idle 300)
        UNICAST DEFAULT eth_dst={MAC1},metadata=red: set_field:0x1000->reg1,goto EGRESS
    """)


def test_a_learned_station_that_moves():
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {10: RED}))
    world.see(MAC1, "p0")
    world.settle()
    world.see(MAC1, "p1", 10)
    world.settle()
    assert {flow for flow in world.flows() if MAC1 in flow} == lines(f"""
        LEARNING DEFAULT eth_src={MAC1},metadata=red,reg0=0x200a: goto UNICAST (idle 300)
        UNICAST DEFAULT eth_dst={MAC1},metadata=red: set_field:0x200a->reg1,goto EGRESS
    """)


def test_a_learned_station_that_is_silent_is_forgotten(world):
    world.see(MAC1, "p0")
    world.settle()
    world.idle(MAC1, RED)
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())


def test_the_idle_flow_of_a_former_place_does_not_forget_a_station():
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: RED}))
    world.see(MAC1, "p0")
    world.settle()
    (former,) = (
        key
        for key in world.switch.flows.wanted
        if "eth_src" in dict(key.match) and dict(key.match)["eth_src"] == MAC1
    )
    world.see(MAC1, "p1")
    world.switch.flow_ended(former)
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))


def test_stations_go_with_their_binding():
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: RED}))
    world.see(MAC1, "p0")
    world.see(MAC2, "p1")
    world.physical(physical_switch(physical_port("p1", {0: RED})))
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())
    assert any(MAC2 in flow for flow in world.flows("UNICAST"))


@pytest.mark.parametrize(
    ("source_binding", "of"), [(0x2000, RED), (0x1000, BLUE), (0, RED)], ids=str
)
def test_frames_that_fit_no_binding_teach_nothing(world, source_binding, of):
    world.show(source_binding, world.logical_switches.number(of), MAC1)
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())


def test_a_placed_station_is_behind_its_tunnel():
    world = with_tunnel(remote_mac(MAC1, FAR))
    number = ofport(world, FAR)
    assert world.tunnels() == {(FAR, OWN)}
    assert world.flows("UNICAST", "TUNNEL") == lines(f"""
        UNICAST PREFERRED eth_dst={MAC1},metadata=red,reg3=0x0:
            set_field:10.0.0.2->reg2,goto ENCAPSULATION
        TUNNEL DEFAULT reg2=10.0.0.2: output:{number}
    """)


def test_a_placed_station_without_a_tunnel_waits_for_it(world):
    world.tell(remote_mac(MAC1, FAR))
    world.settle()
    assert world.tunnels() == {(FAR, OWN)}
    assert not world.switch.are_tunnels_up()
    assert not any(MAC1 in flow for flow in world.flows())
    world.make_tunnels()
    world.settle()
    assert world.switch.are_tunnels_up()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))


def test_the_nvcs_word_is_preferred_to_a_local_claim():
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.see(MAC1, "p0")
    world.settle()
    assert world.flows("UNICAST") == lines(f"""
        UNICAST DEFAULT eth_dst={MAC1},metadata=red: set_field:0x1000->reg1,goto EGRESS
        UNICAST PREFERRED eth_dst={MAC1},metadata=red,reg3=0x0:
            set_field:10.0.0.2->reg2,goto ENCAPSULATION
    """)


def test_a_placed_station_keeps_its_former_tunnel_until_the_new_one_is_up():
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.tell(remote_mac(MAC1, FURTHER))
    world.settle()
    assert any("10.0.0.2->reg2" in flow for flow in world.flows("UNICAST"))
    assert world.tunnels() == {(FAR, OWN), (FURTHER, OWN)}
    world.calm_down()
    assert any("10.0.0.3->reg2" in flow for flow in world.flows("UNICAST"))
    assert world.tunnels() == {(FURTHER, OWN)}


def test_a_station_placed_behind_ourselves_is_a_fault_and_no_flow(world):
    world.tell(remote_mac(MAC1, OWN))
    world.settle()
    assert world.complaints() == {
        f"Ucast_Macs_Remote {MAC1} in Logical_Switch red: "
        "its locator 10.0.0.1 is an address of this switch"
    }
    assert world.tunnels() == set()
    assert not any(MAC1 in flow for flow in world.flows())


def test_a_station_placed_twice_is_a_fault_until_it_is_placed_once():
    world = with_tunnel(remote_mac(MAC1, FAR, row=uuid(100)))
    world.tell(remote_mac(MAC1, FURTHER, row=uuid(101)))
    world.calm_down()
    assert world.complaints() == {
        f"Ucast_Macs_Remote {MAC1} in Logical_Switch red: "
        f"it is placed more than once; 10.0.0.2 is used and not row {uuid(101)}"
    }
    assert any("10.0.0.2->reg2" in flow for flow in world.flows("UNICAST"))
    world.tell(Gone(uuid(101)))
    world.settle()
    assert world.complaints() == set()


def test_a_station_that_is_placed_twice_at_one_vtep_is_no_fault_but_a_line():
    world = with_tunnel(remote_mac(MAC1, FAR, row=uuid(100)))
    world.tell(remote_mac(MAC1, FAR, key=7001, row=uuid(101)))
    world.settle()
    twice = {each for each in world.faults() if "more than once" in each.reason}
    assert {row_of(each) for each in twice} == {None}
    world.tell(remote_mac(MAC1, FURTHER, row=uuid(101)))
    world.settle()
    assert {row_of(each) for each in world.faults()} == {SWITCH, None}


def test_a_station_at_our_own_address_is_no_fault_while_another_switch_has_the_logical_switch():
    def second(*ports):
        return physical_switch(*ports, name="br1", row=uuid(0x5999), tunnel_ips=["10.0.0.11"])

    world = with_tunnel(remote_mac(MAC1, OWN))
    elsewhere = World(["br0", "br1"])
    assert world.complaints() == {
        f"Ucast_Macs_Remote {MAC1} in Logical_Switch red: "
        "its locator 10.0.0.1 is an address of this switch"
    }
    for binding, complaints in (
        ({0: BLUE}, world.complaints()),
        ({0: RED}, set()),
        ({}, world.complaints()),
        ({5: RED, 6: BLUE}, set()),
    ):
        row = second(physical_port("q0", binding))
        world.touch(world.model.update(row))
        world.settle()
        assert world.complaints() == complaints
    world.touch(world.model.update(Gone(uuid(0x5999))))
    world.settle()
    assert len(world.complaints()) == 1
    # That switch may be one of ours as well; what was known before either of them counts, too.
    elsewhere.tell(logical_switch(RED), remote_mac(MAC1, OWN))
    first = physical_switch(physical_port("p0", {0: RED}))
    for each in (first, second(physical_port("q0", {0: RED}))):
        elsewhere.bridge(port("p0", 1), port("q0", 2), name=each.name)
        elsewhere.physical(each, each.name)
    elsewhere.calm_down()
    assert elsewhere.complaints() == set()


def test_a_locator_with_another_key_than_its_logical_switch_is_a_line_and_no_fault():
    world = with_tunnel(remote_mac(MAC1, FAR, key=7001))
    assert world.complaints() == {
        "Logical_Switch red: its own key 5001 is used towards 10.0.0.2, and not the key 7001 of "
        "the locator; vtep(5) has one or the other"
    }
    assert {row_of(each) for each in world.faults()} == {None}
    assert "0x1389" in "".join(world.flows("ENCAPSULATION"))
    world.tell(remote_mac(MAC1, FAR, key=5001))
    world.settle()
    assert world.complaints() == set()
    world.tell(remote_mac(MAC1, FAR, key=7001), logical_switch(RED, None))
    world.settle()
    assert world.complaints() == set()


def test_a_fault_of_a_station_names_its_logical_switch_as_it_is_called_now(world):
    world.tell(remote_mac(MAC1, OWN))
    world.settle()
    world.tell(logical_switch(RED, name="rouge"))
    world.settle()
    (complaint,) = world.complaints()
    assert "Logical_Switch rouge" in complaint


def test_a_refused_row_is_a_fault_while_it_is_refused(world):
    world.tell(refused(uuid(300), RED, "x is not a MAC address"))
    world.settle()
    assert world.complaints() == {"row 300: x is not a MAC address"}
    world.tell(Gone(uuid(300)))
    world.settle()
    assert world.complaints() == set()


# Replication


def test_service_node_replication_watches_the_tunnels():
    world = with_tunnel(unknown_dst(FAR))
    number = ofport(world, FAR)
    assert world.flows("FLOODING") == lines("""
        FLOODING DEFAULT metadata=red,reg3=0x0: local(red),replication(red)
        FLOODING DEFAULT metadata=red,reg3=0x1: local(red)
    """)
    assert world.groups() == lines(f"""
        local(red) = set_field:0x1000->reg1,resubmit EGRESS
        replication(red) =
            first of watch_port:{number},set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            watch_group:alive,set_field:10.0.0.2->reg2,resubmit ENCAPSULATION
    """)


@pytest.mark.parametrize(("mac", "name"), [("unknown-dst", "unknown-dst"), (MULTICAST, MULTICAST)])
def test_locators_of_a_set_that_cannot_be_used_are_a_fault_and_the_others_count(mac, name):
    bad = remote_group(mac, FAR, refused=("'stt' is no encapsulation that we know",))
    world = with_tunnel(bad)
    assert world.complaints() == {
        f"Mcast_Macs_Remote {name} in Logical_Switch red: 'stt' is no encapsulation that we know"
    }
    assert {row_of(each) for each in world.faults() if not each.patience} == {SWITCH}
    assert any("10.0.0.2->reg2" in group for group in world.groups())
    world.tell(remote_group(mac, FAR))
    world.settle()
    assert world.complaints() == set()


def test_the_mode_of_replication_changes_while_running():
    world = with_tunnel(unknown_dst(FAR, FURTHER))
    world.tell(logical_switch(RED, 5001, source_node=True))
    world.settle()
    assert world.groups() == lines("""
        local(red) = set_field:0x1000->reg1,resubmit EGRESS
        replication(red) =
            set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            set_field:10.0.0.3->reg2,resubmit ENCAPSULATION
    """)
    world.tell(logical_switch(RED, 5001, source_node=False))
    world.settle()
    assert any("first of" in group for group in world.groups())


def test_our_own_address_among_the_targets_is_left_out():
    world = with_tunnel(logical_switch(RED, source_node=True), unknown_dst(OWN, FAR))
    assert world.tunnels() == {(FAR, OWN)}
    assert world.groups() == lines("""
        local(red) = set_field:0x1000->reg1,resubmit EGRESS
        replication(red) = set_field:10.0.0.2->reg2,resubmit ENCAPSULATION
    """)
    assert world.complaints() == set()


def test_new_targets_join_when_their_tunnel_is_up():
    world = with_tunnel(logical_switch(RED, source_node=True), unknown_dst(FAR))
    before = world.groups()
    world.tell(unknown_dst(FAR, FURTHER))
    world.settle()
    assert world.groups() == before
    world.make_tunnels()
    world.settle()
    assert any("10.0.0.3" in group for group in world.groups())


def test_the_last_target_stays_until_its_successor_is_up():
    world = with_tunnel(unknown_dst(FAR))
    world.tell(unknown_dst(FURTHER))
    world.settle()
    assert any("10.0.0.2" in group for group in world.groups())
    world.calm_down()
    assert not any("10.0.0.2" in group for group in world.groups())
    assert any("10.0.0.3" in group for group in world.groups())
    assert world.tunnels() == {(FURTHER, OWN)}


def test_what_waits_for_a_tunnel_follows_all_other_changes():
    world = with_tunnel(unknown_dst(FAR))
    world.tell(unknown_dst(FURTHER), logical_switch(RED, 6001), logical_switch(BLUE, 5001))
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: RED})))
    world.settle()
    assert "set_field:0x1771->tunnel_id" in "".join(world.flows("ENCAPSULATION"))
    assert "set_field:0x1389->tunnel_id" not in "".join(world.flows("ENCAPSULATION"))
    assert any("local(red)" in group and "0x100a" in group for group in world.groups())


def test_a_target_whose_tunnel_cannot_be_made_is_left_out_and_a_fault():
    world = a_world()
    world.tell(logical_switch(RED, source_node=True), unknown_dst(FAR, FURTHER))
    world.calm_down(outcome=lambda address: "error" if address == FAR else "up")
    assert world.switch.are_tunnels_up()
    assert world.complaints() == {
        "Physical_Switch br0: Open vSwitch cannot make the tunnel to 10.0.0.2: could not"
    }
    assert world.groups() == lines("""
        local(red) = set_field:0x1000->reg1,resubmit EGRESS
        replication(red) = set_field:10.0.0.3->reg2,resubmit ENCAPSULATION
    """)


# Tunnels


def test_tunnels_exist_for_what_bound_logical_switches_name():
    world = a_world()
    world.tell(
        remote_mac(MAC1, "10.0.0.10", row=uuid(100)),
        unknown_dst("10.0.0.11"),
        remote_group("01:00:5e:00:00:05", "10.0.0.12", row=uuid(102)),
        remote_mac(MAC1, "10.0.0.13", of=BLUE, row=uuid(103)),
    )
    world.settle()
    assert world.tunnels() == {
        ("10.0.0.10", OWN),
        ("10.0.0.11", OWN),
        ("10.0.0.12", OWN),
    }
    world.physical(physical_switch(physical_port("p0", {0: BLUE})))
    world.settle()
    assert world.tunnels() == {("10.0.0.13", OWN)}


def test_a_tunnel_goes_with_the_last_row_that_names_it():
    world = with_tunnel(remote_mac(MAC1, FAR, row=uuid(100)), unknown_dst(FAR, row=uuid(200)))
    world.tell(Gone(uuid(100)))
    world.settle()
    assert world.tunnels() == {(FAR, OWN)}
    world.tell(Gone(uuid(200)))
    world.settle()
    assert world.tunnels() == set()
    assert world.flows("TUNNEL", "DECAPSULATION") == set()


def test_a_tunnel_port_that_is_renumbered_is_followed():
    world = with_tunnel(unknown_dst(FAR))
    (tunnel,) = world.tunnel_ports()
    world.exactly(port("p0", 1), replace(tunnel, number=77, members=(77,)))
    world.settle()
    assert world.flows("TUNNEL") == lines("TUNNEL DEFAULT reg2=10.0.0.2: output:77")
    assert any("watch_port:77" in group for group in world.groups())


def test_a_tunnel_port_that_someone_removes_is_wanted_again():
    world = with_tunnel(unknown_dst(FAR))
    world.exactly(port("p0", 1), port("p1", 2), *world.ports_to_anyone())
    world.settle()
    assert not world.switch.are_tunnels_up()
    (difference,) = world.switch.tunnel_ports.differences()
    assert (difference.want.remote, difference.want.local) == (FAR, OWN)


def test_a_tunnel_port_that_someone_changed_is_mended():
    world = with_tunnel(unknown_dst(FAR))
    (tunnel,) = world.tunnel_ports()
    world.exactly(port("p0", 1), replace(tunnel, local="10.8.0.1"), *world.ports_to_anyone())
    world.settle()
    (difference,) = world.switch.tunnel_ports.differences()
    assert (difference.have.remote, difference.have.local) == (FAR, "10.8.0.1")
    assert (difference.want.remote, difference.want.local) == (FAR, OWN)


@pytest.mark.parametrize("remote", [None, "10.0.0.99"])
def test_a_port_with_our_mark_that_leads_elsewhere_is_removed(remote):
    world = a_world()
    world.exactly(port("p0", 1), port("vx", 9, is_ours=True, remote=remote), to_anyone())
    world.settle()
    (difference,) = world.switch.tunnel_ports.differences()
    assert (difference.key, difference.want) == ("vx", None)
    assert world.flows("TUNNEL") == set()


def test_a_port_of_someone_else_with_the_name_of_a_tunnel_is_a_fault_and_stays():
    world = a_world()
    name = world.switch.view[Tunnels].name(FAR, OWN)
    world.bridge(port("p0", 1), port(name, 9))
    world.tell(remote_mac(MAC1, FAR), unknown_dst(FAR, FURTHER))
    world.calm_down()
    assert world.complaints() == {
        "Physical_Switch br0: no tunnel to 10.0.0.2: someone else has a port with the name for it"
    }
    assert {remote for remote, _ in world.tunnels()} == {FURTHER}
    world.exactly(port("p0", 1), *world.tunnel_ports())
    world.calm_down()
    assert world.complaints() == set()
    assert {remote for remote, _ in world.tunnels()} == {FAR, FURTHER}
    assert any("10.0.0.2->reg2" in flow for flow in world.flows("UNICAST"))


def test_names_of_tunnel_ports_fit_and_do_not_clash():
    world = World(["br0", "br1", "b" * 200, "brücke 7"])
    world.tell(logical_switch(RED), unknown_dst("10.0.0.2", "10.0.0.3", "255.0.0.9"))
    for index, name in enumerate(world.switches):
        row = physical_switch(physical_port("p0", {0: RED}), name=name, row=uuid(0x5000 + index))
        world.physical(row, name)
        world.bridge(port("p0", 1), name=name)
    world.settle()
    names = [name for each in world.switches.values() for name in each.tunnel_ports.wanted]
    assert len(names) == len(set(names)) == 16
    assert all(len(name.encode()) <= 15 for name in names)


def test_physical_ports_are_the_ports_that_are_no_tunnels():
    world = with_tunnel(unknown_dst(FAR))
    assert len(world.switch.bridge.ports) == 4
    assert world.switch.physical_ports() == {"p0", "p1"}
    world.no_bridge()
    assert world.switch.physical_ports() == set()


def test_a_bridge_that_comes_back_is_like_a_new_one():
    world = with_tunnel(unknown_dst(FAR))
    world.see(MAC1, "p0")
    world.settle()
    world.no_bridge()
    world.bridge(port("p0", 1))
    world.calm_down()
    assert not any(MAC1 in flow for flow in world.flows())
    assert world.summary() == world.anew_settled().summary()


def test_a_tunnel_that_is_held_goes_when_its_station_is_placed_behind_ourselves():
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.tell(remote_mac(MAC1, FURTHER))
    world.settle()
    world.tell(remote_mac(MAC1, OWN))
    world.calm_down()
    assert world.tunnels() == set()


def test_a_tunnel_that_is_held_goes_with_the_row_of_the_switch():
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.tell(remote_mac(MAC1, FURTHER))
    world.settle()
    row = world.switch.physical
    world.physical(None)
    world.settle()
    world.tell(Gone(uuid(0x1000)))
    world.settle()
    world.physical(row)
    world.calm_down()
    assert world.tunnels() == set()


def test_a_target_that_is_held_goes_when_it_becomes_our_own_address():
    world = with_tunnel(unknown_dst(FAR))
    world.tell(unknown_dst(FURTHER))
    world.settle()
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=[OWN, FAR]))
    world.settle()
    assert {remote for remote, _ in world.tunnels()} == {FURTHER}
    assert not any(FAR in group for group in world.groups())


# Tunnel rows and BFD


def test_every_locator_in_use_has_a_tunnel_row():
    world = with_tunnel(
        remote_mac(MAC1, FAR), remote_mac(MAC2, FAR, key=7001, row=uuid(101)), unknown_dst(FURTHER)
    )
    rows = world.switch.rows[TunnelTo].wanted
    assert set(rows) == {
        TunnelTo(locator(FAR).uuid),
        TunnelTo(locator(FAR, 7001).uuid),
        TunnelTo(locator(FURTHER).uuid),
    }
    assert {report.local for report in rows.values()} == {OWN}
    assert {tuple(report.bfd_status) for report in rows.values()} == {()}
    world.tell(Gone(uuid(101)))
    world.settle()
    assert set(rows) == {TunnelTo(locator(FAR).uuid), TunnelTo(locator(FURTHER).uuid)}


def test_bfd_is_switched_on_by_the_row_and_reported_there():
    world = with_tunnel(unknown_dst(FAR))
    bound = physical_port("p0", {0: RED})
    row = tunnel_row(FAR, bfd_params={"enable": "true", "min_rx": "300"})
    world.physical(physical_switch(bound, tunnels=(row,)))
    world.calm_down()
    (tunnel,) = world.tunnel_ports()
    assert tunnel.bfd["enable"] == "true"
    assert tunnel.bfd["min_rx"] == "300"
    world.exactly(port("p0", 1), replace(tunnel, bfd_status={"state": "up", "forwarding": "true"}))
    world.settle()
    (report,) = world.switch.rows[TunnelTo].wanted.values()
    assert report.bfd_status == {"enabled": "true", "state": "up", "forwarding": "true"}
    world.physical(physical_switch(bound, tunnels=(tunnel_row(FAR),)))
    world.calm_down()
    assert world.tunnel_ports()[0].bfd == {}
    (report,) = world.switch.rows[TunnelTo].wanted.values()
    assert report.bfd_status == {}


def test_bad_bfd_parameters_are_a_fault_and_the_others_hold():
    world = with_tunnel(unknown_dst(FAR))
    row = tunnel_row(FAR, bfd_params={"enable": "true", "min_rx": "soon", "min_tx": "200"})
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnels=(row,)))
    world.calm_down()
    (complaint,) = world.complaints()
    assert complaint.startswith("Physical_Switch br0: tunnel to 10.0.0.2: ")
    assert "'soon'" in complaint
    assert world.tunnel_ports()[0].bfd["min_tx"] == "200"


@pytest.mark.parametrize(("source_node", "is_said"), [(False, True), (True, False)])
def test_it_is_said_when_all_service_nodes_are_down(source_node, is_said):
    world = with_tunnel(logical_switch(RED, source_node=source_node), unknown_dst(FAR, FURTHER))
    tunnels = world.tunnel_ports()
    down = {"state": "down", "forwarding": "false"}
    world.exactly(port("p0", 1), *(replace(each, bfd_status=down) for each in tunnels))
    world.settle()
    complaint = (
        "Logical_Switch red: all its service nodes are down by BFD; frames still go to one of them"
    )
    assert world.complaints() == ({complaint} if is_said else set())
    world.exactly(port("p0", 1), tunnels[0], replace(tunnels[1], bfd_status=down))
    world.settle()
    assert world.complaints() == set()


# Multicast


def test_a_multicast_address_has_targets_of_its_own():
    world = with_tunnel(
        logical_switch(RED, source_node=True),
        unknown_dst(FAR),
        remote_group(MULTICAST, FURTHER, row=uuid(300)),
    )
    (group,) = (each for each in world.groups() if each.startswith("multicast"))
    assert group.endswith(" = set_field:10.0.0.3->reg2,resubmit ENCAPSULATION")
    name = group.split()[0]
    assert world.flows("FLOODING") == lines(f"""
        FLOODING DEFAULT metadata=red,reg3=0x0: local(red),replication(red)
        FLOODING DEFAULT metadata=red,reg3=0x1: local(red)
        FLOODING PREFERRED eth_dst={MULTICAST},metadata=red,reg3=0x0: local(red),{name}
    """)
    world.tell(Gone(uuid(300)))
    world.calm_down()
    assert len(world.flows("FLOODING")) == 2
    assert not any(each.startswith("multicast") for each in world.groups())


def test_a_multicast_address_follows_the_mode_of_replication():
    world = with_tunnel(remote_group(MULTICAST, FAR, FURTHER))
    assert any("first of" in each for each in world.groups())
    world.tell(logical_switch(RED, source_node=True))
    world.settle()
    assert not any("first of" in each for each in world.groups())


def test_without_unknown_dst_frames_may_go_to_all_that_the_nvc_names():
    world = World(settings=Settings(flood_without_unknown_dst=True))
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    assert any("10.0.0.2->reg2" in group for group in world.groups())
    world.tell(unknown_dst(FURTHER, row=uuid(300)))
    world.calm_down()
    assert not any("10.0.0.2->reg2" in group for group in world.groups())
    world.tell(Gone(uuid(300)))
    world.calm_down()
    assert any("10.0.0.2->reg2" in group for group in world.groups())


def test_without_unknown_dst_frames_stay_at_home_unless_the_operator_wants_otherwise():
    world = with_tunnel(remote_mac(MAC1, FAR))
    assert not any("10.0.0.2->reg2" in group for group in world.groups())


# Keys of locators


def test_the_key_of_a_locator_holds_where_the_logical_switch_has_none():
    world = with_tunnel(logical_switch(RED, None), remote_mac(MAC1, FAR, key=7001))
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1b59:
            set_field:red->metadata,set_field:0x1->reg3,goto UNICAST
        ENCAPSULATION PREFERRED metadata=red,reg2=10.0.0.2:
            set_field:0x1b59->tunnel_id,goto TUNNEL
    """)
    assert world.complaints() == set()


def test_without_a_key_of_its_own_a_logical_switch_floods_to_locators_with_one():
    world = with_tunnel(
        logical_switch(RED, None, source_node=True),
        unknown_dst(FAR, row=uuid(300)),
        unknown_dst(FURTHER, key=7001, row=uuid(301)),
    )
    assert any("10.0.0.3->reg2" in group for group in world.groups())
    assert not any("10.0.0.2->reg2" in group for group in world.groups())
    world.tell(logical_switch(RED, 5001, source_node=True))
    world.calm_down()
    assert any("10.0.0.2->reg2" in group for group in world.groups())


def test_a_key_that_is_shared_altogether_is_not_a_fault_at_each_vtep_as_well():
    world = a_world(physical_port("p0", {0: RED, 10: BLUE}))
    world.tell(
        logical_switch(BLUE, 5001),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC1, FAR, of=BLUE, row=uuid(101)),
    )
    world.calm_down()
    assert world.complaints() == {
        f"Logical_Switch {one}: its tunnel key is also that of {other}; none of them uses it"
        for one, other in [("red", "blue"), ("blue", "red")]
    }


def test_two_logical_switches_share_a_tunnel_with_different_keys():
    world = a_world(physical_port("p0", {0: RED, 10: BLUE}))
    world.tell(
        logical_switch(RED, None),
        logical_switch(BLUE, None),
        remote_mac(MAC1, FAR, key=7001, row=uuid(100)),
        remote_mac(MAC1, FAR, key=7002, of=BLUE, row=uuid(101)),
    )
    world.calm_down()
    assert world.tunnels() == {(FAR, OWN)}
    assert len(world.flows("DECAPSULATION")) == len(world.flows("ENCAPSULATION")) == 2


def test_the_same_key_at_one_vtep_is_a_fault_of_both():
    world = a_world(physical_port("p0", {0: RED, 10: BLUE}))
    world.tell(
        logical_switch(RED, None),
        remote_mac(MAC1, FAR, key=5002, row=uuid(100)),
        remote_mac(MAC1, FAR, of=BLUE, row=uuid(101)),
        remote_mac(MAC2, FURTHER, of=BLUE, row=uuid(102)),
    )
    world.calm_down()
    assert world.complaints() == {
        f"Logical_Switch {one}: its key at 10.0.0.2 is also that of {other}; "
        "none of them uses it there"
        for one, other in [("red", "blue"), ("blue", "red")]
    }
    assert world.flows("ENCAPSULATION", "DECAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x138a: drop
        DECAPSULATION DEFAULT reg2=10.0.0.3,tunnel_id=0x138a:
            set_field:blue->metadata,set_field:0x1->reg3,goto UNICAST
        ENCAPSULATION DEFAULT metadata=blue: set_field:0x138a->tunnel_id,goto TUNNEL
        ENCAPSULATION PREFERRED metadata=blue,reg2=10.0.0.2: drop
    """)


def test_several_keys_at_one_vtep_are_a_fault():
    world = with_tunnel(
        logical_switch(RED, None),
        remote_mac(MAC1, FAR, key=7001, row=uuid(100)),
        remote_mac(MAC2, FAR, key=7002, row=uuid(101)),
    )
    assert world.complaints() == {
        "Logical_Switch red: its locators for 10.0.0.2 have several keys; only the least is used"
    }
    assert "0x1b59" in "".join(world.flows("ENCAPSULATION"))


# Limits


def limited(**limits) -> World:
    """Return br0 with p0 untagged and p1 tagged 10 and 20 in red, and little room."""
    world = World(settings=Settings(**limits))
    world.tell(logical_switch(RED))
    row = physical_switch(physical_port("p0", {0: RED}), physical_port("p1", {10: RED, 20: RED}))
    world.physical(row)
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    return world


def test_a_port_learns_its_share_and_no_more():
    world = limited(max_local_macs_per_port=2)
    world.see(MAC1, "p1", 10)
    world.see(MAC2, "p1", 20)
    world.see(MAC3, "p1", 10)
    world.settle()
    assert not any(MAC3 in flow for flow in world.flows())
    assert {flow for flow in world.flows("LEARNING") if "LIMIT" in flow} == lines("""
        LEARNING LIMIT reg0=0x200a: goto UNICAST
        LEARNING LIMIT reg0=0x2014: goto UNICAST
    """)
    assert world.complaints() == {
        "Physical_Port p1 of br0: 2 MACs were learned, and no more can be"
    }
    row = next(each for each in world.switch.physical.ports if each.name == "p1")
    assert {(row_of(each), word_of(each)) for each in world.faults()} == {
        (row.uuid, "unspecified_fault")
    }
    world.see(MAC3, "p0")
    world.settle()
    assert any(MAC3 in flow for flow in world.flows("UNICAST"))


def test_a_port_learns_again_when_there_is_room():
    world = limited(max_local_macs_per_port=1)
    world.see(MAC1, "p0")
    world.settle()
    world.idle(MAC1, RED)
    world.settle()
    assert world.complaints() == set()
    world.see(MAC2, "p0")
    world.settle()
    assert any(MAC2 in flow for flow in world.flows("UNICAST"))


def test_a_full_port_whose_row_goes_and_comes_back_has_room():
    world = limited(max_local_macs_per_port=1)
    row = world.switch.physical
    world.see(MAC1, "p0")
    world.settle()
    world.physical(physical_switch(physical_port("p1", {10: RED, 20: RED})))
    world.settle()
    world.physical(row)
    world.settle()
    assert world.complaints() == set()
    assert not any("LIMIT" in flow for flow in world.flows())


def test_a_station_of_a_full_logical_switch_may_move():
    world = limited(max_local_macs=1)
    world.see(MAC1, "p0")
    world.settle()
    pipeline = Pipeline(world.flow_values(), world.group_values())
    assert len(pipeline.send(Frame(2, MAC1, MAC2, (10,))).shown) == 1
    assert pipeline.send(Frame(2, MAC2, MAC1, (10,))).shown == []
    assert pipeline.send(Frame(1, MAC1, MAC2)).shown == []
    assert pipeline.send(Frame(2, MAC1, MAC2, (10,), length=16385)).shown == []
    world.see(MAC1, "p1", 10)
    world.settle()
    assert "EGRESS" in "".join(world.flows("UNICAST"))
    assert any("reg0=0x200a" in flow for flow in world.flows("LEARNING"))


def test_a_logical_switch_learns_its_share_and_no_more():
    world = limited(max_local_macs=2)
    for mac in (MAC1, MAC2, MAC3):
        world.see(mac, "p0")
    world.settle()
    assert not any(MAC3 in flow for flow in world.flows())
    assert "LEARNING LIMIT metadata=red: goto UNICAST" in world.flows()
    assert world.complaints() == {"Logical_Switch red: 2 MACs were learned, and no more can be"}
    assert {word_of(each) for each in world.faults()} == {"mac_table_exhaustion"}
    world.idle(MAC1, RED)
    world.settle()
    assert world.complaints() == set()
    assert not any("LIMIT" in flow for flow in world.flows())


def test_there_are_no_more_tunnels_than_allowed():
    world = World(settings=Settings(max_tunnels=1))
    world.tell(logical_switch(RED, source_node=True), unknown_dst(FAR, FURTHER))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    assert world.tunnels() == {(FAR, OWN)}
    assert world.switch.are_tunnels_up()
    assert world.complaints() == {"Physical_Switch br0: no tunnel to 10.0.0.3: there are 1 already"}
    assert {word_of(each) for each in world.faults()} == {"tunnel_exhaustion"}
    world.tell(unknown_dst(FURTHER))
    world.calm_down()
    assert world.tunnels() == {(FURTHER, OWN)}
    assert world.complaints() == set()
    assert any("10.0.0.3->reg2" in group for group in world.groups())


def test_a_tunnel_that_was_one_too_many_is_made_when_another_goes():
    world = World(settings=Settings(max_tunnels=1))
    world.tell(
        logical_switch(RED),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC2, FURTHER, row=uuid(101)),
    )
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    assert world.tunnels() == {(FAR, OWN)}
    world.tell(Gone(uuid(100)))
    world.calm_down()
    assert world.tunnels() == {(FURTHER, OWN)}
    assert world.complaints() == set()


def test_a_tunnel_that_is_there_is_not_given_up_for_another():
    world = World(settings=Settings(max_tunnels=1))
    world.tell(logical_switch(RED), unknown_dst(FURTHER))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    world.tell(unknown_dst(FAR, FURTHER))
    world.calm_down()
    assert world.tunnels() == {(FURTHER, OWN)}
    assert world.summary() == world.anew_settled().summary()


# Layer 3 and access lists, which there are none of yet


def test_a_router_of_a_bound_logical_switch_is_a_fault():
    world = a_world()
    world.tell(logical_router(RED, BLUE))
    world.settle()
    assert world.complaints() == {"Logical_Router lr0: logical routers are not supported"}
    assert {word_of(each) for each in world.faults()} == {"lr_support_fault"}
    world.tell(logical_router(BLUE))
    world.settle()
    assert world.complaints() == set()


def test_access_lists_of_a_port_are_a_fault_of_the_port():
    bound = physical_port("p0", {0: RED}, has_acls=True)
    world = a_world(bound)
    (fault,) = world.faults()
    assert (row_of(fault), word_of(fault)) == (bound.uuid, "invalid_ACL_binding")


# What the switch says it has


def test_a_switch_that_has_all_that_is_wanted_differs_in_nothing():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    flows = {flow.key: flow for flow in world.flow_values()}
    groups = {group.id: group for group in world.group_values()}
    world.read_back(flows, groups)
    assert world.switch.flows.settled()
    assert world.switch.groups.settled()


def test_very_many_flows_are_read_back_in_parts(monkeypatch):
    monkeypatch.setattr(switch_state, "MAX_FLOWS", 5)
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    flows = {flow.key: flow._replace() for flow in world.flow_values()}
    parts = sum(1 for _ in world.switch.read_back(flows, {}))
    assert parts == len(flows) // 5
    assert world.switch.flows.settled()
    fewer = dict(list(flows.items())[:5])
    assert sum(1 for _ in world.switch.read_back(fewer, {})) == len(flows) // 5 + 1
    assert world.switch.flows.actual == fewer


def test_what_is_read_back_and_wanted_is_not_kept_twice():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    copies = [flow._replace(key=flow.key._replace()) for flow in world.flow_values()]
    world.read_back({flow.key: flow for flow in copies}, {})
    for key, flow in world.switch.flows.actual.items():
        assert flow is world.switch.flows.wanted[key]
        assert key is flow.key


def test_a_new_process_learns_the_stations_that_the_switch_knows():
    former = a_world()
    former.see(MAC1, "p0")
    former.settle()
    world = a_world()
    world.read_back({flow.key: flow for flow in former.flow_values()}, {})
    world.settle()
    assert world.flows() == former.flows()


def test_what_the_switch_knows_of_other_bindings_is_cleaned_away():
    former = a_world(physical_port("p1", {0: RED}))
    former.see(MAC1, "p1")
    former.settle()
    world = a_world()
    world.read_back({flow.key: flow for flow in former.flow_values()}, {})
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())
    unwanted = {each.key for each in world.switch.flows.differences() if each.want is None}
    assert any(dict(key.match).get("eth_src") == MAC1 for key in unwanted)


def test_a_station_that_went_idle_while_nobody_listened_is_forgotten(world):
    world.see(MAC1, "p0")
    world.settle()
    flows = {flow.key: flow for flow in world.flow_values()}
    world.read_back(flows, {})
    known = [key for key in flows if dict(key.match).get("eth_src") == MAC1]
    world.read_back({key: flow for key, flow in flows.items() if key not in known}, {})
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())


def test_a_switch_that_lost_everything_loses_no_station(world):
    world.see(MAC1, "p0")
    world.settle()
    world.read_back({flow.key: flow for flow in world.flow_values()}, {})
    world.read_back({}, {})
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("LEARNING"))


# The cost


def counting(features, counts):
    """Return features that count how often owners of each kind are worked out."""

    def counted(owner):
        def compute(*args):
            counts[owner.key] += 1
            return owner.compute(*args)

        return replace(owner, compute=compute)

    return [replace(each, owners=tuple(map(counted, each.owners))) for each in features]


def test_a_change_works_out_only_what_it_touches():
    counts = Counter()
    world = World(features=counting(FEATURES, counts))
    world.tell(logical_switch(RED))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.tell(*(remote_mac(f"02:00:00:00:{n:02x}:00", FAR, row=uuid(100 + n)) for n in range(200)))
    counts.clear()
    world.calm_down()
    assert counts[Placed] >= 200
    counts.clear()
    world.tell(remote_mac(MAC1, FAR, row=uuid(301)))
    world.settle()
    assert counts == {Placed: 1}
    counts.clear()
    world.see(MAC2, "p0")
    world.settle()
    assert counts == {Learned: 1}
    counts.clear()
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    assert counts == {}


def test_very_many_stations_are_worked_out_in_turns_of_their_own(monkeypatch):
    world = a_world()
    world.tell(*(remote_mac(f"02:00:00:00:{n:02x}:00", FAR, row=uuid(n)) for n in range(100, 200)))
    world.calm_down()
    expected = world.summary()
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 30)
    other = world.anew()
    turns = 0
    while other.switch.is_behind:
        other.settle()
        turns += 1
    assert turns == 4
    assert other.summary() == expected


def test_news_does_not_wait_behind_very_many_stations(monkeypatch, world):
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 2)
    world.tell(*(remote_mac(f"02:00:00:00:{n:02x}:00", FAR, row=uuid(n)) for n in range(100, 110)))
    world.settle()
    world.see(MAC1, "p0")
    world.settle()
    assert world.switch.is_behind
    assert any(MAC1 in flow for flow in world.flows("LEARNING"))


def test_a_flow_that_passes_on_late_is_not_lost(monkeypatch):
    """A logical switch takes the number of another one, and with it the flow of a station."""
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 1)
    numbers = StableIds(2)
    small, large = next(
        (small, large)
        for small, large in itertools.combinations(map(uuid, range(1, 20)), 2)
        if numbers._hash(small, 0) == numbers._hash(large, 0)
    )
    world = World(limit=2)
    for switch in world.switches.values():
        switch.flows = DesiredActual()  # for a while two causes want one flow
    bindings = physical_port("p0", {0: small, 10: large})
    world.tell(logical_switch(large), unknown_dst(FAR, of=large))
    world.physical(physical_switch(bindings))
    world.bridge(port("p0", 1))
    world.tell(remote_mac(MAC1, FAR, of=large, row=uuid(100)))
    world.tell(remote_mac(MAC1, FURTHER, of=small, row=uuid(101)))
    world.calm_down()
    world.tell(logical_switch(small))
    world.calm_down()
    assert world.summary() == world.anew_settled().summary()


def test_a_change_that_ends_where_it_began_is_no_difference():
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    world.read_back(
        {flow.key: flow for flow in world.flow_values()},
        {group.id: group for group in world.group_values()},
    )
    world.tell(logical_switch(RED, 6001))
    world.settle()
    assert not world.switch.flows.settled()
    world.tell(logical_switch(RED, 5001))
    world.settle()
    assert world.switch.flows.settled()
