"""ip/show, trace and why about IP addresses, in the real pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch

HOST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:99"
HERE, THERE = "192.168.1.11", "192.168.1.99"
SIX = "2001:db8:1::99"


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """A host here that stated its address, and a station behind 10.2.2.3 with two."""
    joined.replicate(("10.2.2.2",))
    place(joined, THERE, SIX)
    joined.learns(HOST)
    joined.wait(lambda: say(joined) == [(HERE, HOST, "p0", 0)], "the address of the host")
    joined.wait(lambda: "settled: yes" in joined.app.ask("show"), "all flows to be there")
    return joined


def place(vtep: DummySwitch, *ips: str) -> None:
    """Place FAR behind 10.2.2.3, with a row for each of its addresses."""
    words = ["--", "--id=@s", "get", "Logical_Switch", "ls0", "--", "--id=@l", "create"]
    words += ["Physical_Locator", "encapsulation_type=vxlan_over_ipv4", 'dst_ip="10.2.2.3"']
    for ip in ips:
        words += ["--", "create", "Ucast_Macs_Remote", f'MAC="{FAR}"', f'ipaddr="{ip}"']
        words += ["logical_switch=@s", "locator=@l"]
    vtep.vtep_ctl(*words)


def say(vtep: DummySwitch, ip: str = HERE) -> list[tuple[Any, ...]]:
    """Let the host ask for an address; return what ip/show has of hosts here."""
    packed = bytes(map(int, ip.split(".")))
    asked_for = bytes(map(int, THERE.split(".")))
    source = bytes.fromhex(HOST.replace(":", ""))
    header = bytes.fromhex("08060001080006040001")
    frame = b"\xff" * 6 + source + header + source + packed + bytes(6) + asked_for + bytes(18)
    vtep.appctl("netdev-dummy/receive", "p0", frame.hex())
    found = asked(vtep, "ip/show")["stated_here"]
    return [(each["ip"], each["mac"], each["port"], each["vlan"]) for each in found]


def asked(vtep: DummySwitch, *words: str) -> Any:
    return json.loads(vtep.app.ask(*words, "--json"))


def test_addresses_of_rows_are_answered(scene: DummySwitch) -> None:
    found = asked(scene, "ip/show", "ls0")["placed_by_nvc"]
    assert [(each["ip"], each["mac"], each["is_answered"]) for each in found] == [
        (THERE, FAR, True),
        (SIX, FAR, True),
    ]


def test_trace_says_who_answers(scene: DummySwitch) -> None:
    row = next(each for each in scene.rows("Ucast_Macs_Remote") if each["ipaddr"] == THERE)
    fields = ("arp", "arp_op=1", f"arp_sha={HOST}", f"arp_spa={HERE}", f"arp_tpa={THERE}")
    answer = asked(scene, "trace", "br0", "p0", HOST, BROADCAST, *fields)
    (sentence,) = answer["verdict"]
    responder = f"answered by the responder of {THERE} (Ucast_Macs_Remote {row['_uuid']})"
    assert sentence.startswith("br0: admitted at binding p0 VLAN 0 to Logical_Switch ls0; ")
    assert sentence.endswith(f"; {responder}; leaves by p0 untagged.")
    causes = [step["because"] for step in answer["steps"]]
    assert f"{HOST} stated in Logical_Switch ls0 that its address is {HERE}" in str(causes)
    assert f"{FAR} has the address {THERE}" in str(causes)
    other = ("arp", "arp_op=1", f"arp_sha={HOST}", "arp_spa=192.168.1.77", f"arp_tpa={THERE}")
    (sentence,) = asked(scene, "trace", "br0", "p0", HOST, BROADCAST, *other)["verdict"]
    assert "is not known there" not in sentence
    assert "is flooded" in sentence


def test_trace_says_what_is_not_known_of_a_sender(scene: DummySwitch) -> None:
    new, unknown = "00:00:00:00:00:07", "is not known there, and is shown to the controller"
    of_pair = (
        "the controller is shown it, as its sender's MAC and IP address are not known together"
    )

    def sentence(mac: str, ip: str) -> str:
        fields = ("arp", "arp_op=1", f"arp_sha={mac}", f"arp_spa={ip}", f"arp_tpa={THERE}")
        said: str = asked(scene, "trace", "br0", "p0", mac, BROADCAST, *fields)["verdict"][0]
        return said

    assert "controller" not in sentence(HOST, HERE)
    assert f"; {of_pair}; leaves by " in sentence(HOST, "192.168.1.12")
    assert "is not known there" not in sentence(HOST, "192.168.1.12")
    assert f"; {new} {unknown}; " in sentence(new, "192.168.1.12")


def test_why(scene: DummySwitch) -> None:
    for ip in (HERE, THERE, SIX):
        found = asked(scene, "why", ip)["why"]
        assert any(f" {ip}" in each["because"] for each in found)
        assert all(each["is_installed"] for each in found)
