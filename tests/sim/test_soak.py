"""The soak run: what it expects, that it finds what is wrong, and a short one of all."""

import os
import random
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sim.__main__ import parser
from sim.lab.delivery import Delivery
from sim.lab.namespaces import CommandFailed
from sim.lab.namespaces import run as command
from sim.soak import probing, verdict
from sim.soak.chance import Chance, draw
from sim.soak.failures import APPLICATIONS, ROUGH
from sim.soak.figures import AT_REST, Figures, at_rest, figures, growth, verdict_on_life
from sim.soak.hosts import PORTS
from sim.soak.lists import (
    DENY,
    EGRESS,
    ETHERTYPE_IPV4,
    ETHERTYPE_LAB,
    INGRESS,
    PERMIT,
    Entry,
    Header,
    permits,
)
from sim.soak.run import CALM, Soak, run
from sim.soak.shots import shots
from sim.soak.stage import Stage
from sim.soak.watching import Traffic, known_traffic
from sim.soak.world import (
    FAR_STATION,
    HOSTS,
    STEADY,
    UNKNOWN_DST,
    Binding,
    LogicalSwitch,
    World,
)
from sim.waiting import WaitFailed, wait_until
from sim.wire.frames import BROADCAST

HERE, THERE, TAGGED = Binding("p2", 0), Binding("p3", 0), Binding("p2", 10)


@pytest.fixture
def world() -> World:
    """A world with the logical switch red, on three bindings, with two remote VTEPs."""
    world = World()
    world.logical_switches["red"] = LogicalSwitch(
        "red",
        vni=101,
        bindings={HERE, THERE, TAGGED},
        remote={"02:40:00:00:00:00": "10.2.2.4"},
        groups={UNKNOWN_DST: {"10.2.2.2", "10.2.2.3"}},
    )
    return world


def allowed(world: World, **sought: object) -> list[Delivery]:
    """Return the deliveries of the one frame that has these values."""
    [shot] = [
        shot
        for shot in shots(world)
        if all(getattr(shot, name) == value for name, value in sought.items())
    ]
    return list(shot.allowed)


# What has to follow from what was asked for


def test_a_broadcast_reaches_every_other_binding_and_one_service_node(world: World) -> None:
    local = {"vm3": ["vlan 10"], "vm4": ["untagged"]}
    assert allowed(world, binding=HERE, dst=BROADCAST) == [
        {**local, "service-node": ["vni 101"]},
        {**local, "hypervisor": ["vni 101"]},
    ]


def test_with_source_node_it_reaches_all_of_them(world: World) -> None:
    world.logical_switches["red"].source_node = True
    [delivery] = allowed(world, binding=HERE, dst=BROADCAST)
    assert delivery.keys() == {"vm3", "vm4", "service-node", "hypervisor"}


def test_a_frame_from_a_tunnel_reaches_bindings_alone(world: World) -> None:
    [delivery] = allowed(world, endpoint="third", vni=101, dst=BROADCAST)
    assert delivery == {"vm3": ["untagged", "vlan 10"], "vm4": ["untagged"]}


def test_one_whose_sender_no_row_names_reaches_nobody(world: World) -> None:
    assert allowed(world, endpoint="fourth", vni=101, dst=BROADCAST) == [{}]


def test_two_with_one_vni_use_no_tunnels_and_that_is_a_fault(world: World) -> None:
    assert world.faults() == set()
    blue = world.logical_switches["blue"] = LogicalSwitch("blue", vni=101)
    assert world.faults() == set()  # it is bound nowhere
    blue.bindings.add(Binding(HERE.port, 77))
    assert world.faults() == {"unspecified_fault"}
    assert allowed(world, binding=HERE, dst=BROADCAST) == [
        {"vm3": ["vlan 10"], "vm4": ["untagged"]}
    ] * len(world.logical_switches["red"].groups[UNKNOWN_DST])
    entering = [shot for shot in shots(world) if (shot.endpoint, shot.vni) == ("third", 101)]
    assert [delivery for shot in entering for delivery in shot.allowed if delivery] == []
    assert BROADCAST in {shot.dst for shot in entering}


