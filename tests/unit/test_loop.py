"""Turns of the loop: events in, and what switches and databases are asked for."""

import logging
from typing import cast

import eventlet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine import switch_state
from vtep_ofapp.loop.components import build_components
from vtep_ofapp.loop.inbox import Inbox
from vtep_ofapp.loop.loop import Loop
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.timers import Timers
from vtep_ofapp.loop.transactions import FIRST_PAUSE
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.process.systemd import ServiceManager
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.events import (
    Bridges,
    BridgesInSync,
    Committed,
    Connected,
    Disconnected,
    Event,
    LockIs,
    PacketIn,
    VtepInSync,
    VtepRows,
    WorkIsLeft,
)
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.listen_address import ON_LOOPBACK
from vtep_ofapp.values.rows import Gone, Mark
from vtep_ofapp.values.writes import (
    DescribeSwitch,
    PutLocalMac,
    PutLocalMcastMac,
    PutPhysicalPort,
    SecureBridge,
)

from .app import BR0, BRIDGE, IN_CHARGE, P0, ROWS, App, described, tunnel_port
from .builders import (
    DATABASE,
    FAR,
    MAC1,
    MAC2,
    OWN,
    RED,
    SWITCH,
    bridge,
    local_mac,
    logical_switch,
    number_of,
    physical_switch,
    port,
    refused,
    remote_mac,
    to_anyone,
    unknown_dst,
    unknown_source,
    uuid,
)
from .doubles import ConnectionDouble, Said, SwitchDouble, WriterDouble

# The start


def test_a_bridge_with_a_row_of_its_name_is_managed(app: App, said: Said) -> None:
    connection = app.start()
    assert said(logging.INFO) == [IN_CHARGE, "br0 is managed"]
    assert len(connection.bundles) == 1
    assert len(connection.switch.flows) > 8
    assert app.written() == []
    assert app.openvswitch[DATABASE].take() == []


STARTS: dict[str, "Event | None"] = {
    "rows": VtepRows(ROWS),
    "all rows": VtepInSync(frozenset(row.uuid for row in ROWS)),
    "bridges": Bridges(DATABASE, {"br0": BRIDGE}),
    "all bridges": BridgesInSync(DATABASE, frozenset({"br0"})),
    "connected": None,
    "lock": LockIs(True),
}


@given(
    order=st.permutations(sorted(STARTS)).filter(
        lambda each: (
            each.index("rows") < each.index("all rows")
            and each.index("bridges") < each.index("all bridges")
        )
    ),
    cuts=st.sets(st.integers(0, 5)),
)
def test_the_start_may_come_in_any_order_and_in_any_turns(order: list[str], cuts: set[int]) -> None:
    app, switch = App(), SwitchDouble()
    connection = ConnectionDouble(switch)
    events: list[Event] = []
    for index, name in enumerate(order):
        events.append(STARTS[name] or Connected(switch.datapath_id, connection))
        if index in cuts:
            app.turn(*events)
            events = []
    app.turn(*events)
    if "disconnect" in connection.take():
        app.turn(Disconnected(connection))
        connection = ConnectionDouble(switch)
        app.turn(Connected(switch.datapath_id, connection))
    app.turn(connection.leading(), connection.reading())
    app.serve(connection)
    known = App().start().switch
    assert switch.flows == known.flows
    assert switch.groups == known.groups


def test_nothing_is_asked_for_before_all_databases_are_known(app: App) -> None:
    connection = ConnectionDouble()
    app.turn(VtepRows(ROWS), Bridges(DATABASE, {"br0": BRIDGE}), Connected(0xB0, connection))
    app.turn(VtepInSync(frozenset(row.uuid for row in ROWS)))
    assert connection.asked == []
    assert app.vtep.transactions == []
    app.turn(BridgesInSync(DATABASE, frozenset({"br0"})))
    assert connection.take() == ["stand by"]
    app.turn(LockIs(True))
    assert connection.take() == ["lead"]
    app.turn(connection.leading())
    assert connection.take() == ["read back"]


def test_a_row_may_come_after_the_connection_was_refused(app: App, said: Said) -> None:
    connection = ConnectionDouble()
    app.turn(
        VtepInSync(frozenset()),
        Bridges(DATABASE, {"br0": bridge(port("p0", 1), mark=Mark.NONE)}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, connection),
    )
    assert connection.take() == ["disconnect"]
    app.turn(Disconnected(connection))
    app.tell(*ROWS)
    again = ConnectionDouble()
    app.turn(Connected(0xB0, again))
    assert again.take() == ["stand by"]


