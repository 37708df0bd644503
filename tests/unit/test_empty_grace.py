"""A database that comes back empty removes nothing for a while."""

import logging

from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import Away, Connected, Disconnected, LockIs, VtepInSync, VtepRows
from vtep_ofapp.values.rows import Gone

from .app import BR0, ROWS, App
from .builders import RED, SWITCH, number_of
from .doubles import ConnectionDouble, Said

EMPTY = VtepInSync(frozenset())


def empty_app(said: Said) -> tuple[App, ConnectionDouble]:
    """Let the database come back without a row."""
    app = App()
    connection = app.start()
    app.turn(Away("hardware_vtep"))
    said()
    app.turn(EMPTY, LockIs(True))
    app.turn(connection.leading())
    connection.take()
    return app, connection


def test_a_database_that_comes_back_empty_removes_nothing_for_a_while(said: Said) -> None:
    app, connection = empty_app(said)
    (line,) = said()
    assert line.startswith(
        "hardware_vtep came back without any Physical_Switch: br0 keeps its flows"
    )
    flows = dict(connection.switch.flows)
    app.wait(Settings().empty_db_grace - 1)
    assert connection.take() == []
    assert connection.switch.flows == flows
    assert app.written() == []


def test_an_empty_database_is_believed_in_the_end(said: Said) -> None:
    app, connection = empty_app(said)
    app.wait(Settings().empty_db_grace)
    app.serve(connection)
    assert not connection.switch.flows
    assert (
        "br0: no Physical_Switch; our flows, groups and ports are removed once it is connected"
        in said()
    )


def test_rows_that_return_end_the_grace(said: Said) -> None:
    app, connection = empty_app(said)
    flows = dict(connection.switch.flows)
    app.turn(Away("hardware_vtep"), VtepRows(ROWS))
    app.turn(VtepInSync(frozenset(row.uuid for row in ROWS)), LockIs(True))
    assert "hardware_vtep has a Physical_Switch again" in said(logging.INFO)
    app.wait(Settings().empty_db_grace)
    app.turn(connection.leading())
    app.serve(connection)
    assert connection.switch.flows == flows


def test_rows_that_are_written_again_end_the_grace_and_the_others_go(said: Said) -> None:
    app, connection = empty_app(said)
    app.tell(BR0)
    app.serve(connection)
    assert "hardware_vtep has a Physical_Switch again" in said(logging.INFO)
    flows = connection.switch.flows
    assert flows
    assert not any(dict(key.match).get("metadata") == number_of(RED) for key in flows)


def test_a_switch_that_is_deleted_is_let_go_at_once(app: App) -> None:
    connection = app.start()
    app.tell(Gone(SWITCH))
    app.serve(connection)
    assert not connection.switch.flows


def test_a_start_with_an_empty_database_waits_for_nothing(said: Said) -> None:
    app = App()
    app.turn(EMPTY, LockIs(True))
    assert said() == []


def test_a_connection_that_comes_back_leads_in_the_same_generation(app: App) -> None:
    connection = app.start()
    before = connection.switch.generation
    app.turn(Disconnected(connection))
    again = ConnectionDouble(connection.switch)
    app.turn(Connected(0xB0, again))
    assert again.take() == ["lead"]
    assert again.switch.generation == before
