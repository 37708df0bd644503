"""Traffic that is known goes on, whatever happens to the application or the databases."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator

import pytest

from sim.lab.app import App
from sim.waiting import wait_until
from tests.lab.control import PATIENCE, Control
from tests.lab.traffic import Traffic
from tests.lab.trial import ForkedApp, Overlay, TrialLab
from tests.lab.wire import Wire, new_mac

OTHERS = {"vm2": ["untagged"], "vm3": ["untagged"]}
HYPERVISOR, THIRD = "10.2.2.3", "10.2.2.4"


@pytest.fixture
def known(lab: TrialLab, nvc: Control, wire: Wire, ls0: Overlay) -> Overlay:
    """VM1 and VM2 are learned, the hypervisor's host is placed; all three reach each other."""
    let_three_be_known(lab, nvc, wire)
    return ls0


def let_three_be_known(lab: TrialLab, nvc: Control, wire: Wire) -> None:
    """Let VM1 and VM2 be learned, and the hypervisor's host be placed."""
    nvc.do(f"add-ucast-remote ls0 {lab.hypervisor.mac} {HYPERVISOR}")
    for vm in (lab.vm1, lab.vm2):
        wire.learned(vm, mac=vm.mac)
    wire.frame(lab.vm1, dst=lab.vm2.mac).arrives({"vm2": ["untagged"]})
    wire.frame(lab.vm2, dst=lab.vm1.mac).arrives({"vm1": ["untagged"]})
    wire.frame(lab.vm1, dst=lab.hypervisor.mac).arrives({"hypervisor": ["vni 33"]})
    wire.vxlan(lab.hypervisor, 33, dst=lab.vm1.mac).arrives({"vm1": ["untagged"]})


@contextlib.contextmanager
def nothing_is_lost(lab: TrialLab, wire: Wire) -> Iterator[None]:
    """Each of 1,000 frames a second on four known ways arrives once, and at no other place."""
    vm1, vm2, far = lab.vm1, lab.vm2, lab.hypervisor
    with contextlib.ExitStack() as stack:
        streams = {
            name: stack.enter_context(Traffic(wire, sender, receiver.mac, rate=rate))
            for name, sender, receiver, rate in (
                ("vm2", vm1, vm2, 1000),
                ("hypervisor", vm1, far, 1000),
                ("vm1", vm2, vm1, 250),
                ("vm1 ", far, vm1, 250),
            )
        }
        for stream in streams.values():
            stream.run_on(100)
        yield
        for stream in streams.values():
            stream.run_on(100)
    for name, stream in streams.items():
        stream.arrived_as({name.strip(): 1})


def reported(nvc: Control) -> dict[str, set[str]]:
    """Return the ids of the rows that the application made."""
    tables = ("Ucast_Macs_Local", "Mcast_Macs_Local", "Physical_Port", "Tunnel")
    return {
        name: {row["_uuid"] for row in rows}
        for name, rows in zip(tables, nvc.tables(*tables), strict=True)
    }


def ages(lab: TrialLab) -> dict[str, float]:
    """Return since when each flow is there, in seconds: a flow that is sent again is young."""
    found = {}
    for line in lab.vtep.ofctl("--no-names", "dump-flows", "br0").splitlines()[1:]:
        flow = re.sub(r"(duration|n_packets|n_bytes|idle_age|hard_age)=[\d.]+s?,? ?", "", line)
        found[flow] = float(line.split("duration=")[1].split("s,")[0])
    return found


def the_application_follows(lab: TrialLab, nvc: Control, wire: Wire) -> None:
    """Return when a new row has had its effect, which takes an application that is in control."""
    station = new_mac()
    nvc.do(f"add-ucast-remote ls0 {station} {HYPERVISOR}")
    wire.frame(lab.vm3, dst=station).arrives({"hypervisor": ["vni 33"]})


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_known_traffic_loses_nothing_while_the_application_is_ended_and_started_again(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay, end: str
) -> None:
    rows = reported(nvc)
    with nothing_is_lost(lab, wire):
        before = ages(lab)
        getattr(lab.app, end)()
        assert not lab.app.running
        wire.frame(lab.vm3, dst=lab.vm2.mac).arrives_at_once({"vm2": ["untagged"]})
        wire.frame(lab.vm3).arrives_at_once(
            *known.flooded({"vm1": ["untagged"], "vm2": ["untagged"]})
        )
        lab.app.take_over()
        the_application_follows(lab, nvc, wire)
        after = ages(lab)
        younger = [flow for flow, age in before.items() if flow in after and after[flow] < age]
        assert not younger, f"flows that were there already and were sent again: {younger}"
    now = reported(nvc)
    for table in rows:
        assert rows[table] <= now[table], f"rows of {table} were replaced"


