"""Turns of the loop: events in, and what switches and databases are asked for."""

import logging
import time
from dataclasses import replace

import eventlet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine import switch_state
from vtep_ofapp.features.learning.damping import HOLD
from vtep_ofapp.loop.inbox import Inbox
from vtep_ofapp.loop.loop import MAX_REFUSED, MAX_UNCLAIMED, ROLE_PAUSE, Loop
from vtep_ofapp.pipeline.layout import Cookie, Table, cookie_of
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.process.systemd import ServiceManager
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.events import (
    Alive,
    AnswerIsDue,
    Away,
    Bridges,
    BridgesInSync,
    ClaimIsOld,
    Connected,
    Counters,
    Disconnected,
    EmptyGraceIsOver,
    FlowRemoved,
    GraceIsOver,
    HoldIsOver,
    LockIs,
    PatienceIsOver,
    RetryIsDue,
    RoleIs,
    RoleIsDue,
    StatisticsAreDue,
    VtepInSync,
    VtepRows,
    WatchdogIsDue,
    WorkIsLeft,
)
from vtep_ofapp.values.faults import of_switch
from vtep_ofapp.values.flow_changes import FlowChange
from vtep_ofapp.values.flows import FlowKey, match
from vtep_ofapp.values.rows import Controller, Gone, Mark
from vtep_ofapp.values.writes import (
    IntroduceSwitch,
    PutBindingStats,
    PutFaultStatus,
    PutLocalMac,
    PutPhysicalPort,
    PutTunnelPort,
    PutUnknownDst,
    ReleaseBridge,
    RemoveTunnelPort,
    SecureBridge,
)

from .builders import (
    BLUE,
    DATABASE,
    FAR,
    MAC1,
    MAC2,
    OWN,
    RED,
    SWITCH,
    bridge,
    local_mac,
    local_unknown_dst,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    refused,
    remote_mac,
    to_anyone,
    unknown_dst,
    unknown_source,
    uuid,
)
from .doubles import ConnectionDouble, ServiceDouble, SwitchDouble, WriterDouble


class App:
    """A loop with one Open_vSwitch, or several, that only take notes."""

    def __init__(self, *databases: str) -> None:
        self.service = ServiceDouble()
        self.vtep = WriterDouble("hardware_vtep")
        self.openvswitch = {name: WriterDouble(name) for name in databases or (DATABASE,)}
        self.now = 100.0
        clock = lambda: self.now  # noqa: E731
        self.loop = Loop(
            self.vtep, self.openvswitch, Inbox(), Settings(), self.service, clock=clock
        )

    def turn(self, *events) -> None:
        self.loop.turn(list(events))

    def tell(self, *rows) -> None:
        self.turn(VtepRows(rows))

    def start(self, *more, connection: ConnectionDouble | None = None) -> ConnectionDouble:
        """Take br0 over: all is told, the switch is connected, read and up to date."""
        connection = connection or ConnectionDouble()
        self.turn(
            LockIs(True),
            VtepRows([*ROWS, *more]),
            VtepInSync(frozenset(row.uuid for row in [*ROWS, *more])),
            Bridges(DATABASE, {"br0": BRIDGE}),
            BridgesInSync(DATABASE, frozenset({"br0"})),
            Connected(connection.switch.datapath_id, connection),
        )
        self.turn(connection.leading(), connection.reading())
        self.serve(connection)
        return connection

    def serve(self, connection: ConnectionDouble) -> None:
        """Let the switch make what it is asked for until there is no more."""
        while connection.take()[-1:] == ["apply"]:
            self.turn(connection.done())

    def written(self, *kinds) -> list:
        """Return what was written to hardware_vtep."""
        return [write for write in self.vtep.take() if not kinds or isinstance(write, kinds)]

    def store(self, *rows) -> None:
        """End the transaction on hardware_vtep, which made these rows what they are."""
        self.turn(VtepRows(rows), self.vtep.done())


def record_timers(app: App) -> list:
    """Return where the timers that the loop sets are noted from now on."""
    timers: list = []
    app.loop._later = lambda seconds, event: timers.append((seconds, event))
    return timers


def described(*ports, **more):
    """Return the row of br0 with all that it owes to people."""
    more.setdefault("description", "a switch")
    more.setdefault("management_ips", frozenset({"192.0.2.1"}))
    return physical_switch(*ports, **more)


IN_CHARGE = "this process has the lock: it is in charge"
P0 = physical_port("p0", {0: RED})
BR0 = described(P0)
ROWS = [logical_switch(RED), BR0, local_unknown_dst(OWN)]
BRIDGE = bridge(port("p0", 1), to_anyone())


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def said(caplog):
    """Return a function that returns what was logged, at this level or above, since last asked."""
    caplog.set_level(logging.INFO, "vtep_ofapp")

    def take(level=logging.WARNING):
        messages = [each.getMessage() for each in caplog.records if each.levelno >= level]
        caplog.clear()
        return messages

    return take


# The start


def test_a_bridge_with_a_row_of_its_name_is_managed(app, said):
    connection = app.start()
    assert said(logging.INFO) == [IN_CHARGE, "br0 is managed"]
    assert len(connection.bundles) == 1
    assert len(connection.switch.flows) > 8
    assert app.written() == []
    assert app.openvswitch[DATABASE].take() == []


