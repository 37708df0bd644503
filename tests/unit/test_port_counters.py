"""The counters of a switch's ports are read when someone asks."""

from vtep_ofapp.loop.port_counters import Reading
from vtep_ofapp.values.counters import PortCounter
from vtep_ofapp.values.events import Disconnected, PortCounters, PortCountersWanted

from .app import App
from .doubles import ConnectionDouble

PORTS = {1: PortCounter(*range(8)), 9: PortCounter(*range(8, 16))}


def test_they_are_read_when_they_are_wanted(app: App) -> None:
    connection = app.start()
    read = app.components.port_counters
    app.turn(PortCountersWanted("br0"))
    assert connection.take() == ["read ports"]
    assert read.last("br0") is None
    app.wait(2)
    app.turn(PortCounters(connection, PORTS))
    assert read.last("br0") == Reading(PORTS, app.time.now)
    app.wait(2)
    assert read.last("br0") == Reading(PORTS, app.time.now - 2)


def test_a_switch_that_is_not_there_or_not_connected_is_not_asked(app: App) -> None:
    app.turn(PortCountersWanted("br0"))
    connection = app.start()
    app.turn(PortCountersWanted("br7"))
    app.turn(Disconnected(connection))
    connection.take()
    app.turn(PortCountersWanted("br0"))
    assert connection.take() == []
    assert app.components.port_counters.last("br7") is None


def test_counters_of_a_former_connection_are_forgotten(app: App) -> None:
    connection = app.start()
    read = app.components.port_counters
    app.turn(PortCounters(connection, PORTS), Disconnected(connection))
    assert read.last("br0") is None
    app.start(connection=ConnectionDouble(connection.switch))
    assert read.last("br0") is None
    app.turn(PortCounters(connection, PORTS))
    assert read.last("br0") is None
