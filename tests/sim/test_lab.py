"""Labs on the real machine (as root), without the application: br0 is a plain switch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.packet import Packet

from sim.lab.guide import Lab
from sim.lab.hosts import VxlanEndpoint
from sim.lab.namespaces import FOLDER
from sim.lab.network import EmptyLab
from sim.lab.peer import Peer
from sim.lab.state import LabBusy, LabState
from sim.waiting import wait_until
from sim.wire.frames import BROADCAST, ETHERTYPE_LAB


def name_of_test_lab(suffix: str = "") -> str:
    """A name that no other test run on this machine has."""
    return f"t{os.getpid()}{suffix}"


def namespaces_of(name: str) -> list[str]:
    return [path.name for path in FOLDER.glob(f"{name}-*")]


def processes_of(name: str) -> list[str]:
    """Command lines that have the lab's name in them: all its daemons have, by their paths."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"/{name}/" in command:
            found.append(command)
    return found


def assert_gone(name: str) -> None:
    assert namespaces_of(name) == []
    assert processes_of(name) == []
    assert not LabState(name).folder.exists()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(name_of_test_lab()) as lab:
        lab.start(controller=False)
        yield lab


def test_a_broadcast_arrives_once_at_the_other_vm(lab: Lab) -> None:
    lab.expect_delivery(lab.vm1.send, {"vm2": ["untagged"]}, src=lab.vm1.mac)


def test_tags_survive_the_way(lab: Lab) -> None:
    lab.expect_delivery(lab.vm2.send, {"vm1": ["vlan 10 vlan 20"]}, src=lab.vm2.mac, vlans=(10, 20))


def test_the_sender_does_not_capture_its_own_frame(lab: Lab) -> None:
    frame = b"\xff" * 6 + b"\x02" * 6 + b"\x88\xb5" + b"own" * 20
    with lab.vm1.capture() as at_vm1, lab.vm2.capture() as at_vm2:
        lab.vm1.send(frame)
        at_vm2.wait_for(1, lambda captured: captured.data == frame)
    assert at_vm1.count(lambda captured: captured.data == frame) == 0


def test_vms_ping_each_other_and_endpoints_the_vtep(lab: Lab) -> None:
    assert lab.vm1.ping(lab.vm2.ip) == 3
    assert lab.vm1.ping("192.168.33.77", count=1) == 0
    assert lab.hypervisor.ping(lab.vtep.tunnel_ip, count=1) == 1


def test_a_stream_arrives_whole(lab: Lab) -> None:
    with lab.vm1.stream(lab.vm2, rate=1000) as stream:
        wait_until(lambda: stream.sent >= 300, "300 frames")
    account = stream.account()
    assert account.sent >= 300
    assert (account.received, account.lost, account.duplicated) == (account.sent, (), ())


def test_a_stream_to_nowhere_is_lost(lab: Lab) -> None:
    lab.vtep.ofctl("add-flow", "br0", "priority=9,dl_src=02:00:00:00:00:02,actions=drop")
    try:
        with lab.vm2.stream(lab.vm1, rate=1000) as stream:
            wait_until(lambda: stream.sent >= 20, "20 frames")
    finally:
        lab.vtep.ofctl("--strict", "del-flows", "br0", "priority=9,dl_src=02:00:00:00:00:02")
    assert len(stream.account().lost) == stream.sent


def test_a_packet_that_no_tunnel_takes_has_no_copies(lab: Lab) -> None:
    def send(frame: Packet) -> None:
        lab.hypervisor.send_vxlan(33, frame)

    assert lab.deliver(send, src=lab.hypervisor.mac, dst=BROADCAST) == {}


