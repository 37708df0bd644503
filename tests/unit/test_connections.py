"""Connections: each goes to the driver of its bridge, waits for it, or is refused."""

import logging
from dataclasses import replace

from vtep_ofapp.loop.connections import ANSWER_TIME, CLAIM_TIME, MAX_REFUSED, MAX_UNCLAIMED
from vtep_ofapp.values.events import (
    Alive,
    Bridges,
    BridgesInSync,
    Connected,
    Disconnected,
    LockIs,
    VtepInSync,
    VtepRows,
)
from vtep_ofapp.values.faults import of_switch
from vtep_ofapp.values.rows import Mark
from vtep_ofapp.values.writes import PutFaultStatus

from .app import BRIDGE, ROWS, App
from .builders import DATABASE, RED, SWITCH, bridge, logical_switch, port
from .doubles import ConnectionDouble, Said, flow_changes


def test_a_datapath_of_no_switch_is_refused_and_that_is_said_once(app: App, said: Said) -> None:
    app.start()
    said()
    for _ in range(3):
        stranger = ConnectionDouble()
        app.turn(Connected(0xC0, stranger))
        assert stranger.take() == ["disconnect"]
        app.turn(Disconnected(stranger))
    assert said() == ["datapath 00000000000000c0 is refused: it is no bridge of a Physical_Switch"]


def test_what_is_remembered_of_refused_datapaths_is_bounded(app: App, said: Said) -> None:
    app.start()
    said()
    for number in range(MAX_REFUSED + 1):
        app.turn(Connected(0xC0 + number, ConnectionDouble()))
    assert len(said()) == MAX_REFUSED + 1
    app.turn(Connected(0xC0, ConnectionDouble()))
    assert len(said()) == 1


def test_before_the_databases_are_read_only_some_connections_wait(app: App) -> None:
    waiting = [ConnectionDouble() for _ in range(MAX_UNCLAIMED + 2)]
    app.turn(*(Connected(0xC0 + number, each) for number, each in enumerate(waiting)))
    assert [each.take() for each in waiting[:3]] == [["disconnect"], ["disconnect"], []]


def test_a_second_connection_of_a_switch_that_answers_is_refused(app: App, said: Said) -> None:
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
    app.wait(ANSWER_TIME)
    assert second.take() == []
    assert connection.take() == []
    assert said() == ["datapath 00000000000000b0 is refused: br0 is already connected"]
    app.turn(Disconnected(second))
    app.tell(logical_switch(RED, 6001))
    assert connection.take() == ["apply"]


def test_a_connection_that_died_silently_gives_its_place_to_the_second_one(
    app: App, said: Said
) -> None:
    connection = app.start()
    said()
    second = ConnectionDouble()
    app.turn(Connected(0xB0, second))
    app.wait(ANSWER_TIME)
    assert connection.take() == ["ask", "disconnect"]
    assert second.take() == ["lead"]
    assert said() == [
        "br0: no answer within 1 s from 127.0.0.1; a newer connection takes its place"
    ]
    app.turn(Alive(connection), Disconnected(connection))
    app.turn(second.leading())
    assert second.take() == ["read back"]


def test_a_second_connection_waits_no_longer_than_the_first_one_is_there(app: App) -> None:
    connection = app.start()
    second = ConnectionDouble()
    app.turn(Connected(0xB0, second))
    app.turn(Disconnected(connection))
    app.wait(ANSWER_TIME)
    assert second.take() == ["lead"]
    app.turn(Alive(connection))
    assert second.take() == []


def test_a_second_connection_may_go_before_the_first_one_answers(app: App) -> None:
    connection = app.start()
    second = ConnectionDouble()
    app.turn(Connected(0xB0, second))
    app.turn(Disconnected(second))
    app.wait(ANSWER_TIME)
    app.turn(Alive(connection))
    assert second.take() == []
    assert connection.take() == ["ask"]


WITHOUT_ID = replace(BRIDGE, datapath_id=None)


def test_a_connection_waits_while_the_database_does_not_know_its_bridges_id(
    app: App, said: Said
) -> None:
    app.turn(Disconnected(app.start()))
    app.turn(Bridges(DATABASE, {"br0": WITHOUT_ID}))
    said()
    again = ConnectionDouble()
    app.turn(Connected(0xB0, again, "br0"))
    assert again.take() == []
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}))
    assert again.take() == ["lead"]
    app.wait(CLAIM_TIME)
    assert again.take() == []
    assert said() == []


def test_a_connection_does_not_wait_without_end(app: App, said: Said) -> None:
    app.start(connection=(connection := ConnectionDouble()))
    app.turn(Disconnected(connection), Bridges(DATABASE, {"br0": WITHOUT_ID}))
    said()
    stranger = ConnectionDouble()
    app.turn(Connected(0xC0, stranger))
    assert stranger.take() == []
    app.wait(CLAIM_TIME)
    assert stranger.take() == ["disconnect"]
    said_of_it = [line for line in said() if "00000000000000c0 is refused" in line]
    assert len(said_of_it) == 1


def test_an_id_that_is_absent_for_a_moment_costs_no_connection(app: App) -> None:
    connection = app.start()
    app.turn(Bridges(DATABASE, {"br0": WITHOUT_ID}))
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}))
    assert connection.take() == []


def test_a_bridge_whose_id_changes_has_to_connect_again(app: App) -> None:
    connection = app.start()
    app.turn(Bridges(DATABASE, {"br0": replace(BRIDGE, datapath_id=0xB7)}))
    assert connection.take() == ["disconnect"]


TWIN = bridge(port("p0", 1), name="br1", mark=Mark.NONE)
SHARED = (
    "Physical_Switch br0: the bridges br0 and br1 have the datapath id 00000000000000b0: "
    "ovs-vsctl set bridge br1 other-config:datapath-id=<16 other hex digits>"
)


def test_bridges_that_share_an_id_are_not_connected_until_that_is_mended(
    app: App, said: Said
) -> None:
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
    assert f"resolved: {SHARED}" in said(logging.INFO)
    app.turn(Connected(0xB0, again := ConnectionDouble()))
    assert again.take() == ["lead"]


def test_the_fault_of_a_shared_id_shows_before_the_switch_was_ever_managed(app: App) -> None:
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


def test_a_bridge_of_another_name_that_no_database_tells_of_is_refused(
    app: App, said: Said
) -> None:
    connection = app.start()
    app.turn(Disconnected(connection))
    said()
    other = ConnectionDouble()
    app.turn(Connected(0xB0, other, "br7"))
    assert other.take() == ["disconnect"]
    assert "the bridges br0 and br7 have the datapath id 00000000000000b0" in said()[0]


def test_a_switch_that_comes_back_gets_what_changed_meanwhile(app: App, said: Said) -> None:
    connection = app.start()
    app.turn(Disconnected(connection))
    assert said() == ["br0: connection lost"]
    app.tell(logical_switch(RED, 6001))
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again))
    app.turn(again.leading(), again.reading())
    (changes,) = again.bundles
    assert [change.flow is not None for change in flow_changes(changes)] == [True, False, True]
    assert ["0x1771" in str(change) for change in changes] == [True, False, True]


def test_late_answers_of_a_former_connection_do_not_count(app: App) -> None:
    connection = app.start()
    app.tell(logical_switch(RED, 6001))
    late = connection.done()
    app.turn(Disconnected(connection))
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again), late)
    app.turn(again.leading(), again.reading())
    assert again.bundles == []
