"""Texts of ofproto/trace: the flows that a frame matched, and where it went, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vtep_ofapp.commands.trace_text import Step, parse
from vtep_ofapp.commands.trace_verdict import Frame, verdict
from vtep_ofapp.features.logical_switches.rows import LogicalSwitches
from vtep_ofapp.pipeline import admission, egress, learning, tunnels, unicast
from vtep_ofapp.values.flows import Flow
from vtep_ofapp.values.rows import Binding

from .builders import RED, logical_switch, physical_port, physical_switch, port, remote_mac, uuid
from .world import World

_, *_TEXTS = Path(__file__).with_name("traces.txt").read_text().split("##### ")
TEXTS = dict(text.split("\n", 1) for text in _TEXTS)
"""Real texts by their names; the number of the logical switch there is 0xa5a5."""
NUMBER = 0xA5A5
HOST, GUEST, NEW = "00:00:00:00:00:01", "00:00:00:00:00:0a", "00:00:00:00:00:77"
FAR, FURTHER, ALL = "00:00:00:00:02:01", "00:00:00:00:02:02", "ff:ff:ff:ff:ff:ff"
P0, P1 = Binding("p0", 1, 0, RED, (1,)), Binding("p1", 2, 10, RED, (2,))


def steps(name: str, bridge: str = "br0") -> list[Step]:
    events = parse(TEXTS[name], "br0")
    return [event.step for event in events if not event.action and event.step.bridge == bridge]


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("remote", "ADMISSION LEARNING UNICAST ENCAPSULATION TUNNEL"),
        ("back", "ADMISSION LEARNING UNICAST EGRESS"),
        (
            "new",
            "ADMISSION LEARNING MEASURING SHOWING SHOWING UNICAST FLOODING EGRESS EGRESS "
            "ENCAPSULATION TUNNEL",
        ),
        ("unbound", "ADMISSION"),
        ("tunnel", "ADMISSION DECAPSULATION UNICAST EGRESS"),
    ],
)
def test_tables(name: str, tables: str) -> None:
    assert [step.table for step in steps(name)] == tables.split()


def test_what_is_deeper_belongs_to_the_step_above() -> None:
    flooding = next(step for step in steps("flood") if step.table == "FLOODING")
    assert [each for each in flooding.actions if each.startswith("bucket")] == [
        "bucket 0",
        "bucket 1",
        "bucket 0",
    ]
    shown, to_bucket, *_ = (step for step in steps("flood") if step.table == "EGRESS")
    assert (shown.actions, to_bucket.actions[-1]) == (["drop"], "output:2")


def test_tables_of_other_bridges_keep_their_numbers() -> None:
    assert [step.table for step in steps("remote", "br-phy")] == ["0"]


def test_what_follows_another_bridge_is_of_ours_again() -> None:
    """Two copies leave by tunnels; the text of each ends with what the underlay's bridge does."""
    tunnels = [step.actions[0] for step in steps("source node") if step.table == "TUNNEL"]
    assert tunnels == ["output:4", "output:5"]
    assert [step.table for step in steps("source node", "br-phy")] == ["0", "0"]


def test_newer_versions_may_name_tables() -> None:
    text = TEXTS["remote"].replace("60. ", "UNICAST. ").replace(" 0. ", "ADMISSION. ")
    named = [event.step.table for event in parse(text, "br0") if not event.action]
    assert named[:3] == ["ADMISSION", "LEARNING", "UNICAST"]


@pytest.mark.parametrize("text", ["", "ofproto/trace: brx: unknown bridge\n", "0. \n-> x\n"])
def test_what_is_no_trace_has_no_events(text: str) -> None:
    assert parse(text, "br0") == []


def test_steps_have_the_keys_of_our_flows() -> None:
    flows: list[Flow] = [
        *admission.bound(P0, NUMBER),
        *admission.bound(P1, NUMBER),
        admission.link_local(),
        *egress.bound(P0, NUMBER),
        *egress.bound(P1, NUMBER),
        *egress.inner_tags(),
        learning.known(P0.number, NUMBER, HOST, 300),
        unicast.remote(NUMBER, FAR, "10.2.2.3"),
        unicast.local(P0.number, NUMBER, HOST),
        tunnels.decapsulation("10.2.2.3", 33, NUMBER),
        tunnels.unnamed(33),
        tunnels.encapsulation(NUMBER, 33),
        tunnels.outgoing("10.2.2.3", 5),
        tunnels.incoming("10.2.2.3", 5),
        tunnels.incoming_from_anyone(3),
    ]
    ours = {flow.key for flow in flows}
    for name in ("remote", "back", "reserved", "tunnel", "unnamed"):
        assert {step.key for step in steps(name)} <= ours
    assert steps("inner tag")[-1].key in ours


def test_a_flow_of_others_has_no_key() -> None:
    text = 'bridge("br0")\n 0. mpls,in_port=1, priority 200\n    drop\n'
    (step,) = (event.step for event in parse(text, "br0") if not event.action)
    assert (step.key, step.cookie, step.actions) == (None, 0, ["drop"])


@pytest.fixture(scope="module")
def world() -> World:
    """Return what the texts were captured with."""
    world = World()
    world.tell(
        logical_switch(RED, 33),
        remote_mac(FAR, "10.2.2.3", row=uuid(7)),
        remote_mac(FURTHER, "10.2.2.99", row=uuid(8)),
    )
    world.physical(physical_switch(physical_port("p0", {0: RED}), physical_port("p1", {10: RED})))
    world.bridge(port("p0", 1), port("p1", 2))
    world.calm_down()
    world.see(HOST, "p0", 0)
    world.see(GUEST, "p1", 10)
    world.calm_down()
    return world