STARTS = {
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
def test_the_start_may_come_in_any_order_and_in_any_turns(order, cuts):
    app, switch = App(), SwitchDouble()
    connection = ConnectionDouble(switch)
    events = []
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


def test_nothing_is_asked_for_before_all_databases_are_known(app):
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


def test_a_row_may_come_after_the_connection_was_refused(app, said):
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


def test_a_switch_that_was_managed_before_is_not_touched_when_all_is_right(app):
    switch = app.start().switch
    flows = dict(switch.flows)
    other = App()
    connection = other.start(connection=ConnectionDouble(switch))
    assert connection.bundles == []
    assert switch.flows == flows
    assert other.vtep.transactions == []


def test_a_bridge_is_made_secure(app):
    connection = ConnectionDouble()
    app.turn(
        LockIs(True),
        VtepRows(ROWS),
        VtepInSync(frozenset(row.uuid for row in ROWS)),
        Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), is_secure=False)}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, connection),
    )
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]


def test_a_switch_that_nobody_described_is_introduced(app):
    bare = physical_switch(P0)
    app.start(bare)
    (write,) = app.written(IntroduceSwitch)
    assert write.switch == SWITCH
    assert "br0" in write.description


# Connections


def test_a_datapath_of_no_switch_is_refused_and_that_is_said_once(app, said):
    app.start()
    said()
    for _ in range(3):
        stranger = ConnectionDouble()
        app.turn(Connected(0xC0, stranger))
        assert stranger.take() == ["disconnect"]
        app.turn(Disconnected(stranger))
    assert said() == ["datapath 00000000000000c0 is refused: it is no bridge of a Physical_Switch"]


def test_what_is_remembered_of_refused_datapaths_is_bounded(app, said):
    app.start()
    said()
    for number in range(MAX_REFUSED + 1):
        app.turn(Connected(0xC0 + number, ConnectionDouble()))
    assert len(said()) == MAX_REFUSED + 1
    app.turn(Connected(0xC0, ConnectionDouble()))
    assert len(said()) == 1


def test_before_the_databases_are_read_only_some_connections_wait(app):
    waiting = [ConnectionDouble() for _ in range(MAX_UNCLAIMED + 2)]
    app.turn(*(Connected(0xC0 + number, each) for number, each in enumerate(waiting)))
    assert [each.take() for each in waiting[:3]] == [["disconnect"], ["disconnect"], []]


def test_a_second_connection_of_a_switch_that_answers_is_refused(app, said):
    connection = app.start()
    said()
    second, third = ConnectionDouble(), ConnectionDouble()
    app.turn(Connected(0xB0, second))
    assert connection.take() == ["ask"]
    assert second.take() == []
    app.turn(Connected(0xB0, third))
    assert third.take() == ["disconnect"]
    assert connection.take() == []
    app.turn(Alive(connection))
    assert second.take() == ["disconnect"]
    app.turn(AnswerIsDue(second))
    assert second.take() == []
    assert connection.take() == []
    assert said() == ["datapath 00000000000000b0 is refused: br0 is already connected"]
    app.turn(Disconnected(second))
    app.tell(logical_switch(RED, 6001))
    assert connection.take() == ["apply"]


def test_a_connection_that_died_silently_gives_its_place_to_the_second_one(app, said):
    connection = app.start()
    said()
    second = ConnectionDouble()
    app.turn(Connected(0xB0, second))
    app.turn(AnswerIsDue(second))
    assert connection.take() == ["ask", "disconnect"]
    assert second.take() == ["lead"]
    assert said() == [
        "br0: no answer within 1 s from 127.0.0.1; a newer connection takes its place"
    ]
    app.turn(Alive(connection), Disconnected(connection))
    app.turn(second.leading())
    assert second.take() == ["read back"]


def test_a_second_connection_waits_no_longer_than_the_first_one_is_there(app):
    connection = app.start()
    second = ConnectionDouble()
    app.turn(Connected(0xB0, second))
    app.turn(Disconnected(connection))
    app.turn(AnswerIsDue(second))
    assert second.take() == ["lead"]
    app.turn(Alive(connection))
    assert second.take() == []


def test_a_second_connection_may_go_before_the_first_one_answers(app):
    connection = app.start()
    second = ConnectionDouble()
    app.turn(Connected(0xB0, second))
    app.turn(Disconnected(second))
    app.turn(AnswerIsDue(second), Alive(connection))
    assert second.take() == []
    assert connection.take() == ["ask"]


WITHOUT_ID = replace(BRIDGE, datapath_id=None)


def test_a_connection_waits_while_the_database_does_not_know_its_bridges_id(app, said):
    app.start()
    app.turn(Disconnected(app.loop._sessions["br0"].connection))
    app.turn(Bridges(DATABASE, {"br0": WITHOUT_ID}))
    said()
    again = ConnectionDouble()
    app.turn(Connected(0xB0, again, "br0"))
    assert again.take() == []
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}))
    assert again.take() == ["lead"]
    app.turn(ClaimIsOld(again))
    assert again.take() == []
    assert said() == []


def test_a_connection_does_not_wait_for_ever(app, said):
    app.start(connection=(connection := ConnectionDouble()))
    app.turn(Disconnected(connection), Bridges(DATABASE, {"br0": WITHOUT_ID}))
    said()
    stranger = ConnectionDouble()
    app.turn(Connected(0xC0, stranger))
    assert stranger.take() == []
    app.turn(ClaimIsOld(stranger))
    assert stranger.take() == ["disconnect"]
    assert len(said()) == 1


def test_an_id_that_is_absent_for_a_moment_costs_no_connection(app):
    connection = app.start()
    app.turn(Bridges(DATABASE, {"br0": WITHOUT_ID}))
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}))
    assert connection.take() == []


def test_a_bridge_whose_id_changes_has_to_connect_again(app):
    connection = app.start()
    app.turn(Bridges(DATABASE, {"br0": replace(BRIDGE, datapath_id=0xB7)}))
    assert connection.take() == ["disconnect"]


TWIN = bridge(port("p0", 1), name="br1", mark=Mark.NONE)
SHARED = (
    "Physical_Switch br0: the bridges br0 and br1 have the datapath id 00000000000000b0: "
    "ovs-vsctl set bridge br1 other-config:datapath-id=<16 other hex digits>"
)


