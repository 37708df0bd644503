"""What the loop measures of its own work, by a clock that tests move on."""

from math import inf

import pytest

from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.reaction import Reaction
from vtep_ofapp.values.events import (
    Bridges,
    Disconnected,
    FlowsChanged,
    VtepRows,
)
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.rows import VtepRow
from vtep_ofapp.values.writes import PutTunnelPort

from .app import App, tunnel_port
from .builders import (
    DATABASE,
    FAR,
    FURTHER,
    MAC1,
    MAC2,
    RED,
    bridge,
    local_mac,
    number_of,
    port,
    remote_mac,
    to_anyone,
    unknown_source,
    uuid,
)
from .doubles import ConnectionDouble, TimeDouble


@pytest.fixture
def led(app: App) -> tuple[App, ConnectionDouble]:
    """Return the application with br0 and the tunnel to FAR."""
    connection = app.start(remote_mac(MAC1, FAR))
    (write,) = (
        each
        for each in app.openvswitch[DATABASE].take()
        if isinstance(each, PutTunnelPort) and each.remote == FAR
    )
    app.turn(
        app.openvswitch[DATABASE].done(),
        Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), tunnel_port(write))}),
    )
    app.serve(connection)
    return app, connection


def arrive(app: App, *rows: VtepRow) -> None:
    """Rows of the NVC arrive, and reach the loop a second later."""
    event = VtepRows(rows, arrived=app.time.now)
    app.time.wait(1)
    app.turn(event)


def answer(app: App, connection: ConnectionDouble, seconds: float = 2) -> None:
    """The switch confirms its bundle so many seconds later."""
    assert connection.take()[-1:] == ["apply"]
    app.time.wait(seconds)
    app.turn(connection.done())


def test_a_row_is_measured_from_its_arrival_to_its_flows(
    led: tuple[App, ConnectionDouble],
) -> None:
    app, connection = led
    measures = app.components.measures
    assert measures.row_to_flow.count == 0
    bundles, changes = measures.bundles.seconds.count, measures.changes
    arrive(app, remote_mac(MAC2, FAR, row=uuid(0x1001)))
    answer(app, connection)
    assert (measures.row_to_flow.count, measures.row_to_flow.last) == (1, 3.0)
    assert (measures.bundles.seconds.count, measures.bundles.seconds.last) == (bundles + 1, 2.0)
    assert measures.changes == changes + 1


def test_a_row_that_arrives_while_a_bundle_is_in_flight_is_in_the_next_one(
    led: tuple[App, ConnectionDouble],
) -> None:
    app, connection = led
    arrive(app, remote_mac(MAC2, FAR, row=uuid(0x1001)))
    arrive(app, remote_mac("02:00:00:00:00:03", FAR, row=uuid(0x1002)))
    answer(app, connection, 1)
    assert app.components.measures.row_to_flow.last == 3.0
    answer(app, connection, 5)
    assert app.components.measures.row_to_flow.last == 7.0


def test_rows_that_cause_no_flows_are_not_measured(led: tuple[App, ConnectionDouble]) -> None:
    app, connection = led
    arrive(app, local_mac(MAC2))
    arrive(app, remote_mac(MAC1, FAR))
    arrive(app, remote_mac(MAC2, FAR, of=uuid(0xDEAD), row=uuid(0x1001)))
    source = match({"metadata": number_of(RED), "reg0": 0x1000})
    app.turn(unknown_source(connection, source, "02:00:00:00:00:09"))
    answer(app, connection)
    assert app.components.measures.row_to_flow.count == 0


def test_flows_that_wait_for_a_tunnel_are_measured_with_it(
    led: tuple[App, ConnectionDouble],
) -> None:
    app, connection = led
    arrive(app, remote_mac(MAC2, FURTHER, row=uuid(0x1001)))
    answer(app, connection)
    assert app.components.measures.row_to_flow.count == 0
    there = app.components.switches.drivers["br0"].switch.bridge
    assert there is not None
    (write,) = (
        each
        for each in app.openvswitch[DATABASE].take()
        if isinstance(each, PutTunnelPort) and each.remote == FURTHER
    )
    ports = (*there.ports.values(), tunnel_port(write, 10))
    app.turn(app.openvswitch[DATABASE].done(), Bridges(DATABASE, {"br0": bridge(*ports)}))
    answer(app, connection)
    assert app.components.measures.row_to_flow.last == 5.0


def test_a_refused_bundle_counts_and_the_next_one_is_measured(
    led: tuple[App, ConnectionDouble],
) -> None:
    app, connection = led
    measures = app.components.measures
    arrive(app, remote_mac(MAC2, FAR, row=uuid(0x1001)))
    assert connection.take()[-1:] == ["apply"]
    app.turn(connection.refused(connection.bundles[-1][0]))
    assert (measures.bundles.failed, measures.row_to_flow.count) == (1, 0)


def test_a_lost_connection_ends_the_measurement(led: tuple[App, ConnectionDouble]) -> None:
    app, connection = led
    measures = app.components.measures
    arrive(app, remote_mac(MAC2, FAR, row=uuid(0x1001)))
    bundles = measures.bundles.seconds.count
    app.turn(Disconnected(connection))
    app.time.wait(1000)
    app.start(remote_mac(MAC1, FAR), connection=ConnectionDouble(connection.switch))
    assert measures.row_to_flow.count == 0
    assert dict(measures.bundles.seconds.buckets())[inf] >= bundles
    assert measures.bundles.seconds.greatest < 1000
    assert measures.connections == {"br0": 2}


def test_a_read_back_is_measured_from_its_request(led: tuple[App, ConnectionDouble]) -> None:
    app, connection = led
    read_backs = app.components.measures.read_backs
    count = read_backs.count
    app.turn(FlowsChanged(connection, (), are_ours=True))
    app.wait(1)
    assert "read back" in connection.take()
    app.time.wait(4)
    app.turn(connection.reading())
    assert (read_backs.count, read_backs.last) == (count + 1, 4.0)


def test_transactions_are_measured_by_database(led: tuple[App, ConnectionDouble]) -> None:
    app, _ = led
    work = app.components.measures.transactions
    begun = {name: work[name].seconds.count for name in work}
    assert begun.keys() == {"hardware_vtep", DATABASE}
    app.time.wait(2)
    app.turn(app.vtep.done("it is full"))
    vtep = work["hardware_vtep"]
    assert (vtep.seconds.count, vtep.seconds.last) == (begun["hardware_vtep"] + 1, 2.0)
    assert (vtep.failed, work[DATABASE].failed) == (1, 0)
    assert work[DATABASE].seconds.count == begun[DATABASE]


def test_a_stopwatch_that_does_not_run_adds_nothing() -> None:
    time = TimeDouble()
    measures = Measures(time.clock)
    stopwatch = measures.stopwatch(measures.read_backs)
    stopwatch.stop()
    stopwatch.start()
    stopwatch.reset()
    stopwatch.stop()
    assert measures.read_backs.count == 0
    stopwatch.start()
    time.wait(1)
    stopwatch.start()
    time.wait(2)
    stopwatch.stop()
    assert (measures.read_backs.count, measures.read_backs.last) == (1, 2.0)


def test_of_several_changes_in_one_bundle_the_oldest_is_measured() -> None:
    time = TimeDouble()
    measures = Measures(time.clock)
    reaction = Reaction(measures)
    reaction.changed(time.now - 5)
    reaction.changed(time.now - 1)
    reaction.sent(2, has_all=True)
    reaction.made()
    assert (measures.row_to_flow.count, measures.row_to_flow.last) == (1, 5.0)
