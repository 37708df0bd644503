"""The tables of a bridge have their names in Open_vSwitch, so that ovs-ofctl prints them."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

from sim.lab.openvswitch import SCHEMA_FILES
from tests.switch.conftest import described
from tests.switch.dummy import DummySwitch
from tests.switch.state import assert_restart_changes_nothing
from vtep_ofapp.pipeline.layout import Table

NAMES = {table.value: table.name for table in Table}


def tables(switch: DummySwitch, bridge: str = "br0") -> dict[int, UUID]:
    """Return the Flow_Table row of each table of a bridge that has one."""
    (row,) = (row for row in switch.rows("Bridge", "Open_vSwitch") if row["name"] == bridge)
    found: dict[int, UUID] = row["flow_tables"]
    return found


def rows(switch: DummySwitch) -> dict[UUID, dict[str, Any]]:
    """Return all rows of Flow_Table; one that was written again has a new _version."""
    return {row["_uuid"]: row for row in switch.rows("Flow_Table", "Open_vSwitch")}


def names(switch: DummySwitch, bridge: str = "br0") -> dict[int, str]:
    """Return the names of the tables of a bridge that have a Flow_Table with one."""
    found = switch.snapshot("Bridge", "Flow_Table", database="Open_vSwitch")
    there = {row["_uuid"]: row["name"] for row in found["Flow_Table"]}
    (row,) = (row for row in found["Bridge"] if row["name"] == bridge)
    return {number: there[uuid] for number, uuid in row["flow_tables"].items()}


def set_table(switch: DummySwitch, number: int, *columns: str) -> UUID:
    """Give a table of br0 a Flow_Table, as an operator does."""
    switch.ovs_vsctl(
        "--id=@t", "create", "Flow_Table", *columns,
        "--", "set", "bridge", "br0", f"flow_tables:{number}=@t",
    )  # fmt: skip
    return tables(switch)[number]


def test_ovs_ofctl_prints_the_names_and_flows_and_groups_stay(joined: DummySwitch) -> None:
    joined.learns("00:00:00:00:00:01")
    joined.wait(lambda: names(joined) == NAMES, "the names")
    flows, groups, ages = joined.flows(), joined.groups(), joined.ages()
    printed = {
        re.findall(r'table="?([^,"]+)"?,', flow)[0] for flow in joined.flows(ports="--names")
    }
    assert printed <= set(NAMES.values())
    assert {"DECAPSULATION", "UNICAST", "ENCAPSULATION"} <= printed
    assert "table=UNICAST" in joined.ofctl("--names", "dump-flows", "br0", "table=UNICAST")
    # ovs-ofctl quotes a name with an underscore, and takes it without quotes.
    found = joined.ofctl("--names", "dump-flows", "br0", "table=REMOTE_FLOODING")
    assert 'table="REMOTE_FLOODING"' in found
    # Names that go and come are no reason for Open vSwitch to touch a flow.
    joined.ovs_vsctl("clear", "bridge", "br0", "flow_tables")
    joined.wait(lambda: names(joined) == NAMES, "the names again")
    assert (joined.flows(), joined.groups()) == (flows, groups)
    assert all(joined.ages()[flow] >= age for flow, age in ages.items())
    before = rows(joined)
    assert_restart_changes_nothing(joined)
    assert rows(joined) == before


def test_a_name_that_somebody_changes_is_mended_and_settings_of_others_stay(
    joined: DummySwitch,
) -> None:
    joined.wait(lambda: names(joined) == NAMES, "the names")
    joined.ovs_vsctl("set", "Flow_Table", str(tables(joined)[60]), "name=mine")
    joined.wait(lambda: names(joined) == NAMES, "the name")
    joined.ovs_vsctl("remove", "bridge", "br0", "flow_tables", "60")
    joined.wait(lambda: names(joined) == NAMES, "the row")
    # A row of an operator takes the place of ours; one of ours that gets a limit is the operator's.
    own = set_table(joined, 90, "flow_limit=100000")
    limited = tables(joined)[70]
    joined.ovs_vsctl("set", "Flow_Table", str(limited), "flow_limit=5000", "name=floods")
    before = {uuid: rows(joined)[uuid] for uuid in (own, limited)}
    joined.restart_app()
    joined.come_to_rest()
    assert names(joined) == {**NAMES, 70: "floods", 90: ()}
    assert {uuid: rows(joined)[uuid] for uuid in (own, limited)} == before


def test_names_go_with_the_switch_and_those_of_others_stay(switch: DummySwitch) -> None:
    switch.add_bridge()
    own = set_table(switch, 60, "name=mine")
    beyond = set_table(switch, 200, "flow_limit=7")
    before = rows(switch)
    switch.add_physical_switch()
    switch.app.take_over()
    ours = {number: name for number, name in NAMES.items() if number != 60}
    switch.wait(lambda: names(switch) == {**ours, 60: "mine", 200: ()}, "the names")
    switch.vtep_ctl("del-ps", "br0")
    switch.wait(lambda: tables(switch) == {60: own, 200: beyond}, "the end of our names")
    assert rows(switch) == before


def test_each_bridge_has_names_of_its_own(joined: DummySwitch) -> None:
    joined.add_bridge("br1", ports=("q0",))
    joined.add_physical_switch("br1")
    joined.point_at_app("br1")
    joined.wait(lambda: names(joined, "br1") == NAMES, "the names of br1")
    joined.wait(lambda: names(joined) == NAMES, "the names of br0")
    before = tables(joined)
    assert not set(before.values()) & set(tables(joined, "br1").values())
    joined.vtep_ctl("del-ps", "br1")
    joined.wait(lambda: tables(joined, "br1") == {}, "the end of the names of br1")
    assert tables(joined) == before


def test_a_schema_without_room_for_our_mark_gets_no_names() -> None:
    schema = json.loads(SCHEMA_FILES["ovs"].read_text())
    del schema["tables"]["Flow_Table"]["columns"]["external_ids"], schema["cksum"]
    with described(DummySwitch) as switch:
        file = switch.folder / "older.ovsschema"
        file.write_text(json.dumps(schema))
        switch.databases[switch.folder / "ovs.db"] = file
        switch.start()
        switch.manage()
        switch.join()
        switch.wait_for_log("Flow_Table.external_ids")
        switch.come_to_rest()
        assert tables(switch) == {}
