"""The rows of Logical_Switch, and each logical switch's number in the pipeline."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from ...engine.feature import Index
from ...engine.stable_ids import StableIds
from ...engine.topics import Topic
from ...values.rows import LogicalSwitch


@dataclass(frozen=True, slots=True)
class LogicalSwitchChanged:
    """The row of a logical switch changed, or whether its VNI can be used."""

    logical_switch: UUID


@dataclass(frozen=True, slots=True)
class WholeLogicalSwitch:
    """All owners of a logical switch are invalid."""

    logical_switch: UUID


class LogicalSwitches(Index):
    """The logical switches by their rows."""

    ROWS = (LogicalSwitch,)

    def __init__(self) -> None:
        self.ids = StableIds()
        self._rows: dict[UUID, LogicalSwitch] = {}

    def get(self, logical_switch: UUID) -> LogicalSwitch | None:
        """Return the row of a logical switch, None if there is none."""
        return self._rows.get(logical_switch)

    def rows(self) -> Collection[LogicalSwitch]:
        """Return the rows of all logical switches."""
        return self._rows.values()

    def name(self, logical_switch: UUID) -> str:
        """Return the logical switch's name in messages."""
        row = self._rows.get(logical_switch)
        return f"Logical_Switch {row.name if row else logical_switch}"

    def number(self, logical_switch: UUID) -> int | None:
        """Return the number that frames of the logical switch carry, None if it has no row."""
        return self.ids.get(logical_switch)

    def source_node_replication(self, logical_switch: UUID) -> bool:
        """Whether BUM frames go to every remote VTEP (source node) and not to one service node."""
        row = self._rows.get(logical_switch)
        return row is not None and row.source_node_replication

    def row_changed(
        self, former: LogicalSwitch | None, new: LogicalSwitch | None
    ) -> Iterator[Topic]:
        """Handle a changed row; return the topics that it invalidates."""
        renumbered: set[UUID] = set()
        if former is not None:
            uuid = former.uuid
            del self._rows[uuid]
        if new is not None:
            uuid = new.uuid
            self._rows[uuid] = new
        if former is None:
            renumbered = self.ids.add(uuid)
        elif new is None:
            renumbered = self.ids.remove(uuid) | {uuid}
        elif new.name != former.name:
            renumbered = {uuid}  # faults of its stations name it
        yield LogicalSwitchChanged(uuid)
        yield from map(WholeLogicalSwitch, renumbered)
