"""Whether flows and groups keep to what pipeline/layout.py declares of tables, groups and ways."""

from collections.abc import Iterable
from functools import lru_cache

from vtep_ofapp.pipeline.layout import WAYS, Priority, Table, Way
from vtep_ofapp.pipeline.rules import GROUP_RULES, RULES, Rules
from vtep_ofapp.pipeline.ways import first, following
from vtep_ofapp.values.flows import Action, CheckLength, Flow, GoTo, Group, Resubmit, SetField

from .prerequisites import check_prerequisites
from .reading import kind_of_group


@lru_cache(maxsize=1 << 16)
def check_flow(flow: Flow) -> None:
    """Assert that a flow does nothing which its table does not declare, nor a switch refuses."""
    check_prerequisites(flow)
    table = Table(flow.key.table)
    rules = RULES[table]
    foreign = {field for field, _ in flow.key.match} - rules.matches
    assert not foreign, f"{table.name} does not declare that it matches {foreign}: {flow}"
    _check_actions(flow.actions, rules, nexts(table), str(flow))
    is_shown_alone = _ends_at_controller(flow.actions)
    if flow.key.priority == Priority.MISS and flow.actions and not is_shown_alone:
        assert rules.miss_goes_on, f"{table.name} does not declare a miss that goes on: {flow}"
        assert _target(flow.actions[-1]) in nexts(table), str(flow)


@lru_cache(maxsize=1 << 12)
def check_group(group: Group) -> None:
    """Assert that the buckets of a group do nothing which its kind does not declare."""
    for bucket in group.buckets:
        _check_actions(bucket.actions, GROUP_RULES[kind_of_group(group.id)], set(), str(group))


def nexts(table: Table) -> set[Table]:
    """Return the tables that may follow a table on one of its ways."""
    found = set()
    for way, tables in WAYS.items():
        if table in tables:
            after = following(table, way)
            passed = tables[tables.index(table) + 1 :]
            found |= {each for each in passed if isinstance(each, Table) and is_skipped(each)}
            found |= {after} if after is not None else set()
    return found


def is_skipped(table: Table) -> bool:
    return RULES[table].is_optional


def _check_actions(actions: Iterable[Action], rules: Rules, onward: set[Table], what: str) -> None:
    for action in actions:
        if isinstance(action, GoTo | Resubmit):
            entered = {first(way) for way in rules.enters}
            assert _target(action) in onward | entered, f"no way goes there: {what}"
        elif isinstance(action, SetField | CheckLength):
            field = action.field if isinstance(action, SetField) else action.register
            assert field in rules.sets, f"{field} is not declared to be set: {what}"
        else:
            assert type(action) in rules.acts, f"{action} is not declared: {what}"


def _ends_at_controller(actions: tuple[Action, ...]) -> bool:
    """Whether a frame ends as a packet-in, and is not forwarded."""
    return bool(actions) and _target(actions[-1]) == first(Way.TO_CONTROLLER)


def _target(action: Action) -> Table | None:
    return Table(action.table) if isinstance(action, GoTo | Resubmit) else None
