"""Access lists and own addresses of stations in the databases, with the NVC as a process."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.sim.nvc_process import (
    FAR,
    Nvc,
    Row,
    Vtep,
    X,
    Y,
    eventually,
    plan_for,
)

DENY = {"direction": "ingress", "action": "deny"}


def acls(*entries: Row, name: str = "web", port: str = "p0", vtep: str = "east") -> Row:
    """Return the keys of the file for one access list and its binding."""
    return {
        "acls": [{"name": name, "entries": list(entries)}],
        "acl_bindings": [{"vtep": vtep, "switch": "br0", "port": port, "acl": name}],
    }


def entry(sequence: int, **values: object) -> Row:
    return {"sequence": sequence, **DENY, **values}


def entries(vtep: Vtep, name: str = "web") -> dict[int, str]:
    """Return the UUIDs of an access list's entries, by their sequences."""
    lists, rows = vtep.select_all("ACL", "ACL_entry")
    [members] = [_set(row["acl_entries"]) for row in lists if row["acl_name"] == name]
    return {row["sequence"]: row["_uuid"][1] for row in rows if row["_uuid"] in members}


def bound(vtep: Vtep) -> dict[str, dict[int, str]]:
    lists, ports = vtep.select_all("ACL", "Physical_Port")
    names = {row["_uuid"][1]: row["acl_name"] for row in lists}
    return {
        row["name"]: {vlan: names[uuid[1]] for vlan, uuid in row["acl_bindings"][1]}
        for row in ports
    }


def names(vtep: Vtep) -> set[str]:
    return {row["acl_name"] for row in vtep.select("ACL")}


def _set(value: Any) -> list[Any]:
    """Return the members of a set, which OVSDB writes as its member if it has one."""
    return list(value[1]) if value[0] == "set" else [value]


def test_an_access_list_is_written_where_it_is_bound(nvc: Nvc, vteps: list[Vtep]) -> None:
    east, west, _ = vteps
    web = acls(entry(10, source_ip="10.0.0.0/8", protocol="tcp", dest_port="80-81"), entry(20))
    nvc.start(plan_for(*vteps, **web))
    eventually(lambda: bound(east) == {"p0": {0: "web"}, "p1": {}})
    [row] = [row for row in east.select("ACL_entry") if row["sequence"] == 10]
    columns = ("source_ip", "source_mask", "protocol", "dest_port_min", "dest_port_max")
    assert [row[column] for column in columns] == ["10.0.0.0", "255.0.0.0", 6, 80, 81]
    assert (row["direction"], row["action"]) == ("ingress", "deny")
    assert row["tcp_flags"] == ["set", []]
    eventually(lambda: west.bindings()["p0"])
    assert names(west) == set()


def test_a_change_keeps_rows_and_is_one_transaction(nvc: Nvc, vteps: list[Vtep]) -> None:
    east = vteps[0]
    nvc.start(plan_for(*vteps, **acls(entry(10), entry(20, protocol=6), entry(30))))
    eventually(lambda: bound(east)["p0"] == {0: "web"})
    before = entries(east)
    changed = acls(entry(10), entry(20, protocol=17), entry(40, protocol=1))
    with east.watched("ACL", "acl_entries") as lists, east.transactions() as transactions:
        nvc.write(plan_for(*vteps, **changed))
        eventually(lambda: set(entries(east)) == {10, 20, 40})
        assert len(lists()) == 1
        assert transactions() == 1
    after = entries(east)
    assert (after[10], after[20]) == (before[10], before[20])
    assert {row["sequence"]: row["protocol"] for row in east.select("ACL_entry")} == {
        10: ["set", []],
        20: 17,
        40: 1,
    }


