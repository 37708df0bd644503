"""A mark of another process on a bridge: it is replaced, or the bridge is left to that process."""

import logging

import pytest

from vtep_ofapp.values.events import Away, Bridges, Committed, Connected, Disconnected, LockIs
from vtep_ofapp.values.faults import FaultRow, FaultTable
from vtep_ofapp.values.rows import Controller, Mark
from vtep_ofapp.values.writes import PutFaultStatus, SecureBridge

from .app import P0, App, described
from .builders import DATABASE, SWITCH, bridge, physical_port, port, to_anyone
from .doubles import ConnectionDouble, Said

LEFT = "Physical_Switch br0: a process with another lock or vtep_db manages its bridge"
FAULTS = FaultRow(FaultTable.PHYSICAL_SWITCH, SWITCH)


def marked(mark: Mark) -> Bridges:
    return Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), mark=mark)})


def lines(said: Said, beginning: str) -> list[str]:
    """Return the lines of the log that begin so, of those since it was last asked."""
    return [line for line in said(logging.INFO) if line.startswith(beginning)]


def test_a_mark_that_is_older_than_ours_is_replaced(app: App, said: Said) -> None:
    app.turn(marked(Mark.OTHERS))
    connection = app.start()
    app.turn(marked(Mark.OTHERS), LockIs(True))
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]
    assert "stand by" not in connection.take()
    assert not lines(said, LEFT)


def test_a_mark_that_may_be_a_late_write_is_replaced_once(app: App, said: Said) -> None:
    connection = app.start()
    app.turn(LockIs(False))
    app.turn(LockIs(True))
    app.turn(connection.leading(), connection.reading())
    connection.take()
    app.turn(marked(Mark.OTHERS))
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]
    app.turn(Committed(DATABASE, None), marked(Mark.OURS))
    assert "stand by" not in connection.take()
    assert not lines(said, LEFT)
    app.turn(marked(Mark.OTHERS))
    assert connection.take() == ["stand by"]
    assert app.openvswitch[DATABASE].take() == []
    assert len(lines(said, LEFT)) == 1


def test_a_bridge_whose_mark_is_replaced_is_left_alone(app: App, said: Said) -> None:
    connection = app.start()
    app.written()
    app.turn(marked(Mark.OTHERS))
    assert connection.take() == ["stand by"]
    assert app.openvswitch[DATABASE].take() == []
    assert app.written() == [PutFaultStatus(FAULTS, frozenset({"unspecified_fault"}))]
    app.tell(described(physical_port("p0", {}), physical_port("p1", {})))
    app.turn(marked(Mark.OTHERS))
    assert connection.take() == app.openvswitch[DATABASE].take() == []
    assert len(lines(said, LEFT)) == 1


@pytest.mark.parametrize(
    ("targets", "is_left"),
    [
        (["tcp:127.0.0.1:6653"], False),
        (["tcp:127.0.0.1:6653", "tcp:127.0.0.1:6654"], True),
        (["ptcp:6653"], True),
    ],
)
def test_a_bridge_with_one_controller_is_not_left(
    app: App, said: Said, targets: list[str], is_left: bool
) -> None:
    connection = app.start()
    connection.take()
    taken = bridge(
        port("p0", 1), to_anyone(), mark=Mark.OTHERS, controllers=tuple(map(Controller, targets))
    )
    app.turn(Bridges(DATABASE, {"br0": taken}))
    assert ("stand by" in connection.take()) == is_left
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")] * (not is_left)


def test_a_bridge_that_is_left_is_managed_again_when_we_are_its_only_controller(app: App) -> None:
    connection = app.start()
    app.turn(marked(Mark.OTHERS), Disconnected(connection))
    taken = bridge(
        port("p0", 1),
        to_anyone(),
        mark=Mark.OTHERS,
        controllers=(Controller("tcp:127.0.0.1:6653"),),
    )
    app.turn(Bridges(DATABASE, {"br0": taken}))
    again = ConnectionDouble()
    app.turn(Connected(0xB0, again))
    assert again.take()[-1] == "lead"
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]


@pytest.mark.parametrize("mark", [Mark.NONE, Mark.OURS])
def test_it_is_managed_again_when_the_other_mark_goes(app: App, said: Said, mark: Mark) -> None:
    connection = app.start()
    app.turn(marked(Mark.OTHERS))
    app.store(described(P0, fault_status=frozenset({"unspecified_fault"})))
    app.written()
    connection.take()
    app.turn(marked(mark))
    assert connection.take() == ["lead"]
    app.turn(connection.leading(), connection.reading())
    app.serve(connection)
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")] * (mark is Mark.NONE)
    assert app.written() == [PutFaultStatus(FAULTS, frozenset())]
    assert len(lines(said, f"resolved: {LEFT}")) == 1


def test_a_new_connection_of_a_bridge_that_is_left_stands_by(app: App) -> None:
    connection = app.start()
    app.turn(marked(Mark.OTHERS))
    app.turn(Disconnected(connection))
    again = ConnectionDouble()
    app.turn(Connected(0xB0, again))
    assert again.take() == ["stand by"]


def test_the_mark_of_the_process_that_has_the_lock_is_no_fault(app: App, said: Said) -> None:
    connection = app.start()
    connection.take()
    app.turn(Away("hardware_vtep"))
    app.turn(marked(Mark.OTHERS))
    assert connection.take() == []
    app.turn(LockIs(True))
    app.turn(connection.leading(), connection.reading())
    assert app.openvswitch[DATABASE].take() == [SecureBridge("br0")]
    app.turn(marked(Mark.OURS), LockIs(False), marked(Mark.OTHERS))
    assert not lines(said, LEFT)


def test_a_bridge_that_is_left_is_no_longer_one_when_the_lock_is_lost(app: App, said: Said) -> None:
    app.start()
    app.turn(marked(Mark.OTHERS))
    app.turn(LockIs(False))
    assert len(lines(said, f"resolved: {LEFT}")) == 1
