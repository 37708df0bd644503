"""Two processes: who has the lock is in charge, and each switch has its own say."""

from vtep_ofapp.loop.lock import ROLE_PAUSE
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.events import (
    Away,
    Bridges,
    BridgesInSync,
    Connected,
    Disconnected,
    LockIs,
    RoleIs,
    VtepInSync,
    VtepRows,
)
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.writes import PutLocalMac, PutTunnelPort, SecureBridge

from .app import BRIDGE, ROWS, App
from .builders import (
    DATABASE,
    FAR,
    MAC1,
    OWN,
    RED,
    bridge,
    local_mac,
    logical_switch,
    number_of,
    port,
    remote_mac,
    to_anyone,
    unknown_source,
)
from .doubles import ConnectionDouble, Said, SwitchDouble, flow_changes


def test_a_process_without_the_lock_is_ready_and_changes_nothing(app: App) -> None:
    connection = ConnectionDouble()
    found = bridge(port("p0", 1), to_anyone(), is_secure=False)
    app.turn(
        VtepRows(ROWS),
        VtepInSync(frozenset(row.uuid for row in ROWS)),
        Bridges(DATABASE, {"br0": found}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, connection),
    )
    app.timers.begin()
    app.wait(Settings().stats_interval)
    assert connection.take() == ["stand by"]
    assert app.vtep.transactions == app.openvswitch[DATABASE].transactions == []
    app.turn(LockIs(True))
    app.turn(connection.leading(), connection.reading())
    app.serve(connection)
    assert connection.switch.flows == App().start().switch.flows
    assert SecureBridge("br0") in app.openvswitch[DATABASE].take()


def test_the_next_process_finds_everything_and_changes_nothing(app: App) -> None:
    connection = app.start()
    source = match({"metadata": number_of(RED), "reg0": 0x1000})
    app.turn(unknown_source(connection, source, MAC1))
    app.serve(connection)
    assert app.written(PutLocalMac)
    switch = connection.switch
    flows = dict(switch.flows)
    other, standing_by = App(), ConnectionDouble(switch)
    rows = [*ROWS, local_mac(MAC1, OWN)]
    other.turn(
        VtepRows(rows),
        VtepInSync(frozenset(row.uuid for row in rows)),
        Bridges(DATABASE, {"br0": BRIDGE}),
        BridgesInSync(DATABASE, frozenset({"br0"})),
        Connected(0xB0, standing_by),
    )
    app.turn(LockIs(False))
    assert connection.take() == ["stand by"]
    other.turn(LockIs(True))
    other.turn(standing_by.leading(), standing_by.reading())
    assert standing_by.bundles == []
    assert switch.flows == flows
    assert other.vtep.transactions == []


def test_nothing_is_done_between_losing_the_lock_and_having_it_again(app: App) -> None:
    connection = app.start()
    app.turn(LockIs(False))
    app.tell(logical_switch(RED, 6001))
    assert connection.take() == ["stand by"]
    assert app.written() == []
    app.turn(LockIs(True))
    assert connection.take() == ["lead"]
    app.turn(connection.leading(), connection.reading())
    (changes,) = connection.bundles[1:]
    assert [change.flow is not None for change in flow_changes(changes)] == [True, False, True]
    assert ["0x1771" in str(change) for change in changes] == [True, False, True]


def test_what_the_other_process_learned_is_read_before_rows_are_written(app: App) -> None:
    connection = app.start()
    app.turn(LockIs(False))
    other = App()
    others = other.start(connection=ConnectionDouble(connection.switch))
    source = match({"metadata": number_of(RED), "reg0": 0x1000})
    other.turn(unknown_source(others, source, MAC1))
    other.serve(others)
    app.tell(local_mac(MAC1, OWN))
    app.written()
    app.turn(LockIs(True))
    app.turn(connection.leading())
    assert app.written() == []
    app.turn(connection.reading())
    assert app.written(PutLocalMac) == []
    assert connection.bundles[1:] == []


