"""Rows of a local table of which there is one, or none, for what they say."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from ..declarations import Changes


def keep_one(
    changes: Changes, table: str, rows: Iterable[UUID], is_right: Callable[[Any], bool]
) -> bool:
    """Delete all of the rows but the first one that is right; return whether there is one."""
    found = False
    for uuid in rows:
        row = changes.row(table, uuid)
        if row is None:
            continue
        if not found and is_right(row):
            found = True
        else:
            row.delete()
    return found
