"""Tunnels, their rows, BFD, and frames from VTEPs that no row names."""

from dataclasses import replace

import pytest

from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.features.tunnels.rows import TunnelTo
from vtep_ofapp.pipeline.layout import Priority, Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.rows import ANYONE, Gone, TunnelPort

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    OWN,
    RED,
    locator,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_group,
    remote_mac,
    row_of,
    to_anyone,
    tunnel_row,
    unknown_dst,
    uuid,
)
from .reading import lines, read_flows
from .switch_worlds import a_world, with_tunnel
from .world import World

# Tunnels


def test_tunnels_exist_for_what_bound_logical_switches_name() -> None:
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


def test_a_tunnel_goes_with_the_last_row_that_names_it() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR, row=uuid(100)), unknown_dst(FAR, row=uuid(200)))
    world.tell(Gone(uuid(100)))
    world.settle()
    assert world.tunnels() == {(FAR, OWN)}
    world.tell(Gone(uuid(200)))
    world.settle()
    assert world.tunnels() == set()
    assert world.flows("TUNNEL", "DECAPSULATION") == set()


def test_a_tunnel_port_that_is_renumbered_is_followed() -> None:
    world = with_tunnel(unknown_dst(FAR))
    (tunnel,) = world.tunnel_ports()
    world.exactly(port("p0", 1), replace(tunnel, number=77, members=(77,)))
    world.settle()
    assert world.flows("TUNNEL") == lines("TUNNEL DEFAULT reg2=10.0.0.2: output:77")
    assert any("watch_port:77" in group for group in world.groups())


def ends(tunnel: TunnelPort | None) -> tuple[str, str]:
    """Return the remote and the local address of a tunnel port, which is there."""
    assert tunnel is not None
    return tunnel.remote, tunnel.local


def test_a_tunnel_port_that_someone_removes_is_wanted_again() -> None:
    world = with_tunnel(unknown_dst(FAR))
    world.exactly(port("p0", 1), port("p1", 2), *world.ports_to_anyone())
    world.settle()
    assert not world.switch.are_tunnels_up()
    (difference,) = world.switch.tunnel_ports.differences()
    assert ends(difference.want) == (FAR, OWN)


def test_a_tunnel_port_that_someone_changed_is_mended() -> None:
    world = with_tunnel(unknown_dst(FAR))
    (tunnel,) = world.tunnel_ports()
    world.exactly(port("p0", 1), replace(tunnel, local="10.8.0.1"), *world.ports_to_anyone())
    world.settle()
    (difference,) = world.switch.tunnel_ports.differences()
    assert ends(difference.have) == (FAR, "10.8.0.1")
    assert ends(difference.want) == (FAR, OWN)


@pytest.mark.parametrize("remote", [None, "10.0.0.99"])
def test_a_port_with_our_mark_that_leads_elsewhere_is_removed(remote: str) -> None:
    world = a_world()
    world.exactly(port("p0", 1), port("vx", 9, is_ours=True, remote=remote), to_anyone())
    world.settle()
    (difference,) = world.switch.tunnel_ports.differences()
    assert (difference.key, difference.want) == ("vx", None)
    assert world.flows("TUNNEL") == set()


def test_a_port_of_someone_else_with_the_name_of_a_tunnel_is_a_fault_and_stays() -> None:
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


def test_names_of_tunnel_ports_fit_and_do_not_clash() -> None:
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


def test_physical_ports_are_the_ports_that_are_no_tunnels() -> None:
    world = with_tunnel(unknown_dst(FAR))
    assert world.switch.bridge is not None
    assert len(world.switch.bridge.ports) == 4
    assert world.switch.view.physical_ports() == {"p0", "p1"}
    world.no_bridge()
    assert world.switch.view.physical_ports() == set()


def test_a_bridge_that_comes_back_is_like_a_new_one() -> None:
    world = with_tunnel(unknown_dst(FAR))
    world.see(MAC1, "p0")
    world.settle()
    world.no_bridge()
    world.bridge(port("p0", 1))
    world.calm_down()
    assert not any(MAC1 in flow for flow in world.flows())
    assert world.summary() == world.restarted_and_settled().summary()


def test_a_tunnel_that_is_held_goes_when_its_station_is_placed_behind_ourselves() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    world.tell(remote_mac(MAC1, FURTHER))
    world.settle()
    world.tell(remote_mac(MAC1, OWN))
    world.calm_down()
    assert world.tunnels() == set()


