"""Rows that a column of another row names: a column is read once, for all rows that it names."""

from types import SimpleNamespace
from typing import Any

from vtep_ofapp.ovsdb.column_cache import Members

from .builders import uuid


class Row:
    """A row that counts how often its columns are read."""

    def __init__(self, number: int, **columns: object) -> None:
        self.uuid = uuid(number)
        self.looks = 0
        self._columns = columns

    def __getattr__(self, column: str) -> object:
        self.looks += 1
        return self._columns[column]


def name(row: Any) -> str:
    return str(row.name)


def named(*names: str) -> list[Any]:
    return [SimpleNamespace(name=each) for each in names]


def test_rows_of_a_set_are_found_by_their_key() -> None:
    one, other, same = named("p0", "p1", "p0")
    switch, members = Row(1, ports=[one, other, same], tunnels=[]), Members()
    assert members.of_set(switch, "ports", "p0", name) == [one, same]
    assert members.of_set(switch, "ports", "p1", name) == [other]
    assert members.of_set(switch, "ports", "p2", name) == []
    assert switch.looks == 1
    assert members.of_set(switch, "tunnels", "p0", name) == []
    assert members.of_set(Row(2, ports=[]), "ports", "p0", name) == []


def test_a_row_of_a_map_is_found_by_its_key() -> None:
    (stats,) = named("stats")
    port, members = Row(1, vlan_stats={10: stats}), Members()
    assert members.of_map(port, "vlan_stats", 10) is stats
    assert members.of_map(port, "vlan_stats", 0) is None
    assert port.looks == 1
    assert members.of_map(Row(2, vlan_stats={}), "vlan_stats", 10) is None
