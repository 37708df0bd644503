"""One switch and its connection: what is asked of the switch, when, and in which order."""

import logging
from typing import Any

import pytest

from vtep_ofapp.loop import bundles
from vtep_ofapp.loop.contents import CHECK_TIME
from vtep_ofapp.loop.fault_log import FaultLog
from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.switch_driver import MAX_FAILURES, SwitchDriver
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.events import FlowRemoved, FlowsChanged, GroupsChanged, NotMonitored
from vtep_ofapp.values.flow_changes import FlowChange, GroupChange
from vtep_ofapp.values.flows import ToGroup
from vtep_ofapp.values.rows import Gone, Mark
from vtep_ofapp.values.writes import PutTunnelPort, RemoveTunnelPort, SecureBridge

from .builders import (
    FAR,
    FURTHER,
    MAC1,
    OWN,
    RED,
    bridge,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    remote_mac,
    to_anyone,
    unknown_dst,
    uuid,
)
from .doubles import ConnectionDouble, TimeDouble, flow_changes
from .world import World

CHANGED_BY_KEY = {Table.DECAPSULATION, Table.ENCAPSULATION}
"""The tables where a logical switch has other flows with another tunnel key."""


class Bench:
    """br0 with p0 in red, its driver and its connection."""

    def __init__(self) -> None:
        self.world = World()
        self.world.tell(logical_switch(RED))
        self.world.physical(physical_switch(physical_port("p0", {0: RED})))
        self.world.bridge(port("p0", 1), to_anyone())
        self.world.settle()
        self.time = TimeDouble()
        timers = self.time.timers()
        self.driver = SwitchDriver(self.world.switch, timers, FaultLog(timers), Measures())
        self.connection = ConnectionDouble()

    def connect(self) -> None:
        self.driver.connect(self.connection, leads=True)
        self.driver.role_is(self.connection.leading())
        list(self.driver.handle(self.connection.reading()))

    def start(self) -> None:
        """Do all that there is to do, and let the switch do it."""
        self.connect()
        self.driver.open()
        self.turn()

    def turn(self) -> None:
        """Apply what differs, and let the switch do it, until nothing does."""
        self.world.settle()
        self.driver.apply()
        while "apply" in self.connection.take():
            list(self.driver.handle(self.connection.done()))
            self.driver.apply()

    def writes(self) -> list[Any]:
        return list(self.driver.bridge_writes())


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def started(bench: Bench) -> Bench:
    bench.start()
    assert bench.driver.is_settled()
    return bench


# The gate


def test_a_new_connection_is_asked_for_what_the_switch_has(bench: Bench) -> None:
    bench.driver.connect(bench.connection, leads=True)
    assert bench.connection.take() == ["lead"]
    bench.driver.role_is(bench.connection.leading())
    assert bench.connection.take() == ["read back"]


def test_nothing_is_sent_before_the_switch_is_read(bench: Bench) -> None:
    bench.driver.connect(bench.connection, leads=True)
    bench.driver.role_is(bench.connection.leading())
    assert not bench.driver.open()
    bench.driver.apply()
    assert bench.connection.bundles == []


def test_nothing_is_sent_before_the_gate_opens(bench: Bench) -> None:
    bench.connect()
    bench.driver.apply()
    assert bench.connection.bundles == []