def test_a_tunnel_that_is_held_goes_with_the_row_of_the_switch() -> None:
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


def test_a_target_that_is_held_goes_when_it_becomes_our_own_address() -> None:
    world = with_tunnel(unknown_dst(FAR))
    world.tell(unknown_dst(FURTHER))
    world.settle()
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=[OWN, FAR]))
    world.settle()
    assert {remote for remote, _ in world.tunnels()} == {FURTHER}
    assert not any(FAR in group for group in world.groups())


# Tunnel rows and BFD


def test_every_locator_in_use_has_a_tunnel_row() -> None:
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


def test_bfd_is_switched_on_by_the_row_and_reported_there() -> None:
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


def test_bad_bfd_parameters_are_a_fault_and_the_others_hold() -> None:
    world = with_tunnel(unknown_dst(FAR))
    row = tunnel_row(FAR, bfd_params={"enable": "true", "min_rx": "soon", "min_tx": "200"})
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnels=(row,)))
    world.calm_down()
    (complaint,) = world.complaints()
    assert complaint.startswith("Physical_Switch br0: tunnel to 10.0.0.2: ")
    assert "'soon'" in complaint
    assert world.tunnel_ports()[0].bfd["min_tx"] == "200"


@pytest.mark.parametrize(("source_node", "is_said"), [(False, True), (True, False)])
def test_it_is_said_when_all_service_nodes_are_down(source_node: bool, is_said: bool) -> None:
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


# Frames from VTEPs that no row names


def unnamed(world: World) -> set[str]:
    """Return what becomes of frames with each VNI from senders that no row names."""
    place = Table.DECAPSULATION, Priority.FALLBACK
    flows = [each for each in world.flow_values() if each.key[:2] == place]
    return read_flows(flows, world.names())


def test_while_a_logical_switch_is_bound_there_is_a_port_for_senders_that_no_row_names() -> None:
    world = a_world(tunnel_ips=(OWN, "10.0.0.11"))
    world.calm_down()
    assert world.locals_to_anyone() == {OWN, "10.0.0.11"}
    numbers = {each.number for each in world.ports_to_anyone()}
    into = {f"ADMISSION DEFAULT in_port={number}: goto DECAPSULATION" for number in numbers}
    assert into <= world.flows()
    world.physical(physical_switch(physical_port("p0"), tunnel_ips=(OWN, "10.0.0.11")))
    world.calm_down()
    assert world.locals_to_anyone() == set()
    assert world.ports_to_anyone() == []
    world.physical(physical_switch(physical_port("p0", {0: RED}), tunnel_ips=()))
    world.calm_down()
    assert world.locals_to_anyone() == set()


def test_the_gate_does_not_wait_for_that_port_and_it_counts_for_no_limit() -> None:
    world = World(settings=Settings(max_tunnels=1))
    world.tell(logical_switch(RED), remote_mac(MAC1, FAR))
    world.physical(physical_switch(physical_port("p0", {0: RED})))
    world.bridge(port("p0", 1))
    world.settle()
    world.make_tunnels(outcome=lambda address: "later" if address == ANYONE else "up")
    world.settle()
    assert world.switch.are_tunnels_up()
    assert world.complaints() == set()


def test_where_another_bridge_has_that_port_it_is_said_and_no_fault() -> None:
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


def test_frames_that_no_row_lets_in_are_dropped_by_their_vni() -> None:
    world = with_tunnel(remote_mac(MAC1, FAR))
    assert unnamed(world) == {"DECAPSULATION FALLBACK tunnel_id=0x1389: drop"}
    world.tell(logical_switch(RED, None))
    world.settle()
    assert unnamed(world) == set()


def test_where_any_may_send_the_vni_decides() -> None:
    world = World(settings=Settings(accept_from="any"))
    world.tell(logical_switch(RED), logical_switch(BLUE, None), remote_mac(MAC1, FAR))
    ports = physical_port("p0", {0: RED, 10: BLUE})
    world.physical(physical_switch(ports))
    world.bridge(port("p0", 1))
    world.calm_down()
    let_in = lines("""
        DECAPSULATION FALLBACK tunnel_id=0x1389:
            set_field:red->metadata,set_field:0x1->reg3,goto RESOLUTION
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
