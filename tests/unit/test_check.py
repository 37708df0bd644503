"""check: PASS, WARN or FAIL for all that has to be consistent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vtep_ofapp.commands.check import CHECKS
from vtep_ofapp.commands.checks import process, underlay
from vtep_ofapp.commands.checks.finding import failed, gently, or_passed, warned
from vtep_ofapp.loop.turns import Turns
from vtep_ofapp.pipeline import tunnels
from vtep_ofapp.process import host
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.events import (
    Away,
    Bridges,
    Counters,
    Disconnected,
    LockIs,
    PauseIs,
    RoleIs,
    ServerConnection,
)
from vtep_ofapp.values.rows import BridgePort, VxlanPort

from .app import App, tunnel_port
from .asking import Asking
from .builders import (
    DATABASE,
    FAR,
    MAC1,
    MAC2,
    OWN,
    bridge,
    port,
    remote_mac,
    to_anyone,
    unknown_dst,
    uuid,
)

INTERFACE = (7, "02:00:00:00:00:07")


class Scene:
    """br0 with p0 in red, a station behind FAR and the tunnel there; every check passes."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.app = App(settings=settings)
        for writer in (self.app.vtep, *self.app.openvswitch.values()):
            writer.connection = ServerConnection("unix:db.sock", 0.0)
        self.asking = Asking(self.app)
        self.connection = self.app.start(remote_mac(MAC1, FAR), unknown_dst(FAR))
        writes = self.app.openvswitch[DATABASE].take()
        self.tunnel = next(
            tunnel_port(each, 10) for each in writes if getattr(each, "remote", "") == FAR
        )
        self.app.turn(self.app.openvswitch[DATABASE].done())
        self.ports(self.tunnel)

    def ports(self, *more: BridgePort, **of_bridge: Any) -> None:
        """Let the bridge have p0, and these ports."""
        ports = (port("p0", 1), to_anyone(), *more)
        self.app.turn(Bridges(DATABASE, {"br0": bridge(*ports, **of_bridge)}))
        self.app.serve(self.connection)

    def bad(self) -> list[tuple[str, str, str]]:
        """Return what is not well: the result, the check and the text."""
        checks = self.asking.json("check")["checks"]
        return [
            (each["result"], each["check"], each["text"])
            for each in checks
            if each["result"] != "PASS"
        ]

    def only(self, result: str, check: str) -> str:
        """Return the text of the one thing that is not well, beside the faults."""
        ((found, name, text),) = (each for each in self.bad() if each[1] != "faults")
        assert (found, name) == (result, check)
        assert self.asking.fails("check") is (result == "FAIL" or "FAIL" in str(self.bad()))
        return text


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_all_is_well(scene: Scene) -> None:
    answer = scene.asking.json("check")
    assert scene.bad() == []
    assert (answer["failed"], answer["warned"]) == (0, 0)
    assert not scene.asking.fails("check")
    named = {each["check"] for each in answer["checks"]}
    assert named == {check.name for check in (*process.CHECKS, *CHECKS)} - {"mtu"}
    assert {each["bridge"] for each in answer["checks"]} == {None, "br0"}


def test_fail_mode(scene: Scene) -> None:
    scene.ports(scene.tunnel, is_secure=False)
    assert "ovs-vsctl set-fail-mode br0 secure" in scene.only("FAIL", "fail_mode")


def test_connection(scene: Scene) -> None:
    scene.app.turn(Disconnected(scene.connection))
    checks = [(result, check) for result, check, _ in scene.bad()]
    assert checks == [
        ("WARN", "faults"),
        ("FAIL", "connection"),
        ("WARN", "role"),
        ("WARN", "installed"),
    ]


def test_another_master(scene: Scene) -> None:
    scene.app.turn(LockIs(False), LockIs(True))
    scene.app.turn(RoleIs(scene.connection, None))
    assert ("FAIL", "role") in [(result, check) for result, check, _ in scene.bad()]


def test_a_standby_is_well(scene: Scene) -> None:
    scene.app.turn(LockIs(False))
    assert scene.bad() == []


def test_databases_and_the_lock(scene: Scene) -> None:
    scene.app.vtep.connection = None
    scene.app.turn(Away("hardware_vtep"))
    assert [(result, check) for result, check, _ in scene.bad()] == [
        ("FAIL", "databases"),
        ("WARN", "lock"),
    ]


def test_nothing_is_known_yet() -> None:
    asking = Asking(App())
    checks = asking.json("check")["checks"]
    assert [each["result"] for each in checks] == ["FAIL", "FAIL", "WARN", "PASS", "WARN", "PASS"]


def test_a_pause(scene: Scene) -> None:
    scene.app.turn(PauseIs(paused=True))
    assert "resume" in scene.only("WARN", "pause")
    scene.app.tell(remote_mac(MAC2, FAR, row=uuid(0x1009)))
    assert [check for _, check, _ in scene.bad()] == ["pause", "installed"]


def test_what_is_sent_and_not_answered(scene: Scene) -> None:
    scene.app.tell(remote_mac(MAC2, FAR, row=uuid(0x1009)))
    assert scene.only("WARN", "installed") == (
        "being changed: 1 flows, 0 groups and 0 tunnel ports"
    )


def test_what_the_switch_lacks(scene: Scene) -> None:
    (state,) = scene.app.components.switches.states()
    (flow,) = (each for each in state.flows.actual.values() if MAC1 in str(each))
    state.flows.have(flow.key, None)
    assert scene.only("FAIL", "installed").startswith("not as wanted: 1 flows")


