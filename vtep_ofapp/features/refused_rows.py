"""Rows with invalid columns: each is logged once, and is a fault of the switches it concerns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from ..engine.cause import Cause, RowOf
from ..engine.desired import NOTHING, Desired
from ..engine.feature import Feature, Index, Owner
from ..engine.view import View
from ..values.faults import Fault
from ..values.rows import Refused
from .logical_switches.rows import WholeLogicalSwitch
from .presence import Presence


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """The owner of the fault of a row with invalid columns."""

    row: UUID


class RefusedRows(Index):
    """The rows with invalid columns."""

    ROWS = (Refused,)

    def __init__(self) -> None:
        self._rows: dict[UUID, Refused] = {}
        self._in: defaultdict[UUID | None, set[UUID]] = defaultdict(set)
        self._changed: set[RefusedRow] = set()

    def get(self, row: UUID) -> Refused | None:
        """Return the reason why a row is not used, None if it is used."""
        return self._rows.get(row)

    def in_logical_switch(self, logical_switch: UUID) -> Iterable[UUID]:
        """Return the rows of a logical switch that cannot be used."""
        return self._in.get(logical_switch, ())

    def row_changed(self, former: Refused | None, new: Refused | None) -> list[RefusedRow]:
        """Handle a changed row; return the topics that it invalidates."""
        topics: list[RefusedRow] = []
        if former is not None:
            del self._rows[former.uuid]
            self._in[former.logical_switch].discard(former.uuid)
            if not self._in[former.logical_switch]:
                del self._in[former.logical_switch]
            topics = [RefusedRow(former.uuid)]
        if new is not None:
            self._rows[new.uuid] = new
            self._in[new.logical_switch].add(new.uuid)
            topics = [RefusedRow(new.uuid)]
        self._changed.update(topics)
        return topics

    def take_changed(self) -> dict[RefusedRow, list[Fault]]:
        """Return, once, the faults of changed rows for the log, whether a switch binds them or not.

        A row that can be used has none.
        """
        changed, self._changed = self._changed, set()
        return {key: self._faults(key) for key in changed}

    def _faults(self, key: RefusedRow) -> list[Fault]:
        refused = self._rows.get(key.row)
        return [Fault(refused.subject, refused.reason)] if refused else []


def _refused(key: RefusedRow, view: View) -> Desired:
    refused = view[RefusedRows].get(key.row)
    if (
        refused is None
        or refused.logical_switch is None
        or refused.logical_switch not in view[Presence]
    ):
        return NOTHING
    return Desired(faults=(view.switch_fault(refused.reason, refused.subject),))


def _because(key: RefusedRow, view: View) -> Iterator[Cause]:
    refused = view[RefusedRows].get(key.row)
    if refused is not None:
        table = refused.subject.split()[0]
        yield Cause(f"{refused.subject}: {refused.reason}", (RowOf(table, key.row),))


def _whole(topic: WholeLogicalSwitch, view: View) -> Iterable[RefusedRow]:
    return map(RefusedRow, view[RefusedRows].in_logical_switch(topic.logical_switch))


FEATURE = Feature(
    indices=(RefusedRows,),
    owners=(Owner(RefusedRow, _refused, _because),),
    invalidated_by={WholeLogicalSwitch: _whole},
)