def test_a_process_that_stands_by_learns_nothing(app: App) -> None:
    connection = app.start()
    app.turn(LockIs(False))
    source = match({"metadata": number_of(RED), "reg0": 0x1000})
    app.turn(unknown_source(connection, source, MAC1))
    app.turn(LockIs(True))
    app.turn(connection.leading(), connection.reading())
    assert app.written(PutLocalMac) == []
    assert connection.bundles[1:] == []


AWAY = "br0 has another master; leaving it alone while hardware_vtep is away"


def test_while_the_database_is_away_a_newer_master_is_left_alone(app: App, said: Said) -> None:
    connection = app.start()
    said()
    app.turn(Away("hardware_vtep"), RoleIs(connection, None), RoleIs(connection, None))
    assert said() == [AWAY]
    app.tell(logical_switch(RED, 6001))
    app.wait(ROLE_PAUSE)
    assert connection.take() == []
    app.turn(LockIs(True))
    assert connection.take() == ["lead"]


def test_a_lock_that_is_granted_again_disturbs_no_switch_that_still_has_us_as_its_master(
    app: App,
) -> None:
    connection = app.start()
    generation = connection.switch.generation
    app.turn(Away("hardware_vtep"), LockIs(True))
    assert connection.take() == ["lead"]
    app.turn(connection.leading())
    assert connection.take() == []
    assert connection.switch.generation == generation
    app.tell(logical_switch(RED, 6001))
    assert connection.take() == ["apply"]


def test_a_switch_that_another_process_led_meanwhile_is_led_and_read_again(app: App) -> None:
    connection = app.start()
    others = connection.switch.generation + 1
    app.turn(Away("hardware_vtep"), VtepRows([local_mac(MAC1, OWN)]), LockIs(True))
    connection.switch.generation = others
    app.turn(RoleIs(connection, None))
    assert connection.take() == ["lead", "lead"]
    assert connection.switch.generation == others + 1
    app.turn(connection.leading())
    assert connection.take() == ["read back"]
    assert app.written(PutLocalMac) == []
    app.turn(connection.reading())
    (write,) = app.written(PutLocalMac)
    assert (write.mac, write.address) == (MAC1, None)


def test_with_the_lock_a_switch_that_refuses_us_is_asked_again_after_a_pause(
    app: App, said: Said
) -> None:
    connection = app.start()
    said()
    app.turn(RoleIs(connection, None))
    assert connection.take() == ["lead"]
    app.turn(RoleIs(connection, None), RoleIs(connection, None))
    assert connection.take() == []
    app.wait(ROLE_PAUSE / 2)
    assert connection.take() == []
    app.wait(ROLE_PAUSE / 2)
    assert connection.take() == ["lead"]
    assert said() == ["br0 has another master, and this process has the lock; asking again"]
    app.turn(RoleIs(connection, None), connection.leading())
    app.wait(ROLE_PAUSE)
    assert connection.take() == ["read back"]


def test_without_the_lock_no_switch_is_taken_from_another_process(app: App) -> None:
    connection = app.start()
    app.turn(Away("hardware_vtep"), Disconnected(connection))
    again = ConnectionDouble(SwitchDouble(connection.switch.datapath_id))
    app.turn(Connected(0xB0, again))
    assert again.take() == ["lead"]
    assert again.switch.generation == connection.switch.generation


def test_without_the_lock_no_tunnel_port_is_made_or_removed(app: App) -> None:
    app.start()
    app.turn(Away("hardware_vtep"))
    app.tell(remote_mac(MAC1, FAR))
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), port("vx9", 9, is_ours=True))}))
    assert app.openvswitch[DATABASE].take() == []
    app.turn(LockIs(True))
    kinds = {type(write) for write in app.openvswitch[DATABASE].take()}
    assert kinds == {PutTunnelPort}