def test_the_nvcs_word_on_a_station_counts_more_than_where_it_is(world: World) -> None:
    world.logical_switches["red"].remote[THERE.resident] = "10.2.2.4"
    found = [shot for shot in shots(world) if shot.dst == THERE.resident and shot.binding]
    assert {shot.header.ethertype for shot in found} == {ETHERTYPE_LAB, ETHERTYPE_IPV4}
    assert all(shot.allowed == ({"third": ["vni 101"]},) for shot in found)


def test_a_logical_switch_without_bindings_has_no_tunnels(world: World) -> None:
    assert world.tunnels() == {"10.2.2.2", "10.2.2.3", "10.2.2.4"}
    world.remove_port("p2")
    world.remove_port("p3")
    assert world.tunnels() == {"10.2.2.2", "10.2.2.3"}
    assert set(world.stations()) == {
        (STEADY, "02:00:00:00:00:01"),
        (STEADY, "02:00:00:00:00:02"),
    }


def test_a_guest_is_met_again_where_it_may_still_be_known(world: World) -> None:
    red = world.logical_switches["red"]
    red.arrive("02:20:00:00:00:00", THERE)
    red.unbind(THERE)
    assert red.guests == {}
    red.bindings.add(THERE)
    world.meet_again({("red", "02:20:00:00:00:00")})
    assert red.guests == {"02:20:00:00:00:00": THERE}
    red.unbind(THERE)
    world.meet_again({("red", "02:20:00:00:00:00")})
    assert red.guests == {}


# Access lists and addresses


LAB = Header("02:00:00:00:00:01", THERE.resident)
UDP = Header("02:00:00:00:00:01", THERE.resident, ETHERTYPE_IPV4, "10.1.2.1", 9)


@pytest.mark.parametrize(
    ("columns", "header", "matches"),
    [
        ({}, LAB, True),
        ({"dest_mac": THERE.resident}, LAB, True),
        ({"source_mac": THERE.resident}, LAB, False),
        ({"ethertype": ETHERTYPE_IPV4}, LAB, False),
        ({"dest_net": "0.0.0.0/0"}, LAB, False),
        ({"dest_net": "10.1.0.0/16"}, UDP, True),
        ({"dest_net": "10.2.0.0/16"}, UDP, False),
        ({"dest_ports": (0, 65535)}, LAB, False),
        ({"dest_ports": (9, 9)}, UDP, True),
        ({"dest_ports": (10, 65535)}, UDP, False),
    ],
)
def test_what_an_entry_matches(columns: dict[str, Any], header: Header, matches: bool) -> None:
    deny = Entry(1, INGRESS, DENY, **columns)
    assert deny.matches(header) == matches
    assert permits([deny], INGRESS, header) != matches
    assert permits([deny], EGRESS, header)


def test_the_first_entry_decides_and_of_two_equal_ones_that_which_denies() -> None:
    deny, permit = Entry(5, INGRESS, DENY), Entry(5, INGRESS, PERMIT)
    assert not permits([permit, deny], INGRESS, LAB)
    assert permits([permit, Entry(6, INGRESS, DENY)], INGRESS, LAB)
    assert permits([], INGRESS, LAB)


def test_a_frame_is_stopped_where_it_enters_and_each_copy_where_it_leaves(world: World) -> None:
    world.lists["in"] = frozenset({Entry(1, INGRESS, DENY, dest_mac=BROADCAST)})
    world.list_bindings[HERE.port, 0] = "in"
    assert allowed(world, binding=HERE, dst=BROADCAST) == [{}]
    assert allowed(world, binding=TAGGED, dst=BROADCAST) == [{}]
    world.list_bindings.clear()
    world.lists["out"] = frozenset({Entry(1, EGRESS, DENY, dest_mac=BROADCAST)})
    world.list_bindings[TAGGED.port, TAGGED.vlan] = "out"
    for delivery in allowed(world, binding=HERE, dst=BROADCAST):
        assert "vm3" not in delivery
        assert delivery["vm4"] == ["untagged"]
    [from_tunnel] = allowed(world, endpoint="third", vni=101, dst=BROADCAST)
    assert from_tunnel == {"vm3": ["untagged"], "vm4": ["untagged"]}