_IN, _RED = "admitted at binding", "to Logical_Switch red"
_FAR = f"{FAR} is behind 10.2.2.3 (Ucast_Macs_Remote {uuid(7)})"
_FURTHER = f"{FURTHER} is behind 10.2.2.99 (Ucast_Macs_Remote {uuid(8)})"
_TO_P0 = f"{HOST} was learned at p0 VLAN 0"
_FLOOD = f"{ALL} is a group address, and is flooded; leaves by p1 with VLAN 10 and by the tunnel"


@pytest.mark.parametrize(
    ("name", "frame", "sentence"),
    [
        (
            "remote",
            Frame(HOST, FAR, "p0"),
            f"{_IN} p0 VLAN 0 {_RED}; {_FAR}; leaves by the tunnel to 10.2.2.3 with VNI 33",
        ),
        (
            "back",
            Frame(HOST, HOST, "p0"),
            f"{_IN} p0 VLAN 0 {_RED}; {_TO_P0}; dropped in EGRESS: it would leave by the binding "
            "by which it came in",
        ),
        (
            "flood",
            Frame(HOST, ALL, "p0"),
            f"{_IN} p0 VLAN 0 {_RED}; {_FLOOD} to 10.2.2.2 with VNI 33",
        ),
        (
            "source node",
            Frame(HOST, ALL, "p0"),
            f"{_IN} p0 VLAN 0 {_RED}; {ALL} is a group address, and is flooded; leaves by p1 with "
            "VLAN 10, by the tunnel to 10.2.2.2 with VNI 33 and by the tunnel to 10.2.2.3 with VNI "
            "33",
        ),
        (
            "new",
            Frame(NEW, ALL, "p0"),
            f"{_IN} p0 VLAN 0 {_RED}; {NEW} is not known there, and is shown to the controller; "
            f"{_FLOOD} to 10.2.2.2 with VNI 33",
        ),
        (
            "tagged",
            Frame(GUEST, HOST, "p1", 10),
            f"{_IN} p1 VLAN 10 {_RED}; {_TO_P0}; leaves by p0 untagged",
        ),
        (
            "unbound",
            Frame(GUEST, HOST, "p1", 12),
            "dropped in ADMISSION: VLAN 12 of p1 has no binding",
        ),
        (
            "reserved",
            Frame(GUEST, "01:80:c2:00:00:00", "p0"),
            "dropped in ADMISSION: no bridge forwards frames to 01:80:c2:00:00:00",
        ),
        (
            "tunnel",
            Frame(FAR, HOST, sender="10.2.2.3", vni=33),
            f"admitted from 10.2.2.3 with VNI 33 {_RED}; {_TO_P0}; leaves by p0 untagged",
        ),
        (
            "unknown vni",
            Frame(FAR, HOST, sender="10.2.2.3", vni=34),
            "dropped in DECAPSULATION: no logical switch that is bound here has VNI 34 at 10.2.2.3",
        ),
        (
            "unnamed",
            Frame(FAR, HOST, sender="10.2.2.9", vni=33),
            "dropped in DECAPSULATION: no row of red names 10.2.2.9 as a VTEP",
        ),
        (
            "no neighbour",
            Frame(HOST, FURTHER, "p0"),
            f"{_IN} p0 VLAN 0 {_RED}; {_FURTHER}; leaves by the tunnel to 10.2.2.99 with VNI 33; "
            "but Open vSwitch says: neighbor cache miss for 10.2.2.99 on bridge br-phy, sending "
            "ARP request",
        ),
        (
            "inner tag",
            Frame(NEW, HOST, "p1", 10),
            f"{_IN} p1 VLAN 10 {_RED}; {NEW} is not known there, and is shown to the controller; "
            f"{_TO_P0}; dropped in EGRESS: it carries a further VLAN tag",
        ),
    ],
)
def test_the_sentence(world: World, name: str, frame: Frame, sentence: str) -> None:
    number = world.model[LogicalSwitches].number(RED)
    text = TEXTS[name].replace(f"{NUMBER:#x}", f"{number:#x}")
    events, view = parse(text, "br0"), world.switch.view
    assert verdict(events, frame, view, _nothing) == f"br0: {sentence}."


def test_a_feature_tells_what_its_flow_does(world: World) -> None:
    """What it tells of a flow that drops the frame is the reason; else it stands before the end."""
    view = world.switch.view

    def told(step: Step, fields: Mapping[str, int]) -> str | None:
        return f"denied at {fields['reg1']:#x}" if step.table == "EGRESS" else None

    dropped = verdict(parse(TEXTS["back"], "br0"), Frame(HOST, HOST, "p0"), view, told)
    assert dropped.endswith("dropped in EGRESS: denied at 0x1000.")
    left = verdict(parse(TEXTS["tagged"], "br0"), Frame(GUEST, HOST, "p1", 10), view, told)
    assert left.endswith("denied at 0x1000; leaves by p0 untagged.")


def test_a_register_that_is_moved_is_followed(world: World) -> None:
    move = "move:NXM_NX_REG0[]->NXM_NX_REG1[]"
    text = TEXTS["tagged"].replace("set_field:0x1000->reg1", move)
    assert text != TEXTS["tagged"]
    said = verdict(parse(text, "br0"), Frame(GUEST, HOST, "p1", 10), world.switch.view, _nothing)
    assert said.endswith("leaves by p1 with VLAN 10.")


def _nothing(step: Step, fields: Mapping[str, int]) -> None:
    return None
