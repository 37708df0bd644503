"""The counters of flows with some cookies are read when someone asks."""

from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.events import Disconnected, FlowCounters, FlowCountersWanted
from vtep_ofapp.values.flows import FlowKey

from .app import App
from .doubles import ConnectionDouble

ONE, TWO = (0x7674_6570_A000_0001,), (0x7674_6570_A000_0001, 0x7674_6570_A000_0002)
KEY = FlowKey(20, 100, ())
FLOWS = {KEY: Counter(ONE[0], 7, 700)}


def test_they_are_read_when_they_are_wanted(app: App) -> None:
    connection = app.start()
    read = app.components.flow_counters
    app.turn(FlowCountersWanted("br0", ONE))
    assert connection.take() == [f"read flows {[hex(ONE[0])]}"]
    assert read.last("br0", ONE) is None
    app.turn(FlowCounters(connection, ONE, FLOWS), FlowCounters(connection, TWO, {}))
    assert read.last("br0", ONE) == FLOWS
    assert read.last("br0", TWO) == {}


def test_few_readings_are_kept(app: App) -> None:
    connection = app.start()
    for number in range(20):
        app.turn(FlowCounters(connection, (number,), {}))
    read = app.components.flow_counters
    kept = [each for each in range(20) if read.last("br0", (each,)) is not None]
    assert kept == list(range(12, 20))


def test_a_switch_that_is_not_there_or_not_connected_is_not_asked(app: App) -> None:
    app.turn(FlowCountersWanted("br0", ONE))
    connection = app.start()
    app.turn(FlowCountersWanted("br7", ONE))
    app.turn(Disconnected(connection))
    connection.take()
    app.turn(FlowCountersWanted("br0", ONE))
    assert connection.take() == []
    assert app.components.flow_counters.last("br7", ONE) is None


def test_counters_of_a_former_connection_are_forgotten(app: App) -> None:
    connection = app.start()
    read = app.components.flow_counters
    app.turn(FlowCounters(connection, ONE, FLOWS), Disconnected(connection))
    assert read.last("br0", ONE) is None
    app.start(connection=ConnectionDouble(connection.switch))
    assert read.last("br0", ONE) is None
    app.turn(FlowCounters(connection, ONE, FLOWS))
    assert read.last("br0", ONE) is None
