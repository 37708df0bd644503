"""What commands say of stations, BUM frames, tunnels, VNIs and ports is what the switch does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch

HOST, GUEST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"
NODES = "10.2.2.2", "10.2.2.3"
DEAD, ALIVE = NODES


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """Two service nodes, the first of which is down by BFD, two hosts here, and an absent port."""
    joined.add_port("p2", 3)
    joined.wait(lambda: joined.port_rows("br0") == ["p0", "p1", "p2"], "the row of p2")
    joined.vtep_ctl(
        "add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1",
        "--", "bind-ls", "br0", "p2", "30", "ls0",
    )  # fmt: skip
    joined.replicate(*((node,) for node in NODES))
    joined.place(FAR, ALIVE)
    for node in NODES:
        joined.tunnel_port(node)
    joined.learns(HOST)
    joined.learns(GUEST, "p1", 10)
    joined.ovs_vsctl("del-port", "br0", "p2")
    joined.wait(lambda: len(joined.rows("Tunnel")) == len(NODES), "the rows of both tunnels")
    locator = joined.row("Physical_Locator", dst_ip=DEAD)["_uuid"]
    tunnel = next(row for row in joined.rows("Tunnel") if row["remote"] == locator)
    joined.vtep_ctl("set", "Tunnel", str(tunnel["_uuid"]), "bfd_params:enable=true")
    joined.wait(lambda: ask(joined, "tunnel/show", DEAD)["tunnels"][0]["bfd"], "BFD")
    return joined


def ask(vtep: DummySwitch, *words: str) -> Any:
    return json.loads(vtep.app.ask(*words, "--json"))


def interfaces(vtep: DummySwitch) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in vtep.rows("Interface", "Open_vSwitch")}


def test_answers_are_what_the_switch_does(scene: DummySwitch) -> None:
    check_flooding(scene)
    check_tunnels(scene)
    check_vnis_and_ports(scene)
    check_stations(scene)


def check_stations(scene: DummySwitch) -> None:
    answer = ask(scene, "mac/show", "ls0")
    places = {row["mac"]: (row["port"], row["vlan"]) for row in answer["learned"]}
    assert places == {HOST: ("p0", 0), GUEST: ("p1", 10)}
    assert places.keys() == scene.local_macs().keys()
    (placed,) = answer["placed_by_nvc"]
    assert (placed["mac"], placed["remote_vtep"], placed["is_used"]) == (FAR, ALIVE, True)
    assert placed["row"] == str(scene.row("Ucast_Macs_Remote", MAC=FAR)["_uuid"])
    assert placed["problem"] is None
    # What a station that the NVC placed elsewhere sends here is a conflict, and its row decides.
    scene.place(GUEST, ALIVE)
    scene.wait(lambda: scene.sends("p0", GUEST) == [f"{ALIVE} vni 33"], "the new place")

    def conflicts() -> bool:
        scene.receive("p1", GUEST, BROADCAST, 10)
        rows = ask(scene, "mac/show", GUEST)
        return all(map(conflict, (rows["learned"], rows["placed_by_nvc"])))

    scene.wait(conflicts, "a conflict")
    assert scene.sends("p0", GUEST) == [f"{ALIVE} vni 33"]


def conflict(rows: list[Any]) -> bool:
    return any(row["conflict"] for row in rows)


def check_flooding(scene: DummySwitch) -> None:
    answer = ask(scene, "flood/show", "br0", "ls0")
    (flooded,) = answer["flood_lists"]
    assert (flooded["mode"], flooded["problem"]) == ("service_node", None)
    targets = {row["remote_vtep"]: row for row in answer["remote_vteps"]}
    assert {address: row["receives"] for address, row in targets.items()} == {
        DEAD: False,
        ALIVE: True,
    }
    assert targets[DEAD]["bfd"] == "down"
    bindings = ["p0 VLAN 0", "p1 VLAN 10"]
    assert flooded["bindings"] == bindings
    assert scene.sends("p0", BROADCAST) == [f"{ALIVE} vni 33", "p1 vlan 10"]


def check_tunnels(scene: DummySwitch) -> None:
    rows = ask(scene, "tunnel/show")
    there = interfaces(scene)
    assert [row["remote_vtep"] for row in rows["tunnels"]] == list(NODES)
    for row in rows["tunnels"]:
        interface = there[row["port"]]
        assert interface["options"]["remote_ip"] == row["remote_vtep"]
        assert interface["options"]["local_ip"] == row["local"] == "127.0.0.1"
        assert (row["ofport"], row["state"]) == (interface["ofport"], "up")
        assert (row["vnis"], row["logical_switches"]) == ([33], ["ls0"])
        assert row["bfd"] == interface["bfd_status"].get("state")
        assert row["forwards"] == (row["remote_vtep"] == ALIVE)
    (anyone,) = rows["receive_only"]
    assert anyone["remote_vtep"] is None
    assert anyone["ofport"] == there[anyone["port"]]["ofport"]

    def sent() -> int:
        """Return how many frames went to ALIVE, 0 if the switch was too slow to answer."""
        rows = {row["remote_vtep"]: row for row in ask(scene, "tunnel/show")["counters"]}
        return int(rows[ALIVE]["tx_packets"]) if list(rows) == [*NODES, None] else 0

    scene.receive("p0", HOST, FAR)
    before = scene.wait(sent, "a frame into the tunnel to be counted")
    scene.receive("p0", HOST, FAR)
    scene.wait(lambda: sent() > before, "a further one")


def check_vnis_and_ports(scene: DummySwitch) -> None:
    first, second = ask(scene, "vni/show")["vnis"]
    assert (first["logical_switch"], first["vnis"], first["source"]) == ("ls0", [33], "tunnel_key")
    assert (first["bindings"], first["remote_vteps"]) == (2, 2)
    assert (second["logical_switch"], second["vnis"]) == ("ls1", [])
    assert second["problem"] == "it has no tunnel key yet; it switches locally only"
    answer, there = ask(scene, "port/show"), interfaces(scene)
    ports = {row["port"]: row for row in answer["ports"]}
    assert list(ports) == ["p0", "p1", "p2"]
    for name in ("p0", "p1"):
        assert ports[name]["ofport"] == there[name]["ofport"]
        assert ports[name]["link"] == there[name]["link_state"] == "up"
        assert ports[name]["learned_macs"] == 1
    assert ports["p2"]["problem"] == "the bridge has no port of that name"
    assert ports["p2"]["away_for_s"] >= 0
    used = {(row["port"], row["vlan"]): row["is_used"] for row in answer["bindings"]}
    assert used == {("p0", 0): True, ("p1", 10): True, ("p1", 20): True, ("p2", 30): False}