def test_what_the_nvc_changed_while_the_application_was_away_is_taken_up(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    going, coming = new_mac(), new_mac()
    nvc.do(f"add-ucast-remote ls0 {going} {HYPERVISOR}", "bind-ls br0 p2 30 ls0")
    wire.frame(lab.vm1, dst=going).arrives({"hypervisor": ["vni 33"]})
    at_p2 = wire.learned(lab.vm3, (30,))
    with nothing_is_lost(lab, wire):
        lab.app.kill()
        nvc.do(
            f"del-ucast-remote ls0 {going}",
            f"add-ucast-remote ls0 {coming} {THIRD}",
            "unbind-ls br0 p2 30",
            "unbind-ls br0 p2 0",
            "bind-ls br0 p2 31 ls0",
        )
        lab.app.take_over()
        wire.frame(lab.vm1, dst=coming).arrives({"third": ["vni 33"]})
        wire.frame(lab.vm1, dst=going).arrives(
            *known.flooded({"vm2": ["untagged"], "vm3": ["vlan 31"]})
        )
        wire.frame(lab.vm3, vlans=(30,)).arrives({})
        nvc.wait_for_no_local(at_p2)


@pytest.fixture
def other(lab: TrialLab) -> Iterator[App]:
    """A second application beside the first one, standing by."""
    other = ForkedApp(lab.vtep, "other", port=6654)
    try:
        other.start()
        wait_until(
            lambda: "standing by" in other.log_text, "the other to stand by", timeout=PATIENCE
        )
        lab.vtep.ovs_vsctl("set-controller", "br0", lab.app.target, other.target)
        wait_until(other.is_connected, "its connection", timeout=PATIENCE)
        yield other
    finally:
        other.kill()
        lab.vtep.ovs_vsctl("set-controller", "br0", lab.app.target)
        if not lab.app.running:
            lab.app.take_over()


def test_known_traffic_loses_nothing_while_another_application_takes_over(
    lab: TrialLab,
    nvc: Control,
    wire: Wire,
    known: Overlay,
    other: App,
    record_property: Callable[[str, object], None],
) -> None:
    rows = reported(nvc)
    with nothing_is_lost(lab, wire):
        before = ages(lab)
        lab.app.kill()
        killed = time.monotonic()
        the_application_follows(lab, nvc, wire)
        record_property("seconds until the other was in charge", time.monotonic() - killed)
        wire.learned(lab.vm3)
        after = ages(lab)
        younger = [flow for flow, age in before.items() if flow in after and after[flow] < age]
        assert not younger, f"flows that were there already and were sent again: {younger}"
    now = reported(nvc)
    for table in rows:
        assert rows[table] <= now[table], f"rows of {table} were replaced"


def test_rows_of_others_that_come_and_go_disturb_no_traffic(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    with nothing_is_lost(lab, wire):
        for number in range(10):
            other = f"02:7a:00:00:00:{number:02x}"
            nvc.do(f"add-ucast-remote ls0 {other} {HYPERVISOR if number % 2 else THIRD}")
            wire.frame(lab.vm3, dst=other).arrives(
                {"hypervisor" if number % 2 else "third": ["vni 33"]}
            )
            if number % 3 == 0:
                nvc.do(f"del-ucast-remote ls0 {other}")
                wire.frame(lab.vm3, dst=other).arrives(
                    *known.flooded({"vm1": ["untagged"], "vm2": ["untagged"]})
                )


def test_bindings_members_and_logical_switches_that_come_and_go_disturb_no_traffic(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    with nothing_is_lost(lab, wire):
        nvc.do(
            "add-ls ls1",
            "set Logical_Switch ls1 tunnel_key=44",
            "bind-ls br0 p0 10 ls1",
            "bind-ls br0 p1 10 ls1",
            f"add-mcast-remote ls1 unknown-dst {THIRD}",
        )
        wire.frame(lab.vm1, vlans=(10,)).arrives({"vm2": ["vlan 10"], "third": ["vni 44"]})
        nvc.do("unbind-ls br0 p2 0")
        wire.frame(lab.vm1).arrives(*known.flooded({"vm2": ["untagged"]}))
        nvc.do("bind-ls br0 p2 0 ls0", "bind-ls br0 p1 20 ls0")
        wire.frame(lab.vm1).arrives(
            *known.flooded({"vm2": ["untagged", "vlan 20"], "vm3": ["untagged"]})
        )
        nvc.do("unbind-ls br0 p1 20", "unbind-ls br0 p0 10", "unbind-ls br0 p1 10")
        wire.frame(lab.vm1).arrives(*known.flooded(OTHERS))
        wire.frame(lab.vm1, vlans=(10,)).arrives({})


def test_new_hosts_disturb_no_traffic(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    with nothing_is_lost(lab, wire):
        stations = [wire.learned(lab.vm3) for _ in range(10)]
        wire.frame(lab.vm2, dst=stations[-1]).arrives({"vm3": ["untagged"]})


def test_known_traffic_loses_nothing_while_the_connection_to_the_switch_is_cut(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    with nothing_is_lost(lab, wire):
        lab.vtep.ovs_vsctl("set-controller", "br0", "tcp:127.0.0.1:1")
        wire.frame(lab.vm3, dst=lab.vm2.mac).arrives_at_once({"vm2": ["untagged"]})
        lab.vtep.ovs_vsctl("set-controller", "br0", lab.app.target)
        the_application_follows(lab, nvc, wire)


def test_a_restart_of_the_database_server_changes_nothing_and_what_follows_is_taken_up(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    # No word about lost frames: until it has its database again, ovs-vswitchd itself does not
    # poll the ports of its user-space datapath, with or without a controller.
    rows, before = reported(nvc), ages(lab)
    with Traffic(wire, lab.vm1, lab.vm2.mac) as stream:
        lab.vtep.ovsdb_server.restart()
        the_application_follows(lab, nvc, wire)
        wire.learned(lab.vm3)
        stream.run_on()
    assert {str(copies) for copies, _ in stream.phases()} <= {"{'vm2': 1}", "{}"}
    after, now = ages(lab), reported(nvc)
    assert not [flow for flow, age in before.items() if flow in after and after[flow] < age]
    for table in rows:
        assert rows[table] <= now[table], f"rows of {table} were replaced"


def test_flows_that_somebody_deletes_come_back(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    lab.vtep.ofctl("del-flows", "br0")
    lab.expect_delivery(lab.vm1.send, {"vm2": ["untagged"]}, src=lab.vm1.mac, dst=lab.vm2.mac)
    wire.frame(lab.vm1).arrives(*known.flooded(OTHERS))
    wire.frame(lab.vm1, dst=lab.hypervisor.mac).arrives({"hypervisor": ["vni 33"]})
    wire.frame(lab.vm1, vlans=(99,)).is_dropped()


def test_a_switch_that_lost_everything_is_set_up_again_and_never_bridges_by_itself(
    lab: TrialLab, nvc: Control, wire: Wire, known: Overlay
) -> None:
    rows = reported(nvc)
    with Traffic(wire, lab.vm1, new_mac(), rate=200, vlans=(99,)) as unbound:
        lab.vtep.ovs_vswitchd.kill()
        lab.vtep.ovs_vswitchd.start()
        lab.expect_delivery(
            lab.vm1.send,
            {"hypervisor": ["vni 33"]},
            src=lab.vm1.mac,
            dst=lab.hypervisor.mac,
            timeout=30,
        )
    unbound.arrived_as({})
    wire.frame(lab.vm1).arrives(*known.flooded(OTHERS))
    wire.learned(lab.vm1, mac=lab.vm1.mac)
    wire.frame(lab.vm3, dst=lab.vm1.mac).arrives({"vm1": ["untagged"]})
    now = reported(nvc)
    for table in ("Mcast_Macs_Local", "Physical_Port"):
        assert rows[table] <= now[table], f"rows of {table} were replaced"


def test_an_openflow_error_is_logged_with_the_message_that_caused_it_and_the_rest_works(
    lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay
) -> None:
    # Once in a lab: of many such errors in a minute the log has the first ones only.
    let_three_be_known(lab, nvc, wire)
    # A table that takes no more flows refuses the next one.
    lab.vtep.ovs_vsctl(
        "--", "--id=@full", "create", "Flow_Table", "flow_limit=1", "overflow_policy=refuse",
        "--", "set", "Bridge", "br0", "flow_tables:60=@full",
    )  # fmt: skip
    refused = new_mac()
    try:
        nvc.do(f"add-ucast-remote ls0 {refused} {HYPERVISOR}")
        nvc.wait(
            lambda: any(
                "TABLE_FULL" in line and refused in line for line in lab.app.log_text.splitlines()
            ),
            f"a line of the log with the error and the flow for {refused}",
        )
        wire.frame(lab.vm1, dst=lab.vm2.mac).arrives({"vm2": ["untagged"]})
        wire.frame(lab.vm1, dst=lab.hypervisor.mac).arrives({"hypervisor": ["vni 33"]})
        nvc.do("bind-ls br0 p2 30 ls0")
        wire.frame(lab.vm1).arrives(
            *plain_ls0.flooded({"vm2": ["untagged"], "vm3": ["untagged", "vlan 30"]})
        )
    finally:
        lab.vtep.ovs_vsctl("clear", "Bridge", "br0", "flow_tables")