def test_bridges_that_share_an_id_are_not_connected_until_that_is_mended(app, said):
    connection = app.start()
    said()
    app.written()
    app.turn(Bridges(DATABASE, {"br1": TWIN}))
    assert connection.take() == ["disconnect"]
    assert said() == [SHARED]
    assert app.written(PutFaultStatus) == [
        PutFaultStatus(of_switch(SWITCH).row, frozenset({"unspecified_fault"}))
    ]
    app.turn(Disconnected(connection))
    either = ConnectionDouble()
    app.turn(Connected(0xB0, either))
    assert either.take() == ["disconnect"]
    app.turn(Bridges(DATABASE, {"br1": replace(TWIN, datapath_id=0xB1)}))
    assert f"mended: {SHARED}" in said(logging.INFO)
    app.turn(Connected(0xB0, again := ConnectionDouble()))
    assert again.take() == ["lead"]


def test_the_fault_of_a_shared_id_shows_before_the_switch_was_ever_managed(app):
    app.turn(
        LockIs(True),
        VtepRows(ROWS),
        VtepInSync(frozenset(row.uuid for row in ROWS)),
        Bridges(DATABASE, {"br0": BRIDGE, "br1": TWIN}),
        BridgesInSync(DATABASE, frozenset({"br0", "br1"})),
    )
    assert app.written(PutFaultStatus) == [
        PutFaultStatus(of_switch(SWITCH).row, frozenset({"unspecified_fault"}))
    ]


def test_a_bridge_of_another_name_that_no_database_tells_of_is_refused(app, said):
    connection = app.start()
    app.turn(Disconnected(connection))
    said()
    other = ConnectionDouble()
    app.turn(Connected(0xB0, other, "br7"))
    assert other.take() == ["disconnect"]
    assert "the bridges br0 and br7 have the datapath id 00000000000000b0" in said()[0]


def test_a_switch_that_comes_back_gets_what_changed_meanwhile(app, said):
    connection = app.start()
    app.turn(Disconnected(connection))
    assert said() == ["br0: connection lost"]
    app.tell(logical_switch(RED, 6001))
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again))
    app.turn(again.leading(), again.reading())
    (changes,) = again.bundles
    assert [change.flow is not None for change in changes] == [True, False, True]
    assert ["0x1771" in str(change) for change in changes] == [True, False, True]


def test_late_answers_of_a_former_connection_do_not_count(app):
    connection = app.start()
    app.tell(logical_switch(RED, 6001))
    late = connection.done()
    app.turn(Disconnected(connection))
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again), late)
    app.turn(again.leading(), again.reading())
    assert again.bundles == []


# Two processes


def test_whoever_has_no_lock_is_ready_and_changes_nothing(app):
    connection = ConnectionDouble()
    app.turn(
        VtepRows(ROWS),
        VtepInSync(frozenset(row.uuid for row in ROWS)),
        Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), is_secure=False)}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, connection),
        StatisticsAreDue(),
    )
    assert connection.take() == ["stand by"]
    assert app.vtep.transactions == app.openvswitch[DATABASE].transactions == []
    app.turn(LockIs(True))
    app.turn(connection.leading(), connection.reading())
    app.serve(connection)
    assert connection.switch.flows == App().start().switch.flows
    assert SecureBridge("br0") in app.openvswitch[DATABASE].take()


def test_the_next_process_finds_everything_and_changes_nothing(app):
    connection = app.start()
    source = match({"metadata": app.loop._network.number(RED), "reg0": 0x1000})
    app.turn(unknown_source(connection, source, MAC1))
    app.serve(connection)
    assert app.written(PutLocalMac)
    switch = connection.switch
    flows = dict(switch.flows)
    other, standing_by = App(), ConnectionDouble(switch)
    rows = [*ROWS, local_mac(MAC1, OWN)]
    other.turn(
        VtepRows(rows),
        VtepInSync(frozenset(row.uuid for row in rows)),
        Bridges(DATABASE, {"br0": BRIDGE}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, standing_by),
    )
    app.turn(LockIs(False))
    assert connection.take() == ["stand by"]
    other.turn(LockIs(True))
    other.turn(standing_by.leading(), standing_by.reading())
    assert standing_by.bundles == []
    assert switch.flows == flows
    assert other.vtep.transactions == []


def test_nothing_is_done_between_losing_the_lock_and_having_it_again(app):
    connection = app.start()
    app.turn(LockIs(False))
    app.tell(logical_switch(RED, 6001))
    assert connection.take() == ["stand by"]
    assert app.written() == []
    app.turn(LockIs(True))
    assert connection.take() == ["lead"]
    app.turn(connection.leading(), connection.reading())
    (changes,) = connection.bundles[1:]
    assert [change.flow is not None for change in changes] == [True, False, True]
    assert ["0x1771" in str(change) for change in changes] == [True, False, True]


def test_whoever_takes_over_again_reads_what_the_other_learned_before_rows_are_written(app):
    connection = app.start()
    app.turn(LockIs(False))
    other = App()
    others = other.start(connection=ConnectionDouble(connection.switch))
    source = match({"metadata": other.loop._network.number(RED), "reg0": 0x1000})
    other.turn(unknown_source(others, source, MAC1))
    other.serve(others)
    app.tell(local_mac(MAC1, OWN))
    app.written()
    app.turn(LockIs(True))
    app.turn(connection.leading())
    assert app.written() == []
    app.turn(connection.reading())
    assert app.written(PutLocalMac) == []
    assert connection.bundles[1:] == []


