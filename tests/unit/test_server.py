"""Which servers can be used, and where they are."""

import json
from typing import Any

import ovs.db.schema
import pytest
from ovs.db.types import Type

from sim.lab.openvswitch import SCHEMA_FILES
from vtep_ofapp.ovsdb import schemas
from vtep_ofapp.ovsdb.errors import Unusable
from vtep_ofapp.ovsdb.hardware_vtep.tables import VtepTables
from vtep_ofapp.ovsdb.open_vswitch.tables import OpenVSwitchTables
from vtep_ofapp.ovsdb.server import addresses, reason_against


@pytest.mark.parametrize(
    "remote",
    ["unix:/run/db.sock", "tcp:192.0.2.1:6640", "ssl:[2001:db8::1]:6640", "tcp:[::1]:6640"],
)
def test_addresses_are_taken_as_they_are(remote: str) -> None:
    assert addresses(remote) == (remote,)


def test_a_name_is_resolved() -> None:
    assert "tcp:127.0.0.1:6640" in addresses("tcp:localhost:6640")


def test_a_name_without_an_address_is_said() -> None:
    with pytest.raises(Unusable, match=r"the name nothing\.invalid has no address: "):
        addresses("ssl:nothing.invalid:6640")


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({}, None),
        ({"model": "standalone", "connected": True, "leader": True}, None),
        ({"model": "clustered", "connected": True, "leader": True}, None),
        ({"model": "clustered", "connected": True, "leader": False}, "does not lead its cluster"),
        ({"model": "clustered", "connected": False, "leader": True}, "no contact with most"),
        ({"model": "relay", "connected": True, "leader": False}, "is a relay"),
    ],
)
def test_a_server_is_judged_by_its_role(about: dict[str, Any], reason: str | None) -> None:
    found = reason_against(about)
    assert found is None if reason is None else reason in str(found)


def vtep_schema() -> Any:
    return json.loads(SCHEMA_FILES["vtep"].read_text())


def test_the_newest_schemas_lack_nothing() -> None:
    for tables, file in ((VtepTables, "vtep"), (OpenVSwitchTables, "ovs")):
        schema = json.loads(SCHEMA_FILES[file].read_text())
        assert schemas.missing(schema, tables.columns) == {}
        schemas.check(schema, tables.columns)


@pytest.mark.parametrize(("tables", "file"), [(VtepTables, "vtep"), (OpenVSwitchTables, "ovs")])
def test_a_column_that_may_be_missing_is_a_map_where_the_newest_schema_has_one(
    tables: type[VtepTables] | type[OpenVSwitchTables], file: str
) -> None:
    schema = ovs.db.schema.DbSchema.from_json(json.loads(SCHEMA_FILES[file].read_text()))
    optional = [
        (table, name, Type.from_json(each))
        for table, columns in tables.columns.items()
        for name, each in columns.items()
        if each is not schemas.NEEDED
    ]
    assert len(optional) > 5
    for table, name, ours in optional:
        theirs = schema.tables[table].columns[name].type
        assert ours.is_map() == theirs.is_map(), f"{table}.{name}"


def test_a_column_that_is_missing_has_the_empty_value_and_is_not_asked_for() -> None:
    schema = vtep_schema()
    del schema["tables"]["Logical_Switch"]["columns"]["replication_mode"]
    schemas.check(schema, VtepTables.columns)
    helper = schemas.helper_for(schema, VtepTables.columns)
    cut = helper.get_idl_schema()
    assert cut.tables["Logical_Switch"].columns["replication_mode"].type.is_set()
    assert cut.readonly["Logical_Switch"] == ["replication_mode"]
    assert cut.readonly["Physical_Switch"] == []


def test_a_table_that_is_missing_has_no_rows() -> None:
    schema = vtep_schema()
    del schema["tables"]["Manager"]
    del schema["tables"]["Global"]["columns"]["managers"]
    missing = schemas.missing(schema, VtepTables.columns)
    assert missing == {"Manager": ("target",)}
    assert schemas.text_of(missing) == "Manager.target"


@pytest.mark.parametrize("schema", [None, 5, {}, {"name": "x", "tables": {"Global": []}}])
def test_what_is_no_schema_is_said(schema: object) -> None:
    with pytest.raises(Unusable, match="no schema: "):
        schemas.check(schema, VtepTables.columns)


def test_a_column_that_is_needed_is_named() -> None:
    schema = vtep_schema()
    del schema["tables"]["Physical_Switch"]["columns"]["tunnel_ips"]
    with pytest.raises(Unusable, match=r"too old for us: no Physical_Switch\.tunnel_ips"):
        schemas.check(schema, VtepTables.columns)
