"""Columns that are not ours: they stay as they are, and change nothing."""

from __future__ import annotations

import socket
from typing import Any

from tests.ports import held_port
from tests.switch.dummy import BROADCAST, DummySwitch
from tests.switch.state import assert_restart_changes_nothing, by_uuid

STATION, GROUP = "00:00:00:00:00:99", "01:00:5e:00:00:fb"


def test_what_others_wrote_stays_and_changes_nothing(joined: DummySwitch) -> None:
    joined.place(STATION, "10.2.2.3")
    joined.replicate(("10.2.2.2",), mac=GROUP)
    joined.receive("p0", "00:00:00:00:00:01", BROADCAST)
    joined.wait(lambda: joined.local_macs(), "a local MAC")
    joined.wait(lambda: len(joined.rows("Tunnel")) == 2, "the tunnels")
    joined.come_to_rest()
    flows, groups = joined.flows(), joined.groups()
    columns: dict[str, dict[str, Any]] = {
        "Global": {"other_config": {"color": "red"}},
        "Physical_Switch": {"other_config": {"color": "red"}, "description": "rack 7"},
        "Physical_Port": {"other_config": {"color": "red"}, "description": "socket 9"},
        "Logical_Switch": {"other_config": {"color": "red"}, "description": "tenant"},
        "Mcast_Macs_Remote": {"ipaddr": "224.0.0.251"},
        "Mcast_Macs_Local": {"ipaddr": "10.0.0.1"},
    }
    joined.transact(
        *(
            {"op": "update", "table": table, "where": [], "row": as_json(values)}
            for table, values in columns.items()
        )
    )
    before = {table: by_uuid(joined.rows(table)) for table in columns}
    assert_restart_changes_nothing(joined)
    after = {table: by_uuid(joined.rows(table)) for table in columns}
    for table, values in columns.items():
        assert after[table].keys() == before[table].keys()
        for row in after[table].values():
            assert values.items() <= row.items()
    assert (joined.flows(), joined.groups()) == (flows, groups)


def test_the_ipaddr_of_our_rows_is_ours_and_that_of_others_is_theirs(joined: DummySwitch) -> None:
    joined.receive("p0", "00:00:00:00:00:01", BROADCAST)
    joined.wait(lambda: joined.local_macs(), "a local MAC")
    joined.vtep_ctl(
        "add-ps", "other", "--", "set", "Physical_Switch", "other", "tunnel_ips=10.9.9.9"
    )
    joined.vtep_ctl("add-ucast-local", "ls0", STATION, "10.9.9.9")
    row = {"ipaddr": "10.0.0.1"}
    joined.transact({"op": "update", "table": "Ucast_Macs_Local", "where": [], "row": row})
    ips = lambda: sorted(row["ipaddr"] for row in joined.rows("Ucast_Macs_Local"))  # noqa: E731
    joined.wait(lambda: ips() == ["", "10.0.0.1"], "our row without what nobody stated")
    joined.come_to_rest()
    assert joined.row("Ucast_Macs_Local", MAC=STATION)["ipaddr"] == "10.0.0.1"


def as_json(values: dict[str, Any]) -> dict[str, Any]:
    return {
        column: ["map", list(map(list, value.items()))] if isinstance(value, dict) else value
        for column, value in values.items()
    }


def test_managers_are_the_business_of_the_database_server(joined: DummySwitch) -> None:
    port = held_port()
    joined.vtep_ctl("set-manager", f"ptcp:{port}:127.0.0.1")
    settings = "max_backoff=2000", "inactivity_probe=9000", "other_config:dscp=10"
    joined.vtep_ctl("set", "Manager", f"ptcp:{port}:127.0.0.1", *settings)
    remote = f"tcp:127.0.0.1:{port}"
    listening = lambda: joined.namespace.listens(port)  # noqa: E731
    joined.wait(listening, "the server to listen for managers")
    joined.run(["vtep-ctl", f"--db={remote}", "bind-ls", "br0", "p1", "20", "ls0"])
    sent = lambda: joined.sends("p0", BROADCAST)  # noqa: E731
    joined.wait(lambda: sent() == ["p1 vlan 10", "p1 vlan 20"], "what a manager asked for")
    (row,) = joined.rows("Manager")
    assert (row["target"], row["max_backoff"]) == (f"ptcp:{port}:127.0.0.1", 2000)
    assert (row["inactivity_probe"], row["other_config"]) == (9000, {"dscp": "10"})
    with socket.create_connection(("127.0.0.1", port)):
        connected = lambda: joined.rows("Manager")[0]["is_connected"]  # noqa: E731
        joined.wait(connected, "the server to say that a manager is connected")
        assert joined.rows("Manager")[0]["status"]
    joined.vtep_ctl("del-manager")
    joined.wait(lambda: not listening(), "the end of that")
