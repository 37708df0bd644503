"""What the service manager is told."""

from vtep_ofapp.values.events import (
    Away,
    Bridges,
    BridgesInSync,
    Connected,
    Disconnected,
    LockIs,
    VtepInSync,
    VtepRows,
)

from .app import BRIDGE, ROWS, App
from .asking import Asking
from .builders import DATABASE
from .doubles import ConnectionDouble


def test_it_is_ready_when_all_that_can_be_done_is_done(app: App) -> None:
    connection = ConnectionDouble()
    asking = Asking(app)
    assert asking.json("status")["is_ready"] is False
    app.turn(VtepRows(ROWS), Bridges(DATABASE, {"br0": BRIDGE}), Connected(0xB0, connection))
    assert not app.service.is_ready
    assert app.service.status == "waiting for hardware_vtep"
    app.turn(VtepInSync(frozenset(row.uuid for row in ROWS)))
    assert not app.service.is_ready
    assert app.service.status == "waiting for the lock on hardware_vtep"
    app.turn(LockIs(True))
    assert not app.service.is_ready
    assert app.service.status == "waiting for Open_vSwitch"
    app.turn(BridgesInSync(DATABASE, frozenset({"br0"})))
    assert not app.service.is_ready
    app.turn(connection.leading(), connection.reading())
    assert app.service.is_ready
    assert app.service.status == "in charge of br0"
    status = asking.json("status")
    assert (status["status"], status["is_ready"]) == ("in charge of br0", True)
    app.turn(Disconnected(connection))
    assert app.service.is_ready
    assert app.service.status == "in charge of no switch; not connected: br0"
    app.turn(Away("hardware_vtep"))
    assert app.service.status.endswith("; hardware_vtep is away")
    app.turn(LockIs(False))
    assert app.service.is_ready
    assert app.service.status == "standing by: another process has the lock"


def test_the_watchdog_is_fed_by_turns(app: App) -> None:
    app.timers.begin()
    app.wait(app.service.watchdog_interval)
    assert app.service.fed == 1
