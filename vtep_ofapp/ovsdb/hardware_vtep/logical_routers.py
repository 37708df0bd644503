"""Logical_Router: the logical switches that each router joins."""

from typing import Any

from ...values.rows import LogicalRouter
from ..declarations import Group, Table
from ..schemas import MAP, TEXT


def _read(row: Any) -> LogicalRouter:
    joined = frozenset(each.uuid for each in row.switch_binding.values())
    return LogicalRouter(row.uuid, row.name, joined)


GROUP = Group(tables=(Table("Logical_Router", {"name": TEXT, "switch_binding": MAP}, read=_read),))
