"""Open vSwitch's daemons are killed and come back, with few MACs and with many."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from sim.lab.openvswitch import SCHEMAS
from sim.waiting import wait_until
from sim.wire.frames import lab_frame
from tests.lab.control import Control
from tests.lab.test_traffic import (
    HYPERVISOR,
    let_three_be_known,
    reported,
    the_application_follows,
)
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire
from tests.trouble.conftest import Measured

PATIENCE = 120.0
FLOWS = re.compile(r"flow_count=(\d+)")


def mac(kind: int, number: int) -> str:
    return f"02:55:{kind:02x}:00:{number >> 8:02x}:{number & 255:02x}"


class Many:
    """Stations, one in ten of them learned behind VM3, the others placed behind the hypervisor."""

    def __init__(self, lab: TrialLab, nvc: Control, wire: Wire, number: int) -> None:
        self.learned = [mac(1, each) for each in range(number // 10)]
        self.placed = [mac(2, each) for each in range(number - len(self.learned))]
        self._lab, self._nvc, self._wire = lab, nvc, wire
        all_flows = self.flows() + 2 * len(self.learned) + len(self.placed)
        self._place()
        self._wait(self._are_learned, "the stations", 0.5)
        self._wait(lambda: self.flows() >= all_flows, "their flows")
        self.reach()

    def _place(self) -> None:
        """Insert the rows of remote stations, past vtep-ctl, which takes long for many."""
        (logical_switch,) = (r for r in self._nvc.rows("Logical_Switch") if r["name"] == "ls0")
        (locator,) = (r for r in self._nvc.rows("Physical_Locator") if r["dst_ip"] == HYPERVISOR)
        row = {
            "logical_switch": ["uuid", logical_switch["_uuid"]],
            "locator": ["uuid", locator["_uuid"]],
        }
        for first in range(0, len(self.placed), 500):
            inserts = (
                {"op": "insert", "table": "Ucast_Macs_Remote", "row": {"MAC": station, **row}}
                for station in self.placed[first : first + 500]
            )
            self._lab.vtep.transact(*inserts)

    def flows(self) -> int:
        """Return how many flows the bridge has."""
        found = FLOWS.search(self._lab.vtep.ofctl("dump-aggregate", "br0"))
        assert found
        return int(found[1])

    def reach(self) -> None:
        """Require that frames reach stations of each kind, at once and nobody else."""
        vm1, wire = self._lab.vm1, self._wire
        for station in self.learned[:: len(self.learned) // 5]:
            wire.frame(vm1, src=vm1.mac, dst=station).arrives_at_once({"vm3": ["untagged"]})
        for station in self.placed[:: len(self.placed) // 5]:
            wire.frame(vm1, src=vm1.mac, dst=station).arrives_at_once({"hypervisor": ["vni 33"]})

    def wait_for_flows(self, number: int) -> float:
        """Return when the bridge has as many flows again, as time.monotonic() has it."""
        self._wait(lambda: self.flows() >= number, f"{number} flows")
        return time.monotonic()

    def _wait(self, condition: Callable[[], object], what: str, interval: float = 0.01) -> None:
        evidence = self._lab.evidence
        wait_until(condition, what, timeout=PATIENCE, interval=interval, evidence=evidence)

    def _speak(self) -> None:
        for number, station in enumerate(self.learned):
            self._lab.vm3.send(bytes(lab_frame(station, self._lab.vm1.mac, b"")))
            if number % 50 == 49:
                time.sleep(0.02)

    def _are_learned(self) -> bool:
        self._speak()
        return {row.mac for row in self._nvc.local_rows()} >= set(self.learned)


@pytest.mark.parametrize("number", [100, 10_000])
def test_killed_daemons_come_back_and_everything_is_as_before(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay, measured: Measured, number: int
) -> None:
    let_three_be_known(lab, nvc, wire)
    vtep = lab.vtep
    many = Many(lab, nvc, wire, number)
    server, switch = vtep.ovsdb_server, vtep.ovs_vswitchd
    for daemons in ([switch], [server], [server, switch]):
        name = " and ".join(daemon.name for daemon in daemons)
        flows, picture, rows = many.flows(), nvc.picture(), reported(nvc)
        for daemon in reversed(daemons):
            daemon.kill()
        for daemon in daemons:
            daemon.start()
        back = daemons[-1].returned
        measured(f"{name} killed, {number} MACs: all flows", many.wait_for_flows(flows) - back)
        lab.expect_delivery(
            lab.vm1.send, {"vm2": ["untagged"]}, src=lab.vm1.mac, dst=lab.vm2.mac, timeout=PATIENCE
        )
        measured(f"{name} killed, {number} MACs: frames between VMs", time.monotonic() - back)
        many.reach()
        nvc.wait(lambda: nvc.picture() == picture, "everything as before")  # noqa: B023
        assert reported(nvc) == rows, "rows were replaced"
        the_application_follows(lab, nvc, wire)
        assert lab.app.running


@pytest.fixture
def flow_restore_wait(lab: TrialLab) -> Iterator[Callable[[], None]]:
    """What Open vSwitch shall do from its next start on; it is taken back at the end."""

    def take_back() -> None:
        remove = ("remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")
        lab.vtep.ovs_vsctl(*remove)

    lab.vtep.ovs_vsctl("set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
    yield take_back
    take_back()


def connections(lab: TrialLab) -> str:
    """Return the OpenFlow connections, as the kernel lists them."""
    established = ["ss", "--no-header", "-tn", "state", "established"]
    return lab.vtep.run([*established, f"dport = :{lab.app.port}"]).strip()


def without_flags(picture: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the picture without the flag of flows that ovs-save does not know."""
    flows = sorted(flow.replace("reset_counts ", "") for flow in picture["flows"])
    return {**picture, "flows": flows}


