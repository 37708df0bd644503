"""Since when a switch is connected and was read, and a database is connected."""

from vtep_ofapp.loop.switch_driver import SwitchDriver
from vtep_ofapp.values.events import Disconnected, ServerConnection
from vtep_ofapp.values.since import Since

from .app import App
from .builders import DATABASE
from .doubles import ConnectionDouble, TimeDouble


def driver(app: App) -> SwitchDriver:
    return app.components.switches.drivers["br0"]


def connected(app: App) -> float | None:
    claim = driver(app).claim
    return claim.since if claim else None


def test_a_value_that_stays_keeps_its_time() -> None:
    time = TimeDouble()
    since = Since("one", time.clock)
    time.wait(1)
    since.become("one")
    assert (since.value, since.since) == ("one", time.now - 1)
    since.become("two")
    assert (since.value, since.since) == ("two", time.now)


def test_a_switch_is_connected_and_read_since(app: App) -> None:
    connection = app.start()
    begin = app.time.now
    app.wait(7)
    assert connected(app) == begin
    assert driver(app).contents.read_at == begin
    app.turn(Disconnected(connection))
    assert connected(app) is None
    app.wait(1)
    app.start(connection=ConnectionDouble(connection.switch))
    assert connected(app) == driver(app).contents.read_at == app.time.now


def test_a_database_is_connected_to_a_server(app: App) -> None:
    app.openvswitch[DATABASE].connection = ServerConnection("unix:/run/db.sock", 90.0)
    databases = app.components.databases
    assert databases.openvswitch[DATABASE].connection == ServerConnection("unix:/run/db.sock", 90.0)
    assert databases.vtep.connection is None
