"""trace, why and the commands about routers, in the real pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.routers import Routers, router_mac
from tests.switch.dummy import BROADCAST, DummySwitch

HOST, FAR, GUEST = "00:00:00:00:00:01", "00:00:00:00:00:99", "00:00:00:00:00:02"
GATEWAY, PLACED = router_mac("r1"), "192.168.2.99"
R1, LS0, LS1 = "Logical_Router r1", "Logical_Switch ls0", "Logical_Switch ls1"
ADMITTED = f"br0: admitted at binding p0 VLAN 0 to {LS0}; "
TAKEN = f"{ADMITTED}taken by {R1}; "
ICMP = "the controller answers with an ICMP error; it goes to the controller alone."


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """r1 joins ls0 to ls1, where a row places a station with an address behind 10.2.2.3."""
    joined.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    joined.vtep_ctl("set", "Logical_Switch", "ls1", "tunnel_key=44")
    joined.vtep_ctl("add-ucast-remote", "ls1", FAR, "10.2.2.3")
    joined.vtep_ctl("set", "Ucast_Macs_Remote", uuid_of(joined), f'ipaddr="{PLACED}"')
    bindings = {"192.168.1.1/24": "ls0", "2001:db8:1::1/64": "ls0", "192.168.2.1/24": "ls1"}
    Routers(joined).put("r1", bindings, {"10.0.0.0/8": PLACED})
    joined.learns(HOST)
    joined.tunnel_port("10.2.2.3")
    joined.wait(lambda: len(asked(joined, "route/show")["routes"]) == 4, "the routes")
    joined.wait(lambda: "settled: yes" in joined.app.ask("show"), "all flows to be there")
    return joined


def uuid_of(vtep: DummySwitch) -> str:
    return str(vtep.row("Ucast_Macs_Remote", MAC=FAR)["_uuid"])


def asked(vtep: DummySwitch, *words: str) -> Any:
    return json.loads(vtep.app.ask(*words, "--json"))


def traced(vtep: DummySwitch, *fields: str, mac: str = GATEWAY) -> str:
    (sentence,) = asked(vtep, "trace", "br0", "p0", HOST, mac, *fields)["verdict"]
    return str(sentence)


def to(ip: str, *more: str, ttl: int | None = None) -> tuple[str, ...]:
    fields = ("icmp", "nw_src=192.168.1.11", f"nw_dst={ip}", *more)
    return fields if ttl is None else (*fields, f"nw_ttl={ttl}")


def test_a_packet_to_a_known_next_hop(scene: DummySwitch) -> None:
    hop = (
        f"routed to {PLACED} in {LS1}, which is {FAR}: the NVC says so in Ucast_Macs_Remote; "
        f"{FAR} is behind 10.2.2.3 (Ucast_Macs_Remote {uuid_of(scene)}); "
        "leaves by the tunnel to 10.2.2.3 with VNI 44."
    )
    connected = f"routed by {R1} to 192.168.2.0/24, which is connected, in {LS1}"
    assert traced(scene, *to(PLACED)) == f"{TAKEN}{connected}; {hop}"
    static = f"routed by {R1} to 10.0.0.0/8, by {PLACED}, in {LS1}"
    assert traced(scene, *to("10.1.2.3")) == f"{TAKEN}{static}; {hop}"


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        (to("8.8.8.8"), f"{R1} has no route for it: {ICMP}"),
        (to(PLACED, ttl=1), f"its TTL ends at {R1}: {ICMP}"),
        (to(PLACED, ttl=0), "dropped in TERMINATION: its TTL is 0."),
        (
            to("224.1.1.1"),
            "dropped in TERMINATION: no router forwards packets from, or to, such an address.",
        ),
        (
            ("udp", "nw_src=192.168.1.11", "nw_dst=192.168.2.1"),
            f"192.168.2.1 is an address of {R1}: {ICMP}",
        ),
        (
            ("tcp", "nw_src=192.168.1.11", "nw_dst=192.168.2.1"),
            f"dropped in TERMINATION: 192.168.2.1 is an address of {R1}, which answers pings "
            "alone.",
        ),
        (
            to("192.168.2.1", "icmp_type=8", "icmp_code=0", ttl=1),
            f"{R1} answers the ping to its address 192.168.2.1; {HOST} was learned at p0 VLAN 0; "
            "leaves by p0 untagged.",
        ),
        (
            to("192.168.2.60"),
            f"routed by {R1} to 192.168.2.0/24, which is connected, in {LS1}; the MAC address of "
            "its next hop is not known: the controller asks for it; it goes to the controller "
            "alone.",
        ),
    ],
)
def test_packets_that_are_not_forwarded(
    scene: DummySwitch, fields: tuple[str, ...], end: str
) -> None:
    assert traced(scene, *fields) == f"{TAKEN}{end}"


def test_broadcast_addresses(scene: DummySwitch) -> None:
    words = f"dropped in ROUTES: 192.168.2.255 is the broadcast address of a subnet of {R1}."
    assert traced(scene, *to("192.168.2.255")) == f"{TAKEN}{words}"


def test_frames_for_the_router_that_are_no_packets(scene: DummySwitch) -> None:
    words = f"dropped in ROUTER: it is for the MAC address of {R1}, and no IP packet."
    assert traced(scene) == f"{ADMITTED}{words}"


def test_requests_for_an_address_of_the_router(scene: DummySwitch) -> None:
    fields = ("arp", "arp_op=1", f"arp_sha={HOST}", "arp_spa=192.168.1.11", "arp_tpa=192.168.1.1")
    assert traced(scene, *fields, mac=BROADCAST).endswith(
        f"answered with the MAC address of 192.168.1.1, an address of {R1}; leaves by p0 untagged."
    )
    claim = ("arp", "arp_op=2", f"arp_sha={HOST}", "arp_spa=192.168.1.1", "arp_tpa=192.168.1.1")
    assert traced(scene, *claim, mac=BROADCAST) == (
        f"{ADMITTED}dropped in SNOOPING: its sender claims 192.168.1.1, an address of {R1}."
    )


def test_a_claim_is_in_the_log(scene: DummySwitch) -> None:
    own = bytes.fromhex(HOST.replace(":", ""))
    said = own + bytes((192, 168, 1, 1))
    arp = bytes.fromhex("0806000108000604" + "0002") + said + said + bytes(18)
    scene.appctl("netdev-dummy/receive", "p0", (b"\xff" * 6 + own + arp).hex())
    scene.app.wait_to_say(f"a host of {LS0} claims 192.168.1.1, an address of {R1}")


def test_why(scene: DummySwitch) -> None:
    described = f"{R1} has 192.168.2.1/24 in {LS1}, and the MAC {GATEWAY}"
    for word in ("192.168.2.1", GATEWAY, "router=r1"):
        found = asked(scene, "why", word)
        assert found["remark"] is None
        assert described in [each["because"] for each in found["why"]]
        assert all(each["is_installed"] for each in found["why"])
    causes = [each["because"] for each in asked(scene, "why", "router=r1")["why"]]
    assert f"{R1} has a route to 10.0.0.0/8, by {PLACED}, in {LS1}" in causes


def test_a_host_that_answers_is_a_next_hop(scene: DummySwitch) -> None:
    packet = (
        f"in_port(1),eth(src={HOST},dst={GATEWAY}),eth_type(0x0800),"
        "ipv4(src=192.168.1.11,dst=192.168.2.12,proto=17,tos=0,ttl=64,frag=no),udp(src=7,dst=7)"
    )
    scene.appctl("netdev-dummy/receive", "p0", packet)
    scene.wait(lambda: pending(scene) == ["192.168.2.12"], "the next hop to be asked for")
    arp = bytes.fromhex("0806000108000604" + "0002")
    own, gateway = (bytes.fromhex(each.replace(":", "")) for each in (GUEST, GATEWAY))
    addresses = own + bytes((192, 168, 2, 12)) + gateway + bytes((192, 168, 2, 1))
    tag = bytes.fromhex("81000014")
    scene.appctl(
        "netdev-dummy/receive", "p1", (gateway + own + tag + arp + addresses + bytes(18)).hex()
    )
    scene.wait(lambda: not pending(scene), "its answer")
    (known,) = asked(scene, "neighbour/show", "192.168.2.12")["known"]
    assert (known["logical_switch"], known["mac"], known["source"]) == ("ls1", GUEST, "stated here")
    scene.wait(lambda: "settled: yes" in scene.app.ask("show"), "its flow")
    assert traced(scene, *to("192.168.2.12")).endswith(
        f"routed to 192.168.2.12 in {LS1}, which is {GUEST}: the station at a binding said so; "
        f"{GUEST} was learned at p1 VLAN 20; leaves by p1 with VLAN 20."
    )


def pending(vtep: DummySwitch) -> list[str]:
    return [each["ip"] for each in asked(vtep, "neighbour/show")["pending"]]
