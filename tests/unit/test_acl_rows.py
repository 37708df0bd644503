"""Rows of ACL_entry past the IDL: what each update of any version amounts to."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.ovsdb.errors import Malformed
from vtep_ofapp.ovsdb.hardware_vtep.acl_rows import AclEntries
from vtep_ofapp.values.acls import AclEntry, AclMatch
from vtep_ofapp.values.rows import Gone

from .builders import uuid

ROW = uuid(100)
ALL_OF_4 = "255.255.255.255"
COLUMNS = {"sequence": 10, "direction": "egress", "action": "permit"}
INVALID = frozenset({"invalid_acl_entry"})


def told(entries: AclEntries, *updates: object, row: UUID = ROW) -> list[AclEntry | Gone]:
    """Tell updates of one row, one message each; return what they amount to."""
    for update in updates:
        entries.add({str(row): update})
    return list(entries.take(1000))


@pytest.fixture
def entries() -> AclEntries:
    return AclEntries()


@pytest.mark.parametrize("kind", ["initial", "insert", "new"])
def test_a_new_row_is_told_in_three_ways(entries: AclEntries, kind: str) -> None:
    assert told(entries, {kind: COLUMNS}) == [AclEntry(ROW, 10, True, True)]
    assert set(entries.uuids()) == {ROW}


def test_a_default_is_not_told(entries: AclEntries) -> None:
    row = {"direction": "ingress", "action": "deny"}
    assert told(entries, {"insert": row}) == [AclEntry(ROW, 0, False, False)]


@pytest.mark.parametrize("protocol", [6, ["set", [6]]])
def test_a_member_alone_may_be_there_without_its_set(entries: AclEntries, protocol: Any) -> None:
    (row,) = told(entries, {"insert": {**COLUMNS, "protocol": protocol}})
    assert row == AclEntry(ROW, 10, True, True, AclMatch(protocol=6))


def test_a_difference_has_the_new_value_of_a_column_that_has_one(entries: AclEntries) -> None:
    told(entries, {"insert": {**COLUMNS, "protocol": 6, "dest_ip": "10.0.0.1"}})
    there = ("10.0.0.1", ALL_OF_4)
    assert told(entries, {"modify": {"protocol": 17}}) == [
        AclEntry(ROW, 10, True, True, AclMatch(protocol=17, destination=there))
    ]
    changed = {"sequence": 11, "protocol": ["set", []], "direction": "ingress", "action": "deny"}
    assert told(entries, {"modify": changed}) == [
        AclEntry(ROW, 11, False, False, AclMatch(destination=there))
    ]


def test_a_difference_has_the_words_of_a_fault_that_came_or_went(entries: AclEntries) -> None:
    status = "acle_fault_status"
    told(entries, {"initial": {**COLUMNS, status: "x"}})
    (row,) = told(entries, {"modify": {status: ["set", ["x", "invalid_acl_entry"]]}})
    assert row == AclEntry(ROW, 10, True, True, fault_status=INVALID)
    assert entries.written(ROW) == {status: ["set", ["invalid_acl_entry"]]}
    (row,) = told(entries, {"modify": {"sequence": 1}})
    assert row == AclEntry(ROW, 1, True, True, fault_status=INVALID)
    (row,) = told(entries, {"old": {}, "new": COLUMNS})
    assert row == AclEntry(ROW, 10, True, True)


def test_a_row_that_is_deleted_is_gone_once(entries: AclEntries) -> None:
    told(entries, {"insert": COLUMNS})
    assert told(entries, {"delete": None}, {"delete": None}) == [Gone(ROW)]
    assert entries.written(ROW) is None
    assert not entries.uuids()


@pytest.mark.parametrize(
    "columns",
    [
        {"sequence": "1"},
        {"sequence": True},
        {"sequence": ["set", []]},
        {"direction": ["set", []]},
        {"action": 1},
        {"protocol": "6"},
        {"protocol": ["set", [6, 17]]},
        {"protocol": ["set", ["6"]]},
        {"protocol": ["set", 6]},
        {"protocol": ["uuid", str(ROW)]},
        {"source_ip": 1},
        {"acle_fault_status": 1},
        {"acle_fault_status": ["set", [1]]},
        {"acle_fault_status": ["map", []]},
    ],
    ids=str,
)
def test_a_value_of_another_type_is_malformed(entries: AclEntries, columns: Any) -> None:
    (name,) = columns
    with pytest.raises(Malformed, match=f"no {name} of a row of ACL_entry"):
        told(entries, {"insert": {**COLUMNS, **columns}})


@pytest.mark.parametrize("update", [None, {}, {"modify": COLUMNS}, {"insert": 1}, {"old": 1}])
def test_what_no_server_tells_is_said_to_be_so(entries: AclEntries, update: object) -> None:
    with pytest.raises(Malformed, match="ACL_entry"):
        told(entries, update)


OPTIONAL = {
    "protocol": st.sampled_from([6, 17, 999]),
    "dest_ip": st.sampled_from(["10.0.0.1", "bad"]),
    "dest_port_min": st.sampled_from([80, 70000]),
    "acle_fault_status": st.sets(st.sampled_from(["a", "b"])).map(sorted),
}
ROWS = st.fixed_dictionaries({"sequence": st.integers(0, 2)}, optional=OPTIONAL)


@given(st.lists(ROWS, min_size=1), st.booleans())
def test_any_changes_end_in_what_a_new_reader_finds(
    rows: list[dict[str, Any]], is_first_version: bool
) -> None:
    """A row as a database has it, after either version of updates."""
    entries, former = AclEntries(), dict[str, Any]()
    last: list[AclEntry | Gone] = []
    for columns in rows:
        row = {**COLUMNS, **columns}
        if not former or is_first_version:
            last = told(entries, {"new" if is_first_version else "insert": as_sent(row)})
        else:
            last = told(entries, {"modify": difference(former, row)})
        former = row
    assert last == told(AclEntries(), {"initial": as_sent(former)})


def as_sent(row: dict[str, Any]) -> dict[str, Any]:
    """Return columns as a server sends them."""
    return {key: ["set", each] if isinstance(each, list) else each for key, each in row.items()}


def difference(former: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return the difference of two rows, see ovsdb-server(7)."""
    changed = {}
    for key in former.keys() | row.keys():
        before, after = former.get(key), row.get(key)
        if key == "acle_fault_status":
            changed[key] = ["set", sorted({*(before or ())} ^ {*(after or ())})]
        elif before != after:
            changed[key] = ["set", []] if after is None else after
    return changed
