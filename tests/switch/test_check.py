"""check: a healthy switch passes, and a failed check says what to type."""

from __future__ import annotations

import pytest

from sim.lab.namespaces import CommandFailed
from tests.switch.dummy import DummySwitch

FAR = "00:00:00:00:00:99"


@pytest.fixture
def scene(joined: DummySwitch) -> DummySwitch:
    """A station behind 10.2.2.3, and BUM frames for 10.2.2.2; every check passes."""
    joined.place(FAR, "10.2.2.3")
    joined.replicate(("10.2.2.2",))
    joined.wait(lambda: is_well(joined), "all to be well")
    return joined


def test_a_fail_mode_that_somebody_changed(scene: DummySwitch) -> None:
    scene.app.ask("pause")  # else it is mended at once
    scene.ovs_vsctl("set-fail-mode", "br0", "standalone")
    scene.wait(lambda: ("FAIL", "fail_mode") in bad(scene), "the failed check")
    assert ("WARN", "pause") in bad(scene)
    scene.app.ask("resume")
    scene.wait(lambda: is_well(scene), "all to be well again")


def test_a_vxlan_port_that_takes_our_packets(scene: DummySwitch) -> None:
    options = ["options:remote_ip=10.2.2.3", "options:local_ip=127.0.0.1", "options:key=33"]
    scene.ovs_vsctl(
        "add-port", "br-phy", "old", "--", "set", "interface", "old", "type=vxlan", *options
    )
    scene.wait(lambda: ("FAIL", "vxlan_ports") in bad(scene), "the failed check")
    assert "ovs-vsctl del-port br-phy old" in answer(scene)
    scene.ovs_vsctl("del-port", "br-phy", "old")
    scene.wait(lambda: is_well(scene), "all to be well again")


def test_a_tunnel_whose_port_cannot_be_made(scene: DummySwitch) -> None:
    options = ["options:remote_ip=10.2.2.5", "options:local_ip=127.0.0.1", "options:key=flow"]
    scene.ovs_vsctl(
        "add-port", "br-phy", "rival", "--", "set", "interface", "rival", "type=vxlan", *options
    )
    scene.place("00:00:00:00:00:98", "10.2.2.5")
    scene.wait(lambda: ("FAIL", "tunnels") in bad(scene), "the failed check")
    assert "the tunnel to 10.2.2.5 is failed" in answer(scene)


def test_a_tunnel_whose_bfd_is_down(scene: DummySwitch) -> None:
    (row,) = (row for row in scene.rows("Tunnel") if row["remote"] == locator(scene, "10.2.2.3"))
    scene.vtep_ctl("set", "Tunnel", str(row["_uuid"]), "bfd_params:enable=true")
    scene.wait(lambda: ("FAIL", "tunnels") in bad(scene), "the failed check")
    assert "BFD to 10.2.2.3 is down" in answer(scene)


def locator(scene: DummySwitch, address: str) -> object:
    return scene.row("Physical_Locator", dst_ip=address)["_uuid"]


def answer(scene: DummySwitch) -> str:
    """Return what check answers, whether it fails or not."""
    try:
        return scene.app.ask("check")
    except CommandFailed as error:
        return str(error)


def bad(scene: DummySwitch) -> set[tuple[str, ...]]:
    """Return what is not well: each result, and its check."""
    words = [line.split() for line in answer(scene).splitlines()]
    return {(each[0], each[2]) for each in words if each and each[0] in ("WARN", "FAIL")}


def is_well(scene: DummySwitch) -> bool:
    return "PASS" in answer(scene) and not bad(scene)
