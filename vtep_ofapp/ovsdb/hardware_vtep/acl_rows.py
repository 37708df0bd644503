"""Reads ACL_entry without the IDL: its rows are very many, with twenty columns each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from ...values.acls import AclEntry
from ..bulk import BulkRows
from ..errors import Malformed
from .acl_entries import OPTIONAL, read_match

_TABLE = "ACL_entry"
_FAULT_STATUS = "acle_fault_status"
_TEXTS = frozenset(
    ("source_mac", "dest_mac", "ethertype", "source_ip", "source_mask", "dest_ip", "dest_mask")
)
"""The optional columns that are text; the others are numbers."""
_TYPES = {name: str if name in _TEXTS else int for name in OPTIONAL}


class _Columns(NamedTuple):
    """The columns of a row as received; ``optional`` are those of OPTIONAL that it has."""

    sequence: int = 0
    direction: str = ""
    action: str = ""
    fault_status: frozenset[str] = frozenset()
    optional: Mapping[str, Any] = {}


class AclEntries(BulkRows[_Columns, _Columns, AclEntry]):
    """The rows of ACL_entry."""

    def __init__(self) -> None:
        super().__init__(_TABLE, _Columns())

    def written(self, uuid: UUID) -> Mapping[str, Any] | None:
        """Return the fault column of a row, as OVSDB has it; None if the row is gone."""
        row = self._rows.get(uuid)
        return None if row is None else {_FAULT_STATUS: ["set", sorted(row.fault_status)]}

    def _received(self, uuid: UUID) -> _Columns:
        return self._rows[uuid]

    def _changed(self, received: _Columns, columns: Mapping[str, Any]) -> _Columns:
        sequence, direction, action, fault_status, optional = received
        if "sequence" in columns:
            sequence = _only("sequence", columns["sequence"], int)
        if "direction" in columns:
            direction = _only("direction", columns["direction"], str)
        if "action" in columns:
            action = _only("action", columns["action"], str)
        if _FAULT_STATUS in columns:
            fault_status = frozenset(_members(_FAULT_STATUS, columns[_FAULT_STATUS], str))
        changed = _TYPES.keys() & columns.keys()
        if changed:
            every = {**optional}
            for name in changed:
                value = _at_most_one(name, columns[name], _TYPES[name])
                if value is None:
                    every.pop(name, None)
                else:
                    every[name] = value
            # Reasons name the first columns, whichever came first.
            optional = {name: every[name] for name in OPTIONAL if name in every}
        return _Columns(sequence, direction, action, fault_status, optional)

    def _modified(self, received: _Columns, difference: Mapping[str, Any]) -> _Columns:
        changed = self._changed(received, difference)
        if _FAULT_STATUS not in difference:
            return changed
        return changed._replace(fault_status=received.fault_status ^ changed.fault_status)

    def _read(self, uuid: UUID, received: _Columns) -> AclEntry:
        match, reasons = read_match(received.optional)
        return AclEntry(
            uuid,
            received.sequence,
            received.direction == "egress",
            received.action == "permit",
            match,
            reasons,
            received.fault_status,
        )

    def _kept(self, received: _Columns, row: AclEntry | None) -> _Columns:
        return received


def _only(column: str, value: Any, kind: type) -> Any:
    """Return the value of a column that has one."""
    member = _at_most_one(column, value, kind)
    if member is None:
        raise _malformed(column, value)
    return member


def _at_most_one(column: str, value: Any, kind: type) -> Any:
    """Return the value of a column that may be empty, None if it is."""
    if type(value) is kind:  # a fast way for nearly all; no bool is an integer of JSON
        return value
    members = _members(column, value, kind)
    if len(members) > 1:
        raise _malformed(column, value)
    return members[0] if members else None


def _members(column: str, value: Any, kind: type) -> Sequence[Any]:
    """Return the members of a set; one alone may be there without the set (RFC 7047, 5.1)."""
    members = [value]
    if isinstance(value, list):
        if len(value) != 2 or value[0] != "set" or not isinstance(value[1], list):
            raise _malformed(column, value)
        members = value[1]
    if any(type(member) is not kind for member in members):
        raise _malformed(column, value)
    return members


def _malformed(column: str, value: Any) -> Malformed:
    return Malformed(f"{value} is no {column} of a row of {_TABLE}")
