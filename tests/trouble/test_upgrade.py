"""A former version and this one take over from each other, and no packet is lost.

Both find the same databases and the same bridge. Each makes there what it makes on an empty bridge,
and nothing of the other one's is left.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.lab.app import App
from sim.lab.hosts import Host
from sim.lab.vtep import Vtep
from sim.wire.frames import BROADCAST
from tests.former import FormerApp, check_out
from tests.lab.control import Control
from tests.lab.test_traffic import HYPERVISOR, THIRD, ages, reported
from tests.lab.traffic import Copies, Traffic
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire, new_mac
from tests.trouble.test_application import assert_untouched, whole

SERVICE_NODE = "10.2.2.2"
TO_ONE, TO_ALL = "01:00:5e:00:00:07", "01:00:5e:00:00:08"
"""Multicast addresses with locators of their own: in ls0 one gets each frame, in ls1 all do."""
TAGGED = (10,)
"""The VLAN of ls1."""

KIND, LOCAL, MULTICAST, FREE = 31 << 24, 1 << 24, 9 << 24, 16 << 24
"""The kind in the id of a group, and what it is; from FREE on no kind is used."""
OTHER_PORT = 6654
"""Where the former version listens beside this one."""

Made = dict[str, list[str]]

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Scene:
    """Two logical switches with stations, remote MACs, service nodes and multicast addresses.

    ls0 is in `service_node`, ls1 in `source_node`. No application runs, and the bridge is empty.
    """

    lab: TrialLab
    nvc: Control
    wire: Wire
    ls0: Overlay

    def configure(self) -> None:
        """Do the NVC's part."""
        self.nvc.do(
            *(f"add-mcast-remote ls0 {TO_ONE} {each}" for each in (HYPERVISOR, THIRD)),
            *("add-ls ls1", "set Logical_Switch ls1 tunnel_key=44"),
            "set-replication-mode ls1 source_node",
            *(f"bind-ls br0 {port} {TAGGED[0]} ls1" for port in self.lab.vtep.ports),
            *(f"add-mcast-remote ls1 unknown-dst {each}" for each in (SERVICE_NODE, THIRD)),
            *(f"add-mcast-remote ls1 {TO_ALL} {each}" for each in (HYPERVISOR, THIRD)),
            f"add-ucast-remote ls0 {self.lab.hypervisor.mac} {HYPERVISOR}",
        )

    def made(self) -> Made:
        """Return the flows, groups, ports and rows that there are, without the ids of rows."""
        return {
            **whole(self.nvc, self.lab.vm1.mac, self.lab.vm2.mac),
            "Tunnel": sorted(self.lab.vtep.tunnels()),
            "interfaces": sorted(map(str, self.nvc.tunnels().values())),
        }

    def in_charge(self) -> Made:
        """Return what there is as soon as an application does what the NVC asks for, and learns."""
        lab, wire, station = self.lab, self.wire, new_mac()
        self.nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
        wire.frame(lab.vm3, dst=station).arrives({"hypervisor": ["vni 33"]})
        wire.learned(lab.vm3)
        self.nvc.do(f"del-ucast-remote ls0 {station}")
        others = {"vm1": ["untagged"], "vm2": ["untagged"]}
        wire.frame(lab.vm3, dst=station).arrives(*self.ls0.flooded(others))
        return self.made()

    def made_from_nothing(self, app: App) -> Made:
        """Return what an application makes on an empty bridge."""
        known = {self.lab.vm1.mac, self.lab.vm2.mac}
        for what in ("del-flows", "del-groups"):
            self.lab.vtep.ofctl(what, "br0")
        app.take_over()
        self.nvc.wait(
            lambda: not known & {row.mac for row in self.nvc.local_rows()},
            "the end of the rows of stations that the bridge does not know",
        )
        for vm in (self.lab.vm1, self.lab.vm2):
            self.wire.learned(vm, mac=vm.mac)
        self.wire.learned(self.lab.vm1, TAGGED, mac=self.lab.vm1.mac, logical_switch="ls1")
        return self.in_charge()

    def comes_to(self, expected: Made) -> None:
        """Require that there is soon what is expected, and nothing else."""
        self.nvc.wait(lambda: self.made() == expected, f"nothing but {expected}")

    def stands_by(self, app: App, beside: App) -> None:
        """Start an application beside the one that is in charge."""
        before = len(app.log_text)
        app.start()
        self.nvc.wait(lambda: "standing by" in app.log_text[before:], f"{app.NAME} to stand by")
        self.lab.vtep.ovs_vsctl("set-controller", "br0", beside.target, app.target)
        self.nvc.wait(app.is_connected, f"the connection of {app.NAME}")

    @contextlib.contextmanager
    def nothing_is_lost(self) -> Iterator[None]:
        """Each frame, unicast and BUM, either way, arrives once at each place where it belongs.

        The rates are low: a BUM frame is five copies, and a busy machine has to carry them all.
        """
        vm1, vm2, far = self.lab.vm1, self.lab.vm2, self.lab.hypervisor
        here = {"vm2": 1, "vm3": 1}
        with contextlib.ExitStack() as stack:

            def traffic(
                sender: Host, dst: str, rate: float, *ways: Copies, vlans: Sequence[int] = ()
            ) -> tuple[Traffic, tuple[Copies, ...]]:
                stream = Traffic(self.wire, sender, dst, rate=rate, vlans=vlans)
                return stack.enter_context(stream), ways

            one = ({**here, "service-node": 1}, {**here, "hypervisor": 1})
            streams = [
                traffic(vm1, vm2.mac, 250, {"vm2": 1}),
                traffic(vm1, far.mac, 250, {"hypervisor": 1}),
                traffic(far, vm1.mac, 100, {"vm1": 1}),
                traffic(far, BROADCAST, 50, {"vm1": 1, **here}),
                traffic(vm1, BROADCAST, 50, *one),
                traffic(vm1, TO_ONE, 50, {**here, "hypervisor": 1}, {**here, "third": 1}),
                traffic(vm1, BROADCAST, 50, {**here, "service-node": 1, "third": 1}, vlans=TAGGED),
                traffic(vm1, TO_ALL, 50, {**here, "hypervisor": 1, "third": 1}, vlans=TAGGED),
            ]
            for stream, _ in streams:
                stream.run_on(20)
            yield
            for stream, _ in streams:
                stream.run_on(20)
        for stream, ways in streams:
            if any(copies not in ways for copies, _ in stream.phases()):
                stream.arrived_as(*ways)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the former version."""
    return check_out(tmp_path_factory.mktemp("former"))


@pytest.fixture
def former(lab: TrialLab, checkout: Path) -> Iterator[FormerApp]:
    """The former version, at the same OpenFlow port; it does not run yet, nor does this one."""
    former = FormerApp(lab.vtep, checkout)
    assert former.origin().is_relative_to(checkout)
    lab.app.stop()
    try:
        yield former
    finally:
        former.kill()
        lab.app.kill()
        lab.app.take_over()


@pytest.fixture
def scene(lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay, former: FormerApp) -> Scene:
    """What the applications find."""
    scene = Scene(lab, nvc, wire, plain_ls0)
    scene.configure()
    return scene


def other_id(group: int) -> int:
    """Return the id of a group with the kind MULTICAST for LOCAL, and a free kind for others."""
    return group ^ (LOCAL ^ MULTICAST if group & KIND == LOCAL else FREE)


def renumber_groups(vtep: Vtep) -> None:
    """Give the groups of br0 ids of other kinds, and let their flows use these."""
    groups = vtep.ofctl("--no-names", "dump-groups", "br0").splitlines()[1:]
    flows = vtep.ofctl("--no-names", "--no-stats", "dump-flows", "br0").splitlines()
    former = re.findall(r"group_id=(\d+)", "\n".join(groups))
    other = {each: str(other_id(int(each))) for each in former}
    assert not other.keys() & set(other.values())

    def renumbered(line: str) -> str:
        id_of_group = r"\b(group_id=|group:|watch_group:)(\d+)"
        return re.sub(id_of_group, lambda found: found[1] + other[found[2]], line)

    changes = [f"group add {renumbered(group)}" for group in groups]
    changes += [f"flow add {renumbered(flow)}" for flow in flows if "group:" in flow]
    changes += [f"group delete group_id={each}" for each in former]
    file = vtep.folder / "renumbered"
    file.write_text("\n".join(changes))
    vtep.ofctl("bundle", "br0", str(file))


@pytest.mark.parametrize("ids", ["its own ids", "other ids"])
def test_this_version_takes_over_from_the_former_one(
    lab: TrialLab, nvc: Control, scene: Scene, former: FormerApp, ids: str
) -> None:
    scene.made_from_nothing(former)
    rows = reported(nvc)
    with scene.nothing_is_lost():
        former.stop()
        if ids == "other ids":
            renumber_groups(lab.vtep)
        before = ages(lab)
        lab.app.start()
        made = scene.in_charge()
    assert_untouched(before, ages(lab))
    assert_kept(rows, reported(nvc))
    lab.app.kill()
    scene.made_from_nothing(lab.app)
    scene.comes_to(made)


def test_a_pair_of_the_former_version_and_this_one_hands_over_both_ways(
    lab: TrialLab, nvc: Control, scene: Scene, former: FormerApp
) -> None:
    former.port = OTHER_PORT
    by_former = scene.made_from_nothing(former)
    rows = reported(nvc)
    scene.stands_by(lab.app, beside=former)
    with scene.nothing_is_lost():
        former.kill()
        by_this = scene.in_charge()
        scene.stands_by(former, beside=lab.app)
        lab.app.stop()
        scene.in_charge()
        scene.comes_to(by_former)
        scene.stands_by(lab.app, beside=former)
        former.stop()
        scene.in_charge()
        scene.comes_to(by_this)
    assert_kept(rows, reported(nvc))
    lab.app.kill()
    scene.made_from_nothing(lab.app)
    scene.comes_to(by_this)


def assert_kept(before: dict[str, set[str]], now: dict[str, set[str]]) -> None:
    """Every row of before is there still."""
    gone = {table: rows - now[table] for table, rows in before.items() if rows - now[table]}
    assert not gone, f"rows that were replaced: {gone}"