def test_a_switch_that_was_managed_before_gets_no_bundle_when_all_is_right(app: App) -> None:
    switch = app.start().switch
    flows = dict(switch.flows)
    other = App()
    connection = other.start(connection=ConnectionDouble(switch))
    assert connection.bundles == []
    assert switch.flows == flows
    assert other.vtep.transactions == []


def test_a_bridge_is_made_secure(app: App) -> None:
    connection = ConnectionDouble()
    found = bridge(port("p0", 1), to_anyone(), is_secure=False)
    app.turn(
        LockIs(True),
        VtepRows(ROWS),
        VtepInSync(frozenset(row.uuid for row in ROWS)),
        Bridges(DATABASE, {"br0": found}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, connection),
    )
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]


def test_controllers_that_came_while_it_was_made_secure_are_set_up_at_once(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app.start()
    for found in (
        bridge(port("p0", 1), to_anyone(), is_secure=False),
        bridge(port("p0", 1), to_anyone(), controllers_are_set=False),
    ):
        app.turn(Bridges(DATABASE, {"br0": found}), Committed(DATABASE, None))
        assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]
    assert "trying again" not in caplog.text


def test_a_row_that_goes_while_it_is_written_is_written_again_at_once(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    without = described()
    app.start(without)
    first = app.written()
    assert PutPhysicalPort(SWITCH, "p0") in first
    app.turn(VtepRows([BR0]), VtepRows([without]), Committed("hardware_vtep", None))
    assert app.written() == first
    assert "trying again" not in caplog.text


def test_a_switch_that_nobody_described_gets_a_description(app: App) -> None:
    bare = physical_switch(P0)
    app.start(bare)
    (write,) = app.written(DescribeSwitch)
    assert write.switch == SWITCH
    assert "br0" in write.description


# A transaction is one change


def shown(connection: ConnectionDouble, mac: str) -> PacketIn:
    fields = match({"metadata": number_of(RED), "reg0": 0x1000})
    return unknown_source(connection, fields, mac)


def test_nothing_is_made_of_a_part_of_a_change(app: App, said: Said) -> None:
    connection = app.start(unknown_dst(FAR))
    (write,) = app.openvswitch[DATABASE].take()
    with_tunnel = bridge(port("p0", 1), to_anyone(), tunnel_port(write))
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}), app.openvswitch[DATABASE].done())
    app.serve(connection)
    app.store()
    app.wait(FIRST_PAUSE)
    app.written()
    said()
    bundles, flows = len(connection.bundles), dict(connection.switch.flows)
    gone = [Gone(row.uuid) for row in (unknown_dst(FAR), P0, BR0, logical_switch(RED))]
    app.turn(VtepRows([*gone, refused(uuid(300), RED, "is bad")], more=True))
    app.wait(FIRST_PAUSE)
    assert len(connection.bundles) == bundles
    assert app.openvswitch[DATABASE].take() == app.written() == said(logging.INFO) == []
    app.turn(VtepRows([unknown_dst(FAR, row=uuid(0x2999)), BR0], more=True))
    app.turn(VtepRows([logical_switch(RED), Gone(uuid(300))]))
    assert len(connection.bundles) == bundles
    assert app.openvswitch[DATABASE].take() == app.written() == said(logging.INFO) == []
    assert connection.switch.flows == flows


def test_all_that_is_read_after_a_reconnect_is_one_change(app: App) -> None:
    connection = app.start(unknown_dst(FAR))
    (write,) = app.openvswitch[DATABASE].take()
    with_tunnel = bridge(port("p0", 1), tunnel_port(write))
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}), app.openvswitch[DATABASE].done())
    app.serve(connection)
    bundles = len(connection.bundles)
    rows = [*ROWS, unknown_dst(FAR, row=uuid(0x2999))]
    app.turn(VtepRows([*rows, remote_mac(MAC1, FAR)], more=True))
    app.turn(Bridges(DATABASE, {"br0": None}, more=True))
    assert len(connection.bundles) == bundles
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}, more=True))
    app.turn(BridgesInSync(DATABASE, frozenset({"br0"})))
    assert len(connection.bundles) == bundles
    app.turn(VtepInSync(frozenset(row.uuid for row in rows)))
    assert len(connection.bundles) == bundles