def test_whoever_stands_by_learns_nothing(app):
    connection = app.start()
    app.turn(LockIs(False))
    source = match({"metadata": app.loop._network.number(RED), "reg0": 0x1000})
    app.turn(unknown_source(connection, source, MAC1))
    app.turn(LockIs(True))
    app.turn(connection.leading(), connection.reading())
    assert app.written(PutLocalMac) == []
    assert connection.bundles[1:] == []


AWAY = "br0 has another master; leaving it alone while hardware_vtep is away"


def test_while_the_database_is_away_a_newer_master_is_left_alone(app, said):
    connection = app.start()
    said()
    app.turn(Away("hardware_vtep"), RoleIs(connection, None), RoleIs(connection, None))
    assert said() == [AWAY]
    app.tell(logical_switch(RED, 6001))
    app.turn(RoleIsDue(connection))
    assert connection.take() == []
    app.turn(LockIs(True))
    assert connection.take() == ["lead"]


def test_a_lock_that_is_granted_again_disturbs_no_switch_that_still_has_us_as_its_master(app):
    connection = app.start()
    generation = connection.switch.generation
    app.turn(Away("hardware_vtep"), LockIs(True))
    assert connection.take() == ["lead"]
    app.turn(connection.leading())
    assert connection.take() == []
    assert connection.switch.generation == generation
    app.tell(logical_switch(RED, 6001))
    assert connection.take() == ["apply"]


def test_a_switch_that_another_process_led_meanwhile_is_led_and_read_again(app):
    connection = app.start()
    others = connection.switch.generation + 1
    app.turn(Away("hardware_vtep"), VtepRows([local_mac(MAC1, OWN)]), LockIs(True))
    connection.switch.generation = others
    app.turn(RoleIs(connection, None))
    assert connection.take() == ["lead", "lead"]
    assert connection.switch.generation == others + 1
    app.turn(connection.leading())
    assert connection.take() == ["read back"]
    assert app.written(PutLocalMac) == []
    app.turn(connection.reading())
    (write,) = app.written(PutLocalMac)
    assert (write.mac, write.address) == (MAC1, None)


def test_with_the_lock_a_switch_that_refuses_us_is_asked_again_after_a_pause(app, said):
    connection = app.start()
    later = record_timers(app)
    said()
    app.turn(RoleIs(connection, None))
    assert connection.take() == ["lead"]
    app.turn(RoleIs(connection, None), RoleIs(connection, None))
    assert connection.take() == []
    assert later == [(ROLE_PAUSE, RoleIsDue(connection))]
    app.turn(RoleIsDue(connection))
    assert connection.take() == ["lead"]
    assert said() == ["br0 has another master, and this process has the lock; asking again"]
    app.turn(connection.leading())
    app.turn(RoleIsDue(connection))
    assert connection.take() == ["read back"]


def test_without_the_lock_no_switch_is_taken_from_another_process(app):
    connection = app.start()
    app.turn(Away("hardware_vtep"), Disconnected(connection))
    again = ConnectionDouble(SwitchDouble(connection.switch.datapath_id))
    app.turn(Connected(0xB0, again))
    assert again.take() == ["lead"]
    assert again.switch.generation == connection.switch.generation


def test_without_the_lock_no_tunnel_port_is_made_or_removed(app):
    app.start()
    app.turn(Away("hardware_vtep"))
    app.tell(remote_mac(MAC1, FAR))
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), port("vx9", 9, is_ours=True))}))
    assert app.openvswitch[DATABASE].take() == []
    app.turn(LockIs(True))
    kinds = {type(write) for write in app.openvswitch[DATABASE].take()}
    assert kinds == {PutTunnelPort}


# An empty database


EMPTY = VtepInSync(frozenset())


def empty_app(said) -> tuple[App, ConnectionDouble]:
    """Let the database come back without a row."""
    app = App()
    connection = app.start()
    app.turn(Away("hardware_vtep"))
    said()
    app.turn(EMPTY, LockIs(True))
    app.turn(connection.leading())
    connection.take()
    return app, connection


def test_a_database_that_comes_back_empty_removes_nothing_for_a_while(said):
    app, connection = empty_app(said)
    (line,) = said()
    assert line.startswith(
        "hardware_vtep came back without any Physical_Switch: br0 stays as it is"
    )
    flows = dict(connection.switch.flows)
    app.turn(EmptyGraceIsOver())
    assert connection.take() == []
    assert connection.switch.flows == flows
    assert app.written() == []


def test_an_empty_database_is_believed_in_the_end(said):
    app, connection = empty_app(said)
    app.now += Settings().empty_db_grace
    app.turn(EmptyGraceIsOver())
    app.serve(connection)
    assert not connection.switch.flows
    assert "br0: no Physical_Switch; what is ours there is removed once it is connected" in said()


def test_rows_that_return_end_the_grace(said):
    app, connection = empty_app(said)
    flows = dict(connection.switch.flows)
    app.turn(Away("hardware_vtep"), VtepRows(ROWS))
    app.turn(VtepInSync(frozenset(row.uuid for row in ROWS)), LockIs(True))
    assert "hardware_vtep has a Physical_Switch again" in said(logging.INFO)
    app.now += Settings().empty_db_grace
    app.turn(EmptyGraceIsOver())
    app.turn(connection.leading())
    app.serve(connection)
    assert connection.switch.flows == flows


def test_rows_that_are_written_again_end_the_grace_and_the_others_go(said):
    app, connection = empty_app(said)
    app.tell(BR0)
    app.serve(connection)
    assert "hardware_vtep has a Physical_Switch again" in said(logging.INFO)
    assert {flow.table for flow in connection.switch.flows}
    assert not app.loop._network.rows()


def test_a_switch_that_is_deleted_is_let_go_at_once(app):
    connection = app.start()
    app.tell(Gone(SWITCH))
    app.serve(connection)
    assert not connection.switch.flows


