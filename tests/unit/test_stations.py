"""Stations that are learned, and those that the NVC places; how many are learned."""

from typing import Any
from uuid import UUID

import pytest

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import Gone, PhysicalPort, PhysicalSwitch

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    MAC3,
    OWN,
    RED,
    SWITCH,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    refused,
    remote_mac,
    row_of,
    unknown_dst,
    uuid,
    word_of,
)
from .reading import lines
from .switch_worlds import a_world, ofport, with_tunnel
from .walk import Frame, Pipeline
from .world import World


@pytest.fixture
def world() -> World:
    return a_world()


# Stations


def test_a_learned_station(world: World) -> None:
    world.see(MAC1, "p0")
    world.settle()
    assert {flow for flow in world.flows() if MAC1 in flow} == lines(f"""
        LEARNING DEFAULT eth_src={MAC1},metadata=red,reg0=0x1000: goto SNOOPING (idle 300)
        UNICAST DEFAULT eth_dst={MAC1},metadata=red: set_field:0x1000->reg1,goto EGRESS
    """)


def test_a_learned_station_that_moves() -> None:
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {10: RED}))
    world.see(MAC1, "p0")
    world.settle()
    world.see(MAC1, "p1", 10)
    world.settle()
    assert {flow for flow in world.flows() if MAC1 in flow} == lines(f"""
        LEARNING DEFAULT eth_src={MAC1},metadata=red,reg0=0x200a: goto SNOOPING (idle 300)
        UNICAST DEFAULT eth_dst={MAC1},metadata=red: set_field:0x200a->reg1,goto EGRESS
    """)


def test_a_learned_station_that_is_silent_is_forgotten(world: World) -> None:
    world.see(MAC1, "p0")
    world.settle()
    world.idle(MAC1, RED)
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())


def test_the_idle_flow_of_a_former_place_does_not_forget_a_station() -> None:
    world = a_world(physical_port("p0", {0: RED}), physical_port("p1", {0: RED}))
    world.see(MAC1, "p0")
    world.settle()
    (former,) = (
        key
        for key in world.switch.flows.wanted
        if "eth_src" in dict(key.match) and dict(key.match)["eth_src"] == MAC1
    )
    world.see(MAC1, "p1")
    world.switch.flows.ended(former)
    world.settle()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))


def test_stations_go_with_their_binding() -> None:
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
def test_frames_that_fit_no_binding_teach_nothing(
    world: World, source_binding: int, of: UUID
) -> None:
    number = world.logical_switches.number(of)
    assert number is not None
    world.show(source_binding, number, MAC1)
    world.settle()
    assert not any(MAC1 in flow for flow in world.flows())


def test_a_placed_station_is_behind_its_tunnel() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    number = ofport(world, FAR)
    assert world.tunnels() == {(FAR, OWN)}
    assert world.flows("UNICAST", "TUNNEL") == lines(f"""
        UNICAST PREFERRED eth_dst={MAC1},metadata=red,reg3=0x0:
            set_field:10.0.0.2->reg2,goto ENCAPSULATION
        TUNNEL DEFAULT reg2=10.0.0.2: output:{number}
    """)


def test_a_placed_station_without_a_tunnel_waits_for_it(world: World) -> None:
    world.tell(remote_mac(MAC1, FAR))
    world.settle()
    assert world.tunnels() == {(FAR, OWN)}
    assert not world.switch.are_tunnels_up()
    assert not any(MAC1 in flow for flow in world.flows())
    world.make_tunnels()
    world.settle()
    assert world.switch.are_tunnels_up()
    assert any(MAC1 in flow for flow in world.flows("UNICAST"))


def test_the_nvcs_word_is_preferred_to_a_local_claim() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.see(MAC1, "p0")
    world.settle()
    assert world.flows("UNICAST") == lines(f"""
        UNICAST DEFAULT eth_dst={MAC1},metadata=red: set_field:0x1000->reg1,goto EGRESS
        UNICAST PREFERRED eth_dst={MAC1},metadata=red,reg3=0x0:
            set_field:10.0.0.2->reg2,goto ENCAPSULATION
    """)


def test_a_placed_station_keeps_its_former_tunnel_until_the_new_one_is_up() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.tell(remote_mac(MAC1, FURTHER))
    world.settle()
    assert any("10.0.0.2->reg2" in flow for flow in world.flows("UNICAST"))
    assert world.tunnels() == {(FAR, OWN), (FURTHER, OWN)}
    world.calm_down()
    assert any("10.0.0.3->reg2" in flow for flow in world.flows("UNICAST"))
    assert world.tunnels() == {(FURTHER, OWN)}


def test_a_station_placed_behind_ourselves_is_a_fault_and_no_flow(world: World) -> None:
    world.tell(remote_mac(MAC1, OWN))
    world.settle()
    assert world.complaints() == {
        f"Ucast_Macs_Remote {MAC1} in Logical_Switch red: "
        "its locator 10.0.0.1 is an address of this switch"
    }
    assert world.tunnels() == set()
    assert not any(MAC1 in flow for flow in world.flows())


def test_a_station_placed_twice_is_a_fault_until_it_is_placed_once() -> None:
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


