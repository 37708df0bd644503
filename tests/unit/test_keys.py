"""Tunnel keys as VNIs, and what is wrong with them."""

import pytest

from vtep_ofapp.pipeline.layout import MAX_BINDINGS
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    GREEN,
    MAC1,
    MAC2,
    MULTICAST,
    OWN,
    RED,
    SWITCH,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    refused,
    remote_group,
    remote_mac,
    row_of,
    unknown_dst,
    uuid,
)
from .reading import lines
from .switch_worlds import a_world, with_tunnel
from .world import World


@pytest.fixture
def world() -> World:
    return a_world()


# Keys


def test_the_key_is_the_vni_both_ways() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1389:
            set_field:red->metadata,set_field:0x1->reg3,goto RESOLUTION
        ENCAPSULATION DEFAULT metadata=red: set_field:0x1389->tunnel_id,goto TUNNEL
    """)
    world.tell(logical_switch(RED, 6001))
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1771:
            set_field:red->metadata,set_field:0x1->reg3,goto RESOLUTION
        ENCAPSULATION DEFAULT metadata=red: set_field:0x1771->tunnel_id,goto TUNNEL
    """)


def test_without_a_key_frames_stay_at_home() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    world.tell(logical_switch(RED, None))
    world.settle()
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == set()
    assert world.complaints() == {
        "Logical_Switch red: it has no tunnel key yet; it switches locally only"
    }
    assert {row_of(each) for each in world.faults()} == {None}


def test_a_bad_key_is_a_fault_of_the_switch(world: World) -> None:
    world.tell(logical_switch(RED, None, refused=("tunnel key -1 is outside of 0 to 16777215",)))
    world.settle()
    assert world.complaints() == {"Logical_Switch red: tunnel key -1 is outside of 0 to 16777215"}
    assert {row_of(each) for each in world.faults()} == {SWITCH}


def test_more_bindings_than_a_group_has_room_for_are_a_fault(world: World) -> None:
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


def test_a_shared_key_is_used_by_none_and_mended_for_both() -> None:
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


def test_a_key_of_a_logical_switch_that_is_not_bound_here_is_in_nobodys_way() -> None:
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


def test_two_logical_switches_with_one_key_at_different_switches_both_use_it() -> None:
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


def test_a_bound_port_that_is_away_is_no_fault() -> None:
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


def test_remote_macs_without_unknown_dst_are_said_after_a_while() -> None:
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


def test_who_floods_without_unknown_dst_is_told_nothing() -> None:
    world = World(settings=Settings(flood_without_unknown_dst=True))
    world.bridge(port("p0", 1))
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.calm_down()
    assert world.late_complaints() == set()


def test_faults_of_logical_switches_that_are_not_bound_here_are_not_ours(world: World) -> None:
    world.tell(logical_switch(GREEN, None), refused(uuid(300), GREEN), remote_mac(of=GREEN))
    world.settle()
    assert world.complaints() == set()
    assert not any("green" in flow for flow in world.flows())


# Keys of locators


def test_the_key_of_a_locator_holds_where_the_logical_switch_has_none() -> None:
    world = with_tunnel(logical_switch(RED, None), remote_mac(MAC1, FAR, key=7001))
    assert world.flows("DECAPSULATION", "ENCAPSULATION") == lines("""
        DECAPSULATION DEFAULT reg2=10.0.0.2,tunnel_id=0x1b59:
            set_field:red->metadata,set_field:0x1->reg3,goto RESOLUTION
        ENCAPSULATION PREFERRED metadata=red,reg2=10.0.0.2:
            set_field:0x1b59->tunnel_id,goto TUNNEL
    """)
    assert world.complaints() == set()


def test_without_a_key_of_its_own_a_logical_switch_floods_to_locators_with_one() -> None:
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


def test_a_key_that_is_shared_altogether_is_not_a_fault_at_each_vtep_as_well() -> None:
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


def test_two_logical_switches_share_a_tunnel_with_different_keys() -> None:
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


def test_the_same_key_at_one_vtep_is_a_fault_of_both() -> None:
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
            set_field:blue->metadata,set_field:0x1->reg3,goto RESOLUTION
        ENCAPSULATION DEFAULT metadata=blue: set_field:0x138a->tunnel_id,goto TUNNEL
        ENCAPSULATION PREFERRED metadata=blue,reg2=10.0.0.2: drop
    """)


def test_several_keys_at_one_vtep_are_a_fault() -> None:
    world = with_tunnel(
        logical_switch(RED, None),
        remote_mac(MAC1, FAR, key=7001, row=uuid(100)),
        remote_mac(MAC2, FAR, key=7002, row=uuid(101)),
    )
    assert world.complaints() == {
        "Logical_Switch red: its locators for 10.0.0.2 have several keys; only the least is used"
    }
    assert "0x1b59" in "".join(world.flows("ENCAPSULATION"))
