"""Sending frames along the ways that layout.py declares, and past optional tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..values.flows import Action, GoTo, Resubmit, SetField
from .layout import WAYS, Table, Way
from .rules import RULES


@dataclass(frozen=True, slots=True)
class Step:
    """An optional table for the frames of one binding, and the fields that they carry to it.

    If it ``is_shut``, the frames are dropped before they come there.
    Raises ValueError if a field is not among those that the table declares as carried to it.
    """

    table: Table
    carrying: tuple[SetField, ...] = ()
    is_shut: bool = False

    def __post_init__(self) -> None:
        foreign = {action.field for action in self.carrying} - RULES[self.table].carried
        if foreign:
            raise ValueError(f"table {self.table} does not declare that {foreign} is carried to it")


def first(way: Way) -> Table:
    """Return the first table of a way."""
    table = WAYS[way][0]
    return first(table) if isinstance(table, Way) else table


def following(table: Table, way: Way, steps: Iterable[Step] = ()) -> Table | None:
    """Return the table that comes after a table of a way, None at its end.

    It is the next table that is not optional or has a step. An optional table does not know which
    further steps a frame has, so each of its frames continues to the very next table. A frame
    without a step for that one carries nothing to it.
    """
    wanted = {step.table for step in steps}
    for each in WAYS[way][WAYS[way].index(table) + 1 :]:
        if isinstance(each, Way):
            return first(each)
        if not RULES[each].is_optional or RULES[table].is_optional or each in wanted:
            return each
    return None


def onward(
    table: Table,
    way: Way,
    steps: Iterable[Step] = (),
    by: type[GoTo] | type[Resubmit] = GoTo,
) -> tuple[Action, ...]:
    """Return the actions that send a frame from a table to the next one of a way.

    They also set the registers that the optional tables match which the frame will pass, to 0 for
    those without a step: tables of several ways may share a register. There are no actions, so that
    frames are dropped, if a step of the way is shut.
    """
    ahead = [step for step in steps if step.table in WAYS[way]]
    if any(step.is_shut for step in ahead):
        return ()
    next_table = following(table, way, ahead)
    if next_table is None:
        return ()
    if not ahead or RULES[table].is_optional:
        return (by(next_table),)
    carried = {action.field: action for step in ahead for action in step.carrying}
    fields = (field for each in _optional(next_table, way) for field in RULES[each].carried)
    return (*(carried.get(field, SetField(field, 0)) for field in fields), by(next_table))


def into(way: Way, steps: Iterable[Step] = ()) -> tuple[Action, ...]:
    """Return the actions that send a frame into a way whose first table may have a step.

    They set the registers that this table matches, to 0 without a step; there are no actions, so
    that frames are dropped, if the step is shut.
    """
    table = first(way)
    ahead = [step for step in steps if step.table == table]
    if any(step.is_shut for step in ahead):
        return ()
    carried = {action.field: action for step in ahead for action in step.carrying}
    fields = sorted(RULES[table].carried)
    return (*(carried.get(field, SetField(field, 0)) for field in fields), GoTo(table))


def _optional(table: Table, way: Way) -> Iterator[Table]:
    """Yield the optional tables of a way that follow each other, beginning with a table."""
    for each in WAYS[way][WAYS[way].index(table) :]:
        if isinstance(each, Way) or not RULES[each].is_optional:
            return
        yield each
