"""The NVC as a process, with real database servers; the tests play the VTEPs. Needs no root."""

from __future__ import annotations

import signal
import statistics
import time

import pytest

from sim.wire.ovsdb import OvsdbConnection
from tests.sim.nvc_process import (
    FAR,
    Nvc,
    Vtep,
    X,
    Y,
    eventually,
    plan_for,
)


@pytest.fixture
def running(nvc: Nvc, vteps: list[Vtep]) -> Nvc:
    """The NVC, with all three VTEPs configured."""
    nvc.start(plan_for(*vteps))
    bound = {0: "blue", 10: "green"}
    eventually(lambda: all(vtep.bindings()["p0"] == bound for vtep in vteps))
    return nvc


def test_it_configures_every_database(running: Nvc, vteps: list[Vtep]) -> None:
    for vtep in vteps:
        keys = {row["name"]: row["tunnel_key"] for row in vtep.select("Logical_Switch")}
        assert keys == {"blue": 33, "green": 44}
        modes = {row["name"]: row["replication_mode"] for row in vtep.select("Logical_Switch")}
        assert modes == {"blue": "service_node", "green": "source_node"}
        assert vtep.flooding("blue") == ["10.2.2.101", "10.2.2.102"]
        assert vtep.stations() == [("green", Y, FAR)]
        assert vtep.bindings()["p1"] == {}


def test_a_port_is_bound_when_it_appears(nvc: Nvc, vteps: list[Vtep]) -> None:
    east = vteps[0]
    east.ctl("del-port br0 p0")
    nvc.start(plan_for(*vteps))
    eventually(lambda: set(east.names().values()) == {"blue", "green"})
    east.ctl("add-port br0 p0")
    eventually(lambda: east.bindings()["p0"] == {0: "blue", 10: "green"})