def test_faults(scene: Scene) -> None:
    ports = port("p0", 1, has_vlans=True), to_anyone(), scene.tunnel
    scene.app.turn(Bridges(DATABASE, {"br0": bridge(*ports)}))
    scene.app.serve(scene.connection)
    ((result, check, text),) = scene.bad()
    assert (result, check) == ("FAIL", "faults")
    assert text.startswith("Physical_Port p0 of br0: Open vSwitch has VLAN settings")


def test_a_tunnel_whose_port_failed(scene: Scene) -> None:
    scene.ports(replace(scene.tunnel, number=None, members=(), error="no such device"))
    assert (
        "FAIL",
        "tunnels",
        f"the tunnel to {FAR} is failed, for 0 s: no such device",
    ) in scene.bad()


def test_a_tunnel_that_is_not_there_yet(scene: Scene) -> None:
    scene.ports()
    assert ("WARN", "tunnels") in [(result, check) for result, check, _ in scene.bad()]


def test_bfd(scene: Scene) -> None:
    down = {"state": "down", "forwarding": "false", "diagnostic": "Control Detection Time Expired"}
    scene.ports(replace(scene.tunnel, bfd_status=down))
    text = scene.only("FAIL", "tunnels")
    assert text.startswith(f"BFD to {FAR} is down, for 0 s (Control Detection Time Expired)")


def test_a_port_that_takes_our_packets(scene: Scene) -> None:
    foreign = VxlanPort("br0", "vxlan0", FAR, OWN, 5001, is_up=True)
    scene.ports(scene.tunnel, port("vxlan0", 77, vxlan=foreign))
    text = scene.only("FAIL", "vxlan_ports")
    assert text == "vxlan0 takes our packets with VNI 5001: ovs-vsctl del-port br0 vxlan0"


@pytest.mark.parametrize(("limit", "result"), [(5, "WARN"), (4, "FAIL")])
def test_limits(limit: int, result: str) -> None:
    scene = Scene(Settings(max_tunnels=limit))
    rows = [remote_mac(f"02:00:00:00:01:0{n}", f"10.0.1.{n}", row=uuid(900 + n)) for n in range(3)]
    scene.app.tell(*rows)
    assert (
        result,
        "limits",
        f"4 tunnels {'reach' if limit == 4 else 'are near'} max_tunnels = {limit}",
    ) in scene.bad()


def test_frames_of_unnamed_vteps(scene: Scene) -> None:
    flow = tunnels.unnamed(5001)
    scene.app.turn(Counters(scene.connection, {flow.key: Counter(flow.cookie, 3, 180)}))
    text = scene.only("WARN", "unnamed_senders")
    assert text.startswith("3 frames with VNI 5001 came from VTEPs that no row of red names")


# This host


@pytest.fixture
def here(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The same on this host, where eth1 has an MTU of 1500, and p0 of 1450."""
    sizes = {"eth1": 1500, "p0": 1450}
    monkeypatch.setattr(host, "has_interface", lambda *interface: interface == ("br0", *INTERFACE))
    monkeypatch.setattr(host, "has_address", OWN.__eq__)
    monkeypatch.setattr(host, "mtu", sizes.get)
    scene.ports(replace(scene.tunnel, egress="eth1"), interface=INTERFACE)
    return scene


def test_this_host_is_well(here: Scene) -> None:
    assert here.bad() == []
    texts = [each["text"] for each in here.asking.json("check")["checks"]]
    assert f"this host has {OWN}" in texts
    assert "eth1 has 1500 bytes, and tunnels need 1500" in texts


def test_an_address_that_this_host_lacks(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "has_address", lambda address: False)
    text = here.only("FAIL", "tunnel_ips")
    assert text == f"this host lacks {OWN}: ip addr add {OWN}/PREFIX dev eth1"


def test_frames_that_do_not_fit(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "mtu", {"eth1": 1500, "p0": 1500}.get)
    assert here.only("WARN", "mtu") == (
        "frames of p0 (MTU 1500) need 1550 bytes in a tunnel, and eth1 has 1500: "
        "ip link set eth1 mtu 1550, or 1450 at the ports and their hosts"
    )


def test_the_worst_of_very_many_are_listed() -> None:
    bad = [*(warned(f"w{n}") for n in range(15)), *(failed(f"f{n}") for n in range(15))]
    found = [text for _, text in or_passed(bad, "")]
    assert found == [*(f"f{n}" for n in range(15)), *(f"w{n}" for n in range(5)), "and 10 more"]


def test_turns_run_while_very_many_things_are_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[int] = []
    monkeypatch.setattr(Turns, "let_run", lambda turns: pauses.append(1))
    assert list(gently(range(1100), scene.asking.running)) == list(range(1100))
    assert len(pauses) == 2


def test_the_bridge_has_no_tunnel_ip(here: Scene) -> None:
    driver = here.app.components.switches.drivers["br0"]
    assert driver.switch.physical is not None
    driver.switch.view.physical = replace(driver.switch.physical, tunnel_ips=())
    (check,) = (each for each in underlay.CHECKS if each.name == "tunnel_ips")
    ((level, text),) = check.look(driver, here.asking.running)
    assert (level.value, "tunnel_ips=ADDRESS" in text) == ("FAIL", True)