def test_a_start_with_an_empty_database_waits_for_nothing(said):
    app = App()
    app.turn(EMPTY, LockIs(True))
    assert said() == []


def test_a_connection_that_comes_back_leads_in_the_same_generation(app):
    connection = app.start()
    before = connection.switch.generation
    app.turn(Disconnected(connection))
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again))
    assert again.take() == ["lead"]
    assert again.switch.generation == before


# The service manager


def test_it_is_ready_when_all_that_can_be_done_is_done(app):
    connection = ConnectionDouble()
    app.turn(VtepRows(ROWS), Bridges(DATABASE, {"br0": BRIDGE}), Connected(0xB0, connection))
    assert not app.service.is_ready
    app.turn(
        VtepInSync(frozenset(row.uuid for row in ROWS)),
        BridgesInSync(DATABASE, frozenset({"br0"})),
    )
    assert not app.service.is_ready
    assert app.service.status == "waiting for the lock on hardware_vtep"
    app.turn(LockIs(True))
    assert not app.service.is_ready
    app.turn(connection.leading(), connection.reading())
    assert app.service.is_ready
    assert app.service.status == "in charge of br0"
    app.turn(Disconnected(connection))
    assert app.service.is_ready
    assert app.service.status == "in charge of no switch; not connected: br0"
    app.turn(Away("hardware_vtep"))
    assert app.service.status.endswith("; hardware_vtep is away")
    app.turn(LockIs(False))
    assert app.service.is_ready
    assert app.service.status == "standing by: another process has the lock"


def test_the_watchdog_is_fed_by_turns(app):
    app.turn(WatchdogIsDue())
    assert app.service.fed == 1


# Stations


def test_a_station_that_moves_too_often_is_held_and_released(app):
    connection = app.start(described(P0, physical_port("p1", {0: RED})))
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), port("p1", 2))}))
    app.serve(connection)
    app.store()
    number = app.loop._network.number(RED)
    for turn in range(20):
        fields = match({"metadata": number, "reg0": (turn % 2 + 1) << 12})
        app.turn(unknown_source(connection, fields, MAC1))
        app.serve(connection)
    bundles = len(connection.bundles)
    for turn in range(20):
        fields = match({"metadata": number, "reg0": (turn % 2 + 1) << 12})
        app.turn(unknown_source(connection, fields, MAC1))
    assert len(connection.bundles) == bundles
    held = FlowKey(Table.LEARNING, 75, match({"metadata": number, "eth_src": MAC1}))
    assert held in connection.switch.flows
    app.loop._macs._damping._clock = lambda: time.monotonic() + HOLD
    app.turn(HoldIsOver())
    app.serve(connection)
    assert held not in connection.switch.flows
    assert len(app.written(PutLocalMac)) == 1


def test_a_new_station_is_in_the_switch_and_in_the_database_at_once(app):
    connection = app.start()
    number = app.loop._network.number(RED)
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(connection, fields, MAC1))
    changes = connection.bundles[-1]
    assert len(changes) == 2
    assert all(isinstance(change, FlowChange) and MAC1 in str(change) for change in changes)
    assert app.written() == [PutLocalMac(RED, MAC1, OWN)]
    app.store(local_mac(MAC1, OWN))
    app.serve(connection)
    assert app.written() == []
    known = next(key for key in connection.switch.flows if dict(key.match).get("eth_src") == MAC1)
    app.turn(FlowRemoved(connection, known, idle=True))
    assert app.written() == [PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))]


def test_a_station_that_the_nvc_placed_elsewhere_is_reported_all_the_same(app):
    connection = app.start()
    number = app.loop._network.number(RED)
    app.tell(remote_mac(MAC1, FAR))
    app.written()
    app.store()
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(connection, fields, MAC1))
    app.turn(RetryIsDue("hardware_vtep"))
    assert PutLocalMac(RED, MAC1, OWN) in app.written()


@pytest.mark.parametrize(("address", "is_kept"), [(FAR, False), (OWN, True)])
def test_a_learned_station_that_the_nvc_places_elsewhere_has_to_speak_again(app, address, is_kept):
    connection = app.start()
    number = app.loop._network.number(RED)
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(connection, fields, MAC1))
    app.serve(connection)
    app.store(local_mac(MAC1, OWN))
    app.written()
    app.tell(remote_mac(MAC1, address))
    gone = PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))
    assert (gone in app.written()) == (not is_kept)


def test_a_station_shown_by_a_stranger_is_not_learned(app):
    app.start()
    number = app.loop._network.number(RED)
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(ConnectionDouble(), fields, MAC1))
    assert app.written() == []


# Rows


def test_rows_that_are_missing_after_a_resync_are_gone(app):
    connection = app.start(unknown_dst(FAR), local_mac(MAC1, OWN))
    assert connection.take() == []
    assert len(app.openvswitch[DATABASE].take()) == 1
    app.turn(VtepInSync(frozenset(row.uuid for row in ROWS)), app.vtep.done())
    app.serve(connection)
    assert connection.switch.flows == App().start().switch.flows


def test_rows_of_other_switches_are_left_alone(app):
    other = physical_switch(name="elsewhere", row=uuid(0x5999), tunnel_ips=["10.0.0.99"])
    app.start(other, local_mac(MAC1, "10.0.0.99"), local_unknown_dst("10.0.0.99", of=BLUE))
    assert app.written() == []


def test_rows_of_a_former_process_that_are_wrong_are_mended(app):
    app.start(local_mac(MAC1, OWN))
    assert app.written() == [PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))]


