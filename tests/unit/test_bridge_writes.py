"""The names of tables that are written to Open_vSwitch, and when they are removed."""

from dataclasses import replace

import pytest

from vtep_ofapp.loop.bridge_writes import bridge_writes
from vtep_ofapp.pipeline.layout import Table
from vtep_ofapp.values.rows import Mark
from vtep_ofapp.values.writes import NameTables, ReleaseBridge, SwitchWrite

from .builders import bridge, physical_switch, port
from .world import World

NAMES = {table.value: table.name for table in Table}
Tables = dict[int, str | None]


def writes(
    tables: Tables | None, is_managed: bool = True, is_settled: bool = True, mark: Mark = Mark.OURS
) -> list[SwitchWrite]:
    """Return the writes of names and marks; ``tables`` are None for an old schema."""
    world = World()
    found = bridge(port("p0", 1), mark=mark)
    world.switch.set_bridge(replace(found, tables=tables or {}, can_name_tables=tables is not None))
    if is_managed:
        world.physical(physical_switch())
    made = bridge_writes(world.switch, lambda: is_settled)
    return [each for each in made if isinstance(each, NameTables | ReleaseBridge)]


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {number: name for number, name in NAMES.items() if number != Table.EGRESS},
        {**NAMES, Table.UNICAST: ""},
        {**NAMES, Table.UNICAST: "ROUTING"},
        {**NAMES, 200: "of a former version"},
        {**NAMES, 200: "of a former version", Table.EGRESS: None},
    ],
)
def test_tables_get_their_names(tables: Tables) -> None:
    assert writes(tables) == [NameTables("br0", NAMES)]


@pytest.mark.parametrize(
    "tables",
    [dict(NAMES), {**NAMES, Table.UNICAST: None, 200: None}, dict.fromkeys(NAMES), None],
)
def test_names_that_are_there_and_tables_of_others_stay(tables: Tables | None) -> None:
    assert writes(tables) == []


def test_names_go_with_the_mark_when_no_flow_is_left() -> None:
    there: Tables = {**NAMES, Table.UNICAST: None}
    assert writes(there, is_managed=False, is_settled=False) == []
    assert writes(there, is_managed=False) == [NameTables("br0", {}), ReleaseBridge("br0")]
    nothing_of_ours: tuple[Tables | None, ...] = ({}, {60: None}, None)
    for others in nothing_of_ours:
        assert writes(others, is_managed=False) == [ReleaseBridge("br0")]
    assert writes(there, is_managed=False, mark=Mark.OTHERS) == []
