"""Delete duplicate rows of local tables: at most one stays for a key."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from ..declarations import Changes


def keep_one(
    changes: Changes, table: str, rows: Iterable[UUID], is_right: Callable[[Any], bool]
) -> Any:
    """Delete all rows except the first correct one; return that, None if there is none."""
    found = None
    for uuid in rows:
        row = changes.row(table, uuid)
        if row is None:
            continue
        if found is None and is_right(row):
            found = row
        else:
            row.delete()
    return found