def test_one_transaction_is_in_flight_and_the_next_one_holds_the_rest(app):
    app.start()
    app.tell(described(physical_port("p0", {0: RED, 10: BLUE})), logical_switch(BLUE, 5002))
    assert app.vtep.take() == [PutUnknownDst(BLUE, frozenset({OWN}))]
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), port("p1", 2))}))
    assert app.vtep.take() == []
    app.tell(local_unknown_dst(OWN, of=BLUE))
    app.turn(app.vtep.done())
    assert app.vtep.take() == [PutPhysicalPort(SWITCH, "p1")]


def test_a_transaction_that_failed_is_tried_again_after_a_pause(app, said):
    app.start()
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), port("p1", 2))}))
    app.turn(app.vtep.done("constraint violation"))
    assert app.vtep.take() == [PutPhysicalPort(SWITCH, "p1")]
    assert said() == ["hardware_vtep: constraint violation; trying again in 0.1 s"]
    app.turn(GraceIsOver())
    assert app.vtep.take() == []
    app.turn(RetryIsDue("hardware_vtep"))
    assert app.vtep.take() == [PutPhysicalPort(SWITCH, "p1")]


def test_a_row_that_cannot_be_used_is_said_once_and_shown_in_its_column(app, said):
    app.start()
    said()
    bad = refused(uuid(300), RED, "x is not a MAC address")
    app.tell(bad)
    shown = frozenset({"unspecified_fault"})
    assert app.written() == [PutFaultStatus(of_switch(SWITCH).row, shown)]
    app.store(described(P0, fault_status=shown))
    app.tell(bad)
    assert said() == ["row 300: x is not a MAC address"]
    app.tell(Gone(uuid(300)))
    assert said(logging.INFO) == ["mended: row 300: x is not a MAC address"]
    assert app.written() == [PutFaultStatus(of_switch(SWITCH).row, frozenset())]


def test_a_row_that_cannot_be_used_and_concerns_no_switch_is_said_as_well(app, said):
    app.start()
    said()
    app.tell(refused(uuid(300), None, "'stt' is no encapsulation that we know"))
    assert said() == ["row 300: 'stt' is no encapsulation that we know"]
    assert app.written() == []


def test_very_many_stations_leave_room_for_other_turns_and_the_gate_waits(app, said, monkeypatch):
    monkeypatch.setattr(switch_state, "MAX_STATIONS", 2)
    rows = [remote_mac(f"02:00:00:00:00:{n:02x}", "10.0.0.9", row=uuid(900 + n)) for n in range(5)]
    connection = app.start(*rows)
    assert "br0 is managed" not in said(logging.INFO)
    app.tell(logical_switch(BLUE))
    while "br0 is managed" not in said(logging.INFO):
        assert connection.bundles == []
        assert WorkIsLeft() in app.loop._inbox.take()
        app.turn(WorkIsLeft())
        for write in app.openvswitch[DATABASE].take():
            if isinstance(write, PutTunnelPort):
                app.turn(
                    Bridges(
                        DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), tunnel_port(write))}
                    )
                )
    app.serve(connection)
    assert sum("02:00:00:00:00" in str(flow) for flow in connection.switch.flows.values()) == 5


# A transaction is one change


def shown(app, connection, mac):
    fields = match({"metadata": app.loop._network.number(RED), "reg0": 0x1000})
    return unknown_source(connection, fields, mac)


def test_nothing_is_made_of_a_part_of_a_change(app, said):
    connection = app.start(unknown_dst(FAR))
    (write,) = app.openvswitch[DATABASE].take()
    with_tunnel = bridge(port("p0", 1), to_anyone(), tunnel_port(write))
    app.turn(Bridges(DATABASE, {"br0": with_tunnel}), app.openvswitch[DATABASE].done())
    app.serve(connection)
    app.store()
    app.turn(RetryIsDue("hardware_vtep"))
    app.written()
    said()
    bundles, flows = len(connection.bundles), dict(connection.switch.flows)
    gone = [Gone(row.uuid) for row in (unknown_dst(FAR), P0, BR0, logical_switch(RED))]
    app.turn(VtepRows([*gone, refused(uuid(300), RED, "is bad")], more=True))
    app.turn(GraceIsOver(), RetryIsDue(DATABASE), RetryIsDue("hardware_vtep"))
    assert len(connection.bundles) == bundles
    assert app.openvswitch[DATABASE].take() == app.written() == said(logging.INFO) == []
    app.turn(VtepRows([unknown_dst(FAR, row=uuid(0x2999)), BR0], more=True))
    app.turn(VtepRows([logical_switch(RED), Gone(uuid(300))]))
    assert len(connection.bundles) == bundles
    assert app.openvswitch[DATABASE].take() == app.written() == said(logging.INFO) == []
    assert connection.switch.flows == flows


def test_all_that_was_read_anew_is_one_change(app):
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


def test_a_long_change_is_one_bundle_and_others_wait_for_their_turn(app, monkeypatch):
    monkeypatch.setattr(switch_state, "MAX_STATIONS", 2)
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


def test_stations_get_their_rows_while_a_change_is_heard_and_nothing_else_is_written(app):
    connection = app.start()
    stale = local_mac("00:00:00:00:00:07", OWN, row=uuid(0x3007))
    app.turn(VtepRows([remote_mac(MAC2, FAR), stale, Gone(uuid(0x4001))], more=True))
    app.turn(shown(app, connection, MAC1))
    assert app.written() == [PutLocalMac(RED, MAC1, OWN)]
    app.turn(VtepRows([local_mac(MAC1, OWN)], more=True), app.vtep.done())
    assert app.written() == []
    app.turn(VtepRows([Gone(uuid(0x3000))], more=True))
    assert app.written() == []
    app.turn(VtepRows([]))
    assert set(app.written(PutLocalMac, PutUnknownDst)) == {
        PutLocalMac(RED, MAC1, OWN),
        PutLocalMac(RED, "00:00:00:00:00:07", None, rows=(uuid(0x3007),)),
        PutUnknownDst(RED, frozenset({OWN})),
    }


