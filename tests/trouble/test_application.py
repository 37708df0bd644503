"""The application dies at the worst moments, and misses what happens while it is away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from sim.lab.hosts import Host
from sim.wire.proxy import Way
from tests.lab.control import Control
from tests.lab.test_traffic import (
    HYPERVISOR,
    THIRD,
    ages,
    let_three_be_known,
    nothing_is_lost,
    reported,
    the_application_follows,
)
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire, new_mac
from tests.trouble.conftest import Measured, Proxies

CRASHES = {
    "in the middle of a bundle": ("openflow", Way.FROM_SERVER, {"messages": 9}),
    "in the middle of a message of a bundle": ("openflow", Way.FROM_SERVER, {"octets": 450}),
    "before it knows that the bundle was made": ("openflow", Way.FROM_CLIENT, {"messages": 2}),
    "in the middle of a transaction of hardware_vtep": (
        "vtep_db",
        Way.FROM_CLIENT,
        {"octets": 150},
    ),
    "before it knows that hardware_vtep was written": ("vtep_db", Way.FROM_CLIENT, {"messages": 1}),
    "in the middle of a transaction of Open_vSwitch": ("ovs_db", Way.FROM_CLIENT, {"octets": 150}),
    "before it knows that Open_vSwitch was written": ("ovs_db", Way.FROM_CLIENT, {"messages": 1}),
}


@pytest.fixture
def known(lab: TrialLab, nvc: Control, wire: Wire, plain_ls0: Overlay) -> Overlay:
    """VM1 and VM2 are learned, the hypervisor's host is placed; all three reach each other."""
    let_three_be_known(lab, nvc, wire)
    return plain_ls0


def comes_back(lab: TrialLab, nvc: Control, wire: Wire) -> tuple[float, float]:
    """Start the application; return the seconds until it has control: from its start, and from
    when it listens."""
    started = time.monotonic()
    lab.app.start()
    nvc.wait(lambda: lab.vtep.namespace.listens(lab.app.port), "the application to listen")
    listening = time.monotonic()
    the_application_follows(lab, nvc, wire)
    now = time.monotonic()
    return now - started, now - listening


def assert_untouched(before: Mapping[str, float], after: Mapping[str, float]) -> None:
    """No flow of before is younger now."""
    younger = [flow for flow, age in before.items() if flow in after and after[flow] < age]
    assert not younger, f"flows that were there already and were sent again: {younger}"


def whole(nvc: Control, *stations: str) -> dict[str, list[str]]:
    """Return what the application has made, without the ids of rows.

    Of the stations that were learned, only those count: each frame of a test has its own.
    """
    picture = nvc.picture()
    picture["flows"] = [
        flow
        for flow in picture["flows"]
        if not (learned := re.search(r"priority=100,.*dl_(?:src|dst)=([0-9a-f:]+)", flow))
        or learned[1] in stations
    ]
    picture["local rows"] = sorted(
        f"{row.logical_switch} {row.mac} {row.addresses}"
        for row in nvc.local_rows()
        if row.mac in (*stations, "unknown-dst")
    )
    return picture


@dataclass(frozen=True)
class Station:
    """A station behind a virtual machine."""

    vm: Host
    mac: str
    vlans: tuple[int, ...] = ()
    logical_switch: str = "ls0"

    def speak(self, wire: Wire) -> None:
        """Let the station send until it is learned."""
        wire.learned(self.vm, self.vlans, self.mac, self.logical_switch)


def assert_nothing_is_stale(
    lab: TrialLab, nvc: Control, wire: Wire, stations: Sequence[Station]
) -> None:
    """Take every flow and group away: a new process makes the same again, no less and no more.

    `stations` are those that are known.
    """
    known = [station.mac for station in stations]
    lab.app.kill()
    before = whole(nvc, *known)
    for what in ("del-flows", "del-groups"):
        lab.vtep.ofctl(what, "br0")
    lab.app.start()
    nvc.wait(lambda: {row.mac for row in nvc.local_rows()}.isdisjoint(known), f"{known} forgotten")
    for station in stations:
        station.speak(wire)
    nvc.wait(lambda: whole(nvc, *known) == before, f"what was there before: {before}")


@pytest.mark.parametrize("moment", CRASHES)
def test_a_crash_in_the_middle_of_its_work_loses_nothing(
    lab: TrialLab,
    proxies: Proxies,
    nvc: Control,
    wire: Wire,
    known: Overlay,
    measured: Measured,
    moment: str,
) -> None:
    name, way, where = CRASHES[moment]
    rows = reported(nvc)
    with nothing_is_lost(lab, wire):
        before = ages(lab)
        trap = getattr(proxies, name).after(way, lambda link: lab.app.kill(), **where)
        nvc.do(
            "add-ls ls1",
            "set Logical_Switch ls1 tunnel_key=44",
            *(f"bind-ls br0 {port} 10 ls1" for port in lab.vtep.ports),
            f"add-mcast-remote ls1 unknown-dst {THIRD}",
            *(f"add-ucast-remote ls1 {new_mac()} {THIRD}" for _ in range(5)),
        )
        nvc.wait(trap.sprung.is_set, "the crash")
        assert not lab.app.running
        from_start, from_listening = comes_back(lab, nvc, wire)
        wire.frame(lab.vm1, vlans=(10,)).arrives(
            {"vm2": ["vlan 10"], "vm3": ["vlan 10"], "third": ["vni 44"]}
        )
        assert_untouched(before, ages(lab))
    measured(f"SIGKILL {moment}: control after the start of the process", from_start)
    measured(f"SIGKILL {moment}: control after it listens", from_listening)
    now = reported(nvc)
    for table in rows:
        assert rows[table] <= now[table], f"rows of {table} were replaced"


