"""Rows of Logical_Router past the IDL: what each update of any version amounts to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.ovsdb.errors import Malformed
from vtep_ofapp.ovsdb.hardware_vtep.router_rows import RouterRows
from vtep_ofapp.values.routers import (
    InterfaceAddress,
    LogicalRouter,
    Prefix,
    RouteKey,
    derived_mac,
    parse_interface,
)
from vtep_ofapp.values.rows import Gone

from .builders import BLUE, RED, uuid

ROW, X = uuid(100), uuid(0xAC1)
STATUS = "LR_fault_status"
COLUMNS = {
    "name": "r1",
    "switch_binding": ["map", [["192.168.1.1/24", ["uuid", str(RED)]]]],
    "static_routes": ["map", [["10.0.0.0/8", "192.168.1.50"]]],
    "acl_binding": ["map", [["192.168.1.1", ["uuid", str(X)]]]],
}
TEN = Prefix("10.0.0.0", 8)


def row(**changes: Any) -> LogicalRouter:
    """Return what COLUMNS are, with these fields changed."""
    fields: dict[str, Any] = {
        "interfaces": {RED: (parse_interface("192.168.1.1/24"),)},
        "routes": {TEN: "192.168.1.50"},
        "acls": {"192.168.1.1": X},
        "logical_switches": frozenset({RED}),
    }
    return LogicalRouter(ROW, "r1", **{"mac": derived_mac("r1"), **fields, **changes})


def told(rows: RouterRows, *updates: object) -> list[LogicalRouter | Gone]:
    """Tell updates of one row, one message each; return what they amount to."""
    for update in updates:
        rows.add({str(ROW): update})
    return list(rows.take(1000))


@pytest.fixture
def rows() -> RouterRows:
    return RouterRows()


@pytest.mark.parametrize("kind", ["initial", "insert", "new"])
def test_a_new_row_is_told_in_three_ways(rows: RouterRows, kind: str) -> None:
    assert told(rows, {kind: COLUMNS}) == [row()]
    assert set(rows.uuids()) == {ROW}


def test_a_default_is_not_told(rows: RouterRows) -> None:
    assert told(rows, {"insert": {"name": "r1"}}) == [
        row(interfaces={}, routes={}, acls={}, logical_switches=frozenset())
    ]


def test_a_difference_of_a_map_has_what_came_went_or_changed(rows: RouterRows) -> None:
    told(rows, {"insert": COLUMNS})
    more = {
        "static_routes": ["map", [["10.0.0.0/8", "192.168.1.51"], ["0.0.0.0/0", "192.168.1.9"]]]
    }
    (changed,) = told(rows, {"modify": more})
    assert changed == row(routes={TEN: "192.168.1.51", Prefix("0.0.0.0", 0): "192.168.1.9"})
    gone = {"static_routes": ["map", [["10.0.0.0/8", "192.168.1.51"]]]}
    assert told(rows, {"modify": gone}) == [row(routes={Prefix("0.0.0.0", 0): "192.168.1.9"})]
    moved = {
        "switch_binding": ["map", [["192.168.1.1/24", ["uuid", str(BLUE)]]]],
        "acl_binding": COLUMNS["acl_binding"],
        "other_config": ["map", [["router_mac", "00:00:5E:00:01:01"]]],
    }
    (changed,) = told(rows, {"modify": moved})
    assert isinstance(changed, LogicalRouter)
    assert list(changed.interfaces) == [BLUE]
    assert (changed.mac, changed.acls) == ("00:00:5e:00:01:01", {})


def test_what_did_not_change_is_the_same_object(rows: RouterRows) -> None:
    (before,) = told(rows, {"insert": COLUMNS})
    (after,) = told(rows, {"modify": {STATUS: ["set", ["unspecified_fault"]]}})
    assert isinstance(before, LogicalRouter)
    assert isinstance(after, LogicalRouter)
    assert after.interfaces is before.interfaces
    assert after.routes is before.routes


def test_a_difference_has_the_words_of_a_fault_that_came_or_went(rows: RouterRows) -> None:
    told(rows, {"initial": {**COLUMNS, STATUS: "x"}})
    changed = told(rows, {"modify": {STATUS: ["set", ["x", "unspecified_fault"]]}})
    assert changed == [row(fault_status=frozenset({"unspecified_fault"}))]
    assert rows.written(ROW) == {STATUS: ["set", ["unspecified_fault"]]}
    assert told(rows, {"old": {}, "new": COLUMNS}) == [row()]


def test_a_row_that_is_deleted_is_gone_once(rows: RouterRows) -> None:
    told(rows, {"insert": COLUMNS})
    assert told(rows, {"delete": None}, {"delete": None}) == [Gone(ROW)]
    assert rows.written(ROW) is None
    assert not rows.uuids()


def test_a_mac_that_is_none_is_refused(rows: RouterRows) -> None:
    config = {"other_config": ["map", [["router_mac", "ff:ff:ff:ff:ff:ff"]]]}
    (found,) = told(rows, {"insert": {**COLUMNS, **config}})
    assert isinstance(found, LogicalRouter)
    assert (found.mac, found.refused_mac) == (
        "",
        "ff:ff:ff:ff:ff:ff is not the address of one station",
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"name": 1},
        {"name": ["set", []]},
        {"static_routes": 1},
        {"static_routes": ["set", []]},
        {"static_routes": ["map", "ab"]},
        {"static_routes": ["map", [["10.0.0.0/8", 1]]]},
        {"static_routes": ["map", [["10.0.0.0/8"]]]},
        {"static_routes": ["map", [[["a"], "b"]]]},
        {"static_routes": ["map", [["a", "b"], ["a", "c"]]]},
        {"switch_binding": ["map", [["10.0.0.1/8", str(RED)]]]},
        {"switch_binding": ["map", [["10.0.0.1/8", ["named-uuid", "x"]]]]},
        {"switch_binding": ["map", [["10.0.0.1/8", ["uuid", 1]]]]},
        {"acl_binding": ["map", [[1, ["uuid", str(X)]]]]},
        {"other_config": ["map", [["a", ["uuid", str(X)]]]]},
        {STATUS: 1},
        {STATUS: ["set", [1]]},
        {STATUS: ["map", []]},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["insert", "modify"])
def test_a_value_of_another_type_is_malformed(rows: RouterRows, columns: Any, kind: str) -> None:
    told(rows, {"insert": COLUMNS})
    (name,) = columns
    with pytest.raises(Malformed, match=f"no {name} of a row of Logical_Router"):
        told(rows, {kind: columns})


def test_a_reference_that_is_none_is_malformed(rows: RouterRows) -> None:
    with pytest.raises(Malformed, match="'x' is no UUID of a row that Logical_Router names"):
        told(rows, {"insert": {"switch_binding": ["map", [["10.0.0.1/8", ["uuid", "x"]]]]}})


@pytest.mark.parametrize("update", [None, {}, {"modify": COLUMNS}, {"insert": 1}, {"old": 1}])
def test_what_no_server_tells_is_said_to_be_so(rows: RouterRows, update: object) -> None:
    with pytest.raises(Malformed, match="Logical_Router"):
        told(rows, update)


# Keys that are one prefix, and keys that cannot be used


def test_of_several_keys_that_are_one_prefix_the_least_next_hop_counts(rows: RouterRows) -> None:
    keys = {
        "10.1.0.0/8": "192.168.1.9",
        "10.0.0.0/8": "192.168.1.50",
        "10.9.9.9/8": "192.168.1.100",
    }
    (found,) = told(
        rows, {"insert": {**COLUMNS, "static_routes": ["map", [*map(list, keys.items())]]}}
    )
    assert found == row(
        routes={TEN: "192.168.1.9"},
        route_keys={
            TEN: (
                RouteKey("10.1.0.0/8", "192.168.1.9"),
                RouteKey("10.0.0.0/8", "192.168.1.50"),
                RouteKey("10.9.9.9/8", "192.168.1.100"),
            )
        },
    )
    gone = [["10.1.0.0/8", "192.168.1.9"], ["10.9.9.9/8", "192.168.1.100"]]
    assert told(rows, {"modify": {"static_routes": ["map", gone]}}) == [row()]


def test_a_key_that_cannot_be_used_is_kept_with_its_reason(rows: RouterRows) -> None:
    bad = ["map", [["10.0.0.0/33", "192.168.1.9"], ["10.2.0.0/16", "2001:db8::1"]]]
    (found,) = told(rows, {"insert": COLUMNS}, {"modify": {"static_routes": bad}})[1:]
    assert isinstance(found, LogicalRouter)
    assert found.routes == {TEN: "192.168.1.50"}
    assert [tuple(each) for each in found.refused_routes] == [
        ("10.0.0.0/33", "its prefix length is outside of 0 to 32"),
        ("10.2.0.0/16", "2001:db8::1 is of another version of IP than 10.2.0.0/16"),
    ]
    assert told(rows, {"modify": {"static_routes": bad}}) == [row()]


def test_a_key_that_is_spelled_otherwise_is_remembered(rows: RouterRows) -> None:
    binding = ["map", [["2001:DB8::1/64", ["uuid", str(BLUE)]]]]
    (found,) = told(rows, {"insert": {"name": "r1", "switch_binding": binding}})
    assert isinstance(found, LogicalRouter)
    address = InterfaceAddress(Prefix("2001:db8::", 64), "2001:db8::1")
    assert found.interfaces == {BLUE: (address,)}
    assert found.spellings == {address: "2001:DB8::1/64"}


KEYS = st.sampled_from(["10.0.0.0/8", "10.1.0.0/8", "10.0.0.0/16", "x", "::/0", "0::/0"])
HOPS = st.sampled_from(["192.168.1.5", "192.168.1.6", "192.168.1.40", "2001:db8::1", "bad"])
BINDINGS = st.dictionaries(
    st.sampled_from(["10.0.0.1/8", "10.0.0.2/8", "2001:db8::1/64", "2001:DB8::1/64", "x"]),
    st.sampled_from([RED, BLUE]),
)
CONTENTS = st.tuples(st.dictionaries(KEYS, HOPS), BINDINGS)


@given(st.lists(CONTENTS, min_size=1))
def test_differences_and_whole_rows_amount_to_the_same(
    steps: list[tuple[dict[str, str], dict[str, UUID]]],
) -> None:
    rows, whole = RouterRows(), RouterRows()
    before: tuple[Mapping[str, str], Mapping[str, UUID]] = {}, {}
    told(rows, {"insert": {"name": "r1"}})
    for step in steps:
        routes, bindings = difference(before[0], step[0]), difference(before[1], step[1])
        change = {
            "static_routes": ["map", [list(each) for each in routes.items()]],
            "switch_binding": references(bindings),
        }
        content = {
            "name": "r1",
            "static_routes": ["map", [list(each) for each in step[0].items()]],
            "switch_binding": references(step[1]),
        }
        assert told(rows, {"modify": change}) == told(whole, {"old": {}, "new": content})
        before = step


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ovsdb-server sends for a map that changed, see ovsdb-server(7)."""
    keys = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return {key: new.get(key, old.get(key)) for key in keys}


def references(pairs: Mapping[str, UUID]) -> list[Any]:
    return ["map", [[key, ["uuid", str(named)]] for key, named in pairs.items()]]
