"""trace: the way of a frame by ovs-vswitchd's own words, in one sentence."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sim.lab import namespaces
from tests.switch.dummy import PATIENCE, DummySwitch

HOST, GUEST, FAR, NEW = (f"00:00:00:00:00:{last}" for last in ("01", "0a", "99", "77"))
ALL = "ff:ff:ff:ff:ff:ff"


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """Two hosts here, one behind 10.2.2.3, and BUM frames for 10.2.2.2."""
    joined.place(FAR, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    for address in ("10.2.2.2", "10.2.2.3"):
        joined.tunnel_port(address)
    joined.learns(HOST)
    joined.learns(GUEST, "p1", 10)
    joined.wait(lambda: joined.sends("p0", FAR) == ["10.2.2.3 vni 33"], "the flow to it")
    joined.wait(lambda: joined.sends("p0", ALL) == ["10.2.2.2 vni 33", "p1 vlan 10"], "flooding")
    return joined


def test_the_sentence(scene: DummySwitch) -> None:
    row = scene.row("Ucast_Macs_Remote", MAC=FAR)["_uuid"]
    here = "br0: admitted at binding p0 VLAN 0 to Logical_Switch ls0"
    far = f"{FAR} is behind 10.2.2.3 (Ucast_Macs_Remote {row})"
    tunnel = "by the tunnel to 10.2.2.2 with VNI 33"
    bum = f"{ALL} is a group address, and is flooded; leaves"
    to_host = f"{HOST} was learned at p0 VLAN 0; leaves by p0 untagged"
    sentences = {
        ("p0", HOST, FAR): f"{here}; {far}; leaves by the tunnel to 10.2.2.3 with VNI 33.",
        ("p0", HOST, ALL): f"{here}; {bum} by p1 with VLAN 10 and {tunnel}.",
        ("p0", NEW, GUEST): (
            f"{here}; {NEW} is not known there, and is shown to the controller; "
            f"{GUEST} was learned at p1 VLAN 10; leaves by p1 with VLAN 10."
        ),
        ("p1", "vlan=12", GUEST, HOST): "br0: dropped in ADMISSION: VLAN 12 of p1 has no binding.",
        ("p1", GUEST, HOST): "br0: dropped in ADMISSION: untagged frames of p1 have no binding.",
        ("tunnel=10.2.2.3", "vni=33", FAR, HOST): (
            f"br0: admitted from 10.2.2.3 with VNI 33 to Logical_Switch ls0; {to_host}."
        ),
        ("tunnel=10.2.2.9", "vni=33", FAR, HOST): (
            "br0: dropped in DECAPSULATION: no row of ls0 names 10.2.2.9 as a VTEP."
        ),
    }
    for words, sentence in sentences.items():
        assert verdict(scene, *words) == sentence


def test_each_step_says_why_its_flow_is_there(scene: DummySwitch) -> None:
    answer = asked(scene, "p0", HOST, FAR)
    tables = [step["table"] for step in answer["steps"]]
    on_the_way = "ADMISSION LEARNING SNOOPING RESOLUTION ROUTER UNICAST ENCAPSULATION TUNNEL"
    assert tables == on_the_way.split()
    assert all(step["because"] for step in answer["steps"])
    assert f"the NVC places {FAR} behind 10.2.2.3" in answer["steps"][5]["because"]


def test_wrong_words(scene: DummySwitch) -> None:
    for words, line in (
        (("brx", "p0", HOST, FAR), "there is no bridge 'brx'; bridge: br0"),
        (("br0", "p9", HOST, FAR), "there is no port 'p9' on br0; port: p0, p1"),
        (("br0", "p0", HOST, "nobody"), "'nobody' is not a MAC address"),
        (("br0", "p0", "vlan=9999", HOST, FAR), "VLAN 9999 is outside of 0 to 4094"),
        (("br0", "tunnel=10.2.2.3", HOST, FAR), "a frame from a tunnel has vni=N"),
        (("br0", "p0", "192.168.1.1", "192.168.1.2"), "'192.168.1.1' is not a MAC address"),
        (("br0", "p0", HOST, FAR, "tp_dst=23"), "tcp_dst is a field of some packets only"),
        (("br0", "p0", HOST, FAR, "tcp", "tp_dst=ssh"), "does not trace it: .*bad value for tcp_d"),
    ):
        with pytest.raises(namespaces.CommandFailed, match=line):
            scene.app.ask("trace", *words)


def test_others_are_answered_while_ovs_vswitchd_does_not(scene: DummySwitch) -> None:
    with ThreadPoolExecutor(1) as aside:
        with scene.ovs_vswitchd.stopped():
            waiting = aside.submit(verdict, scene, "p0", HOST, FAR)
            assert "in charge of br0" in scene.app.ask("status")
            assert not waiting.done()
        assert "leaves by the tunnel to 10.2.2.3" in waiting.result(PATIENCE)


def verdict(scene: DummySwitch, *words: str) -> str:
    (sentence,) = asked(scene, *words)["verdict"]
    return str(sentence)


def asked(scene: DummySwitch, *words: str) -> Any:
    return json.loads(scene.app.ask("trace", "br0", *words, "--json"))
