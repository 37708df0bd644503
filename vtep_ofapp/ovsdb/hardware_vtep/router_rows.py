"""Reads Logical_Router without the IDL: a row may have very many routes, of which few change."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from ...values.addresses import Invalid
from ...values.parts import differing
from ...values.routers import LogicalRouter, parse_router_mac
from ..bulk import BulkRows
from ..errors import Malformed
from .router_columns import Bindings, Routes, read_bindings

_TABLE = "Logical_Router"
_FAULT_STATUS = "LR_fault_status"
_Texts: TypeAlias = Mapping[str, str]
_Changes: TypeAlias = Mapping[str, str | None]
"""What is set under keys of a map; None where one is removed."""


class _Columns(NamedTuple):
    """The columns of a row as received, in maps with the UUIDs of rows as text; some as read."""

    name: str = ""
    switch_binding: Mapping[str, str] = {}
    acl_binding: Mapping[str, str] = {}
    other_config: Mapping[str, str] = {}
    fault_status: frozenset[str] = frozenset()
    bindings: Bindings = Bindings()
    routes: Routes = Routes()
    acls: Mapping[str, UUID] = {}


class RouterRows(BulkRows[_Columns, _Columns, LogicalRouter]):
    """The rows of Logical_Router."""

    def __init__(self) -> None:
        super().__init__(_TABLE, _Columns())

    def written(self, uuid: UUID) -> Mapping[str, Any] | None:
        """Return the fault column of a row, as OVSDB has it; None if the row is gone."""
        row = self._rows.get(uuid)
        return None if row is None else {_FAULT_STATUS: ["set", sorted(row.fault_status)]}

    def _received(self, uuid: UUID) -> _Columns:
        return self._rows[uuid]

    def _changed(self, received: _Columns, columns: Mapping[str, Any]) -> _Columns:
        """Return the row with whole columns replaced."""
        maps: dict[str, _Changes] = {}
        for name, before in _maps(received).items():
            if name in columns:
                after = _map(name, columns[name])
                maps[name] = {key: after.get(key) for key in differing(before, after)}
        words = received.fault_status
        if _FAULT_STATUS in columns:
            words = frozenset(_members(_FAULT_STATUS, columns[_FAULT_STATUS]))
        return _with(received, columns, maps, words)

    def _modified(self, received: _Columns, difference: Mapping[str, Any]) -> _Columns:
        """Return the row after a difference: of a map it has pairs that came, went or changed."""
        maps: dict[str, _Changes] = {}
        for name, before in _maps(received).items():
            if name in difference:
                pairs = _map(name, difference[name]).items()
                maps[name] = {key: None if before.get(key) == new else new for key, new in pairs}
        words = received.fault_status
        if _FAULT_STATUS in difference:
            words ^= frozenset(_members(_FAULT_STATUS, difference[_FAULT_STATUS]))
        return _with(received, difference, maps, words)

    def _read(self, uuid: UUID, received: _Columns) -> LogicalRouter:
        mac, refused_mac = "", ""
        try:
            mac = parse_router_mac(received.name, received.other_config)
        except Invalid as error:
            refused_mac = str(error)
        bindings, routes = received.bindings, received.routes
        return LogicalRouter(
            uuid,
            received.name,
            mac,
            bindings.interfaces,
            routes.routes,
            received.acls,
            bindings.logical_switches,
            bindings.refused,
            routes.refused,
            refused_mac,
            bindings.spellings,
            routes.route_keys,
            received.fault_status,
        )

    def _kept(self, received: _Columns, row: LogicalRouter | None) -> _Columns:
        return received


def _maps(row: _Columns) -> Mapping[str, _Texts]:
    return {
        "switch_binding": row.switch_binding,
        "static_routes": row.routes.texts,
        "acl_binding": row.acl_binding,
        "other_config": row.other_config,
    }


def _with(
    row: _Columns, columns: Mapping[str, Any], maps: Mapping[str, _Changes], words: frozenset[str]
) -> _Columns:
    """Return the row with changes of its maps, a name that ``columns`` may have, and the words."""
    name = columns.get("name", row.name)
    if not isinstance(name, str):
        raise _malformed("name", name)
    row = row._replace(name=name, fault_status=words)
    if "static_routes" in maps:
        row = row._replace(routes=row.routes.changed(maps["static_routes"]))
    if "switch_binding" in maps:
        texts = _applied(row.switch_binding, maps["switch_binding"])
        row = row._replace(switch_binding=texts, bindings=read_bindings(_references(texts)))
    if "acl_binding" in maps:
        texts = _applied(row.acl_binding, maps["acl_binding"])
        row = row._replace(acl_binding=texts, acls=_references(texts))
    if "other_config" in maps:
        row = row._replace(other_config=_applied(row.other_config, maps["other_config"]))
    return row


def _applied(texts: _Texts, changes: _Changes) -> _Texts:
    every = {**texts, **changes}
    return {key: value for key, value in every.items() if value is not None}


def _references(texts: _Texts) -> dict[str, UUID]:
    return {key: _reference(text) for key, text in texts.items()}


@lru_cache(maxsize=1 << 14)
def _reference(text: str) -> UUID:
    """Return the UUID of a row that other rows name: they share one object."""
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(f"{text!r} is no UUID of a row that {_TABLE} names") from None


def _map(column: str, value: Any) -> dict[str, str]:
    """Return the pairs of a map of texts, or of references, whose UUIDs are texts (RFC 7047)."""
    if not isinstance(value, list) or len(value) != 2 or value[0] != "map":
        raise _malformed(column, value)
    if not isinstance(value[1], list):
        raise _malformed(column, value)
    is_of_references = column.endswith("_binding")
    try:
        if is_of_references:
            pairs = {key: named for key, (kind, named) in value[1] if kind == "uuid"}
        else:
            pairs = dict(value[1])
    except (TypeError, ValueError):
        raise _malformed(column, value) from None
    texts = (*pairs.keys(), *pairs.values())
    if len(pairs) != len(value[1]) or not all(isinstance(each, str) for each in texts):
        raise _malformed(column, value)
    return pairs


def _members(column: str, value: Any) -> Sequence[str]:
    """Return the members of a set; one alone may be there without the set (RFC 7047, 5.1)."""
    members = [value]
    if isinstance(value, list):
        if len(value) != 2 or value[0] != "set" or not isinstance(value[1], list):
            raise _malformed(column, value)
        members = value[1]
    if not all(isinstance(member, str) for member in members):
        raise _malformed(column, value)
    return members


def _malformed(column: str, value: Any) -> Malformed:
    return Malformed(f"{value} is no {column} of a row of {_TABLE}")
