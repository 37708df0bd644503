"""The fault columns of all tables that have one."""

from collections.abc import Iterable

from ...values.writes import PutFaultStatus
from ..declarations import Changes, Group, Write


def _put(changes: Changes, write: PutFaultStatus) -> None:
    row = changes.row(write.row.table.value, write.row.uuid)
    if row is not None:
        setattr(row, write.row.table.column, sorted(write.entries))


def _about(write: PutFaultStatus) -> Iterable[str]:
    return (f"{write.row.table.value}.{write.row.table.column}",)


GROUP = Group(writes=(Write(PutFaultStatus, _put, _about),))
