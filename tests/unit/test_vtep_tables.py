"""What rows of hardware_vtep amount to, and what writes make of them, through the ovs library."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

import pytest

from sim.lab.openvswitch import SCHEMA_FILES
from vtep_ofapp.ovsdb import replaced, schemas
from vtep_ofapp.ovsdb.hardware_vtep import registry, tables
from vtep_ofapp.ovsdb.hardware_vtep.tables import VtepTables
from vtep_ofapp.ovsdb.open_vswitch.tables import GROUPS as OPEN_VSWITCH
from vtep_ofapp.ovsdb.reader import Reader
from vtep_ofapp.ovsdb.replica import Replica
from vtep_ofapp.ovsdb.writer import Writer
from vtep_ofapp.values import writes
from vtep_ofapp.values.acls import Acl, AclEntry, AclMatch
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.arp_sources import ArpSource, PutArpSource
from vtep_ofapp.values.events import VtepInSync, VtepRows
from vtep_ofapp.values.faults import FaultRow, FaultTable
from vtep_ofapp.values.rows import (
    BindingStats,
    Gone,
    Locator,
    PhysicalSwitch,
    Refused,
    RemoteMac,
    RemoteMcastMac,
    TunnelReport,
)

from .builders import FAR, FURTHER, MAC1, MAC2, OWN, RED, SWITCH, uuid
from .ovsdb_server import LOCATION, ServerDouble
from .vtep_contents import Tables, updates

NEAR_END, FAR_END, PORT, STATS, MAC, GROUP, SET, LOCAL, TWIN = map(uuid, range(0x900, 0x909))
LOCAL_GROUP = uuid(0x909)


def ref(row: UUID) -> list[str]:
    return ["uuid", str(row)]


def locator(address: str = FAR, **columns: object) -> dict[str, Any]:
    return {"encapsulation_type": "vxlan_over_ipv4", "dst_ip": address, **columns}


def counters(**told: int) -> dict[str, int]:
    return {**asdict(BindingStats()), **told}


def contents() -> Tables:
    """A switch with a port and its counters, and a station and a flood list behind one VTEP."""
    rows: dict[str, dict[UUID, dict[str, Any]]] = {
        "Physical_Switch": {SWITCH: {"name": "br0", "tunnel_ips": OWN, "ports": ref(PORT)}},
        "Physical_Port": {
            PORT: {
                "name": "p0",
                "vlan_bindings": ["map", [[0, ref(RED)]]],
                "vlan_stats": ["map", [[0, ref(STATS)]]],
            }
        },
        "Logical_Binding_Stats": {STATS: counters(packets_from_local=1)},
        "Logical_Switch": {RED: {"name": "red", "tunnel_key": 5001}},
        "Physical_Locator": {FAR_END: locator(), NEAR_END: locator(OWN)},
        "Physical_Locator_Set": {SET: {"locators": ref(FAR_END)}},
        "Ucast_Macs_Remote": {
            MAC: {"MAC": MAC1, "logical_switch": ref(RED), "locator": ref(FAR_END)}
        },
        "Mcast_Macs_Remote": {
            GROUP: {"MAC": "unknown-dst", "logical_switch": ref(RED), "locator_set": ref(SET)}
        },
        "ACL": {},
        "ACL_entry": {},
        "Arp_Sources_Remote": {},
        "Arp_Sources_Local": {},
        "Mcast_Macs_Local": {
            LOCAL_GROUP: {
                "MAC": "01:00:5e:01:01:01",
                "logical_switch": ref(RED),
                "locator_set": ref(SET),
                "ipaddr": "239.1.1.1",
            },
        },
        "Ucast_Macs_Local": {
            each: {"MAC": MAC2, "logical_switch": ref(RED), "locator": ref(NEAR_END)}
            for each in (LOCAL, TWIN)
        },
    }
    return {table: {str(row): told for row, told in each.items()} for table, each in rows.items()}


class Vtep:
    """The reader and the writer of a database."""

    def __init__(self, rows: Tables, schema: Any = None) -> None:
        replaced.install()
        self.events: list[Any] = []
        self.ended: list[str | None] = []
        self.rows = rows
        self.tables = VtepTables()
        schema = schema or json.loads(SCHEMA_FILES["vtep"].read_text())
        missing = schemas.missing(schema, self.tables.columns)
        self.reader = Reader(self.tables, self.events.append)
        helper = schemas.helper_for(schema, self.tables.columns)
        self.replica = Replica(LOCATION, helper, self.reader)
        self.tables.attach(schemas.tables_of(self.replica, missing), missing)
        self.server = ServerDouble(self.replica.session)
        self.server.rows = updates({}, rows)
        self.writer = Writer("hardware_vtep", self.tables, self.ended.append)
        self.read_on()

    def read_on(self) -> None:
        self.reader.read_on(self.replica)
        while self.server.has_more or self.reader.is_behind:
            self.reader.read_on(self.replica)

    def told(self) -> list[Any]:
        """Return the rows that were told since this was called last."""
        rows = [row for event in self.events if isinstance(event, VtepRows) for row in event.rows]
        self.events.clear()
        return rows

    def change(self, table: str, row: Any, **columns: Any) -> list[Any]:
        """Change a row, or delete it if there are no columns; return the rows that are told."""
        self.told()
        rows = {each: dict(self.rows[each]) for each in self.rows}
        former = rows[table].pop(str(row), {})
        if columns:
            rows[table][str(row)] = {**former, **columns}
        self.server.tell(updates(self.rows, rows))
        self.rows = rows
        self.read_on()
        return self.told()

    def write(self, *what: Any) -> list[dict[str, Any]]:
        """Return the operations of a transaction for some writes, without its comments."""
        asked = len(self.server.asked)
        self.writer.put(what)
        self.writer.advance(self.replica)
        if self.ended:
            assert self.ended == [None]
            return []
        (request,) = self.server.asked[asked:]
        self.server.reply(request, [{} for _ in request.params[1:]])
        return [each for each in request.params[1:] if each["op"] != "comment"]


@pytest.fixture
def vtep() -> Vtep:
    return Vtep(contents())


def inserted(operations: Iterable[dict[str, Any]], table: str) -> list[dict[str, Any]]:
    rows = [each for each in operations if each["op"] == "insert" and each["table"] == table]
    return [each["row"] for each in rows]


def test_each_write_has_one_way_to_be_performed() -> None:
    for base, groups in (
        (writes.VtepWrite, registry.GROUPS),
        (writes.SwitchWrite, OPEN_VSWITCH),
    ):
        declared = [each.kind.__name__ for group in groups for each in group.writes]
        ours = (each for each in base.__subclasses__() if each.__module__.startswith("vtep_ofapp."))
        assert sorted(declared) == sorted({each.__name__ for each in ours})


def test_each_table_is_declared_once() -> None:
    declared = [table.name for group in registry.GROUPS for table in group.tables]
    assert len(declared) == len(set(declared))


# Reading


def test_all_rows_are_told_and_named_in_the_end(vtep: Vtep) -> None:
    (*rows, last) = vtep.events
    assert isinstance(last, VtepInSync)
    told = {row.uuid for event in rows for row in event.rows}
    assert told == {SWITCH, RED, MAC, GROUP, LOCAL, TWIN, LOCAL_GROUP}
    assert last.rows == told | {NEAR_END, FAR_END}


def test_a_switch_is_told_with_its_ports_and_their_counters(vtep: Vtep) -> None:
    (switch,) = (row for row in vtep.told() if isinstance(row, PhysicalSwitch))
    (port,) = switch.ports
    assert port.vlan_bindings == {0: RED}
    assert port.vlan_stats == {0: BindingStats(1)}
    (switch,) = vtep.change("Logical_Binding_Stats", STATS, bytes_to_local=7)
    (port,) = switch.ports
    assert port.vlan_stats == {0: BindingStats(1, 0, 0, 7)}
    assert port.vlan_bindings == {0: RED}
    assert vtep.change("Physical_Switch", SWITCH) == [Gone(SWITCH)]


def test_a_port_is_told_with_the_access_lists_of_its_vlans() -> None:
    acl = uuid(0xAC1)
    rows = contents()
    rows["ACL"] = {str(acl): {"acl_name": "web"}}
    rows["Physical_Port"][str(PORT)]["acl_bindings"] = ["map", [[0, ref(acl)]]]
    (switch,) = (row for row in Vtep(rows).told() if isinstance(row, PhysicalSwitch))
    assert switch.ports[0].acl_bindings == {0: acl}


def test_a_change_that_says_nothing_to_us_is_not_told(vtep: Vtep) -> None:
    assert vtep.change("Physical_Locator", uuid(0x999), **locator(FURTHER)) == []
    assert vtep.events == []


def test_a_locator_that_cannot_be_used_is_told_until_it_is_mended(vtep: Vtep) -> None:
    bad, *others = vtep.change("Physical_Locator", NEAR_END, **locator("x"))
    assert isinstance(bad, Refused)
    assert (bad.uuid, others) == (NEAR_END, [])
    assert vtep.change("Physical_Locator", NEAR_END, **locator(OWN)) == [Gone(NEAR_END)]


def test_what_a_locators_key_says_of_macs_is_read_again(vtep: Vtep) -> None:
    end = Locator(FAR_END, FAR, 7)
    group, mac = vtep.change("Physical_Locator", FAR_END, **locator(tunnel_key=7))
    assert mac == RemoteMac(MAC, MAC1, RED, end)
    assert group == RemoteMcastMac(GROUP, group.mac, RED, frozenset({end}))


def test_a_multicast_mac_that_is_none_is_refused(vtep: Vtep) -> None:
    (bad,) = vtep.change("Mcast_Macs_Remote", GROUP, MAC="x")
    assert isinstance(bad, Refused)
    assert bad.subject == f"Mcast_Macs_Remote x (row {GROUP})"
    assert bad.logical_switch == RED


# Writing


def test_a_locator_is_looked_up_before_it_is_made(vtep: Vtep) -> None:
    put = [
        writes.PutLocalMac(RED, "02:00:00:00:00:0a", OWN),
        writes.PutLocalMac(RED, "02:00:00:00:00:0b", FURTHER),
        writes.PutLocalMac(RED, "02:00:00:00:00:0c", FURTHER),
    ]
    operations = vtep.write(*put)
    assert inserted(operations, "Physical_Locator") == [locator(FURTHER)]
    macs = inserted(operations, "Ucast_Macs_Local")
    assert {row["MAC"] for row in macs} == {each.mac for each in put}
    assert [row["locator"] for row in macs if row["MAC"] == put[0].mac] == [ref(NEAR_END)]


def test_one_row_of_several_that_say_the_same_is_left(vtep: Vtep) -> None:
    operations = vtep.write(writes.PutLocalMac(RED, MAC2, OWN, (LOCAL, TWIN)))
    deleted = [each["where"] for each in operations if each["op"] == "delete"]
    assert deleted == [[["_uuid", "==", ref(TWIN)]]]
    assert not inserted(operations, "Ucast_Macs_Local")


def test_what_is_right_already_is_not_written(vtep: Vtep) -> None:
    assert vtep.write(writes.PutLocalMac(RED, MAC2, OWN, (LOCAL,))) == []
    assert vtep.ended == [None]


def test_a_group_has_a_row_with_its_addresses(vtep: Vtep) -> None:
    put = writes.PutLocalMcastMac(RED, "01:00:5e:01:01:01", frozenset({OWN}), ip="239.1.1.1")
    operations = vtep.write(put)
    (row,) = inserted(operations, "Mcast_Macs_Local")
    assert (row["MAC"], row["ipaddr"]) == (put.mac, "239.1.1.1")
    (locators,) = inserted(operations, "Physical_Locator_Set")
    assert locators["locators"] == ref(NEAR_END)


@pytest.mark.parametrize(
    ("ip", "written"),
    [("239.1.1.1", []), (None, []), ("224.1.1.1", [("update", {"ipaddr": "224.1.1.1"})])],
)
def test_the_ip_address_of_a_group_changes_in_its_row(
    vtep: Vtep, ip: str | None, written: list[tuple[str, dict[str, str]]]
) -> None:
    mac, addresses = "01:00:5e:01:01:01", frozenset({FAR})
    operations = vtep.write(writes.PutLocalMcastMac(RED, mac, addresses, (LOCAL_GROUP,), ip))
    assert [(each["op"], each["row"]) for each in operations] == written


def test_what_the_rows_of_a_write_are_gone_of_is_left_out(vtep: Vtep) -> None:
    nowhere = uuid(0xFFF)
    assert not vtep.write(
        writes.PutLocalMac(nowhere, MAC1, OWN),
        writes.PutLocalMcastMac(nowhere, UNKNOWN_DST, frozenset({OWN})),
        writes.PutPhysicalPort(nowhere, "p1"),
        writes.RemovePhysicalPort(nowhere, "p0"),
        writes.PutTunnel(SWITCH, nowhere, TunnelReport(OWN)),
        writes.RemoveTunnel(nowhere, FAR_END),
        writes.PutBindingStats(nowhere, 0, BindingStats()),
        writes.PutFaultStatus(FaultRow(FaultTable.PHYSICAL_PORT, nowhere), frozenset({"x"})),
        writes.DescribeSwitch(nowhere, frozenset({OWN}), "x"),
    )


def test_a_fault_goes_into_the_column_of_its_table(vtep: Vtep) -> None:
    row = FaultRow(FaultTable.PHYSICAL_PORT, PORT)
    (operation,) = vtep.write(writes.PutFaultStatus(row, frozenset({"invalid_vlan_map"})))
    assert operation["table"] == "Physical_Port"
    assert operation["row"] == {"port_fault_status": "invalid_vlan_map"}


def test_counters_of_a_binding_have_a_row(vtep: Vtep) -> None:
    (operation,) = vtep.write(writes.PutBindingStats(PORT, 0, BindingStats(2, 0, 0, 9)))
    assert operation["where"] == [["_uuid", "==", ref(STATS)]]
    assert operation["row"] == counters(packets_from_local=2, bytes_to_local=9)


def test_writes_to_what_an_old_schema_lacks_are_not_taken() -> None:
    schema = json.loads(SCHEMA_FILES["vtep"].read_text())
    del schema["tables"]["Tunnel"]
    del schema["tables"]["Physical_Switch"]["columns"]["tunnels"]
    del schema["tables"]["Physical_Port"]["columns"]["port_fault_status"]
    tables = Vtep(contents(), schema).tables
    assert not tables.takes(writes.PutTunnel(SWITCH, FAR_END, TunnelReport(OWN)))
    assert not tables.takes(writes.RemoveTunnel(SWITCH, FAR_END))
    for table, has in ((FaultTable.PHYSICAL_PORT, False), (FaultTable.PHYSICAL_SWITCH, True)):
        assert tables.takes(writes.PutFaultStatus(FaultRow(table, PORT), frozenset())) == has
    assert tables.takes(writes.PutBindingStats(PORT, 0, None))
    assert tables.takes(writes.PutPhysicalPort(SWITCH, "p1"))


# Access lists


def test_entries_of_access_lists_are_read_with_all_that_is_wrong_with_them(vtep: Vtep) -> None:
    acl, entry = uuid(0x90A), uuid(0x90B)
    columns = {"sequence": 10, "direction": "egress", "action": "permit", "protocol": 6}
    (told,) = vtep.change("ACL_entry", entry, **columns)
    assert told == AclEntry(entry, 10, is_egress=True, permits=True, match=AclMatch(protocol=6))
    (told,) = vtep.change("ACL", acl, acl_name="x", acl_entries=ref(entry))
    assert told == Acl(acl, "x", frozenset({entry}))
    words = ["set", ["invalid_acl_entry"]]
    (told,) = vtep.change("ACL_entry", entry, protocol=999, acle_fault_status=words)
    assert told.match is None
    assert [each.reason for each in told.refused] == ["protocol: 999 is outside of 0 to 255"]
    assert told.fault_status == {"invalid_acl_entry"}
    assert vtep.change("ACL", acl) == [Gone(acl)]


def test_faults_of_entries_are_written_and_cleared_although_the_library_sees_no_entry(
    vtep: Vtep,
) -> None:
    entry, word = uuid(0x90B), "invalid_acl_entry"
    row = FaultRow(FaultTable.ACL_ENTRY, entry)
    assert vtep.write(writes.PutFaultStatus(row, frozenset({word}))) == []
    columns = {"sequence": 10, "direction": "egress", "action": "permit"}
    vtep.change("ACL_entry", entry, **columns)
    vtep.ended.clear()
    (operation,) = vtep.write(writes.PutFaultStatus(row, frozenset({word})))
    expected = {"op": "update", "table": "ACL_entry", "where": [["_uuid", "==", ref(entry)]]}
    assert operation == {**expected, "row": {"acle_fault_status": word}}
    vtep.change("ACL_entry", entry, acle_fault_status=word)
    vtep.read_on()
    vtep.writer.advance(vtep.replica)
    assert vtep.ended == [None]
    vtep.ended.clear()
    (operation,) = vtep.write(writes.PutFaultStatus(row, frozenset()))
    assert operation == {**expected, "row": {"acle_fault_status": ["set", []]}}


# ARP sources


def test_arp_sources_are_read_with_all_that_is_wrong_with_them(vtep: Vtep) -> None:
    row, columns = uuid(0x90C), {"src_mac": "06:00:00:00:00:0A", "locator": ref(FAR_END)}
    there = Locator(FAR_END, FAR)
    told = vtep.change("Arp_Sources_Remote", row, **columns)
    assert told == [ArpSource(row, "06:00:00:00:00:0a", there)]
    (told_again,) = vtep.change("Arp_Sources_Remote", row, src_mac="01:00:00:00:00:0a")
    reason = "src_mac: 01:00:00:00:00:0a is not the address of one station"
    assert told_again == ArpSource(row, "", there, refused=reason)
    assert vtep.change("Arp_Sources_Remote", row) == [Gone(row)]
    told = vtep.change("Arp_Sources_Local", row, **columns)
    assert told == [ArpSource(row, "06:00:00:00:00:0a", there, is_local=True)]


def test_arp_sources_are_read_again_when_the_key_of_their_locator_changes(vtep: Vtep) -> None:
    rows = {"Arp_Sources_Remote": uuid(0x90C), "Arp_Sources_Local": uuid(0x90D)}
    for table, row in rows.items():
        vtep.change(table, row, src_mac=MAC1, locator=ref(FAR_END))
    told = vtep.change("Physical_Locator", FAR_END, tunnel_key=7)
    there = Locator(FAR_END, FAR, 7)
    assert ArpSource(rows["Arp_Sources_Remote"], MAC1, there) in told
    assert ArpSource(rows["Arp_Sources_Local"], MAC1, there, is_local=True) in told


def test_our_arp_source_is_one_row(vtep: Vtep) -> None:
    one, other = uuid(0x90C), uuid(0x90D)
    (operation,) = vtep.write(PutArpSource(MAC1, OWN))
    row = {"src_mac": MAC1, "locator": ref(NEAR_END)}
    assert (operation["op"], operation["row"]) == ("insert", row)
    vtep.change("Arp_Sources_Local", one, **row)
    vtep.change("Arp_Sources_Local", other, **{**row, "src_mac": MAC2})
    vtep.writer.advance(vtep.replica)
    vtep.ended.clear()
    (operation,) = vtep.write(PutArpSource(MAC1, OWN, (one, other)))
    assert (operation["op"], operation["where"][0][2]) == ("delete", ref(other))


def test_very_many_rows_come_in_parts_of_one_change(
    vtep: Vtep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_IN_PART", 3)
    lists = {str(uuid(0xE00 + number)): {"acl_name": str(number)} for number in range(7)}
    vtep.told()
    vtep.server.tell(updates(vtep.rows, {**vtep.rows, "ACL": lists}))
    vtep.read_on()
    parts = [(len(event.rows), event.more) for event in vtep.events]
    assert parts == [(3, True), (3, True), (1, False)]