def test_what_the_file_names_no_more_goes_and_what_others_wrote_stays(
    nvc: Nvc, vteps: list[Vtep]
) -> None:
    east = vteps[0]
    nvc.start(plan_for(*vteps, **acls(entry(10), entry(20))))
    eventually(lambda: bound(east)["p0"] == {0: "web"})
    nvc.end()
    shared = entries(east)[10]
    theirs = {"acl_name": "theirs", "acl_entries": ["uuid", shared]}
    east.transact(
        {"op": "insert", "table": "ACL", "row": theirs, "uuid-name": "theirs"},
        {
            "op": "update",
            "table": "Physical_Port",
            "where": [["name", "==", "p1"]],
            "row": {"acl_bindings": ["map", [[0, ["named-uuid", "theirs"]]]]},
        },
    )
    nvc.start(plan_for(*vteps, **acls(entry(10), name="other", port="p1")))
    eventually(lambda: names(east) == {"theirs", "other"})
    assert bound(east) == {"p0": {}, "p1": {0: "theirs"}}
    assert entries(east, "theirs") == {10: shared}
    assert len(east.select("ACL_entry")) == 2
    eventually(lambda: "acl_bindings 0 of br0 p1 belongs to theirs" in nvc.log.read_text())
    [settings] = east.select("Global")
    assert settings["other_config"] == ["map", [["other", "sim.nvc"]]]


def test_a_new_start_changes_no_access_list(nvc: Nvc, vteps: list[Vtep]) -> None:
    east = vteps[0]
    plan = plan_for(*vteps, **acls(entry(10, ethertype="0x0806"), entry(20, tcp_flags=2)))
    nvc.start(plan)
    eventually(lambda: bound(east)["p0"] == {0: "web"})
    nvc.end()
    with east.watched("ACL_entry", "sequence") as heard, east.transactions() as transactions:
        connected = nvc.log.read_text().count(": connected")
        nvc.start(plan)
        eventually(lambda: nvc.log.read_text().count(": connected") == connected + 3)
        assert (heard(), transactions()) == ([], 0)


# Own addresses of stations


def addresses(vtep: Vtep) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in vtep.select("Ucast_Macs_Remote"):
        found.setdefault(row["MAC"], set()).add(row["ipaddr"])
    return found


def is_told(vtep: Vtep, ip: str) -> bool:
    return addresses(vtep) == {X: {ip}}


def placed(*ips: str) -> Row:
    return {"stations": [{"logical_switch": "green", "mac": Y, "address": FAR, "ip": [*ips]}]}


def test_each_address_of_a_station_is_a_row_and_follows_the_file(
    nvc: Nvc, vteps: list[Vtep]
) -> None:
    east = vteps[0]
    nvc.start(plan_for(*vteps, **placed("192.168.44.9", "fd00::9")))
    eventually(lambda: addresses(east) == {Y: {"192.168.44.9", "fd00::9"}})
    assert east.stations() == [("green", Y, FAR)] * 2
    with east.watched("Ucast_Macs_Remote", "ipaddr") as updates:
        nvc.write(plan_for(*vteps, **placed("192.168.44.9", "fd00::8")))
        eventually(lambda: addresses(east) == {Y: {"192.168.44.9", "fd00::8"}})
        [update] = updates()
    assert (update["old"]["ipaddr"], update["new"]["ipaddr"]) == ("fd00::9", "fd00::8")
    nvc.write(plan_for(*vteps))
    eventually(lambda: addresses(east) == {Y: {""}})
    assert east.stations() == [("green", Y, FAR)]


def test_the_address_that_a_vtep_reports_is_passed_on(nvc: Nvc, vteps: list[Vtep]) -> None:
    east, west, _ = vteps
    nvc.start(plan_for(*vteps, stations=[]))
    eventually(lambda: east.bindings()["p0"])
    east.claim(X)
    eventually(lambda: addresses(west) == {X: {""}})
    for ip in ("192.168.33.9", "192.168.33.8", ""):
        row = {"ipaddr": ip}
        east.transact({"op": "update", "table": "Ucast_Macs_Local", "where": [], "row": row})
        eventually(partial(is_told, west, ip))
    assert addresses(east) == {}