def test_a_tunnel_carries_frames_to_a_kernel_endpoint_and_back(lab: Lab) -> None:
    lab.vtep.ovs_vsctl(
        "add-port", "br0", "vx", "--", "set", "interface", "vx", "type=vxlan",
        "options:remote_ip=10.2.2.3", "options:local_ip=10.2.2.1", "options:key=33",
    )  # fmt: skip
    try:
        lab.expect_delivery(
            lab.vm1.send, {"vm2": ["untagged"], "hypervisor": ["vni 33"]}, src=lab.vm1.mac
        )
        lab.expect_delivery(
            lambda frame: lab.hypervisor.send_vxlan(33, frame),
            {"vm1": ["untagged"], "vm2": ["untagged"]},
            src=lab.hypervisor.mac,
        )
        lab.expect_delivery(
            lambda frame: lab.hypervisor.send_vxlan(33, frame, src="10.2.2.99"),
            {},
            src=lab.hypervisor.mac,
        )
        assert lab.vm1.ping(lab.hypervisor.ip) == 3
        assert lab.hypervisor.ping(lab.vm1.ip) == 3
    finally:
        lab.vtep.ovs_vsctl("del-port", "br0", "vx")


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_the_lab_forwards_again_after_a_new_start_of_ovs_vswitchd(lab: Lab, end: str) -> None:
    daemon = lab.vtep.ovs_vswitchd
    if end == "kill":
        daemon.kill()
        assert not daemon.running
        daemon.start()
    else:
        daemon.restart()
    lab.expect_delivery(lab.vm1.send, {"vm2": ["untagged"]}, src=lab.vm1.mac)
    assert lab.hypervisor.ping(lab.vtep.tunnel_ip, count=1) == 1


def test_ovsdb_server_restarts_alone(lab: Lab) -> None:
    before = lab.vtep.ovs_vswitchd.pid
    lab.vtep.ovsdb_server.restart()
    assert "br0" in lab.vtep.vtep_ctl("list-ps")
    assert lab.vtep.ovs_vswitchd.pid == before


def test_vms_and_endpoints_can_be_added(lab: Lab) -> None:
    vm3 = lab.add_vm("vm3", port="p2", ip="192.168.33.3")
    third = lab.add_remote("third", "10.2.2.4", ip="192.168.33.104")
    lab.expect_delivery(vm3.send, {"vm1": ["untagged"], "vm2": ["untagged"]}, src=vm3.mac)
    assert third.ping(lab.vtep.tunnel_ip, count=1) == 1


class Peers(EmptyLab):
    """Two peers with BFD between them, two VTEPs without tunnels, two kernel endpoints."""

    far: list[VxlanEndpoint]


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with Peers(name_of_test_lab("p")) as lab:
        for number in (1, 2):
            vtep = lab.add_vtep(
                f"vtep{number}", tunnel_ip=f"10.2.2.{number}", management_ip=f"10.1.1.1{number}"
            )
            lab.add_vm(f"vm{number}", port="p0", ip=f"192.168.33.{number}", vtep=vtep)
            lab.add_vm(f"near{number}", port="p1", ip=f"192.168.33.1{number}", vtep=vtep)
        lab.far = [
            lab.add_remote(f"far{number}", f"10.2.2.2{number}", ip=f"192.168.33.2{number}")
            for number in (1, 2)
        ]
        one, other = lab.add_peer("one", "10.2.2.11"), lab.add_peer("other", "10.2.2.12")
        lab.start(controller=False)
        one.add_tunnel(other.tunnel_ip, min_rx=100, min_tx=100)
        other.add_tunnel(one.tunnel_ip, min_rx=100, min_tx=100)
        await_bfd(one, other, forwarding="true", state="up")
        yield lab


def await_bfd(at: Peer, remote: Peer, **expected: str) -> None:
    wait_until(
        lambda: expected.items() <= at.bfd_status(remote.tunnel_ip).items(),
        f"BFD with {expected} at {at.name}",
        evidence=at.evidence,
    )


@pytest.mark.parametrize("trouble", ["kill", "cut", "off"])
def test_peers_see_each_other_die_and_come_back(peers: Peers, trouble: str) -> None:
    one, other = peers.peers.values()
    if trouble == "kill":
        other.ovs_vswitchd.kill()
    elif trouble == "cut":
        other.cut()
    else:
        other.set_bfd(one.tunnel_ip, enable=False)
    await_bfd(one, other, forwarding="false", state="down")
    if trouble == "kill":
        other.ovs_vswitchd.start()
    elif trouble == "cut":
        other.mend()
    else:
        other.set_bfd(one.tunnel_ip, enable=True)
    await_bfd(one, other, forwarding="true", state="up")
    wait_until(
        lambda: one.bfd_sessions()[other.tunnel_ip]["Remote Session State"] == "up", "both ends up"
    )