@pytest.fixture
def spare_ports(lab: TrialLab) -> Iterator[Callable[..., None]]:
    """Further ports of br0: one stays, one will go, one will get another number."""

    def add(*ports: str) -> None:
        for port in ports:
            name, _, number = port.partition(" ")
            request = [f"ofport_request={number}"] if number else []
            lab.vtep.ovs_vsctl(
                "add-port", "br0", name, "--", "set", "interface", name, "type=internal", *request
            )  # fmt: skip

    yield add
    for port in ("x0", "x1", "x2"):
        lab.vtep.ovs_vsctl("--if-exists", "del-port", "br0", port)


def test_what_changed_while_it_was_away_is_taken_up_and_nothing_is_stale(
    lab: TrialLab,
    nvc: Control,
    wire: Wire,
    known: Overlay,
    spare_ports: Callable[..., None],
    measured: Measured,
) -> None:
    vm1, vm2, vm3 = lab.vm1, lab.vm2, lab.vm3
    moving, going, coming = new_mac(), new_mac(), new_mac()
    spare_ports("x1", "x2 41")
    nvc.wait(
        lambda: {"x1", "x2"} <= {row["name"] for row in nvc.rows("Physical_Port")}, "their rows"
    )
    nvc.do(
        *("add-ls ls1", "set Logical_Switch ls1 tunnel_key=44"),
        *("add-ls ls2", "set Logical_Switch ls2 tunnel_key=55"),
        *("bind-ls br0 p0 10 ls1", "bind-ls br0 p2 10 ls1"),
        *("bind-ls br0 p0 20 ls2", "bind-ls br0 p1 20 ls2", "bind-ls br0 p2 20 ls2"),
        *("bind-ls br0 x1 0 ls2", "bind-ls br0 x2 30 ls2"),
        f"add-mcast-remote ls2 unknown-dst {THIRD}",
        f"add-ucast-remote ls0 {moving} {HYPERVISOR}",
        f"add-ucast-remote ls0 {going} {HYPERVISOR}",
        f"add-ucast-remote ls1 {new_mac()} {THIRD}",
    )
    gone_with_its_switch = wire.learned(vm3, (10,), logical_switch="ls1")
    gone_with_its_binding = wire.learned(vm3, (20,), logical_switch="ls2")
    stays = Station(vm1, new_mac(), (20,), "ls2")
    stays.speak(wire)
    wire.frame(vm1, dst=moving).arrives({"hypervisor": ["vni 33"]})
    rows = {row.mac: row.uuid for row in nvc.local_rows()}
    kept = (vm1.mac, vm2.mac, stays.mac)
    before = ages(lab)
    lab.app.stop()
    # Not in the traffic: now and then Open vSwitch itself, without any controller, loses a few
    # frames into tunnels when ports come and go.
    lab.vtep.ovs_vsctl("del-port", "br0", "x1")
    lab.vtep.ovs_vsctl("del-port", "br0", "x2")
    spare_ports("x0", "x2 42")
    far = lab.hypervisor
    lab.expect_delivery(vm1.send, {far.name: ["vni 33"]}, src=vm1.mac, dst=far.mac)
    with nothing_is_lost(lab, wire):
        nvc.do(
            *("unbind-ls br0 p0 10", "unbind-ls br0 p2 10", "clear-remote-macs ls1"),
            *("clear-local-macs ls1", "del-ls ls1"),
            *("add-ls ls3", "set Logical_Switch ls3 tunnel_key=66"),
            *("unbind-ls br0 p2 20", "bind-ls br0 p2 20 ls3", "bind-ls br0 p1 31 ls3"),
            "unbind-ls br0 x1 0",  # its port is gone; the row of a bound one would stay
            f"del-ucast-remote ls0 {moving}",
            f"add-ucast-remote ls0 {moving} {THIRD}",
            f"del-ucast-remote ls0 {going}",
            f"add-ucast-remote ls3 {coming} {THIRD}",
        )
        from_start, from_listening = comes_back(lab, nvc, wire)
        wire.frame(vm1, dst=moving).arrives({"third": ["vni 33"]})
        wire.frame(vm1, dst=going).arrives(
            *known.flooded({"vm2": ["untagged"], "vm3": ["untagged"]})
        )
        wire.frame(vm1, vlans=(10,)).arrives({})
        wire.frame(vm1, vlans=(20,)).arrives({"vm2": ["vlan 20"], "third": ["vni 55"]})
        wire.frame(vm3, vlans=(20,)).arrives({"vm2": ["vlan 31"]})
        wire.frame(vm2, vlans=(31,), dst=coming).arrives({"third": ["vni 66"]})
        nvc.wait(
            lambda: (
                {"x0", "x2"}
                == {row["name"] for row in nvc.rows("Physical_Port")} - {"p0", "p1", "p2"}
            ),
            "rows of the ports that are there",
        )
        nvc.wait(lambda: "in_port=42" in lab.vtep.ofctl("--no-names", "dump-flows", "br0"), "x2")
        assert_untouched(before, ages(lab))
    measured("away while databases change: control after the start of the process", from_start)
    measured("away while databases change: control after it listens", from_listening)
    now = {row.mac: row.uuid for row in nvc.local_rows()}
    assert {mac: now[mac] for mac in kept} == {mac: rows[mac] for mac in kept}
    assert not {gone_with_its_switch, gone_with_its_binding} & now.keys()
    stations = [Station(vm1, vm1.mac), Station(vm2, vm2.mac), stays]
    assert_nothing_is_stale(lab, nvc, wire, stations)
