"""Packet-outs of a feature: sent while we are master of the switch, dropped otherwise."""

from collections.abc import Iterable

import pytest

from vtep_ofapp.engine.feature import Feature, Timer
from vtep_ofapp.engine.topics import SwitchRowChanged, Topic
from vtep_ofapp.engine.view import View
from vtep_ofapp.features import registry
from vtep_ofapp.pipeline.layout import Cookie, Table
from vtep_ofapp.values.events import Connected, Disconnected, LockIs, PacketIn
from vtep_ofapp.values.flows import Output
from vtep_ofapp.values.packets import PacketOut

from .app import P0, App, described
from .builders import BLUE, physical_port
from .doubles import ConnectionDouble

PERIOD = 1.0


class Period:
    """When the feature sends the next frame by itself."""

    def __init__(self, view: View) -> None:
        self.end = view.clock() + PERIOD


def answer(packet: PacketIn, view: View) -> Iterable[Topic]:
    return [PacketOut(packet.header, (Output(1),))]


def announce(view: View) -> Iterable[Topic]:
    if view.clock() < view[Period].end:
        return []
    view[Period].end += PERIOD
    return [PacketOut(b"at a time", (Output(1),))]


def row_changed(topic: SwitchRowChanged, view: View) -> Iterable[Topic]:
    return [PacketOut(b"row", (Output(1),))]


ANSWERING = Feature(
    states=(Period,),
    packets={Cookie.UNICAST: answer},
    timers=(Timer(lambda view: view[Period].end, announce),),
    invalidated_by={SwitchRowChanged: row_changed},
)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setattr(registry, "FEATURES", (*registry.FEATURES, ANSWERING))
    return App()


def request(connection: ConnectionDouble) -> PacketIn:
    return PacketIn(connection, Cookie.UNICAST, Table.UNICAST, (), b"frame")


def sent(connection: ConnectionDouble) -> list[bytes]:
    """Return the frames that were sent since this was last called."""
    frames = [packet.frame for packet in connection.packet_outs]
    connection.packet_outs.clear()
    return frames


def test_packet_outs_of_one_turn_are_sent_together(app: App) -> None:
    connection = app.start()
    assert sent(connection) == []
    connection.take()
    app.turn(request(connection), request(connection))
    assert connection.take() == ["send"]
    assert sent(connection) == [b"frame", b"frame"]


def test_they_follow_the_changes_of_their_turn(app: App) -> None:
    connection = app.start()
    connection.take()
    app.tell(described(P0, physical_port("p1", {0: BLUE})))
    assert connection.take()[-1:] == ["send"]
    assert sent(connection) == [b"row"]


def test_a_timer_sends_too(app: App) -> None:
    connection = app.start()
    app.wait(PERIOD)
    assert sent(connection) == [b"at a time"]


def test_a_process_that_stands_by_sends_nothing_even_later(app: App) -> None:
    connection = app.start()
    app.turn(LockIs(False))
    app.turn(request(connection))
    app.tell(described())
    app.wait(PERIOD)
    app.turn(LockIs(True), request(connection))
    app.turn(connection.leading(), connection.reading())
    assert sent(connection) == []
    app.turn(request(connection))
    assert sent(connection) == [b"frame"]


def test_without_a_connection_they_are_dropped(app: App) -> None:
    connection = app.start()
    app.turn(Disconnected(connection))
    app.tell(described())
    app.turn(Connected(connection.switch.datapath_id, connection))
    app.turn(connection.leading(), connection.reading())
    assert sent(connection) == []