def test_a_frame_of_a_port_and_of_a_vlan_is_permitted_by_both(world: World) -> None:
    udp = Entry(1, EGRESS, DENY, ethertype=ETHERTYPE_IPV4)
    world.lists = {"a": frozenset({udp}), "b": frozenset({Entry(1, EGRESS, PERMIT)})}
    world.list_bindings = {("p2", 0): "a", ("p2", 10): "b"}
    assert not world.passes(TAGGED, EGRESS, UDP)
    assert world.passes(TAGGED, EGRESS, LAB)
    assert world.passes(THERE, EGRESS, UDP)


def test_who_asks_for_an_address_that_the_nvc_has_placed_is_answered_alone(world: World) -> None:
    [mac] = world.logical_switches["red"].remote
    world.logical_switches["red"].ips[mac] = "10.64.0.1"
    [shot] = [shot for shot in shots(world) if shot.asked]
    assert shot.binding is not None
    [delivery] = shot.allowed
    assert delivery == {HOSTS[shot.binding.port]: [shot.binding.label]}
    world.logical_switches["red"].vni = None
    [shot] = [shot for shot in shots(world) if shot.asked]
    assert len(shot.allowed) > 1


def test_frames_for_a_group_reach_its_members_alone(world: World) -> None:
    red, group = world.logical_switches["red"], "01:00:5e:01:01:01"
    red.join_group("239.1.1.1", TAGGED)
    assert world.groups() == {("red", group): "239.1.1.1"}
    for delivery in [each for shot in shots(world) if shot.dst == group for each in shot.allowed]:
        assert "vm4" not in delivery
    assert allowed(world, endpoint="third", dst=group) == [{"vm3": ["vlan 10"]}]
    red.unbind(TAGGED)
    assert world.groups() == {}
    assert group not in {shot.dst for shot in shots(world)}


# What is measured


def life(*memory: float, descriptors: int = 11) -> list[Figures]:
    return [Figures(each, descriptors, 1, AT_REST) for each in memory]


def test_memory_that_grows_after_the_warm_up_is_a_leak() -> None:
    steady = [50, 60, 65, *[70] * 7]
    assert growth(steady) == (70, 70)
    verdict_on_life("it", life(*steady))
    with pytest.raises(AssertionError, match=r"memory of it grew from 66\.5 to 71\.5 MB"):
        verdict_on_life("it", life(*range(63, 73)))


def test_descriptors_must_not_become_more() -> None:
    with pytest.raises(AssertionError, match=r"descriptors of it after each round: \[11, 12\]"):
        verdict_on_life("it", life(70) + life(70, descriptors=12))


def test_lines_of_the_log_that_none_may_have() -> None:
    text = "br0 is managed\nthe switch refused flow x: y\nTraceback (most recent call last):"
    assert verdict.bad_lines(text) == text.splitlines()[1:]


# What may happen


def test_the_same_seed_makes_the_same_choices() -> None:
    kinds = (*CALM, *PORTS, *ROUGH)

    def names(seed: int) -> list[str]:
        chance = Chance(random.Random(seed), World(), Stage("never", World()))
        return [draw(kinds, chance).name for _ in range(50)]

    assert names(1) == names(1)
    assert names(1) != names(2)


def test_kinds_have_names_of_their_own() -> None:
    names = [kind.name for kind in (*CALM, *PORTS, *APPLICATIONS, *ROUGH)]
    assert len(names) == len(set(names))


# The real thing


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(f"t{os.getpid()}soakstage", World()) as stage:
        stage.start()
        stage.settle()
        yield stage


def send_for_a_while(stage: Stage, total: Traffic) -> None:
    with stage.vm2.capture() as seen, known_traffic(stage, total, tunnels=True):
        seen.wait_for(50)


