"""Stations that are learned, held, reported, and given up to what the NVC says."""

import pytest

from vtep_ofapp.features.learning.damping import HOLD
from vtep_ofapp.loop.transactions import FIRST_PAUSE
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.events import Bridges, FlowRemoved
from vtep_ofapp.values.flow_changes import FlowChange
from vtep_ofapp.values.flows import FlowKey, match
from vtep_ofapp.values.writes import PutLocalMac

from .app import P0, App, described
from .builders import (
    DATABASE,
    FAR,
    MAC1,
    OWN,
    RED,
    bridge,
    local_mac,
    number_of,
    physical_port,
    port,
    remote_mac,
    to_anyone,
    unknown_source,
    uuid,
)
from .doubles import ConnectionDouble


def test_a_station_that_moves_too_often_is_held_and_released(app: App) -> None:
    connection = app.start(described(P0, physical_port("p1", {0: RED})))
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), port("p1", 2))}))
    app.serve(connection)
    app.store()
    number = number_of(RED)
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
    app.wait(HOLD)
    app.serve(connection)
    assert held not in connection.switch.flows
    assert len(app.written(PutLocalMac)) == 1


def test_a_new_station_is_in_the_switch_and_in_the_database_at_once(app: App) -> None:
    connection = app.start()
    number = number_of(RED)
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


def test_a_station_that_the_nvc_placed_elsewhere_is_reported_all_the_same(app: App) -> None:
    connection = app.start()
    number = number_of(RED)
    app.tell(remote_mac(MAC1, FAR))
    app.written()
    app.store()
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(connection, fields, MAC1))
    app.wait(FIRST_PAUSE)
    assert PutLocalMac(RED, MAC1, OWN) in app.written()


@pytest.mark.parametrize(("address", "is_kept"), [(FAR, False), (OWN, True)])
def test_a_learned_station_that_the_nvc_places_elsewhere_has_to_speak_again(
    app: App, address: str, is_kept: bool
) -> None:
    connection = app.start()
    number = number_of(RED)
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(connection, fields, MAC1))
    app.serve(connection)
    app.store(local_mac(MAC1, OWN))
    app.written()
    app.tell(remote_mac(MAC1, address))
    gone = PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))
    assert (gone in app.written()) == (not is_kept)


def test_a_station_shown_by_a_stranger_is_not_learned(app: App) -> None:
    app.start()
    number = number_of(RED)
    fields = match({"in_port": 1, "metadata": number, "reg0": 0x1000})
    app.turn(unknown_source(ConnectionDouble(), fields, MAC1))
    assert app.written() == []
