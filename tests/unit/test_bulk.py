"""Rows of Ucast_Macs_Remote past the IDL: what each update of any version amounts to."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.ovsdb.errors import Malformed
from vtep_ofapp.ovsdb.hardware_vtep.remote_macs import RemoteMacs
from vtep_ofapp.values.rows import Gone, Locator, Refused, RemoteMac

from .builders import BLUE, FAR, FURTHER, MAC1, MAC2, MAC3, RED, uuid

ROW, OTHER = uuid(100), uuid(101)
NEAR_END, FAR_END, BAD_END, NO_END = (uuid(number) for number in range(900, 904))
ENDS: dict[str, Locator | str] = {
    str(NEAR_END): Locator(NEAR_END, FAR),
    str(FAR_END): Locator(FAR_END, FURTHER, 5001),
    str(BAD_END): "'stt' is no encapsulation that we know",
}


def columns(mac: str = MAC1, of: UUID = RED, end: UUID = NEAR_END) -> dict[str, Any]:
    return {"MAC": mac, "logical_switch": ["uuid", str(of)], "locator": ["uuid", str(end)]}


def remote(mac: str = MAC1, of: UUID = RED, end: UUID = NEAR_END, row: UUID = ROW) -> RemoteMac:
    return RemoteMac(row, mac, of, there(ENDS[str(end)]))


def there(end: Locator | str) -> Locator:
    """Return an end that is no reason to refuse it."""
    assert isinstance(end, Locator)
    return end


def remotes(rows: Iterable[object]) -> list[RemoteMac]:
    """Return rows, none of which is refused or gone."""
    every = list(rows)
    found = [row for row in every if isinstance(row, RemoteMac)]
    assert found == every
    return found


def refused(reason: str, mac: str = MAC1, of: UUID = RED) -> Refused:
    return Refused(ROW, f"Ucast_Macs_Remote {mac} (row {ROW})", reason, of)


@pytest.fixture
def macs() -> RemoteMacs:
    return RemoteMacs(dict(ENDS))


def told(macs: RemoteMacs, *updates: object, row: UUID = ROW) -> list[RemoteMac | Refused | Gone]:
    """Tell updates of one row, one message each; return what they amount to."""
    for update in updates:
        macs.add({str(row): update})
    return list(macs.take(1000))


@pytest.mark.parametrize("kind", ["initial", "insert", "new"])
def test_a_new_row_is_told_in_three_ways(macs: RemoteMacs, kind: str) -> None:
    assert told(macs, {kind: columns()}) == [remote()]
    assert set(macs.uuids()) == {ROW}
    assert not macs.is_behind


def test_a_change_tells_only_the_columns_that_changed(macs: RemoteMacs) -> None:
    told(macs, {"initial": columns()})
    assert told(macs, {"modify": {"MAC": MAC2}}) == [remote(MAC2)]
    assert told(macs, {"modify": {"locator": ["uuid", str(FAR_END)]}}) == [
        remote(MAC2, RED, FAR_END)
    ]
    assert told(macs, {"modify": {"logical_switch": ["uuid", str(BLUE)]}}) == [
        remote(MAC2, BLUE, FAR_END)
    ]


def test_the_first_version_tells_all_columns(macs: RemoteMacs) -> None:
    told(macs, {"new": columns()})
    assert told(macs, {"old": {"MAC": MAC1}, "new": columns(MAC2)}) == [remote(MAC2)]
    assert told(macs, {"old": columns(MAC2)}) == [Gone(ROW)]


def test_a_row_that_is_deleted_is_gone_once(macs: RemoteMacs) -> None:
    told(macs, {"insert": columns()})
    assert told(macs, {"delete": None}, {"delete": None}) == [Gone(ROW)]
    assert set(macs.uuids()) == set()


def test_addresses_are_read_at_the_door(macs: RemoteMacs) -> None:
    upper = "0A:00:00:00:00:0B"
    assert told(macs, {"insert": columns(upper)}) == [remote("0a:00:00:00:00:0b")]
    assert told(macs, {"modify": {"MAC": "x"}}) == [
        refused("'x' is not a MAC address (xx:xx:xx:xx:xx:xx)", "x")
    ]
    assert told(macs, {"modify": {"MAC": MAC2}}) == [remote(MAC2)]
    assert told(macs, {"modify": {"locator": ["uuid", str(BAD_END)]}}) == [
        refused(str(ENDS[str(BAD_END)]), MAC2)
    ]
    assert set(macs.uuids()) == {ROW}


def test_a_default_is_not_told(macs: RemoteMacs) -> None:
    row = {column: value for column, value in columns().items() if column != "MAC"}
    assert told(macs, {"insert": row}) == [
        refused("'' is not a MAC address (xx:xx:xx:xx:xx:xx)", "")
    ]


def test_a_row_whose_locator_is_gone_already_was_changed_since(macs: RemoteMacs) -> None:
    assert told(macs, {"insert": columns(end=NO_END)}) == []
    assert told(macs, {"modify": {"locator": ["uuid", str(FAR_END)]}}) == [remote(end=FAR_END)]
    assert told(macs, {"modify": {"locator": ["uuid", str(NO_END)]}}, {"delete": None}) == [
        Gone(ROW)
    ]


def test_rows_are_read_again_when_their_locator_changed() -> None:
    ends = dict(ENDS)
    macs = RemoteMacs(ends)
    told(macs, {"insert": columns()})
    told(macs, {"insert": columns(MAC2, end=FAR_END)}, row=OTHER)
    told(macs, {"insert": columns(MAC3, end=BAD_END)}, row=uuid(102))
    ends[str(NEAR_END)] = Locator(NEAR_END, FAR, 7)
    ends[str(BAD_END)] = Locator(BAD_END, FAR, 8)
    macs.read_again({NEAR_END, BAD_END})
    assert {row.uuid: row.locator.tunnel_key for row in remotes(macs.take(10))} == {
        ROW: 7,
        uuid(102): 8,
    }
    macs.read_again({NEAR_END})
    assert told(macs, {"delete": None}) == [
        RemoteMac(ROW, MAC1, RED, there(ends[str(NEAR_END)])),
        Gone(ROW),
    ]


def test_a_row_that_goes_while_it_is_to_be_read_again_is_gone(macs: RemoteMacs) -> None:
    told(macs, {"insert": columns()})
    macs.add({str(ROW): {"delete": None}})
    macs.read_again({NEAR_END})
    assert list(macs.take(10)) == [Gone(ROW)]


def test_rows_are_taken_a_few_at_a_time_in_the_order_of_messages(macs: RemoteMacs) -> None:
    macs.add({str(uuid(number)): {"insert": columns()} for number in range(100, 110)})
    macs.add({str(ROW): {"modify": {"MAC": MAC2}}})
    sizes, rows = [], []
    while macs.is_behind:
        some = list(macs.take(3))
        sizes.append(len(some))
        rows += some
    assert sizes == [3, 3, 3, 2]
    assert rows[-1] == remote(MAC2)
    assert len(macs.uuids()) == 10


def test_the_rows_of_a_new_connection_replace_all_former_ones(macs: RemoteMacs) -> None:
    told(macs, {"insert": columns()})
    macs.add({str(OTHER): {"insert": columns()}})
    macs.clear()
    assert not macs.is_behind
    assert told(macs, {"initial": columns(MAC2)}) == [remote(MAC2)]
    assert set(macs.uuids()) == {ROW}


@pytest.mark.parametrize(
    "update",
    [
        None,
        [],
        {},
        {"modify": {"MAC": MAC1}},
        {"insert": 1},
        {"insert": {**columns(), "MAC": 1}},
        {"insert": {**columns(), "locator": str(NEAR_END)}},
        {"insert": {**columns(), "logical_switch": ["uuid", "RED"]}},
        {"insert": {"MAC": MAC1}},
        {"old": 1},
        {"destroy": None},
    ],
)
def test_what_no_server_tells_is_said_to_be_so(macs: RemoteMacs, update: object) -> None:
    with pytest.raises(Malformed):
        told(macs, update)


def test_rows_that_are_none_are_said_to_be_so(macs: RemoteMacs) -> None:
    with pytest.raises(Malformed):
        macs.add([])
    macs.add({"no UUID": {"insert": columns()}})
    with pytest.raises(Malformed):
        list(macs.take(1))


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "mac": st.sampled_from([MAC1, MAC2, "bad"]),
        "of": st.sampled_from([RED, BLUE]),
        "end": st.sampled_from([NEAR_END, FAR_END, BAD_END]),
    },
)
ROWS = st.sampled_from([uuid(number) for number in range(100, 104)])


@given(st.lists(st.tuples(ROWS, CHANGES | st.none())), st.integers(1, 5), st.booleans())
def test_any_changes_end_in_what_a_new_reader_finds(
    changes: list[tuple[UUID, Any]], most: int, is_first_version: bool
) -> None:
    """The rows as a database has them, told by either version of updates and taken by slices."""
    macs = RemoteMacs(dict(ENDS))
    rows: dict[UUID, dict[str, Any]] = {}
    known: dict[UUID, Any] = {}

    def take(count: int) -> None:
        for row in macs.take(count):
            known.pop(row.uuid, None)
            if not isinstance(row, Gone):
                known[row.uuid] = row

    for row, change in changes:
        former = rows.pop(row, None)
        if change is not None:
            rows[row] = {**(former or {}), **change}
        if former is None and change is None:
            continue
        if is_first_version:
            update: dict[str, Any] = {"old": columns(**former)} if former is not None else {}
            update |= {"new": columns(**rows[row])} if row in rows else {}
        elif change is None:
            update = {"delete": None}
        elif former is None:
            update = {"insert": columns(**change)}
        else:
            names = {"mac": "MAC", "of": "logical_switch", "end": "locator"}
            full = columns(**rows[row])
            update = {"modify": {names[name]: full[names[name]] for name in change}}
        macs.add({str(row): update})
        take(most)
    while macs.is_behind:
        take(most)
    fresh = RemoteMacs(dict(ENDS))
    fresh.add({str(row): {"initial": columns(**values)} for row, values in rows.items()})
    assert known == {row.uuid: row for row in fresh.take(1000)}
    assert set(macs.uuids()) == rows.keys()


def test_rows_share_what_they_refer_to(macs: RemoteMacs) -> None:
    macs.add({str(uuid(number)): {"insert": columns()} for number in range(100, 102)})
    for one, other in itertools.pairwise(remotes(macs.take(2))):
        assert one.logical_switch is other.logical_switch
        assert one.locator is other.locator


def test_an_address_comes_with_its_row_and_stays_with_it(macs: RemoteMacs) -> None:
    (row,) = told(macs, {"initial": {**columns(), "ipaddr": "2001:DB8::1"}})
    assert row == replace(remote(), ip="2001:db8::1")
    assert told(macs, {"modify": {"MAC": MAC2}}) == [replace(remote(MAC2), ip="2001:db8::1")]
    assert told(macs, {"modify": {"ipaddr": "10.0.0.1"}}) == [replace(remote(MAC2), ip="10.0.0.1")]
    assert told(macs, {"modify": {"ipaddr": ""}}) == [remote(MAC2)]


@pytest.mark.parametrize(
    "ip", ["10.0.0", "10.0.0.256", "01.2.3.4", "224.0.0.1", "::", "ff02::1", "x"]
)
def test_an_address_that_is_none_of_a_host_does_not_hide_the_row(macs: RemoteMacs, ip: str) -> None:
    wrong = replace(remote(), invalid_ip=ip)
    assert told(macs, {"initial": {**columns(), "ipaddr": ip}}) == [wrong]
    assert told(macs, {"modify": {"MAC": MAC2}}) == [replace(wrong, mac=MAC2)]
    assert told(macs, {"modify": {"ipaddr": "10.0.0.1"}}) == [replace(remote(MAC2), ip="10.0.0.1")]


def test_an_ipaddr_of_another_type_is_malformed(macs: RemoteMacs) -> None:
    with pytest.raises(Malformed, match="no ipaddr"):
        told(macs, {"initial": {**columns(), "ipaddr": ["set", []]}})
