"""Switches: their bridges and tunnels, what an operator forgot, and their end."""

import logging
from dataclasses import replace

import pytest

from vtep_ofapp.pipeline.layout import Cookie, Table, cookie_of
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.events import (
    Bridges,
    BridgesInSync,
    Connected,
    Counters,
    Disconnected,
    LockIs,
    VtepInSync,
    VtepRows,
)
from vtep_ofapp.values.flows import FlowKey, match
from vtep_ofapp.values.rows import Bridge, Controller, Gone, Mark
from vtep_ofapp.values.writes import (
    PutBindingStats,
    PutFaultStatus,
    PutLocalMcastMac,
    ReleaseBridge,
    RemoveTunnelPort,
)

from .app import BRIDGE, P0, ROWS, App, described, tunnel_port
from .builders import (
    DATABASE,
    FAR,
    MAC1,
    OWN,
    RED,
    SWITCH,
    bridge,
    physical_switch,
    port,
    remote_mac,
    to_anyone,
    unknown_dst,
    uuid,
)
from .doubles import ConnectionDouble, Said

# Bridges and tunnels


def test_a_new_tunnel_comes_before_its_flows_and_goes_after_them(app: App) -> None:
    connection = app.start()
    app.tell(remote_mac(MAC1, FAR))
    (write,) = app.openvswitch[DATABASE].take()
    assert (write.bridge, write.remote, write.local) == ("br0", FAR, OWN)
    app.serve(connection)
    assert not any(MAC1 in str(flow) for flow in connection.switch.flows.values())
    with_tunnel = bridge(port("p0", 1), to_anyone(), tunnel_port(write))
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}), app.openvswitch[DATABASE].done())
    app.serve(connection)
    assert any(MAC1 in str(flow) for flow in connection.switch.flows.values())
    app.tell(Gone(uuid(0x1000)))
    assert app.openvswitch[DATABASE].take() == []
    app.serve(connection)
    assert app.openvswitch[DATABASE].take() == [RemoveTunnelPort("br0", write.name)]


def test_a_bridge_that_goes_and_comes_back_leaves_rows_and_says_nothing_of_its_ports(
    app: App, said: Said
) -> None:
    connection = app.start()
    said()
    app.turn(Bridges(DATABASE, {"br0": None}), Disconnected(connection))
    assert said(logging.INFO) == ["br0: connection lost", "br0 is no longer managed"]
    assert app.written() == [PutLocalMcastMac(RED, UNKNOWN_DST, frozenset(), rows=(uuid(0x4001),))]
    app.store(Gone(uuid(0x4001)))
    again = ConnectionDouble(connection.switch)
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}), Connected(0xB0, again))
    app.turn(again.leading(), again.reading())
    assert app.written(PutFaultStatus) == []
    assert said() == []


def test_what_is_not_said_at_once_is_said_if_it_lasts(app: App, said: Said) -> None:
    app.start(remote_mac(MAC1, FAR))
    said()
    app.wait(1.0)
    assert said() == []
    app.wait(5.0)
    (line,) = said()
    assert "set flood_without_unknown_dst" in line
    app.wait(5.0)
    assert said() == []
    app.tell(unknown_dst(FAR))
    (line,) = said(logging.INFO)
    assert line.startswith("resolved: Logical_Switch red: rows name remote VTEPs")


def test_a_bridge_that_is_missing_after_a_resync_is_gone(app: App, said: Said) -> None:
    app.start()
    app.turn(BridgesInSync(DATABASE, frozenset()))
    assert "br0 is no longer managed" in said(logging.INFO)


MARKED_PORT = port("vx", 9, is_ours=True)


@pytest.mark.parametrize(
    ("found", "is_let_in"),
    [
        (bridge(port("p0", 1), mark=Mark.OURS), True),
        (bridge(port("p0", 1), MARKED_PORT, mark=Mark.NONE), True),
        (bridge(port("p0", 1), mark=Mark.NONE), False),
        (bridge(port("p0", 1), MARKED_PORT, mark=Mark.OTHERS), False),
    ],
)
def test_a_bridge_without_a_row_is_let_in_if_something_of_ours_is_left(
    app: App, said: Said, found: Bridge, is_let_in: bool
) -> None:
    former = app.start()
    app.openvswitch[DATABASE].take()
    app = App()
    connection = ConnectionDouble(former.switch)
    app.turn(
        LockIs(True),
        VtepInSync(frozenset()),
        Bridges(DATABASE, {"br0": found}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, connection),
    )
    left = "br0: no Physical_Switch; our flows, groups and ports are removed once it is connected"
    assert (left in said()) == is_let_in
    if not is_let_in:
        assert connection.take() == ["disconnect"]
        return
    app.turn(connection.leading(), connection.reading())
    app.serve(connection)
    assert connection.switch.flows == {}
    assert connection.switch.groups == {}
    wanted: list[object] = (
        [RemoveTunnelPort("br0", "vx")] if MARKED_PORT in found.ports.values() else []
    )
    wanted += [ReleaseBridge("br0")] if found.mark is Mark.OURS else []
    assert app.openvswitch[DATABASE].take() == wanted
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), mark=Mark.NONE)}))
    assert connection.take() == ["disconnect"]
    assert "br0 is no longer managed" in said(logging.INFO)


