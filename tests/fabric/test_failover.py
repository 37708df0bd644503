"""Service nodes that die and recover, seen at the wire: who gets each frame of a broadcast stream.

BFD is at 300 ms, so that a node is dead 900 ms after its last packet.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from sim.lab.peer import Peer
from sim.waiting import WaitFailed, wait_until
from sim.wire.frames import BROADCAST, lab_frame, probe
from tests.fabric.conftest import BfdLab

DETECTION = 0.9
"""Seconds in which BFD notices that a node is gone; a busy machine gets ten times as long."""

RATE = 500


class Watch:
    """A stream of broadcasts from vm1, and who of the service nodes got which frames."""

    def __init__(self, lab: BfdLab) -> None:
        self._lab = lab
        self.peers = (lab.one, lab.two)
        self._captures = {peer.name: peer.capture_underlay() for peer in self.peers}
        self.stream = lab.vm1.stream(lab.vm2, rate=RATE, dst=BROADCAST)

    def frames(self, peer: Peer) -> dict[int, float]:
        """Return the frames that arrived at a service node: number and time. None comes twice."""
        arrivals = self.stream.seen_by(self._captures[peer.name])
        frames = {number: moment for moment, number in arrivals}
        assert len(frames) == len(arrivals), f"{peer.name} got frames twice"
        return frames

    def used(self) -> Peer:
        """Return the one service node that got the latest frames, once there are some."""
        before = self.stream.sent
        self._lab.wait(
            lambda: any(max(self.frames(peer), default=-1) > before for peer in self.peers),
            "frames at a service node",
        )
        return max(self.peers, key=lambda peer: max(self.frames(peer), default=-1))

    def await_frames_at(self, peer: Peer, after: float, timeout: float = 60.0) -> float:
        """Wait for a first frame at a service node after a moment; return how long it took."""

        def later() -> list[float]:
            return [moment for moment in self.frames(peer).values() if moment > after]

        return min(self._lab.wait(later, f"frames at {peer.name}", timeout)) - after

    def let_flow(self, number: int) -> None:
        """Wait until that many frames more were sent."""
        goal = self.stream.sent + number
        self._lab.wait(lambda: self.stream.sent >= goal, f"{number} frames sent")


@dataclass(frozen=True)
class Trouble:
    """What befalls a service node, and how it ends."""

    name: str

    def begin(self, peer: Peer) -> None:
        if self.name == "killed":
            peer.ovs_vswitchd.kill()
        elif self.name == "cut off":
            peer.cut()
        else:
            peer.set_cpath_down(True)

    def end(self, peer: Peer) -> None:
        if self.name == "killed":
            peer.ovs_vswitchd.start()
        elif self.name == "cut off":
            peer.mend()
        else:
            peer.set_cpath_down(False)


@contextlib.contextmanager
def watching(lab: BfdLab) -> Iterator[Watch]:
    watch = Watch(lab)
    with watch.stream:
        yield watch


@pytest.fixture(params=["with the app", "without the app"])
def app(request: pytest.FixtureRequest, lab: BfdLab) -> Iterator[str]:
    """The application: in control, or killed until the test is over."""
    lab.await_bfd(lab.one, lab.two)
    if request.param == "without the app":
        lab.vtep.app.kill()
    yield request.param
    if not lab.vtep.app.running:
        lab.vtep.app.start()
        lab.vtep.app.wait_until_ready()
    lab.await_bfd(lab.one, lab.two)


@pytest.mark.parametrize(
    "trouble",
    [Trouble("killed"), Trouble("cut off"), Trouble("cpath_down")],
    ids=lambda each: each.name,
)
def test_a_dead_service_node_is_left_and_taken_up_again(
    lab: BfdLab, app: str, trouble: Trouble, record_property: Callable[[str, object], None]
) -> None:
    with watching(lab) as watch:
        first = watch.used()
        other = lab.two if first is lab.one else lab.one
        began = time.time()
        trouble.begin(first)
        away = watch.await_frames_at(other, after=began, timeout=10 * DETECTION)
        watch.let_flow(RATE // 4)
        left = watch.stream.sent
        ended = time.time()
        trouble.end(first)
        back = watch.await_frames_at(first, after=ended)
        watch.let_flow(RATE // 4)
    at_first, at_other = watch.frames(first), watch.frames(other)

    record_property("away", away)
    record_property("back", back)
    print(f"{trouble.name} {app}: away after {away * 1000:.0f} ms, back after {back * 1000:.0f} ms")
    assert not at_first.keys() & at_other.keys()
    leaving, returning = min(at_other), max(at_other)
    assert set(at_other) == set(range(leaving, returning + 1))
    assert set(range(returning + 1, watch.stream.sent)) <= set(at_first)
    assert leaving < left <= returning
    if trouble.name != "cut off":
        assert set(range(leaving)) <= set(at_first)
    assert not watch.stream.account().lost
    assert not watch.stream.account().duplicated


def test_if_all_are_dead_one_gets_the_frames_and_the_log_says_so(lab: BfdLab) -> None:
    lab.await_bfd(lab.one, lab.two)
    logged = len(lab.vtep.app.log_text)
    with watching(lab) as watch:
        watch.used()
        for peer in watch.peers:
            peer.set_cpath_down(True)
        lab.wait(
            lambda: (
                {lab.tunnel(each)["bfd_status"]["forwarding"] for each in watch.peers} == {"false"}
            ),
            "forwarding=false for both",
        )
        lab.wait(
            lambda: "down by BFD" in lab.vtep.app.log_text[logged:], "a line of the log about it"
        )
        dead = watch.stream.sent
        watch.let_flow(RATE // 2)
        for peer in watch.peers:
            peer.set_cpath_down(False)
        lab.await_bfd(*watch.peers)
    one, two = (set(watch.frames(peer)) for peer in watch.peers)
    assert one.isdisjoint(two)
    assert one | two == set(range(watch.stream.sent))
    during = set(range(dead, dead + RATE // 2))
    assert during <= one or during <= two


def users(lab: BfdLab, vlans: Sequence[int]) -> dict[str, set[int]]:
    """Send a broadcast in each VLAN; return which arrived soon at which service node.

    None may arrive at both, or twice.
    """
    mark = probe(lab.vm1.mac, BROADCAST).mark
    with lab.one.capture_underlay() as at_one, lab.two.capture_underlay() as at_two:
        # The one after the last follows all the others: when it is there, they are.
        for vlan in (*vlans, vlans[-1]):
            lab.vm1.send(lab_frame(lab.vm1.mac, BROADCAST, mark, (vlan,)))
        captures = {"one": at_one, "two": at_two}

        def arrived() -> dict[str, list[int]]:
            return {
                name: [
                    frame.vxlan.vni
                    for frame in capture.frames
                    if mark in frame.data and frame.vxlan
                ]
                for name, capture in captures.items()
            }

        with contextlib.suppress(WaitFailed):
            wait_until(lambda: sum(map(len, arrived().values())) > len(vlans), "all", timeout=0.3)
        found = arrived()
    counts = Counter(found["one"] + found["two"])
    assert counts.pop(vlans[-1], 0) <= 2
    assert set(counts.values()) <= {1}
    return {name: set(vnis) for name, vnis in found.items()}


def test_logical_switches_are_spread_and_those_of_a_dead_node_go_to_the_other(lab: BfdLab) -> None:
    vlans = range(100, 116)
    lab.await_bfd(lab.one, lab.two)
    for vlan in vlans:
        lab.configure(
            f"add-ls ls{vlan}",
            f"set Logical_Switch ls{vlan} tunnel_key={vlan}",
            f"bind-ls br0 p0 {vlan} ls{vlan}",
            f"add-mcast-remote ls{vlan} unknown-dst {lab.one.tunnel_ip}",
            f"add-mcast-remote ls{vlan} unknown-dst {lab.two.tunnel_ip}",
        )

    def everywhere() -> dict[str, set[int]] | None:
        found = users(lab, vlans)
        return found if set.union(*found.values()) == set(vlans) else None

    try:
        spread = lab.wait(everywhere, "every broadcast somewhere")
        assert min(map(len, spread.values())) >= 2, spread
        lab.one.set_cpath_down(True)
        lab.wait(
            lambda: users(lab, vlans) == {"one": set(), "two": set(vlans)}, "all at the other one"
        )
        lab.one.set_cpath_down(False)
        lab.wait(lambda: users(lab, vlans) == spread, "each where it was")
    finally:
        lab.one.set_cpath_down(False)
        for vlan in vlans:
            lab.configure(f"unbind-ls br0 p0 {vlan}", f"clear-remote-macs ls{vlan}")