def test_a_row_that_is_replaced_in_one_change_moves_no_station(app):
    connection = app.start(remote_mac(MAC1, FAR))
    app.turn(shown(app, connection, MAC1))
    assert app.loop._macs.place(RED, MAC1) is not None
    app.tell(Gone(uuid(0x1000)), remote_mac(MAC1, FAR, row=uuid(0x1001)))
    assert app.loop._macs.place(RED, MAC1) is not None
    app.tell(Gone(uuid(0x1001)), remote_mac(MAC1, "10.0.0.77", row=uuid(0x1002)))
    assert app.loop._macs.place(RED, MAC1) is None


def test_what_is_wrong_with_a_row_passes_to_the_row_that_replaces_it(app, said):
    app.start()
    app.tell(refused(uuid(300), RED, "is bad"))
    said()
    app.tell(refused(uuid(301), RED, "is bad"), Gone(uuid(300)))
    assert said(logging.INFO) == ["row 301: is bad", "mended: row 300: is bad"]
    app.tell(Gone(uuid(301)), refused(uuid(301), RED, "is bad"))
    assert said(logging.INFO) == []


# Bridges and tunnels


def tunnel_port(write: PutTunnelPort, number: int = 9):
    ends = {"remote": write.remote, "local": write.local}
    return port(write.name, number, is_ours=True, **ends)


def test_a_new_tunnel_comes_before_its_flows_and_goes_after_them(app):
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


def test_a_bridge_that_goes_and_comes_back_leaves_rows_and_says_nothing_of_its_ports(app, said):
    connection = app.start()
    said()
    app.turn(Bridges(DATABASE, {"br0": None}), Disconnected(connection))
    assert said(logging.INFO) == ["br0: connection lost", "br0 is managed no more"]
    assert app.written() == [PutUnknownDst(RED, frozenset(), rows=(uuid(0x4001),))]
    app.store(Gone(uuid(0x4001)))
    again = ConnectionDouble(connection.switch)
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}), Connected(0xB0, again))
    app.turn(again.leading(), again.reading())
    assert app.written(PutFaultStatus) == []
    assert said() == []


def test_what_is_not_said_at_once_is_said_if_it_lasts(app, said):
    app.start(remote_mac(MAC1, FAR))
    said()
    app.turn(PatienceIsOver())
    assert said() == []
    app.now += 5.0
    app.turn(PatienceIsOver())
    (line,) = said()
    assert "set flood_without_unknown_dst" in line
    app.now += 5.0
    app.turn(PatienceIsOver())
    assert said() == []
    app.tell(unknown_dst(FAR))
    (line,) = said(logging.INFO)
    assert line.startswith("mended: Logical_Switch red: rows name remote VTEPs")


def test_a_bridge_that_is_missing_after_a_resync_is_gone(app, said):
    app.start()
    app.turn(BridgesInSync(DATABASE, frozenset()))
    assert "br0 is managed no more" in said(logging.INFO)


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
def test_a_bridge_without_a_row_is_let_in_if_something_of_ours_is_left(app, said, found, is_let_in):
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
    left = "br0: no Physical_Switch; what is ours there is removed once it is connected"
    assert (left in said()) == is_let_in
    if not is_let_in:
        assert connection.take() == ["disconnect"]
        return
    app.turn(connection.leading(), connection.reading())
    app.serve(connection)
    assert connection.switch.flows == connection.switch.groups == {}
    wanted = [RemoveTunnelPort("br0", "vx")] if MARKED_PORT in found.ports.values() else []
    wanted += [ReleaseBridge("br0")] if found.mark is Mark.OURS else []
    assert app.openvswitch[DATABASE].take() == wanted
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), mark=Mark.NONE)}))
    assert connection.take() == ["disconnect"]
    assert "br0 is managed no more" in said(logging.INFO)


def test_a_switch_that_is_managed_no_more_is_cleaned_and_let_go(app, said):
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
    assert connection.switch.flows == connection.switch.groups == {}
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
    assert "br0 is managed no more" in said(logging.INFO)
    app.turn(Disconnected(connection))
    app.tell(Gone(uuid(0x1000)), *ROWS)
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again))
    app.turn(again.leading(), again.reading())
    app.serve(again)
    assert again.switch.flows


# Hosts

NEAR = bridge(port("p0", 1), database="here", datapath_id=0xB0, mark=Mark.NONE)
DISTANT = bridge(port("p0", 1), database="there", datapath_id=0xB1, mark=Mark.NONE)


def ports_in(writes):
    return [write for write in writes if isinstance(write, PutTunnelPort)]


def two_hosts(*more, distant=DISTANT):
    """Return a loop that has read hardware_vtep and the second of two hosts, and connections."""
    app = App("here", "there")
    connection, other = ConnectionDouble(), ConnectionDouble(SwitchDouble(0xB1))
    rows = [*ROWS, remote_mac(MAC1, FAR), *more]
    app.turn(
        LockIs(True),
        VtepRows(rows),
        VtepInSync(frozenset(row.uuid for row in rows)),
        Bridges("there", {distant.name: distant}),
        BridgesInSync("there", frozenset({distant.name})),
        Connected(0xB0, connection),
        Connected(0xB1, other),
    )
    return app, connection, other


def test_of_two_bridges_of_one_name_that_of_the_first_database_counts():
    app, connection, other = two_hosts()
    assert connection.asked == other.asked == []
    assert app.service.is_ready  # for what there is, so that nobody starts us again and again
    app.turn(Bridges("here", {"br0": NEAR}), BridgesInSync("here", frozenset({"br0"})))
    assert connection.asked == ["lead"]
    assert other.asked == ["disconnect"]
    assert FAR in [write.remote for write in ports_in(app.openvswitch["here"].take())]
    assert app.openvswitch["there"].take() == []