def test_a_peer_says_that_its_path_is_down(peers: Peers) -> None:
    one, other = peers.peers.values()
    other.set_cpath_down(True)
    await_bfd(one, other, forwarding="false", remote_diagnostic="Concatenated Path Down")
    other.set_cpath_down(False)
    await_bfd(one, other, forwarding="true")


def test_a_peer_replicates_also_after_a_restart(peers: Peers) -> None:
    node, far = peers.peers["one"], peers.far[0]
    for each in peers.far:
        node.add_tunnel(each.underlay_ip)
    node.replicate()

    def send(frame: Packet) -> None:
        far.send_vxlan(77, frame, to=node.tunnel_ip)

    expected = {name: ["vni 77"] for name in ("one", "other", "far2")}
    peers.expect_delivery(send, expected, src=far.mac)
    node.ovs_vswitchd.restart()
    peers.expect_delivery(send, expected, src=far.mac)


def test_a_packet_of_a_peer_arrives_as_it_was_made(peers: Peers) -> None:
    node, far = peers.peers["other"], peers.far[0]
    with far.capture_underlay() as capture:
        node.send_vxlan(5, b"inner" * 12, to=far.underlay_ip)
        (found,) = capture.wait_for(1, lambda frame: frame.vxlan is not None)
    assert found.vxlan is not None
    assert (found.vxlan.src, found.vxlan.vni) == (node.tunnel_ip, 5)


def test_a_vm_moves_with_its_addresses(peers: Peers) -> None:
    first, second = peers.vteps.values()
    vm = peers.hosts["vm1"]
    assert vm.ping("192.168.33.11", count=1) == 1
    peers.move_vm(vm, second, "p7")
    wait_until(lambda: vm.ping("192.168.33.12", count=1) == 1, "a ping at the new place")
    assert vm.ping("192.168.33.11", count=1) == 0
    assert (first.ports, second.ports) == (["p1"], ["p0", "p1", "p7"])
    assert "p0" not in first.ovs_vsctl("list-ports", "br0").split()
    peers.move_vm(vm, first, "p0")
    wait_until(lambda: vm.ping("192.168.33.11", count=1) == 1, "a ping at the old place")


def test_a_lab_that_is_in_use_is_left_alone(lab: Lab) -> None:
    with pytest.raises(LabBusy), Lab(lab.name):
        pass
    assert lab.vm1.ping(lab.vm2.ip) == 3


def test_two_labs_live_side_by_side_and_come_down_without_a_trace(lab: Lab) -> None:
    name = name_of_test_lab("b")
    with Lab(name) as other:
        other.start(controller=False)
        with lab.vm2.capture() as elsewhere:
            other.expect_delivery(other.vm1.send, {"vm2": ["untagged"]}, src=other.vm1.mac)
        assert elsewhere.count(lambda frame: frame.packet.type == ETHERTYPE_LAB) == 0
        assert len(processes_of(name)) == 2
    assert_gone(name)
    assert lab.vm1.ping(lab.vm2.ip) == 3


def test_a_lab_that_fails_comes_down() -> None:
    name = name_of_test_lab("f")

    def fail_in_a_lab() -> None:
        with Lab(name) as doomed:
            doomed.start(controller=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_a_lab()
    assert_gone(name)


@pytest.mark.parametrize("half", [True, False], ids=["half-built", "whole"])
def test_what_a_killed_lab_left_is_removed_by_the_next(half: bool) -> None:
    name = name_of_test_lab("k")
    program = (
        "import os, signal\n"
        "from sim.lab.guide import Lab\n"
        f"with Lab({name!r}) as lab:\n"
        f"    {'lab.vtep.create_databases()' if half else 'lab.start(controller=False)'}\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert namespaces_of(name)

    with Lab(name) as lab:
        lab.start(controller=False)
        lab.expect_delivery(lab.vm1.send, {"vm2": ["untagged"]}, src=lab.vm1.mac)
    assert_gone(name)


def test_a_signal_takes_the_lab_down() -> None:
    name = name_of_test_lab("s")
    demo = subprocess.Popen(
        [sys.executable, "-m", "sim", "demo", "--name", name],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: processes_of(name), "a daemon of the lab", timeout=30)
    demo.send_signal(signal.SIGTERM)
    assert demo.wait(30) == 128 + signal.SIGTERM
    assert_gone(name)
