"""Changes of a switch's flows and groups, as values."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from .flows import Flow, FlowKey, Group


class FlowChange(NamedTuple):
    """The flow that is to be under the key, or None for no flow there."""

    key: FlowKey
    flow: Flow | None

    def __str__(self) -> str:
        return f"flow {self.flow}" if self.flow else f"no flow {self.key}"


@dataclass(frozen=True, slots=True)
class GroupChange:
    """The group that is to have the id, or None for none; ``exists`` if it has one now."""

    id: int
    group: Group | None
    exists: bool

    def __str__(self) -> str:
        return f"group {self.group}" if self.group else f"no group {self.id:#x}"


Change: TypeAlias = "FlowChange | GroupChange"
