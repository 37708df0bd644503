"""What every managed bridge has, and what is wrong with its Physical_Switch."""

from dataclasses import replace

from vtep_ofapp.features.bridge import HostLooked
from vtep_ofapp.process.settings import Settings

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    SWITCH,
    logical_router,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    row_of,
    unknown_dst,
    uuid,
    word_of,
)
from .reading import lines
from .switch_worlds import a_world, ofport, with_tunnel
from .world import World

# The switch itself


def test_a_switch_without_bindings_wants_the_frame_of_the_pipeline() -> None:
    world = World()
    world.physical(physical_switch())
    world.bridge(port("p0", 1))
    world.settle()
    no_tag_inside = {
        f"{table} FORBIDDEN {tag}: drop"
        for table in ("DECAPSULATION", "ENCAPSULATION")
        for tag in ("vlan_vid=0x1000/0x1000", "eth_type=0x8100", "eth_type=0x88a8")
    }
    shown = {flow for flow in world.flows() if flow.startswith(("SNOOPING F", "SNOOPING P"))}
    assert world.flows() - no_tag_inside - shown == lines("""
        ADMISSION FORBIDDEN eth_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0: drop
        ADMISSION MISS any: drop
        DECAPSULATION MISS any: drop
        ENCAPSULATION MISS any: drop
        TUNNEL MISS any: drop
        LEARNING FORBIDDEN eth_src=01:00:00:00:00:00/01:00:00:00:00:00: drop
        LEARNING FORBIDDEN eth_src=00:00:00:00:00:00: drop
        LEARNING MISS any: resubmit MEASURING,set_field:0x1->reg11,goto SNOOPING
        SNOOPING MISS any: goto RESOLUTION
        RESOLUTION MISS any: goto ROUTER
        ROUTER MISS any: goto UNICAST
        REMOTE_FLOODING MISS any: drop
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


def test_a_switch_without_a_row_wants_nothing() -> None:
    world = World()
    world.bridge(port("p0", 1))
    world.settle()
    assert world.flows() == set()


def test_a_switch_that_loses_its_row_wants_nothing_any_more() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR, FURTHER))
    world.see(MAC2, "p0")
    world.settle()
    world.physical(None)
    world.settle()
    assert world.flows() == world.groups() == set()
    assert world.tunnels() == set()
    assert world.complaints() == set()


def test_a_switch_whose_row_comes_back_wants_the_same_as_before() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR, FURTHER))
    before, row = world.summary(), world.switch.physical
    world.physical(None)
    world.settle()
    world.physical(row)
    world.calm_down()
    after = world.summary()
    assert after["tunnels of br0"] == before["tunnels of br0"]
    assert after == world.restarted_and_settled().summary()


def test_a_switch_without_tunnel_ips_says_so_and_switches_locally() -> None:
    world = a_world(tunnel_ips=())
    world.tell(remote_mac(MAC1, FAR), unknown_dst(FAR))
    world.settle()
    assert world.complaints() == {
        "Physical_Switch br0: it has no usable tunnel_ips, so there are no tunnels: "
        "vtep-ctl set Physical_Switch br0 tunnel_ips=ADDRESS"
    }
    assert world.tunnels() == set()
    assert world.flows("FLOODING") == lines("""
        FLOODING DEFAULT metadata=red: local(red),goto REMOTE_FLOODING
    """)


def test_of_several_tunnel_ips_frames_leave_by_the_first_and_come_in_by_all() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), tunnel_ips=("10.0.0.1", "10.9.0.1"))
    assert world.switch.view.tunnel_ip == "10.0.0.1"
    assert world.tunnels() == {(FAR, "10.0.0.1"), (FAR, "10.9.0.1")}
    numbers = {each.local: each.number for each in world.tunnel_ports()}
    assert world.flows("TUNNEL") == lines(f"""
        TUNNEL DEFAULT reg2=10.0.0.2: output:{numbers["10.0.0.1"]}
    """)
    assert world.flows("ADMISSION") >= {
        f"ADMISSION DEFAULT in_port={number}: set_field:10.0.0.2->reg2,goto DECAPSULATION"
        for number in numbers.values()
    }


def test_every_tunnel_ip_is_our_own_address() -> None:
    world = a_world(tunnel_ips=("10.0.0.1", "10.9.0.1"))
    world.tell(unknown_dst("10.9.0.1", FAR))
    world.settle()
    assert {remote for remote, _ in world.tunnels()} == {FAR}


def test_a_tunnel_from_the_former_tunnel_ip_stays_until_the_new_one_is_up() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR), unknown_dst(FAR))
    former = ofport(world, FAR)
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=["10.7.0.1"]))
    world.settle()
    assert world.tunnels() == {(FAR, OWN), (FAR, "10.7.0.1")}
    assert world.flows("TUNNEL") == lines(f"TUNNEL DEFAULT reg2=10.0.0.2: output:{former}")
    assert any(f"in_port={former}:" in flow for flow in world.flows("ADMISSION"))
    assert any(f"watch_port:{former}," in group for group in world.groups())
    world.calm_down()
    assert world.tunnels() == {(FAR, "10.7.0.1")}
    assert world.flows("TUNNEL") == lines(
        f"TUNNEL DEFAULT reg2=10.0.0.2: output:{ofport(world, FAR)}"
    )


def test_while_the_tunnels_move_to_a_new_tunnel_ip_no_group_watches_what_is_not_there() -> None:
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


def test_an_address_that_is_ours_no_more_is_that_of_another_vtep() -> None:
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


def test_a_new_tunnel_ip_moves_the_tunnels() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=["10.7.0.1"]))
    world.calm_down()
    assert world.tunnels() == {(FAR, "10.7.0.1")}


def test_bad_tunnel_ips_and_bindings_are_faults_of_switch_and_port() -> None:
    bad_port = physical_port("p0", {0: RED}, refused=("VLAN 4095 is outside of 0 to 4094",))
    world = a_world(bad_port, refused=("'x' is not an IP address",))
    assert world.complaints() == {
        "Physical_Switch br0: 'x' is not an IP address",
        "Physical_Port p0 of br0: VLAN 4095 is outside of 0 to 4094",
    }
    by_row = {row_of(each): word_of(each) for each in world.faults()}
    assert by_row == {SWITCH: "unspecified_fault", bad_port.uuid: "invalid_vlan_map"}


def test_faults_move_to_the_row_that_replaces_another() -> None:
    world = a_world()
    world.tell(remote_mac(MAC1, OWN))
    world.settle()
    world.physical(physical_switch(physical_port("p0", {0: RED}), row=uuid(0x5999)))
    world.settle()
    assert {row_of(each) for each in world.faults()} == {uuid(0x5999)}


def test_of_two_rows_for_a_port_the_other_one_is_a_fault() -> None:
    one, other = (physical_port("p0", {0: of}, uuid=uuid(n)) for n, of in [(1, RED), (2, BLUE)])
    world = a_world(other, one)
    assert world.complaints() == {
        f"Physical_Port p0 of br0: row {uuid(1)} has the same name and is used instead"
    }
    assert {row_of(each) for each in world.faults()} == {uuid(2)}


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


def test_a_tunnel_ip_that_the_host_does_not_have_is_said_when_that_lasts() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    with_interface(world)
    assert checked(world) == set()
    (line,) = checked(world, FAR)
    assert line == (
        "Physical_Switch br0: no interface of this host has the tunnel IP 10.0.0.1, and Open "
        "vSwitch sends nothing from it: ip addr add 10.0.0.1/PREFIX dev br-phy "
        "or vtep-ctl set Physical_Switch br0 tunnel_ips=ADDRESS"
    )
    assert {row_of(fault) for fault in world.faults()} == {None}
    assert checked(world, OWN) == set()
    assert checked(world) == set()


def test_nothing_is_said_of_the_addresses_of_another_host() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    for _ in range(3):
        assert checked(world) == set()
    with_interface(world)
    for _ in range(3):
        assert checked(world, is_here=False) == set()


def test_a_router_of_a_bound_logical_switch_is_a_fault_without_routing() -> None:
    world = a_world(settings=Settings(routing=False))
    world.tell(logical_router(RED, BLUE))
    world.settle()
    off = "the option routing is False, so that it has no effect"
    assert world.complaints() == {f"Logical_Router lr0: {off}"}
    assert {word_of(each) for each in world.faults()} == {"lr_support_fault"}
    world.tell(logical_router(BLUE))
    world.settle()
    assert world.complaints() == set()