def test_a_long_change_is_one_bundle_and_others_wait_for_their_turn(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 2)
    connection = app.start(unknown_dst(FAR))
    (write,) = app.openvswitch[DATABASE].take()
    with_tunnel = bridge(port("p0", 1), tunnel_port(write))
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}), app.openvswitch[DATABASE].done())
    app.serve(connection)
    bundles = len(connection.bundles)
    macs = [f"02:00:00:00:00:{number:02x}" for number in range(9)]
    rows = [remote_mac(mac, FAR, row=uuid(900 + n)) for n, mac in enumerate(macs)]
    app.turn(VtepRows(rows[:5], more=True))
    app.turn(VtepRows(rows[5:]))
    app.turn(VtepRows([Gone(row.uuid) for row in rows]))
    for _ in range(3):
        assert len(connection.bundles) == bundles
        app.turn(WorkIsLeft())
    assert len(connection.bundles) == bundles + 1
    assert len(connection.bundles[-1]) == len(rows)
    app.serve(connection)
    for _ in range(5):
        app.turn(WorkIsLeft())
    app.serve(connection)
    assert [len(bundle) for bundle in connection.bundles[bundles:]] == [len(rows)] * 2


def test_stations_get_their_rows_while_a_change_is_heard_and_nothing_else_is_written(
    app: App,
) -> None:
    connection = app.start()
    stale = local_mac("00:00:00:00:00:07", OWN, row=uuid(0x3007))
    app.turn(VtepRows([remote_mac(MAC2, FAR), stale, Gone(uuid(0x4001))], more=True))
    app.turn(shown(connection, MAC1))
    assert app.written() == [PutLocalMac(RED, MAC1, OWN)]
    app.turn(VtepRows([local_mac(MAC1, OWN)], more=True), app.vtep.done())
    assert app.written() == []
    app.turn(VtepRows([Gone(uuid(0x3000))], more=True))
    assert app.written() == []
    app.turn(VtepRows([]))
    assert set(app.written(PutLocalMac, PutLocalMcastMac)) == {
        PutLocalMac(RED, MAC1, OWN),
        PutLocalMac(RED, "00:00:00:00:00:07", None, rows=(uuid(0x3007),)),
        PutLocalMcastMac(RED, UNKNOWN_DST, frozenset({OWN})),
    }


def test_a_row_that_is_replaced_in_one_change_moves_no_station(app: App) -> None:
    connection = app.start()

    def is_known() -> bool:
        app.serve(connection)
        flows = connection.switch.flows
        return any(key.table == Table.LEARNING and MAC1 in str(key) for key in flows)

    app.tell(remote_mac(MAC1, FAR))
    app.turn(shown(connection, MAC1))
    assert is_known()
    app.tell(Gone(uuid(0x1000)), remote_mac(MAC1, FAR, row=uuid(0x1001)))
    assert is_known()
    app.tell(Gone(uuid(0x1001)), remote_mac(MAC1, "10.0.0.77", row=uuid(0x1002)))
    assert not is_known()


def test_what_is_wrong_with_a_row_passes_to_the_row_that_replaces_it(app: App, said: Said) -> None:
    app.start()
    app.tell(refused(uuid(300), RED, "is bad"))
    said()
    app.tell(refused(uuid(301), RED, "is bad"), Gone(uuid(300)))
    assert said(logging.INFO) == ["row 301: is bad", "resolved: row 300: is bad"]
    app.tell(Gone(uuid(301)), refused(uuid(301), RED, "is bad"))
    assert said(logging.INFO) == []


# Turns


def test_a_turn_that_fails_is_logged_and_the_next_one_comes(said: Said) -> None:
    measures = Measures()
    inbox = Inbox(measures.packet_ins)
    vtep, openvswitch = WriterDouble("hardware_vtep"), {DATABASE: WriterDouble(DATABASE)}
    settings = Settings(stats_interval=0.0)
    timers = Timers(inbox.post)
    components = build_components(vtep, openvswitch, settings, timers, ON_LOOPBACK, measures)
    loop = Loop(components, inbox, ServiceManager({}))
    connection = ConnectionDouble()
    thread = eventlet.spawn(loop.run)
    inbox.post(cast(Event, "not an event"))
    eventlet.sleep(0)
    for event in (
        VtepInSync(frozenset()),
        BridgesInSync(DATABASE, frozenset()),
        Connected(0xC0, connection),
    ):
        inbox.post(event)
    for _ in range(10):
        eventlet.sleep(0)
    thread.kill()
    assert "a turn failed with these events: ['not an event']" in said(logging.ERROR)
    assert connection.asked == ["disconnect"]
    assert measures.turns.failed == 1
    assert measures.turns.seconds.count > 1