def test_a_station_that_is_placed_twice_at_one_vtep_is_no_fault_but_a_line() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR, row=uuid(100)))
    world.tell(remote_mac(MAC1, FAR, key=7001, row=uuid(101)))
    world.settle()
    twice = {each for each in world.faults() if "more than once" in each.reason}
    assert {row_of(each) for each in twice} == {None}
    world.tell(remote_mac(MAC1, FURTHER, row=uuid(101)))
    world.settle()
    assert {row_of(each) for each in world.faults()} == {SWITCH, None}


def test_a_station_at_our_own_address_is_no_fault_while_another_switch_has_the_logical_switch() -> (
    None
):
    def second(*ports: PhysicalPort) -> PhysicalSwitch:
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
        world.invalidate(world.model.update(row))
        world.settle()
        assert world.complaints() == complaints
    world.invalidate(world.model.update(Gone(uuid(0x5999))))
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


def test_a_locator_with_another_key_than_its_logical_switch_is_a_line_and_no_fault() -> None:
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


def test_a_fault_of_a_station_names_its_logical_switch_as_it_is_called_now(world: World) -> None:
    world.tell(remote_mac(MAC1, OWN))
    world.settle()
    world.tell(logical_switch(RED, name="rouge"))
    world.settle()
    (complaint,) = world.complaints()
    assert "Logical_Switch rouge" in complaint


def test_a_refused_row_is_a_fault_while_it_is_refused(world: World) -> None:
    world.tell(refused(uuid(300), RED, "x is not a MAC address"))
    world.settle()
    assert world.complaints() == {"row 300: x is not a MAC address"}
    world.tell(Gone(uuid(300)))
    world.settle()
    assert world.complaints() == set()


# Limits


def limited(**limits: Any) -> World:
    """Return br0 with p0 untagged and p1 tagged 10 and 20 in red, and little room."""
    world = World(settings=Settings(**limits))
    world.tell(logical_switch(RED))
    row = physical_switch(physical_port("p0", {0: RED}), physical_port("p1", {10: RED, 20: RED}))
    world.physical(row)
    world.bridge(port("p0", 1), port("p1", 2))
    world.settle()
    return world


def test_a_port_learns_its_share_and_no_more() -> None:
    world = limited(max_local_macs_per_port=2)
    world.see(MAC1, "p1", 10)
    world.see(MAC2, "p1", 20)
    world.see(MAC3, "p1", 10)
    world.settle()
    assert not any(MAC3 in flow for flow in world.flows())
    assert {flow for flow in world.flows("LEARNING") if "LIMIT" in flow} == lines("""
        LEARNING LIMIT reg0=0x200a: set_field:0x1->reg11,goto SNOOPING
        LEARNING LIMIT reg0=0x2014: set_field:0x1->reg11,goto SNOOPING
    """)
    assert world.complaints() == {"Physical_Port p1 of br0: the limit of 2 learned MACs is reached"}
    assert world.switch.physical is not None
    row = next(each for each in world.switch.physical.ports if each.name == "p1")
    assert {(row_of(each), word_of(each)) for each in world.faults()} == {
        (row.uuid, "unspecified_fault")
    }
    world.see(MAC3, "p0")
    world.settle()
    assert any(MAC3 in flow for flow in world.flows("UNICAST"))


def test_a_port_learns_again_when_there_is_room() -> None:
    world = limited(max_local_macs_per_port=1)
    world.see(MAC1, "p0")
    world.settle()
    world.idle(MAC1, RED)
    world.settle()
    assert world.complaints() == set()
    world.see(MAC2, "p0")
    world.settle()
    assert any(MAC2 in flow for flow in world.flows("UNICAST"))


def test_a_full_port_whose_row_goes_and_comes_back_has_room() -> None:
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


def test_a_station_of_a_full_logical_switch_may_move() -> None:
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


def test_a_logical_switch_learns_its_share_and_no_more() -> None:
    world = limited(max_local_macs=2)
    for mac in (MAC1, MAC2, MAC3):
        world.see(mac, "p0")
    world.settle()
    assert not any(MAC3 in flow for flow in world.flows())
    assert "LEARNING LIMIT metadata=red: set_field:0x1->reg11,goto SNOOPING" in world.flows()
    assert world.complaints() == {"Logical_Switch red: the limit of 2 learned MACs is reached"}
    assert {word_of(each) for each in world.faults()} == {"mac_table_exhaustion"}
    world.idle(MAC1, RED)
    world.settle()
    assert world.complaints() == set()
    assert not any("LIMIT" in flow for flow in world.flows())


def test_there_are_no_more_tunnels_than_allowed() -> None:
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


def test_a_tunnel_that_was_one_too_many_is_made_when_another_goes() -> None:
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


def test_a_tunnel_that_is_there_is_not_given_up_for_another() -> None:
    world = World(settings=Settings(max_tunnels=1))
    world.tell(logical_switch(RED), unknown_dst(FURTHER))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.calm_down()
    world.tell(unknown_dst(FAR, FURTHER))
    world.calm_down()
    assert world.tunnels() == {(FURTHER, OWN)}
    assert world.summary() == world.restarted_and_settled().summary()
