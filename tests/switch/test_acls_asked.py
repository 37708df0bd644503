"""acl/show, trace, why and the metrics of access lists, beside what Open vSwitch says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.access_lists import AccessLists, entry
from tests.switch.dummy import BROADCAST, DummySwitch

HOST, GUEST = "00:00:00:00:00:01", "00:00:00:00:00:0a"
PACKET = ("nw_src=192.168.1.11", "nw_dst=192.168.1.12")
NO_SSH = entry(10, "in", "deny", protocol=6, dest_port_min=22, dest_port_max=22)
SOME = {"source_port_min": 1024, "dest_port_min": 80, "dest_port_max": 443}
RANGES = entry(20, "in", "deny", protocol=6, **SOME)
NO_PING = entry(10, "out", "deny", protocol=1)


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """An access list at p0, with the host there and another one at VLAN 10 of p1."""
    lists = AccessLists(joined)
    lists.put("web", NO_SSH, RANGES, NO_PING)
    lists.bind("p0", {0: "web"})
    joined.learns(HOST)
    joined.learns(GUEST, "p1", 10)
    joined.wait(lambda: acls(joined) == [("web", ["p0"], "in use")], "the access list")
    joined.wait(lambda: "settled: yes" in joined.app.ask("show"), "all flows to be there")
    return joined


def asked(scene: DummySwitch, *words: str) -> Any:
    return json.loads(scene.app.ask(*words, "--json"))


def acls(scene: DummySwitch) -> list[tuple[Any, ...]]:
    found = asked(scene, "acl/show")["acls"]
    return [(each["acl"], each["bound_to"], each["state"]) for each in found]


def hits(scene: DummySwitch) -> dict[tuple[str, int], int]:
    found = asked(scene, "acl/show", "br0", "web")["entries"]
    return {(each["direction"], each["sequence"]): each["hits"] for each in found}


def send(scene: DummySwitch, port: str, sport: int, dport: int) -> None:
    """Let a TCP packet come in; each has ports of its own, so that none is in the flow cache."""
    packet = (
        f"in_port(1),eth(src={HOST},dst={GUEST}),eth_type(0x0800),"
        "ipv4(src=192.168.1.11,dst=192.168.1.12,proto=6,tos=0,ttl=64,frag=no),"
        f"tcp(src={sport},dst={dport}),tcp_flags(0x002)"
    )
    scene.appctl("netdev-dummy/receive", port, packet)


def test_hits_are_those_of_entries(scene: DummySwitch) -> None:
    assert hits(scene) == {("ingress", 10): 0, ("ingress", 20): 0, ("egress", 10): 0}
    for number in range(3):
        send(scene, "p0", 500 + number, 22)
    for number in range(5):
        send(scene, "p0", 2000 + number, 100 + number)
    send(scene, "p0", 500, 80)
    scene.wait(
        lambda: hits(scene) == {("ingress", 10): 3, ("ingress", 20): 5, ("egress", 10): 0},
        "the hits",
    )


def test_hits_are_those_of_the_cookie(scene: DummySwitch) -> None:
    """The page says so: one cookie shows all flows of an access list."""
    send(scene, "p0", 500, 22)
    scene.wait(lambda: hits(scene)["ingress", 10] == 1, "the hit")
    (web,) = asked(scene, "acl/show")["acls"]
    argv = ("ovs-ofctl", "-O", "OpenFlow13", "dump-flows", "br0", f"cookie={web['cookie']}/-1")
    lines = [line for line in scene.run(argv).splitlines() if "n_packets" in line]
    of_entries = [line for line in lines if "priority=60001" not in line]
    assert len(of_entries) == web["flows"]
    assert sum(int(line.split("n_packets=")[1].split(",")[0]) for line in lines) == 1


def test_trace_names_the_entry(scene: DummySwitch) -> None:
    here = "br0: admitted at binding p0 VLAN 0 to Logical_Switch ls0"
    ssh = "denied by ACL web, entry 10 (deny tcp dport 22) at p0 ingress"
    answer = asked(scene, "trace", "br0", "p0", HOST, GUEST, "tcp", *PACKET, "tp_dst=22")
    assert answer["verdict"] == [f"{here}; dropped in ACL_INGRESS: {ssh}."]
    assert "ACL web has an entry with sequence 10" in answer["steps"][-1]["because"]
    ranges = "entry 20 (deny tcp sport 1024-65535 dport 80-443) at p0 ingress"
    words = ("tcp", *PACKET, "tp_src=2000", "tp_dst=100")
    (sentence,) = asked(scene, "trace", "br0", "p0", HOST, GUEST, *words)["verdict"]
    assert sentence.endswith(f"dropped in ACL_INGRESS: denied by ACL web, {ranges}.")
    words = ("udp", *PACKET, "tp_src=2000", "tp_dst=22")
    (sentence,) = asked(scene, "trace", "br0", "p0", HOST, GUEST, *words)["verdict"]
    assert sentence.endswith("leaves by p1 with VLAN 10.")
    ping = "denied by ACL web, entry 10 (deny icmp) at p0 egress"
    back = ("p1", "vlan=10", GUEST, HOST, "icmp", *PACKET)
    (sentence,) = asked(scene, "trace", "br0", *back)["verdict"]
    assert sentence.endswith(f"dropped in ACL_EGRESS: {ping}.")


def test_why_and_metrics(scene: DummySwitch) -> None:
    found = asked(scene, "why", "acl=web")["why"]
    assert all(each["is_installed"] for each in found)
    (web,) = asked(scene, "acl/show")["acls"]
    made = [flow for each in found for flow in each["flows"]]
    of_entries = [flow for flow in made if "priority=60001" not in flow]
    assert len(of_entries) == web["flows"]
    send(scene, "p0", 500, 22)

    def figures() -> dict[str, Any]:
        return dict(asked(scene, "metrics/show")["switches"][0])

    scene.wait(lambda: figures()["denied_frames_total"] == 1, "the denied frame to be counted")
    assert (figures()["acls"], figures()["acl_flows"]) == (1, web["flows"])
    assert BROADCAST not in str(found)