def test_what_is_wrong_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = stage.vtep.bridge
    probing.frames_arrive_as_they_should(stage)
    verdict.rows_and_tunnels_agree(stage)
    verdict.a_fresh_start_changes_nothing(stage)
    total = Traffic()
    send_for_a_while(stage, total)
    assert (total.lost, total.duplicated, total.astray) == (0, 0, 0)
    assert total.sent > 0

    for module in ("sim.soak.stage", "sim.soak.probing"):
        monkeypatch.setattr(f"{module}.PATIENCE", 1.0)
    leak = "table=0,priority=1000,in_port=p0,vlan_tci=0,actions=output:p1,output:p2"
    stage.vtep.ofctl("add-flow", bridge, leak)
    with pytest.raises(AssertionError, match=r"vm1 untagged: .* arrived as .*vm3"):
        probing.frames_arrive_as_they_should(stage)
    with pytest.raises(AssertionError, match=f"vm1 > {FAR_STATION} at hypervisor: .* lost 0, 1"):
        send_for_a_while(stage, total)
    assert total.lost > 0
    assert total.astray > 0

    stage.world.logical_switches[STEADY].remote["02:40:00:00:00:00"] = "10.2.2.4"
    with pytest.raises(AssertionError, match="tunnel ports is"):
        verdict.rows_and_tunnels_agree(stage)


def test_requests_are_repeated_while_another_row_stands_in_their_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = stage.vtep.bridge
    stage.ask("add-ls red", f"bind-ls {bridge} p2 0 red")
    with ThreadPoolExecutor() as pool:
        removal = pool.submit(stage.ask, "del-ls red")
        stage.ask(f"unbind-ls {bridge} p2 0")
        removal.result()
    assert "red" not in stage.vtep.vtep_ctl("list-ls").split()

    with pytest.raises(CommandFailed, match="no logical switch"):
        stage.ask("del-ls red")
    monkeypatch.setattr("sim.soak.stage.PATIENCE", 1.0)
    with pytest.raises(WaitFailed, match=r"accept .*del-ls steady"):
        stage.ask(f"del-ls {STEADY}")


def test_figures_wait_for_connections_and_show_those_that_are_left_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    vtep, (app, other) = stage.vtep, stage.apps

    def wait_for_connections(number: int) -> None:
        """Wait until the application has accepted a connection, or seen its end."""
        pid = other.pid
        assert pid is not None
        wait_until(lambda: figures(pid).sockets.get("OpenFlow", 0) == number, "its connections")

    before = at_rest(stage, other).descriptors
    monkeypatch.setattr("sim.soak.stage.PATIENCE", 1.0)
    one_more = vtep.namespace.call(lambda: socket.create_connection(("127.0.0.1", other.port)))
    with one_more:
        wait_for_connections(2)
        with pytest.raises(AssertionError, match=r"sockets of other are .*'OpenFlow': 2"):
            at_rest(stage, other)
    vtep.ovs_vsctl("set-controller", vtep.bridge, app.target)
    wait_for_connections(0)
    with pytest.raises(AssertionError, match="sockets of other are "):
        at_rest(stage, other)
    monkeypatch.undo()
    stage.point_at_apps()
    assert at_rest(stage, other).descriptors == before


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = parser().parse_args(["soak", "--minutes", "0.5", "--seed", "7"])
    assert (options.minutes, options.seed, options.name) == (0.5, 7, "vtep")
    for wrong in ("0", "-1", "nan", "inf", "long"):
        with pytest.raises(SystemExit):
            parser().parse_args(["soak", "--minutes", wrong])
        assert "--minutes" in capsys.readouterr().err


def test_a_tool_that_hangs_fails_the_run_and_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(soak: Soak, seconds: float) -> None:
        command(["sleep", "60"], timeout=0.1)

    monkeypatch.setattr(Soak, "run_for", hang)
    assert run(f"t{os.getpid()}hangs", 0.1, 1) == 1
    said = capsys.readouterr().out
    assert "\nFAILED: no answer within 0.1 s: sleep 60\nseed 1\n" in said
    kept = re.search(r"told: python (.*) (\S+/vtep_ofapp\.record)\n", said)
    assert kept is not None
    assert "# br0: " in command([sys.executable, *kept[1].split(), kept[2]])
    shutil.rmtree(Path(kept[2]).parent)


def test_a_short_soak_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    name, seed = f"t{os.getpid()}soak", 13  # `make soak` draws another one each time
    code = run(name, 0.7, seed)
    said = capsys.readouterr()
    assert code == 0, f"{said.out}\n{said.err}"
    assert f"seed {seed}" in said.out
    assert "every promise held" in said.out