def test_what_one_reports_the_others_are_told(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    east.claim(X)
    at_east = ("blue", X, east.address)
    eventually(lambda: all(at_east in vtep.stations() for vtep in (west, north)))
    assert east.stations() == [("green", Y, FAR)]
    east.take_back(X)
    far = [("green", Y, FAR)]
    eventually(lambda: all(vtep.stations() == far for vtep in (west, north)))


def test_flooding_follows_membership(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    for vtep in vteps:
        vtep.ctl(f"add-mcast-local green unknown-dst {vtep.address}")
    eventually(lambda: east.flooding("green") == [west.address, FAR, north.address])
    north.ctl(f"del-mcast-local green unknown-dst {north.address}")
    eventually(lambda: east.flooding("green") == [west.address, FAR])
    eventually(lambda: north.flooding("green") == [east.address, west.address, FAR])


def test_a_move_is_one_change_of_one_row(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    east.claim(X)
    eventually(lambda: ("blue", X, east.address) in north.stations())
    with north.watched("Ucast_Macs_Remote", "MAC", "locator") as updates:
        west.claim(X)
        eventually(lambda: ("blue", X, west.address) in north.stations())
        eventually(lambda: ("blue", X, west.address) in east.stations())
        assert all(mac != X for _, mac, _ in west.stations())
        east.take_back(X)
        (update,) = updates()
    assert "locator" in update["old"]
    assert update["new"]["MAC"] == X


def test_bfd_is_switched_on_in_tunnels_and_addressed(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, _ = vteps
    for here, there in ((east, west), (west, east)):
        add_tunnel(here, there.address, expected=f"169.254.9.{here.address[-1]}")
    add_tunnel(east, FAR, expected="169.254.1.0")
    on = {"enable": "true", "min_rx": "300", "min_tx": "300"}
    eventually(lambda: [dict(row["bfd_params"][1]) for row in east.select("Tunnel")] == [on, on])
    remote = [dict(row["bfd_config_remote"][1]) for row in east.select("Tunnel")]
    assert sorted(remote, key=len) == [{}, {"bfd_dst_ip": "169.254.9.2"}]


def add_tunnel(vtep: Vtep, address: str, expected: str) -> None:
    """Add a Tunnel row to br0, between locators of its own."""
    there = len(vtep.select("Tunnel"))
    locators = [
        {
            "op": "insert",
            "table": "Physical_Locator",
            "row": {
                "encapsulation_type": "vxlan_over_ipv4",
                "dst_ip": end,
                "tunnel_key": 1000 + 2 * (there + place),
            },
            "uuid-name": f"end{place}",
        }
        for place, end in enumerate((vtep.address, address))
    ]
    row = {
        "local": ["named-uuid", "end0"],
        "remote": ["named-uuid", "end1"],
        "bfd_config_local": ["map", [["bfd_dst_ip", expected]]],
    }
    vtep.transact(
        *locators,
        {"op": "insert", "table": "Tunnel", "row": row, "uuid-name": "tunnel"},
        {
            "op": "mutate",
            "table": "Physical_Switch",
            "where": [],
            "mutations": [["tunnels", "insert", ["named-uuid", "tunnel"]]],
        },
    )


def test_what_others_wrote_stays(nvc: Nvc, vteps: list[Vtep]) -> None:
    east = vteps[0]
    east.ctl(
        "add-ls theirs",
        "bind-ls br0 p0 5 theirs",
        "bind-ls br0 p0 10 theirs",
        f"add-ucast-remote theirs {X} 10.2.2.77",
        "add-mcast-remote theirs unknown-dst 10.2.2.77",
    )
    nvc.start(plan_for(*vteps))
    eventually(lambda: east.bindings()["p0"] == {0: "blue", 5: "theirs", 10: "theirs"})
    eventually(lambda: "vlan_bindings 10 of br0 p0 belongs to theirs" in nvc.log.read_text())
    eventually(lambda: ("green", Y, FAR) in east.stations())
    assert ("theirs", X, "10.2.2.77") in east.stations()
    assert east.flooding("theirs") == ["10.2.2.77"]


def test_a_database_that_comes_late_is_caught_up_with(nvc: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    west.stop()
    nvc.start(plan_for(*vteps))
    eventually(lambda: east.flooding("blue") != [])
    east.claim(X)
    eventually(lambda: ("blue", X, east.address) in north.stations())
    west.start()
    eventually(lambda: ("blue", X, east.address) in west.stations())


def test_a_database_that_restarts_is_caught_up_with(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    west.stop()
    east.claim(X)
    eventually(lambda: ("blue", X, east.address) in north.stations())
    west.start()
    eventually(lambda: ("blue", X, east.address) in west.stations())
    west.claim(Y)
    eventually(lambda: ("blue", Y, west.address) in east.stations())


def test_while_a_database_is_away_what_it_said_holds(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    west.claim(X)
    eventually(lambda: ("blue", X, west.address) in north.stations())
    west.stop()
    east.claim(Y)
    eventually(lambda: ("blue", Y, east.address) in north.stations())
    assert ("blue", X, west.address) in north.stations()


def test_a_database_that_is_new_is_filled_again(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, _ = vteps
    west.claim(X)
    eventually(lambda: ("blue", X, west.address) in east.stations())
    west.stop()
    west.create()
    west.start()
    west.introduce()
    eventually(lambda: west.bindings().get("p0") == {0: "blue", 10: "green"})
    eventually(lambda: ("blue", X, west.address) not in east.stations())


def test_a_new_start_changes_nothing(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, north = vteps
    east.claim(X)
    west.claim(X)
    at_west = ("blue", X, west.address)
    eventually(lambda: all(at_west in vtep.stations() for vtep in (east, north)))
    # Each database is written on its own; the one where the station is now may be the last.
    eventually(lambda: all(mac != X for _, mac, _ in west.stations()))
    assert running.end() == 128 + signal.SIGTERM
    with (
        east.watched("Ucast_Macs_Remote", "MAC", "locator") as heard_at_east,
        north.watched("Mcast_Macs_Remote", "MAC", "locator_set") as heard_at_north,
        west.watched("Logical_Switch", "name", "tunnel_key") as heard_at_west,
    ):
        connected = running.log.read_text().count(": connected")
        running.start(plan_for(*vteps))
        eventually(lambda: running.log.read_text().count(": connected") == connected + 3)
        assert (heard_at_east(), heard_at_north(), heard_at_west()) == ([], [], [])
    assert all(mac != X for _, mac, _ in west.stations())


def test_what_the_file_names_no_more_is_taken_back(running: Nvc, vteps: list[Vtep]) -> None:
    east, *others = vteps
    east.ctl(f"add-ucast-local green {X} {east.address}", "add-ls theirs")
    running.end()
    smaller = plan_for(*vteps, stations=[])
    smaller["logical_switches"] = smaller["logical_switches"][:1]
    smaller["bindings"] = [each for each in smaller["bindings"] if each["vlan"] == 0]
    running.start(smaller)
    eventually(lambda: all(sorted(vtep.names().values()) == ["blue"] for vtep in others))
    eventually(lambda: east.bindings()["p0"] == {0: "blue"})
    assert sorted(east.names().values()) == ["blue", "green", "theirs"]
    east.take_back(X, "green")
    eventually(lambda: sorted(east.names().values()) == ["blue", "theirs"])


def test_a_change_of_the_file_is_carried_out_while_it_runs(running: Nvc, vteps: list[Vtep]) -> None:
    east, west, _ = vteps
    east.claim(X)
    eventually(lambda: ("blue", X, east.address) in west.stations())
    changed = plan_for(*vteps, stations=[])
    changed["logical_switches"][0]["service_nodes"] = ["10.2.2.109"]
    changed["bindings"] = [each for each in changed["bindings"] if each["vlan"] == 0]
    running.write(changed)
    eventually(lambda: all(vtep.bindings()["p0"] == {0: "blue"} for vtep in vteps))
    eventually(lambda: all(vtep.flooding("blue") == ["10.2.2.109"] for vtep in vteps))
    eventually(lambda: west.stations() == [("blue", X, east.address)])
    assert east.stations() == []


def test_a_file_with_a_mistake_changes_nothing(running: Nvc, vteps: list[Vtep]) -> None:
    running.write({**plan_for(*vteps, stations=[]), "colour": "blue"})
    eventually(lambda: "the file: unknown: colour" in running.log.read_text())
    running.file.unlink()
    eventually(lambda: "No such file" in running.log.read_text())
    assert all(vtep.stations() == [("green", Y, FAR)] for vtep in vteps)
    running.write(plan_for(*vteps, stations=[]))
    eventually(lambda: all(vtep.stations() == [] for vtep in vteps))
    assert running.log.read_text().count("the file: unknown: colour") == 1


def test_a_vtep_that_the_file_no_longer_names_is_left_alone(
    running: Nvc, vteps: list[Vtep]
) -> None:
    east, west, north = vteps
    for vtep in (east, west):
        vtep.claim(X if vtep is east else Y)
    eventually(lambda: len(north.stations()) == 3)
    running.write(plan_for(west, north))
    eventually(lambda: ("blue", X, east.address) not in north.stations())
    assert ("blue", Y, west.address) in north.stations()
    assert east.bindings()["p0"] == {0: "blue", 10: "green"}
    running.write(plan_for(*vteps))
    eventually(lambda: ("blue", X, east.address) in north.stations())


def test_it_passes_on_one_station_after_the_other_and_idles_in_between(
    running: Nvc, vteps: list[Vtep]
) -> None:
    east, west, _ = vteps
    east.claim(Y)
    eventually(lambda: ("blue", Y, east.address) in west.stations())
    (row,) = east.select("Ucast_Macs_Local")
    connection = OvsdbConnection(east.socket)
    delays = []
    with west.watched("Ucast_Macs_Remote", "MAC") as updates:
        for number in range(20):
            insert = {"MAC": f"02:01:00:00:00:{number:02x}"}
            insert |= {column: row[column] for column in ("logical_switch", "locator")}
            operation = {"op": "insert", "table": "Ucast_Macs_Local", "row": insert}
            began = time.monotonic()
            connection.transact(operation)
            (update,) = updates(quiet=60.0, number=1)
            delays.append(time.monotonic() - began)
            assert update["new"]["MAC"] == insert["MAC"]
        connection.close()
        print(f"median {statistics.median(delays) * 1000:.1f} ms, longest {max(delays):.3f} s")
        # Time of the processor, which other processes do not take: the last row of all is done.
        assert updates(quiet=0.5) == []
        before = running.cpu_seconds
        assert updates(quiet=0.5) == []
        assert running.cpu_seconds - before < 0.05