def test_the_gate_opens_once_when_all_is_known(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vtep_ofapp")
    bench.connect()
    assert bench.driver.open()
    assert not bench.driver.open()
    assert [record.getMessage() for record in caplog.records] == ["br0 is managed"]
    bench.driver.apply()
    assert len(bench.connection.bundles) == 1


def test_a_connection_that_comes_back_is_told_once(
    started: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vtep_ofapp")
    started.driver.disconnect()
    started.connect()
    assert [record.getMessage() for record in caplog.records] == ["br0: connected again"]
    list(started.driver.handle(started.connection.reading()))
    assert len(caplog.records) == 1


@pytest.mark.parametrize("outcome", ["up", "error"])
def test_the_gate_waits_for_the_tunnels(bench: Bench, outcome: str) -> None:
    bench.world.tell(unknown_dst(FAR))
    bench.world.settle()
    bench.connect()
    assert not bench.driver.open()
    assert bench.writes() == [tunnel_to(bench, FAR)]
    bench.world.make_tunnels(outcome=lambda address: "late")
    bench.world.settle()
    assert not bench.driver.open()
    bench.world.make_tunnels(outcome=lambda address: outcome)
    bench.world.settle()
    assert bench.driver.open()


def test_an_open_gate_stays_open_when_more_tunnels_are_wanted(started: Bench) -> None:
    started.world.tell(unknown_dst(FAR))
    started.turn()
    assert started.driver.is_open
    assert started.driver.is_settled()


def tunnel_to(bench: Bench, address: str) -> PutTunnelPort:
    (name,) = (
        name
        for name, tunnel in bench.world.switch.tunnel_ports.wanted.items()
        if tunnel.remote == address
    )
    return PutTunnelPort(bridge="br0", name=name, remote=address, local=OWN, bfd={})


# Bundles


def test_all_goes_into_one_bundle(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    (changes,) = bench.connection.bundles
    list(bench.driver.handle(bench.connection.done()))
    assert set(bench.connection.switch.flows) == set(bench.world.switch.flows.wanted)
    assert set(bench.connection.switch.groups) == set(bench.world.switch.groups.wanted)
    assert len(changes) == len(bench.world.flow_values()) + len(bench.world.group_values())


def test_one_bundle_is_in_flight(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    bench.world.tell(logical_switch(RED, 6001))
    bench.world.settle()
    bench.driver.apply()
    assert len(bench.connection.bundles) == 1
    assert not bench.driver.is_settled()
    list(bench.driver.handle(bench.connection.done()))
    bench.driver.apply()
    assert len(bench.connection.bundles) == 2
    assert {
        change.key.table for change in flow_changes(bench.connection.bundles[1])
    } == CHANGED_BY_KEY


def test_what_is_right_already_is_not_sent_again(started: Bench) -> None:
    started.driver.apply()
    assert started.connection.take() == []


def test_after_a_restart_nothing_is_sent_when_nothing_changed(started: Bench) -> None:
    other = Bench()
    other.connection = ConnectionDouble(started.connection.switch)
    other.connect()
    other.driver.open()
    other.driver.apply()
    assert other.connection.bundles == []
    assert other.driver.is_settled()


def test_after_a_restart_only_the_difference_is_sent(started: Bench) -> None:
    other = Bench()
    other.connection = ConnectionDouble(started.connection.switch)
    other.world.tell(logical_switch(RED, 6001))
    other.world.settle()
    other.connect()
    other.driver.open()
    other.driver.apply()
    (changes,) = other.connection.bundles
    assert {change.key.table for change in flow_changes(changes)} == CHANGED_BY_KEY
    assert any("set_field:0x1771->tunnel_id" in str(change) for change in changes)


def test_new_groups_come_before_the_flows_that_use_them_and_old_ones_go_after(
    started: Bench,
) -> None:
    started.world.physical(physical_switch(physical_port("p0", {0: uuid(2)})))
    started.world.tell(logical_switch(uuid(2), 5002))
    started.world.settle()
    started.driver.apply()
    (changes,) = started.connection.bundles[1:]
    kinds = [
        ("flow" if isinstance(change, FlowChange) else "group" if change.group else "no group")
        for change in changes
    ]
    assert kinds[0] == "group"
    assert kinds[-1] == "no group"
    assert set(kinds[1:-1]) == {"flow"}
    list(started.driver.handle(started.connection.done()))
    assert started.driver.is_settled()


def test_what_many_rows_ask_for_goes_into_one_bundle(bench: Bench) -> None:
    for number in range(3000):
        mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        bench.world.tell(remote_mac(mac, FAR, row=uuid(0x10000 + number)))
    bench.world.calm_down()
    bench.start()
    assert [len(bundle) > 3000 for bundle in bench.connection.bundles] == [True]
    assert bench.driver.is_settled()


def test_very_many_changes_take_several_bundles(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MAX_CHANGES", 1000)
    rows = [uuid(0x100 + number) for number in range(900)]
    for number, row in enumerate(rows):
        bench.world.tell(logical_switch(row, 7000 + number))
    ports = physical_port("p0", {number + 1: row for number, row in enumerate(rows)})
    bench.world.physical(physical_switch(ports))
    bench.start()
    sizes = list(map(len, bench.connection.bundles))
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {1000}
    assert bench.driver.is_settled()


# Refusals


def change_of(bench: Bench, text: str) -> FlowChange | GroupChange:
    (change,) = (each for each in bench.connection.bundles[-1] if text in str(each))
    return change


def test_a_refused_change_is_left_out_and_the_rest_is_sent(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    bad = change_of(bench, "table=90, priority=100")
    list(bench.driver.handle(bench.connection.refused(bad)))
    bench.driver.apply()
    assert set(bench.connection.bundles[1]) == {*bench.connection.bundles[0]} - {bad}
    list(bench.driver.handle(bench.connection.done()))
    bench.driver.apply()
    assert len(bench.connection.bundles) == 2


def test_a_refused_group_is_left_out_as_well(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    bad = next(each for each in bench.connection.bundles[0] if isinstance(each, GroupChange))
    list(bench.driver.handle(bench.connection.refused(bad)))
    bench.driver.apply()
    assert set(bench.connection.bundles[1]) == {*bench.connection.bundles[0]} - {bad}


def test_a_refused_change_is_sent_again_when_it_is_another_one(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    list(bench.driver.handle(bench.connection.refused(change_of(bench, "table=90, priority=100"))))
    bench.turn()
    bench.world.tell(logical_switch(RED, 6001))
    bench.turn()
    (changes,) = bench.connection.bundles[2:]
    assert {each.key.table for each in flow_changes(changes)} == CHANGED_BY_KEY
    (change,) = (each for each in flow_changes(changes) if each.key.table == Table.ENCAPSULATION)
    assert "set_field:0x1771->tunnel_id" in str(change)


def test_a_refused_change_is_tried_again_on_a_new_connection(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    bad = change_of(bench, "table=90, priority=100")
    list(bench.driver.handle(bench.connection.refused(bad)))
    bench.turn()
    bench.driver.disconnect()
    bench.connection = ConnectionDouble(bench.connection.switch)
    bench.connect()
    bench.driver.apply()
    assert bench.connection.bundles == [[bad]]


def test_a_bundle_that_fails_for_no_known_reason_is_followed_by_a_read_back(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    bench.connection.take()
    list(bench.driver.handle(bench.connection.refused()))
    assert bench.connection.take() == ["read back"]
    bench.driver.apply()
    assert bench.connection.take() == []
    list(bench.driver.handle(bench.connection.reading()))
    bench.driver.apply()
    assert bench.connection.take() == ["apply"]


def test_bundles_that_fail_again_and_again_end_the_connection(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.connect()
    bench.driver.open()
    for _ in range(MAX_FAILURES):
        bench.driver.apply()
        list(bench.driver.handle(bench.connection.refused()))
        list(bench.driver.handle(bench.connection.reading()))
    assert bench.connection.take() == [
        "lead",
        "read back",
        *["apply", "read back"] * (MAX_FAILURES - 1),
        "apply",
        "disconnect",
    ]
    assert "br0: 3 bundles failed; reconnecting" in caplog.text


def test_a_success_forgets_former_failures(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    for key in range(MAX_FAILURES * 2):
        bench.world.tell(logical_switch(RED, 6000 + key))
        bench.world.settle()
        bench.driver.apply()
        list(bench.driver.handle(bench.connection.refused()))
        list(bench.driver.handle(bench.connection.reading()))
        bench.turn()
    assert "disconnect" not in bench.connection.asked
    assert bench.driver.is_settled()


# The end of a connection, and of flows


def test_without_a_connection_nothing_is_sent_or_written(started: Bench) -> None:
    started.driver.disconnect()
    started.world.tell(logical_switch(RED, 6001), unknown_dst(FAR))
    started.world.settle()
    started.driver.apply()
    assert started.writes() == []
    assert len(started.connection.bundles) == 1
    assert not started.driver.is_settled()


def test_a_new_connection_in_the_middle_of_a_bundle_starts_afresh(bench: Bench) -> None:
    bench.connect()
    bench.driver.open()
    bench.driver.apply()
    bench.driver.disconnect()
    bench.connection = ConnectionDouble()
    bench.connect()
    bench.driver.apply()
    assert len(bench.connection.bundles) == 1


def test_what_others_deleted_is_read_and_put_back(
    started: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    lost = next(key for key in started.connection.switch.flows if key.priority == 0)
    started.connection.switch.flows.clear()
    list(started.driver.handle(FlowRemoved(started.connection, lost, idle=False)))
    assert started.connection.take() == ["read back"]
    list(started.driver.handle(started.connection.reading()))
    started.turn()
    assert set(started.connection.switch.flows) == set(started.world.switch.flows.wanted)


def flooded(bench: Bench) -> int:
    """Return one of the groups that the switch has."""
    return next(iter(bench.driver.switch.groups.actual))


def test_a_group_that_others_delete_while_flows_change_is_put_back(started: Bench) -> None:
    group = flooded(started)
    started.driver.look()
    started.world.tell(logical_switch(RED, 6001))
    started.world.settle()
    started.driver.apply()
    assert all(isinstance(change, FlowChange) for change in started.connection.bundles[-1])
    list(started.driver.handle(GroupsChanged(started.connection, {group: None})))
    list(started.driver.handle(started.connection.done()))
    started.driver.apply()
    (change,) = started.connection.bundles[-1]
    assert isinstance(change, GroupChange)
    assert change.id == group


def test_what_groups_were_before_we_changed_some_is_not_believed(started: Bench) -> None:
    group = flooded(started)
    started.driver.look()
    started.world.physical(physical_switch(physical_port("p0", {0: RED, 7: uuid(2)})))
    started.world.tell(logical_switch(uuid(2), 5002))
    started.world.settle()
    started.driver.apply()
    assert any(isinstance(change, GroupChange) for change in started.connection.bundles[-1])
    gone = GroupsChanged(started.connection, {group: None})
    list(started.driver.handle(gone))
    list(started.driver.handle(started.connection.done()))
    list(started.driver.handle(gone))
    assert group in started.driver.switch.groups.actual
    started.driver.look()
    assert started.connection.known == set(started.driver.switch.groups.actual)


def test_flows_are_read_back_at_each_look_where_the_switch_does_not_monitor_them(
    started: Bench,
) -> None:
    started.driver.look()
    assert started.connection.take() == ["compare groups"]
    list(started.driver.handle(NotMonitored(started.connection)))
    started.driver.look()
    assert started.connection.take() == ["compare groups", "read back"]
    started.driver.disconnect()
    started.connect()
    started.connection.take()
    started.driver.look()
    assert started.connection.take() == ["compare groups"]


def test_what_others_change_is_checked_once_after_a_while(started: Bench) -> None:
    changed = FlowsChanged(started.connection, (), are_ours=True)
    for _ in range(3):
        list(started.driver.handle(changed))
    assert started.connection.take() == []
    started.time.wait(CHECK_TIME)
    assert started.connection.take() == ["read back"]
    list(started.driver.handle(changed))
    started.time.wait(CHECK_TIME)
    assert started.connection.take() == []
    list(started.driver.handle(started.connection.reading()))
    started.time.wait(CHECK_TIME)
    assert started.connection.take() == ["read back"]


def test_a_check_that_the_end_of_a_connection_prevents_does_not_prevent_others(
    started: Bench,
) -> None:
    changed = FlowsChanged(started.connection, (), are_ours=True)
    list(started.driver.handle(changed))
    started.driver.disconnect()
    started.time.wait(CHECK_TIME)
    started.connect()
    started.connection.take()
    list(started.driver.handle(changed))
    started.time.wait(CHECK_TIME)
    assert started.connection.take() == ["read back"]


def test_the_end_of_a_flow_that_is_not_wanted_is_no_surprise(started: Bench) -> None:
    started.world.see(MAC1, "p0")
    started.turn()
    known = next(
        key for key in started.connection.switch.flows if dict(key.match).get("eth_src") == MAC1
    )
    started.world.macs.forget(RED, MAC1)
    started.turn()
    list(started.driver.handle(FlowRemoved(started.connection, known, idle=False)))
    assert started.connection.take() == []
    assert started.driver.is_settled()


def test_an_idle_station_is_forgotten_and_its_other_flow_goes(started: Bench) -> None:
    started.world.see(MAC1, "p0")
    started.turn()
    known = next(
        key for key in started.connection.switch.flows if dict(key.match).get("eth_src") == MAC1
    )
    del started.connection.switch.flows[known]
    list(started.driver.handle(FlowRemoved(started.connection, known, idle=True)))
    started.turn()
    assert not any(MAC1 in str(key) for key in started.connection.switch.flows)
    assert started.world.macs.place(RED, MAC1) is None
    assert len(started.connection.bundles[-1]) == 1


# Ports


def test_the_bridge_is_made_secure_first(bench: Bench) -> None:
    found = bridge(port("p0", 1), to_anyone(), is_secure=False)
    bench.world.switch.set_bridge(found)
    assert bench.writes() == []
    bench.connect()
    assert bench.writes() == [SecureBridge("br0")]


def test_it_is_marked_as_well(bench: Bench) -> None:
    found = bridge(port("p0", 1), to_anyone(), mark=Mark.OTHERS)
    bench.world.switch.set_bridge(found)
    bench.connect()
    assert bench.writes() == [SecureBridge("br0")]


def test_the_controllers_are_set_up_as_well(bench: Bench) -> None:
    found = bridge(port("p0", 1), to_anyone(), controllers_are_set=False)
    bench.world.switch.set_bridge(found)
    bench.connect()
    assert bench.writes() == [SecureBridge("br0")]


def test_a_port_is_removed_only_after_the_flows_that_use_it(bench: Bench) -> None:
    bench.world.tell(remote_mac(MAC1, FAR))
    bench.world.calm_down()
    bench.start()
    name = tunnel_to(bench, FAR).name
    bench.world.tell(Gone(uuid(0x1000)))
    bench.world.settle()
    assert bench.writes() == []
    bench.driver.apply()
    assert bench.writes() == []
    list(bench.driver.handle(bench.connection.done()))
    assert bench.writes() == [RemoveTunnelPort("br0", name)]


def test_a_new_port_does_not_wait_for_flows(started: Bench) -> None:
    started.world.tell(remote_mac(MAC1, FURTHER))
    started.world.settle()
    assert started.writes() == [tunnel_to(started, FURTHER)]


def test_a_port_of_a_former_process_is_removed(bench: Bench) -> None:
    bench.world.exactly(
        port("p0", 1), to_anyone(), port("vxold", 9, is_ours=True, remote=FAR, local=OWN)
    )
    bench.connect()
    assert bench.writes() == []
    bench.driver.open()
    bench.turn()
    assert bench.writes() == [RemoveTunnelPort("br0", "vxold")]


def test_groups_are_used(started: Bench) -> None:
    """The bundles above would show nothing if no flow used a group."""
    flows = started.connection.switch.flows.values()
    assert any(isinstance(action, ToGroup) for flow in flows for action in flow.actions)
