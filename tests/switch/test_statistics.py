"""Logical_Binding_Stats: exact, lasting, and written only when something was counted."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing

HOST, OTHER = "00:00:00:00:00:01", "00:00:00:00:00:02"
COLUMNS = ("packets_from_local", "bytes_from_local", "packets_to_local", "bytes_to_local")


@pytest.fixture
def counted(switch: DummySwitch) -> DummySwitch:
    """p0 and p1, both untagged in ls0, counted several times a second."""
    switch.manage(stats_interval="0.2")
    switch.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0", "--", "bind-ls", "br0", "p1", "0", "ls0")
    switch.wait(lambda: "in_port=2" in "\n".join(switch.flows()), "both bindings")
    return switch


def stats(vtep: DummySwitch, port: str, vlan: int = 0) -> tuple[int, ...] | None:
    """Return packets and bytes from and to a binding, None if it has no row."""
    rows = {row["_uuid"]: row for row in vtep.rows("Logical_Binding_Stats")}
    row = rows.get(vtep.row("Physical_Port", name=port)["vlan_stats"].get(vlan))
    return tuple(row[column] for column in COLUMNS) if row else None


def send(
    vtep: DummySwitch,
    count: int,
    port: str = "p0",
    length: int = 100,
    source: str = HOST,
    destination: str = BROADCAST,
    vlan: int | None = None,
) -> None:
    for _ in range(count):
        vtep.receive(port, source, destination, vlan, length)


def wait_for(vtep: DummySwitch, port: str, *expected: object, vlan: int = 0) -> None:
    vtep.wait(lambda: stats(vtep, port, vlan) == expected, f"{expected} at {port}/{vlan}")


def test_packets_and_bytes_are_exact_both_ways(counted: DummySwitch) -> None:
    send(counted, 5)
    send(counted, 3, "p1", 200, OTHER, HOST)
    wait_for(counted, "p0", 5, 500, 3, 600)
    wait_for(counted, "p1", 3, 600, 5, 500)
    send(counted, 2, length=1000)
    wait_for(counted, "p0", 7, 2500, 3, 600)
    wait_for(counted, "p1", 3, 600, 7, 2500)


def test_each_vlan_of_a_port_counts_for_itself(counted: DummySwitch) -> None:
    counted.vtep_ctl("bind-ls", "br0", "p0", "10", "ls0", "--", "bind-ls", "br0", "p1", "10", "ls0")
    counted.wait(lambda: "in_port=2,dl_vlan=10" in "\n".join(counted.flows()), "the bindings")
    send(counted, 4)
    send(counted, 3, length=104, source=OTHER, vlan=10)
    send(counted, 2, length=104, vlan=20)
    # A frame with a tag has 104 bytes here, and one without has 100.
    wait_for(counted, "p0", 4, 400, 3, 300)
    wait_for(counted, "p0", 3, 312, 4, 416, vlan=10)
    wait_for(counted, "p1", 0, 0, 7, 700)
    wait_for(counted, "p1", 0, 0, 7, 728, vlan=10)


def test_counts_go_on_while_other_things_change_and_the_application_restarts(
    counted: DummySwitch,
) -> None:
    send(counted, 5)
    wait_for(counted, "p0", 5, 500, 0, 0)
    counted.vtep_ctl("bind-ls", "br0", "p1", "10", "ls0")
    counted.place("00:00:00:00:00:99", "10.2.2.3")
    counted.wait(lambda: "00:00:00:00:00:99" in "\n".join(counted.flows()), "the changes")
    send(counted, 2)
    wait_for(counted, "p0", 7, 700, 0, 0)
    wait_for(counted, "p1", 0, 0, 7, 700)
    assert_restart_changes_nothing(counted)
    send(counted, 1)
    wait_for(counted, "p0", 8, 800, 0, 0)
    counted.app.kill()
    send(counted, 3)
    counted.app.start()
    wait_for(counted, "p0", 11, 1100, 0, 0)
    wait_for(counted, "p1", 0, 0, 11, 1100)


def test_what_was_counted_before_the_switch_restarted_is_kept(counted: DummySwitch) -> None:
    send(counted, 5)
    wait_for(counted, "p0", 5, 500, 0, 0)
    wait_for(counted, "p1", 0, 0, 5, 500)
    flows = len(counted.flows())
    counted.ovs_vswitchd.kill()
    counted.ovs_vswitchd.start()
    counted.wait(lambda: len(counted.flows()) == flows, "the flows again")
    send(counted, 2)
    wait_for(counted, "p0", 7, 700, 0, 0)
    wait_for(counted, "p1", 0, 0, 7, 700)
    counted.restart_app()
    send(counted, 1)
    wait_for(counted, "p0", 8, 800, 0, 0)


def test_what_was_counted_is_kept_when_switch_and_application_restart_together(
    counted: DummySwitch,
) -> None:
    send(counted, 5)
    wait_for(counted, "p0", 5, 500, 0, 0)
    counted.app.kill()
    counted.ovs_vswitchd.kill()
    counted.ovs_vswitchd.start()
    counted.app.start()
    counted.wait(lambda: counted.app.is_ready() and len(counted.flows()) > 10, "the flows again")
    send(counted, 7)
    wait_for(counted, "p0", 12, 1200, 0, 0)


def test_only_rows_whose_counts_changed_are_written(counted: DummySwitch) -> None:
    send(counted, 2)
    wait_for(counted, "p0", 2, 200, 0, 0)
    wait_for(counted, "p1", 0, 0, 2, 200)
    counted.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    wait_for(counted, "p1", 0, 0, 0, 0, vlan=20)
    rows = lambda: {row["_uuid"]: row["_version"] for row in counted.rows("Logical_Binding_Stats")}  # noqa: E731
    before = rows()
    for count in (1, 2, 3):
        send(counted, 1, "p1", 104, vlan=20)
        wait_for(counted, "p1", count, 104 * count, 0, 0, vlan=20)
    changed = [uuid for uuid, version in rows().items() if before[uuid] != version]
    assert changed == [counted.row("Physical_Port", name="p1")["vlan_stats"][20]]


def test_a_vlan_that_is_no_longer_bound_has_no_counts(counted: DummySwitch) -> None:
    counted.vtep_ctl("bind-ls", "br0", "p0", "10", "ls0")
    send(counted, 2)
    wait_for(counted, "p0", 2, 200, 0, 0)
    counted.wait(lambda: stats(counted, "p0", 10) is not None, "the second row")
    counted.vtep_ctl("unbind-ls", "br0", "p0", "10")
    counted.wait(lambda: stats(counted, "p0", 10) is None, "its end")
    counted.wait(lambda: len(counted.rows("Logical_Binding_Stats")) == 2, "two rows")
    counted.vtep_ctl("bind-ls", "br0", "p0", "10", "ls0")
    counted.wait(lambda: stats(counted, "p0", 10) == (0, 0, 0, 0), "counts that begin at 0")
    assert stats(counted, "p0") == (2, 200, 0, 0)


def test_rows_that_someone_else_changed_are_mended(counted: DummySwitch) -> None:
    send(counted, 2)
    wait_for(counted, "p0", 2, 200, 0, 0)
    counted.vtep_ctl("clear", "Physical_Port", str(port(counted, "p0")), "vlan_stats")
    wait_for(counted, "p0", 2, 200, 0, 0)


def port(vtep: DummySwitch, name: str) -> UUID:
    uuid: UUID = vtep.row("Physical_Port", name=name)["_uuid"]
    return uuid


def test_an_interval_of_zero_switches_them_off_and_later_nothing_is_lost(
    switch: DummySwitch,
) -> None:
    switch.manage(stats_interval="0")
    switch.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
    switch.wait(lambda: "in_port=1" in "\n".join(switch.flows()), "the binding")
    send(switch, 2)
    switch.wait(lambda: switch.local_macs() == {HOST: "127.0.0.1"}, "the host")
    switch.come_to_rest()
    assert switch.rows("Logical_Binding_Stats") == []
    switch.app.options["stats_interval"] = "0.2"
    switch.restart_app()
    send(switch, 1)
    wait_for(switch, "p0", 3, 300, 0, 0)