def test_a_switch_that_is_managed_no_more_is_cleaned_and_let_go(app: App, said: Said) -> None:
    connection = app.start(remote_mac(MAC1, FAR))
    (write,) = app.openvswitch[DATABASE].take()
    with_tunnel = bridge(port("p0", 1), to_anyone(), tunnel_port(write))
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}), app.openvswitch[DATABASE].done())
    app.turn(connection.reading())
    app.serve(connection)
    assert connection.switch.flows
    app.tell(Gone(SWITCH))
    assert app.openvswitch[DATABASE].take() == []
    app.serve(connection)
    assert connection.switch.flows == {}
    assert connection.switch.groups == {}
    names = sorted([write.name, to_anyone().name])
    *removals, release = app.openvswitch[DATABASE].take()
    assert sorted(removals, key=lambda each: each.name) == [
        RemoveTunnelPort("br0", name) for name in names
    ]
    assert release == ReleaseBridge("br0")
    assert "disconnect" not in connection.asked
    released = bridge(port("p0", 1), mark=Mark.NONE)
    app.turn(Bridges(DATABASE, {"br0": released}), app.openvswitch[DATABASE].done())
    assert connection.take() == ["disconnect"]
    assert "br0 is no longer managed" in said(logging.INFO)
    app.turn(Disconnected(connection))
    app.tell(Gone(uuid(0x1000)), *ROWS)
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again))
    app.turn(again.leading(), again.reading())
    app.serve(again)
    assert again.switch.flows


# What is missing


def test_the_fault_that_is_due_first_is_waited_for_whatever_came_first(
    app: App, said: Said
) -> None:
    ours = replace(BRIDGE, controllers=(Controller("tcp:127.0.0.1:6653"),))
    row, more = described(), physical_switch(name="br1", row=uuid(0x5999))
    app.turn(LockIs(True), VtepRows([row]), VtepInSync(frozenset({row.uuid})))
    app.turn(Bridges(DATABASE, {"br0": ours}), BridgesInSync(DATABASE, frozenset({"br0"})))
    app.wait(5.0)
    app.turn(VtepRows([more]))
    assert said() == []
    app.wait(4.0)
    (line,) = said(logging.INFO)
    assert line.startswith("Physical_Switch br1: no bridge has its name")
    app.wait(5.0)
    assert said() == []
    app.wait(1.0)
    (line,) = said()
    assert line.startswith("Physical_Switch br0: its bridge is not connected")


def test_a_forgotten_step_is_said_again_when_it_changes_and_mended(app: App, said: Said) -> None:
    row = described()
    app.turn(LockIs(True), VtepRows([row]), VtepInSync(frozenset({row.uuid})))

    def later() -> list[str]:
        app.wait(5.0)
        return said(logging.INFO)

    app.turn(BridgesInSync(DATABASE, frozenset()))
    said(logging.INFO)
    no_bridge = "Physical_Switch br0: no bridge has its name: ovs-vsctl add-br br0"
    assert later() == [no_bridge]
    assert later() == []
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}))
    no_controller = (
        "Physical_Switch br0: its bridge has no controller: "
        "ovs-vsctl set-controller br0 tcp:127.0.0.1:6653"
    )
    assert later() == [f"resolved: {no_bridge}", no_controller]
    app.turn(Connected(0xB0, ConnectionDouble()))
    assert later() == [f"resolved: {no_controller}"]


# Statistics


def test_counters_are_read_when_they_are_due_and_reported(app: App) -> None:
    connection = app.start()
    app.timers.begin()
    app.wait(Settings().stats_interval)
    assert "read counters" in connection.take()
    admission = FlowKey(Table.ADMISSION, 100, match({"in_port": 1, "vlan_vid": 0}))
    came_in = Counter(cookie_of(Cookie.ADMISSION, 0x1000), packets=3, octets=180)
    app.turn(Counters(connection, {admission: came_in}))
    (write,) = app.written(PutBindingStats)
    assert (write.port, write.vlan) == (P0.uuid, 0)
    assert (write.stats.packets_from_local, write.stats.bytes_from_local) == (3, 180)
