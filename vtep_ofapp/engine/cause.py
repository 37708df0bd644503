"""Why an owner has its flows, groups, ports and rows."""

from typing import NamedTuple
from uuid import UUID


class RowOf(NamedTuple):
    """A row of hardware_vtep: its table and its UUID."""

    table: str
    uuid: UUID

    def __str__(self) -> str:
        return f"{self.table} {self.uuid}"


class Cause(NamedTuple):
    """A sentence about an owner without its full stop, and the rows that it speaks of."""

    text: str
    rows: tuple[RowOf, ...] = ()

    def __str__(self) -> str:
        return f"{self.text} ({', '.join(map(str, self.rows))})" if self.rows else self.text
