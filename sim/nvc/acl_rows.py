"""Writes access lists into the database of a VTEP, within the transaction of everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from sim.nvc.acls import Acl, Columns
from sim.nvc.bindings import put_bindings
from sim.nvc.distribution import Rows

MATCHED = (
    "source_mac", "dest_mac", "ethertype", "source_ip", "source_mask", "dest_ip", "dest_mask",
    "protocol", "source_port_min", "source_port_max", "dest_port_min", "dest_port_max",
    "tcp_flags", "tcp_flags_mask", "icmp_type", "icmp_code",
)  # fmt: skip
"""Columns of ACL_entry that may have no value."""
ALWAYS = ("sequence", "direction", "action")
"""Columns of ACL_entry that have one."""

_MARK = "sim.nvc"
"""The value in other_config of Global for the name of each access list that we made: a row of ACL
has no column for it."""

Same: TypeAlias = frozenset[tuple[str, Any]]
Insert: TypeAlias = Callable[..., Any]
"""Inserts a row into a table, with columns."""


class AclWriter:
    """Writes what differs, and nothing else; access lists and bindings of others stay."""

    def __init__(
        self, tables: Mapping[str, Any], insert: Insert, warn: Callable[[str], None]
    ) -> None:
        """Write by `insert` and by the rows of the tables."""
        self._tables = tables
        self._insert = insert
        self._warn = warn
        self._users = Counter(entry.uuid for acl in self._rows("ACL") for entry in acl.acl_entries)

    def write(self, rows: Rows) -> None:
        """Write access lists, then their bindings; remove those that are not wanted any more."""
        for settings in self._rows("Global"):
            there = {row.acl_name: row for row in self._rows("ACL")}
            marked = {name for name, value in settings.other_config.items() if value == _MARK}
            acls = {name: self._put(there.get(name), acl) for name, acl in rows.acls.items()}
            for name in acls.keys() - marked:
                settings.setkey("other_config", name, _MARK)
            self._bind(rows, acls, acls.keys() | marked)
            for name in marked - acls.keys():
                settings.delkey("other_config", name)
                if name in there:
                    self._remove(there[name])

    def _put(self, row: Any, wanted: Acl) -> Any:
        if row is None:
            entries = [self._add(columns) for columns in wanted.entries]
            return self._insert("ACL", acl_name=wanted.name, acl_entries=entries)
        entries, unused = self._matched(row, wanted.entries)
        if {each.uuid for each in entries} != {each.uuid for each in row.acl_entries}:
            row.acl_entries = entries
            self._drop(unused)
        return row

    def _matched(self, row: Any, wanted: Iterable[Columns]) -> tuple[list[Any], list[Any]]:
        """Return the rows of all entries, and those rows of today's that are not among them.

        An entry that stays keeps its row. One that changes does, too, if only this access list has
        it: rows with its sequence and direction are looked at.
        """
        by_content: dict[Same, list[Any]] = {}
        for entry in row.acl_entries:
            by_content.setdefault(_content(entry), []).append(entry)
        entries, changed = [], []
        for columns in wanted:
            if same := by_content.get(frozenset(columns.items())):
                entries.append(same.pop())
            else:
                changed.append(columns)
        unused = {each.uuid: each for rows in by_content.values() for each in rows}
        places = {
            (each.sequence, each.direction): each
            for each in unused.values()
            if self._users[each.uuid] == 1
        }
        for columns in changed:
            there = places.pop((columns["sequence"], columns["direction"]), None)
            if there is None:
                entries.append(self._add(columns))
            else:
                _set(there, columns)
                entries.append(unused.pop(there.uuid))
        return entries, list(unused.values())

    def _bind(self, rows: Rows, acls: Mapping[str, Any], ours: Collection[str]) -> None:
        switches, name = self._rows("Physical_Switch"), lambda row: str(row.acl_name)
        wanted = rows.acl_bindings
        for problem in put_bindings(switches, "acl_bindings", wanted, acls, ours, name):
            self._warn(problem)

    def _remove(self, row: Any) -> None:
        entries = list(row.acl_entries)
        row.delete()
        self._drop(entries)

    def _drop(self, entries: Iterable[Any]) -> None:
        """Delete entries that no access list has any more."""
        for each in entries:
            self._users[each.uuid] -= 1
            if not self._users[each.uuid]:
                each.delete()

    def _add(self, columns: Columns) -> Any:
        return self._insert("ACL_entry", **columns)

    def _rows(self, table: str) -> Iterator[Any]:
        return iter(list(self._tables[table].rows.values()))


def _content(entry: Any) -> Same:
    matched = {(column, each) for column in MATCHED for each in getattr(entry, column)}
    return frozenset(matched | {(column, getattr(entry, column)) for column in ALWAYS})


def _set(entry: Any, columns: Columns) -> None:
    for column in ALWAYS:
        if getattr(entry, column) != columns[column]:
            setattr(entry, column, columns[column])
    for column in MATCHED:
        wanted = [columns[column]] if column in columns else []
        if getattr(entry, column) != wanted:
            setattr(entry, column, wanted)
