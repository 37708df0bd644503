"""Rows of hardware_vtep: those that are gone, those of others, and those that cannot be used."""

import logging

import pytest

from vtep_ofapp.engine import switch_state
from vtep_ofapp.loop.transactions import FIRST_PAUSE
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.events import Bridges, VtepInSync, WorkIsLeft
from vtep_ofapp.values.faults import of_switch
from vtep_ofapp.values.rows import Gone
from vtep_ofapp.values.writes import (
    PutFaultStatus,
    PutLocalMac,
    PutLocalMcastMac,
    PutPhysicalPort,
    PutTunnelPort,
)

from .app import P0, ROWS, App, described, tunnel_port
from .builders import (
    BLUE,
    DATABASE,
    FAR,
    MAC1,
    OWN,
    RED,
    SWITCH,
    bridge,
    local_mac,
    local_unknown_dst,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    refused,
    remote_mac,
    to_anyone,
    unknown_dst,
    uuid,
)
from .doubles import Said


def test_rows_that_are_missing_after_a_resync_are_gone(app: App) -> None:
    connection = app.start(unknown_dst(FAR), local_mac(MAC1, OWN))
    assert connection.take() == []
    assert len(app.openvswitch[DATABASE].take()) == 1
    app.turn(VtepInSync(frozenset(row.uuid for row in ROWS)), app.vtep.done())
    app.serve(connection)
    assert connection.switch.flows == App().start().switch.flows


def test_rows_of_other_switches_are_left_alone(app: App) -> None:
    other = physical_switch(name="elsewhere", row=uuid(0x5999), tunnel_ips=["10.0.0.99"])
    app.start(other, local_mac(MAC1, "10.0.0.99"), local_unknown_dst("10.0.0.99", of=BLUE))
    assert app.written() == []


def test_rows_of_a_former_process_that_are_wrong_are_mended(app: App) -> None:
    app.start(local_mac(MAC1, OWN))
    assert app.written() == [PutLocalMac(RED, MAC1, None, rows=(uuid(0x3000),))]


def test_one_transaction_is_in_flight_and_the_next_one_holds_the_rest(app: App) -> None:
    app.start()
    app.tell(described(physical_port("p0", {0: RED, 10: BLUE})), logical_switch(BLUE, 5002))
    assert app.vtep.take() == [PutLocalMcastMac(BLUE, UNKNOWN_DST, frozenset({OWN}))]
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), port("p1", 2))}))
    assert app.vtep.take() == []
    app.tell(local_unknown_dst(OWN, of=BLUE))
    app.turn(app.vtep.done())
    assert app.vtep.take() == [PutPhysicalPort(SWITCH, "p1")]


def test_a_transaction_that_failed_is_tried_again_after_a_pause(app: App, said: Said) -> None:
    app.start()
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), port("p1", 2))}))
    app.turn(app.vtep.done("constraint violation"))
    assert app.vtep.take() == [PutPhysicalPort(SWITCH, "p1")]
    assert said() == ["hardware_vtep: constraint violation; trying again in 0.1 s"]
    app.turn(WorkIsLeft())
    assert app.vtep.take() == []
    app.wait(FIRST_PAUSE)
    assert app.vtep.take() == [PutPhysicalPort(SWITCH, "p1")]


def test_a_row_that_cannot_be_used_is_said_once_and_shown_in_its_column(
    app: App, said: Said
) -> None:
    app.start()
    said()
    bad = refused(uuid(300), RED, "x is not a MAC address")
    app.tell(bad)
    shown = frozenset({"unspecified_fault"})
    assert app.written() == [PutFaultStatus(of_switch(SWITCH).row, shown)]
    app.store(described(P0, fault_status=shown))
    app.tell(bad)
    assert said() == ["row 300: x is not a MAC address"]
    app.tell(Gone(uuid(300)))
    assert said(logging.INFO) == ["resolved: row 300: x is not a MAC address"]
    assert app.written() == [PutFaultStatus(of_switch(SWITCH).row, frozenset())]


def test_a_row_that_cannot_be_used_and_concerns_no_switch_is_said_as_well(
    app: App, said: Said
) -> None:
    app.start()
    said()
    app.tell(refused(uuid(300), None, "'stt' is no encapsulation that we know"))
    assert said() == ["row 300: 'stt' is no encapsulation that we know"]
    assert app.written() == []


def test_very_many_stations_leave_room_for_other_turns_and_the_gate_waits(
    app: App, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch_state, "PARTS_PER_TURN", 2)
    rows = [remote_mac(f"02:00:00:00:00:{n:02x}", "10.0.0.9", row=uuid(900 + n)) for n in range(5)]
    connection = app.start(*rows)
    assert "br0 is managed" not in said(logging.INFO)
    app.tell(logical_switch(BLUE))
    while "br0 is managed" not in said(logging.INFO):
        assert connection.bundles == []
        assert WorkIsLeft() in app.inbox.take()
        app.turn(WorkIsLeft())
        for write in app.openvswitch[DATABASE].take():
            if isinstance(write, PutTunnelPort):
                app.turn(
                    Bridges(
                        DATABASE, {"br0": bridge(port("p0", 1), to_anyone(), tunnel_port(write))}
                    )
                )
    app.serve(connection)
    assert sum("02:00:00:00:00" in str(flow) for flow in connection.switch.flows.values()) == 5