def test_a_host_is_managed_while_another_is_not_read_and_its_rows_stay(said):
    br1 = described(
        physical_port("q0", {0: RED}), name="br1", row=uuid(0x5999), tunnel_ips=["10.0.0.11"]
    )
    anyone = to_anyone(of="br1", local="10.0.0.11")
    ports = {each.name: each for each in (port("q0", 1), anyone)}
    distant = replace(DISTANT, name="br1", mark=Mark.OURS, ports=ports)
    rows_of_the_other = local_mac(MAC2, OWN), local_unknown_dst(OWN, "10.0.0.11", row=uuid(0x4999))
    app, connection, other = two_hosts(br1, *rows_of_the_other, distant=distant)
    assert (connection.asked, other.asked) == ([], ["lead"])
    app.turn(other.leading(), other.reading())
    (write,) = ports_in(app.openvswitch["there"].take())
    up = port(write.name, 9, is_ours=True, remote=FAR, local="10.0.0.11")
    app.turn(Bridges("there", {"br1": replace(distant, ports={**ports, up.name: up})}))
    app.serve(other)
    assert other.switch.flows
    assert app.openvswitch["here"].take() == []
    written = app.written()
    assert PutUnknownDst(RED, frozenset({"10.0.0.11"})) in written
    assert not [each for each in written if getattr(each, "rows", ())]
    assert not [each for each in written if getattr(each, "switch", None) == SWITCH]
    # Its own host answers later; nothing is new to the other one.
    said()
    app.turn(Bridges("here", {"br0": NEAR}), BridgesInSync("here", frozenset({"br0"})))
    assert connection.asked == ["lead"]


def test_a_name_that_a_host_not_yet_read_may_have_waits_and_a_line_says_so(said):
    app, _, other = two_hosts()
    app.now += 4.0
    app.turn(PatienceIsOver())
    (line,) = said()
    assert line.startswith(
        "Physical_Switch br0: there has a bridge of its name that was not managed"
    )
    app.turn(ClaimIsOld(other))
    assert other.asked == ["disconnect"]
    app.turn(BridgesInSync("here", frozenset()))
    again = ConnectionDouble(other.switch)
    app.turn(Connected(0xB1, again))
    assert again.asked == ["lead"]


def test_a_name_passes_to_another_host_when_its_bridge_is_gone_and_not_before(said):
    app, connection, other = two_hosts()
    app.turn(Bridges("here", {"br0": NEAR}), BridgesInSync("here", frozenset({"br0"})))
    app.turn(BridgesInSync("here", frozenset({"br0"})))
    assert connection.asked == ["lead"]
    app.turn(Bridges("here", {"br0": None}))
    assert "br0 is managed no more" in said(logging.INFO)
    assert connection.take()[-1] == "disconnect"
    again = ConnectionDouble(other.switch)
    app.turn(Connected(0xB1, again))
    assert again.asked == ["lead"]


# What is missing


def test_the_fault_that_is_due_first_is_waited_for_whatever_came_first(app, monkeypatch):
    pauses = []
    monkeypatch.setattr(
        "eventlet.spawn_after", lambda pause, post, event: pauses.append((pause, event))
    )
    ours = replace(BRIDGE, controllers=(Controller("tcp:127.0.0.1:6653"),))
    row, more = described(), physical_switch(name="br1", row=uuid(0x5999))
    app.turn(LockIs(True), VtepRows([row]), VtepInSync(frozenset({row.uuid})))
    app.turn(Bridges(DATABASE, {"br0": ours}), BridgesInSync(DATABASE, frozenset({"br0"})))
    app.now += 5.0
    app.turn(VtepRows([more]))
    waits = [pause for pause, event in pauses if isinstance(event, PatienceIsOver)]
    assert waits[-2:] == [15.0, 4.0]
    app.now += 4.0
    app.turn(PatienceIsOver())
    assert pauses[-1] == (6.0, PatienceIsOver())


def test_a_forgotten_step_is_said_again_when_it_changes_and_mended(app, said):
    row = described()
    app.turn(LockIs(True), VtepRows([row]), VtepInSync(frozenset({row.uuid})))

    def later() -> list:
        app.now += 5.0
        app.turn(PatienceIsOver())
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
    assert later() == [f"mended: {no_bridge}", no_controller]
    app.turn(Connected(0xB0, ConnectionDouble()))
    assert later() == [f"mended: {no_controller}"]


# Statistics


def test_counters_are_read_when_they_are_due_and_reported(app):
    connection = app.start()
    app.turn(StatisticsAreDue())
    assert connection.take() == ["read counters"]
    admission = FlowKey(Table.ADMISSION, 100, match({"in_port": 1, "vlan_vid": 0}))
    came_in = Counter(cookie_of(Cookie.ADMISSION, 0x1000), packets=3, octets=180)
    app.turn(Counters(connection, {admission: came_in}))
    (write,) = app.written(PutBindingStats)
    assert (write.port, write.vlan) == (P0.uuid, 0)
    assert (write.stats.packets_from_local, write.stats.bytes_from_local) == (3, 180)


# Turns


def test_a_turn_that_fails_is_logged_and_the_next_one_comes(said):
    inbox = Inbox()
    vtep = WriterDouble("hardware_vtep")
    loop = Loop(
        vtep,
        {DATABASE: WriterDouble(DATABASE)},
        inbox,
        Settings(stats_interval=0.0),
        ServiceManager({}),
    )
    connection = ConnectionDouble()
    thread = eventlet.spawn(loop.run)
    inbox.post("not an event")
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