def has_settled(lab: TrialLab) -> None:
    """Return when ovs-vswitchd has done what the database says, and would have connected."""
    lab.vtep.ovs_vsctl("set", "Bridge", "br0", "external_ids:asked=yes")
    lab.vtep.ovs_vsctl("remove", "Bridge", "br0", "external_ids", "asked")


def test_with_flow_restore_wait_the_switch_stays_away_until_it_is_taken_back(
    lab: TrialLab,
    nvc: Control,
    wire: Wire,
    plain_ls0: Overlay,
    measured: Measured,
    flow_restore_wait: Callable[[], None],
) -> None:
    let_three_be_known(lab, nvc, wire)
    picture, rows = nvc.picture(), reported(nvc)
    lab.vtep.ovs_vswitchd.kill()
    lab.vtep.ovs_vswitchd.start()
    has_settled(lab)
    assert connections(lab) == ""
    assert lab.vtep.ofctl("dump-flows", "br0").count("cookie") == 0
    src, dst = lab.vm1.mac, lab.vm2.mac
    assert lab.deliver(lab.vm1.send, src=src, dst=dst) == {}
    flow_restore_wait()
    started = time.monotonic()
    lab.expect_delivery(lab.vm1.send, {"vm2": ["untagged"]}, src=src, dst=dst, timeout=PATIENCE)
    measured("flow-restore-wait taken back: frames between VMs", time.monotonic() - started)
    nvc.wait(lambda: nvc.picture() == picture, "everything as before")
    assert reported(nvc) == rows, "rows were replaced"


def test_flows_that_ovs_save_restored_make_no_difference(
    lab: TrialLab,
    nvc: Control,
    wire: Wire,
    plain_ls0: Overlay,
    flow_restore_wait: Callable[[], None],
) -> None:
    # Open vSwitch 3.1 deletes them when it turns to the controller, which it does only then.
    let_three_be_known(lab, nvc, wire)
    picture, rows = nvc.picture(), reported(nvc)
    restore = lab.vtep.run([str(SCHEMAS / "scripts" / "ovs-save"), "save-flows", "br0"])
    lab.vtep.ovs_vswitchd.kill()
    lab.vtep.ovs_vswitchd.start()
    lab.vtep.run(["sh", "-e", "-c", restore])
    has_settled(lab)
    assert connections(lab) == ""
    assert without_flags(nvc.picture()) == without_flags(picture)
    flow_restore_wait()
    nvc.wait(lambda: nvc.picture() == picture, "everything as before")
    assert reported(nvc) == rows, "rows were replaced"
    wire.frame(lab.vm1, src=lab.vm1.mac, dst=lab.vm2.mac).arrives({"vm2": ["untagged"]})
    the_application_follows(lab, nvc, wire)
