"""A pause: nothing is written, all the rest goes on, and its end sends the differences."""

import logging

from vtep_ofapp.loop.pausing import REMINDER_TIME
from vtep_ofapp.values.events import (
    Committed,
    Connected,
    Disconnected,
    LockIs,
    PauseIs,
    VtepRows,
)
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.rows import Gone

from .app import App
from .asking import Asking
from .builders import DATABASE, FAR, MAC1, MAC2, RED, number_of, remote_mac, unknown_source
from .doubles import ConnectionDouble, Said

SAID = (
    "paused by an operator: nothing is written to switches and databases; "
    "ovs-appctl -t vtep_ofapp resume"
)
FAR_MAC = remote_mac(MAC2, FAR)


def test_nothing_is_written_until_it_ends(app: App) -> None:
    connection = app.start()
    app.written()
    app.turn(PauseIs(True))
    app.tell(FAR_MAC)
    fields = match({"metadata": number_of(RED), "reg0": 1 << 12})
    app.turn(unknown_source(connection, fields, MAC1))
    app.wait(30.0)
    assert "apply" not in connection.take()
    assert app.vtep.transactions == []
    assert app.openvswitch[DATABASE].transactions == []
    app.turn(PauseIs(False))
    assert app.openvswitch[DATABASE].take() != []
    assert app.written() != []
    assert "apply" in connection.take()


def test_what_came_and_went_meanwhile_is_never_written(app: App) -> None:
    connection = app.start()
    app.written()
    app.turn(PauseIs(True))
    app.tell(FAR_MAC)
    app.tell(Gone(FAR_MAC.uuid))
    app.turn(PauseIs(False))
    assert "apply" not in connection.take()
    assert app.openvswitch[DATABASE].take() == []


def test_a_bundle_in_flight_is_answered_and_no_other_follows(app: App) -> None:
    connection = app.start()
    app.tell(Gone(RED))
    assert connection.take() == ["apply"]
    app.turn(PauseIs(True))
    app.turn(connection.done())
    assert connection.take() == []


def test_a_switch_that_reconnects_is_read_back_and_left_as_it_is(app: App) -> None:
    connection = app.start()
    app.turn(PauseIs(True), Disconnected(connection))
    again = ConnectionDouble(connection.switch)
    again.switch.flows.clear()
    app.turn(Connected(again.switch.datapath_id, again))
    app.turn(again.leading())
    app.turn(again.reading())
    assert again.take() == ["lead", "read back"]
    app.turn(PauseIs(False))
    assert again.take() == ["apply"]


def test_a_standby_that_takes_over_takes_the_role_and_writes_nothing(app: App) -> None:
    connection = app.start()
    app.turn(LockIs(False), PauseIs(True))
    connection.take()
    app.turn(LockIs(True))
    app.turn(connection.leading())
    connection.switch.flows.clear()
    app.turn(connection.reading())
    assert connection.take() == ["lead", "read back"]
    assert app.service.status == "paused by an operator; in charge of br0"


def test_the_log_says_so_each_minute(app: App, said: Said) -> None:
    app.start()
    said(logging.INFO)
    app.turn(PauseIs(True))
    app.turn(PauseIs(True))
    assert said(logging.INFO) == [SAID]
    app.wait(3 * REMINDER_TIME)
    assert said(logging.INFO) == [SAID] * 3
    app.turn(PauseIs(False))
    assert said(logging.INFO) == ["resumed by an operator: all differences are sent"]
    app.wait(3 * REMINDER_TIME)
    assert said(logging.INFO) == []


def test_every_answer_says_so(app: App) -> None:
    app.start()
    asking = Asking(app)
    assert asking.json("status")["is_paused"] is False
    app.turn(PauseIs(True))
    assert asking.text("version").startswith("role: paused by an operator; in charge of br0\n")
    assert asking.json("status")["is_paused"] is True


def test_the_command_waits_for_what_is_unanswered(app: App) -> None:
    connection = app.start()
    app.tell(Gone(RED))
    asking = Asking(app)
    events = Committed("hardware_vtep", None), VtepRows([]), connection.done()
    answer = asking.text_in_turns(["pause"], *events)
    assert answer.splitlines()[1] == "unanswered: -"
    app.time.now += 12.0
    assert asking.text_in_turns(["resume"]) == "paused_for_s: 12\n"
    assert asking.text_in_turns(["resume"]) == "paused_for_s: -\n"
