"""The picture of a lab: where things stand in it, and what it says. No lab is built."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from sim.picture.cards import scene
from sim.picture.layout import draw
from sim.picture.shapes import CELL, Curve, Drawing, Text, cells, fitted
from sim.picture.svg import NAMESPACE, write
from sim.status.values import End, Kind, Lab, Link, State
from tests.sim.reports import a_lab, a_machine, an_interface, with_faults

LONG = "a name that is longer than anything that has room for it, by far and wide " * 3
STRANGE = "<\"&'> \x00\x1b\ud800 \N{CJK UNIFIED IDEOGRAPH-4E00}\N{PILE OF POO}"


def drawn(lab: Lab) -> Drawing:
    return draw(scene(lab))


def texts(drawing: Drawing) -> list[Text]:
    return [each for each in drawing.shapes if isinstance(each, Text) and each.text]


def overlapping(drawing: Drawing) -> Iterator[tuple[str, str]]:
    for one, other in itertools.combinations(texts(drawing), 2):
        a, b = one.box, other.box
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]:
            yield one.text, other.text


LABS = {
    "two": a_lab(2),
    "one without hosts": a_lab(1, 0),
    "twenty": a_lab(20),
    "many hosts": a_lab(3, 12),
    "many logical switches": a_lab(3, 2, tuple(f"ls{number}" for number in range(60))),
    "long names": a_lab(2, 2, (LONG, LONG + "2")),
    "strange names": a_lab(2, 2, (STRANGE, STRANGE + "2")),
    "faults": with_faults(a_lab(2), LONG, STRANGE, "short"),
    "problems": replace(a_lab(2), problems=(LONG, STRANGE), state=State.LEFT),
    "nothing": Lab(1, "x", State.LEFT, "/run/x", (), (), (), (), ("vm1: there is nothing",)),
}


@pytest.mark.parametrize("name", LABS)
def test_no_two_texts_overlap_and_all_are_inside(name: str) -> None:
    drawing = drawn(LABS[name])
    assert list(overlapping(drawing)) == []
    for each in texts(drawing):
        left, top, right, bottom = each.box
        assert left >= 0, each.text
        assert top >= 0, each.text
        assert right <= drawing.width, each.text
        assert bottom <= drawing.height, each.text


def test_an_overlap_is_found() -> None:
    drawing = Drawing(100, 100, "", (Text(10, 50, "ab"), Text(20, 55, "b"), Text(60, 50, "c")))
    assert list(overlapping(drawing)) == [("ab", "b")]


@pytest.mark.parametrize("name", LABS)
def test_it_is_xml_whatever_names_there_are(name: str) -> None:
    root = ElementTree.fromstring(write(drawn(LABS[name])))
    assert root.tag == f"{{{NAMESPACE}}}svg"
    assert root.findtext(f"{{{NAMESPACE}}}title")


def test_tunnels_stay_inside_also_in_a_full_mesh() -> None:
    drawing = drawn(a_lab(20))
    curves = [each for each in drawing.shapes if isinstance(each, Curve) and "tunnel" in each.about]
    assert len(curves) == 21 * 21
    for curve in curves:
        ends = [curve.points[0][0], curve.points[-1][0]]
        # A cubic curve whose ends are at one x goes three quarters of the way to its controls.
        most = max(ends) if len(set(ends)) > 1 else ends[0] + 0.75 * (curve.points[1][0] - ends[0])
        assert most <= drawing.width


def test_a_tunnel_that_both_ends_have_is_drawn_in_halves_that_meet() -> None:
    drawing = drawn(a_lab(2))
    halves = {
        (each.about["tunnel"], each.about["remote"]): each
        for each in drawing.shapes
        if isinstance(each, Curve) and "tunnel" in each.about
    }
    one, other = halves["vtep1", "10.2.2.2"], halves["vtep2", "10.2.2.1"]
    assert one.points[-1] == pytest.approx(other.points[-1])
    assert (one.style, other.style) == ("tunnel down", "tunnel up")
    whole = halves["vtep1", "10.2.2.201"]  # the kernel's VXLAN has no row for it
    assert whole.points[0][0] == whole.points[-1][0]


def test_an_endpoint_outside_of_the_lab_has_a_card() -> None:
    lab = a_lab(2)
    hosts = tuple(host for host in lab.hosts if host.name != "hypervisor")
    (card,) = (each for each in scene(replace(lab, hosts=hosts)).cards if each.kind is None)
    assert (card.name, card.says) == ("10.2.2.201", ("not in this lab",))


def test_a_host_that_is_behind_no_port_has_a_card() -> None:
    lab = a_lab(2)
    alone = a_machine("alone", "elsewhere", "eth0")
    cards = scene(replace(lab, hosts=(*lab.hosts, alone))).cards
    assert [card.name for card in cards if card.kind is Kind.HOST] == ["alone"]


def test_a_link_that_is_down_is_drawn_as_broken() -> None:
    lab = a_lab(1)
    down = tuple(
        replace(host, interfaces=tuple(replace(each, is_up=False) for each in host.interfaces))
        if host.name == "vtep1"
        else host
        for host in lab.hosts
    )
    broken = [
        (each.about["link"], each.about["to"])
        for each in drawn(replace(lab, hosts=down)).shapes
        if isinstance(each, Curve) and each.style == "wire broken"
    ]
    assert broken == [("vtep1", "underlay"), ("vtep1 p0", "vm1-0"), ("vtep1 p1", "vm1-1")]
    assert lab.links[0] == Link(
        (End("service-node", "eth0"), End("underlay", "service-node")), True
    )


def test_what_has_no_room_ends_with_an_ellipsis_and_is_told_elsewhere() -> None:
    assert fitted("abcdef", 4 * CELL) == "abc…"
    assert fitted("abcd", 4 * CELL) == "abcd"
    assert fitted("abcd", 0) == ""
    assert cells(fitted("\N{CJK UNIFIED IDEOGRAPH-4E00}" * 9, 6 * CELL)) <= 6
    root = ElementTree.fromstring(write(drawn(with_faults(a_lab(1), LONG))))
    titles = [each.text for each in root.iter(f"{{{NAMESPACE}}}title")]
    assert LONG in titles


def test_a_machine_behind_a_peer_is_shown_there() -> None:
    lab = a_lab(2)
    port = an_interface("vif", End("vm-hv", "eth0"), bridge="br-int")
    hosts = tuple(
        replace(host, interfaces=(*host.interfaces, port)) if host.kind is Kind.PEER else host
        for host in lab.hosts
    )
    machine = a_machine("vm-hv", "service-node", "vif")
    cards = {card.name: card for card in scene(replace(lab, hosts=(*hosts, machine))).cards}
    (row,) = cards["service-node"].rows
    assert row.plugged is not None
    assert (row.port, row.plugged.host) == ("vif", "vm-hv")
    assert "vm-hv" not in cards
