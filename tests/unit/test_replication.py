"""Broadcast, unknown unicast and multicast to remote VTEPs."""

import pytest

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MULTICAST,
    OWN,
    RED,
    SWITCH,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_group,
    remote_mac,
    row_of,
    unknown_dst,
    uuid,
)
from .reading import lines
from .switch_worlds import a_world, ofport, with_tunnel
from .world import World

# Replication


def test_service_node_replication_watches_the_tunnels() -> None:
    world = with_tunnel(unknown_dst(FAR))
    number = ofport(world, FAR)
    assert world.flows("FLOODING", "REMOTE_FLOODING") == lines("""
        FLOODING DEFAULT metadata=red: local(red),goto REMOTE_FLOODING
        REMOTE_FLOODING DEFAULT metadata=red,reg3=0x0: replication(red)
    """)
    assert world.groups() == lines(f"""
        local(red) = set_field:0x1000->reg1,resubmit EGRESS
        replication(red) =
            first of watch_port:{number},set_field:10.0.0.2->reg2,resubmit ENCAPSULATION |
            watch_group:alive,set_field:10.0.0.2->reg2,resubmit ENCAPSULATION
    """)


@pytest.mark.parametrize(("mac", "name"), [("unknown-dst", "unknown-dst"), (MULTICAST, MULTICAST)])
def test_locators_of_a_set_that_cannot_be_used_are_a_fault_and_the_others_count(
    mac: str, name: str
) -> None:
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


def test_the_mode_of_replication_changes_while_running() -> None:
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


def test_our_own_address_among_the_targets_is_left_out() -> None:
    world = with_tunnel(logical_switch(RED, source_node=True), unknown_dst(OWN, FAR))
    assert world.tunnels() == {(FAR, OWN)}
    assert world.groups() == lines("""
        local(red) = set_field:0x1000->reg1,resubmit EGRESS
        replication(red) = set_field:10.0.0.2->reg2,resubmit ENCAPSULATION
    """)
    assert world.complaints() == set()


def test_new_targets_join_when_their_tunnel_is_up() -> None:
    world = with_tunnel(logical_switch(RED, source_node=True), unknown_dst(FAR))
    before = world.groups()
    world.tell(unknown_dst(FAR, FURTHER))
    world.settle()
    assert world.groups() == before
    world.make_tunnels()
    world.settle()
    assert any("10.0.0.3" in group for group in world.groups())


def test_the_last_target_stays_until_its_successor_is_up() -> None:
    world = with_tunnel(unknown_dst(FAR))
    world.tell(unknown_dst(FURTHER))
    world.settle()
    assert any("10.0.0.2" in group for group in world.groups())
    world.calm_down()
    assert not any("10.0.0.2" in group for group in world.groups())
    assert any("10.0.0.3" in group for group in world.groups())
    assert world.tunnels() == {(FURTHER, OWN)}


def test_what_waits_for_a_tunnel_follows_all_other_changes() -> None:
    world = with_tunnel(unknown_dst(FAR))
    world.tell(unknown_dst(FURTHER), logical_switch(RED, 6001), logical_switch(BLUE, 5001))
    world.physical(physical_switch(physical_port("p0", {0: RED, 10: RED})))
    world.settle()
    assert "set_field:0x1771->tunnel_id" in "".join(world.flows("ENCAPSULATION"))
    assert "set_field:0x1389->tunnel_id" not in "".join(world.flows("ENCAPSULATION"))
    assert any("local(red)" in group and "0x100a" in group for group in world.groups())


def test_a_target_whose_tunnel_cannot_be_made_is_left_out_and_a_fault() -> None:
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


# Multicast


def test_a_multicast_address_has_targets_of_its_own() -> None:
    world = with_tunnel(
        logical_switch(RED, source_node=True),
        unknown_dst(FAR),
        remote_group(MULTICAST, FURTHER, row=uuid(300)),
    )
    (group,) = (each for each in world.groups() if each.startswith("multicast"))
    assert group.endswith(" = set_field:10.0.0.3->reg2,resubmit ENCAPSULATION")
    name = group.split()[0]
    assert world.flows("FLOODING", "REMOTE_FLOODING") == lines(f"""
        FLOODING DEFAULT metadata=red: local(red),goto REMOTE_FLOODING
        REMOTE_FLOODING DEFAULT metadata=red,reg3=0x0: replication(red)
        REMOTE_FLOODING PREFERRED eth_dst={MULTICAST},metadata=red,reg3=0x0: {name}
    """)
    world.tell(Gone(uuid(300)))
    world.calm_down()
    assert len(world.flows("FLOODING", "REMOTE_FLOODING")) == 2
    assert not any(each.startswith("multicast") for each in world.groups())


def test_a_multicast_address_follows_the_mode_of_replication() -> None:
    world = with_tunnel(remote_group(MULTICAST, FAR, FURTHER))
    assert any("first of" in each for each in world.groups())
    world.tell(logical_switch(RED, source_node=True))
    world.settle()
    assert not any("first of" in each for each in world.groups())


def test_without_unknown_dst_frames_may_go_to_all_that_the_nvc_names() -> None:
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


def test_without_unknown_dst_frames_stay_at_home_unless_the_operator_wants_otherwise() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    assert not any("10.0.0.2->reg2" in group for group in world.groups())
