"""Tables, the ways between them, and group ids."""

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_v1_3 as ofp

import vtep_ofapp
from vtep_ofapp.pipeline import admission, egress, layout
from vtep_ofapp.pipeline.layout import (
    CHUNKS,
    WAYS,
    Cookie,
    GroupKind,
    Priority,
    Table,
    Way,
    group_id,
)
from vtep_ofapp.pipeline.rules import GROUP_RULES, RULES, Rules
from vtep_ofapp.pipeline.ways import Step, following, onward
from vtep_ofapp.values.flows import (
    GROUP_BASE,
    GROUP_MASK,
    Action,
    Flow,
    GoTo,
    Group,
    MatchValue,
    Output,
    Resubmit,
    SetField,
    match,
)

from .builders import FAR, IP1, IP6, MAC1, MULTICAST, binding
from .declared import check_flow, check_group, nexts
from .produced import FLOWS, GROUPS, NUMBERS
from .reading import kind_of_group

UNTAGGED = binding("p0", ofport=1, vlan=0)

# Declarations


def test_every_table_and_every_kind_of_group_has_rules() -> None:
    assert RULES.keys() == set(Table)
    assert GROUP_RULES.keys() == set(GroupKind)


def test_every_table_has_its_place_on_a_way_and_every_way_is_there() -> None:
    assert WAYS.keys() == set(Way)
    assert {each for way in WAYS.values() for each in way if isinstance(each, Table)} == set(Table)


def test_a_way_leads_to_later_tables_as_goto_needs_it() -> None:
    for table in Table:
        assert all(table < each for each in nexts(table)), table.name


@given(FLOWS)
def test_a_flow_does_what_its_table_declares(flow: Flow) -> None:
    check_flow(flow)


@given(GROUPS)
def test_a_group_does_what_its_kind_declares(group: Group) -> None:
    check_group(group)


def flow(
    table: Table,
    fields: Mapping[str, MatchValue],
    *actions: Action,
    priority: Priority = Priority.DEFAULT,
) -> Flow:
    return layout.flow(table, priority, match(fields), *actions, producer=Cookie.LEARNING)


@pytest.mark.parametrize(
    "bad",
    [
        flow(Table.TUNNEL, {"metadata": 7}, Output(1)),
        flow(Table.LEARNING, {}, SetField("reg2", 7)),
        flow(Table.LEARNING, {}, Output(1)),
        flow(Table.LEARNING, {}, GoTo(Table.EGRESS)),
        flow(Table.ADMISSION, {}, Resubmit(Table.UNICAST)),
        flow(Table.TUNNEL, {}, Output(1), priority=Priority.MISS),
    ],
    ids=str,
)
def test_what_is_not_declared_is_found(bad: Flow) -> None:
    with pytest.raises(AssertionError):
        check_flow(bad)


# Ways


def test_a_table_leads_to_the_next_one_of_its_way() -> None:
    assert following(Table.ADMISSION, Way.FROM_BINDING) == Table.LEARNING
    assert following(Table.LEARNING, Way.FROM_BINDING) == Table.SNOOPING
    assert following(Table.SNOOPING, Way.FROM_BINDING) == Table.RESOLUTION
    assert following(Table.DECAPSULATION, Way.FROM_TUNNEL) == Table.RESOLUTION
    assert following(Table.TUNNEL, Way.TO_TUNNEL) is None
    assert onward(Table.TUNNEL, Way.TO_TUNNEL) == ()


PAIRS = [
    (way, place, table)
    for way, tables in WAYS.items()
    for place, table in enumerate(tables)
    if isinstance(table, Table) and table != Table.ADMISSION and not RULES[table].is_optional
]
"""Places in ways, before a table. Frames do not go to ADMISSION: they begin there."""
ADDED = 255


def fresh_pipeline(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Import the pipeline once more, for this test alone, before its flows are made."""
    names = [name for name in sys.modules if name.startswith("vtep_ofapp.pipeline")]
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(vtep_ofapp, "pipeline", vtep_ofapp.pipeline)
    return {
        each: importlib.import_module(f"vtep_ofapp.pipeline.{each}") for each in ("layout", "rules")
    }


MODULES = (
    *(
        "acls",
        "admission",
        "answers",
        "arp_sources",
        "egress",
        "flooding",
        "learning",
        "multicast",
        "next_hops",
        "resolution",
    ),
    *("routing", "snooping", "tunnels", "unicast"),
)


def made(pipeline: dict[str, ModuleType]) -> list[Flow | Group]:
    """Return flows and groups of every kind."""
    for name in MODULES:
        pipeline[name] = importlib.import_module(f"vtep_ofapp.pipeline.{name}")
    tunnels, unicast = (pipeline[name] for name in ("tunnels", "unicast"))
    return [
        *pipeline["admission"].bound(UNTAGGED, 7),
        *pipeline["egress"].bound(UNTAGGED, 7),
        *of_senders(pipeline),
        *of_routers(pipeline),
        tunnels.incoming(FAR, 9),
        tunnels.incoming_from_anyone(9),
        tunnels.incoming_bfd(FAR, 9, "169.254.1.0"),
        tunnels.decapsulation(FAR, 5001, 7),
        tunnels.decapsulation_from_anyone(5001, 7),
        tunnels.decapsulation_from_arp_sources(5001, 7),
        tunnels.encapsulation(7, 5001),
        tunnels.encapsulation_towards(7, FAR, 6001),
        tunnels.outgoing(FAR, 9),
        unicast.elsewhere(),
        unicast.local(UNTAGGED.number, 7, MAC1),
        unicast.remote(7, MAC1, FAR),
        *flooded(pipeline["flooding"]),
    ]


def of_senders(pipeline: dict[str, ModuleType]) -> list[Flow]:
    learning, snooping, resolution = (
        pipeline[name] for name in ("learning", "snooping", "resolution")
    )
    return [
        learning.unknown(),
        *learning.showing(),
        learning.known(UNTAGGED.number, 7, MAC1, 300),
        learning.moving(7, MAC1),
        learning.held(7, MAC1),
        learning.full_binding(UNTAGGED.number),
        learning.full_logical_switch(7),
        snooping.others(),
        *snooping.statements(),
        *snooping.no_statements(),
        snooping.known(UNTAGGED.number, 7, MAC1, IP1, 1200),
        snooping.quiet(7, MAC1),
        resolution.others(),
        resolution.responder(7, IP1, MAC1),
        resolution.responder(7, IP6, MAC1),
        *resolution.answers(),
    ]


def of_routers(pipeline: dict[str, ModuleType]) -> list[Flow]:
    routing, next_hops = pipeline["routing"], pipeline["next_hops"]
    return [
        *pipeline["acls"].misses_of_routers(),
        routing.others(),
        *routing.tables(),
        *routing.interface(3, 7, MAC1, True),
        *routing.own_address(3, MAC1, IP1),
        routing.route(3, MAC1, (IP1, 24), 7),
        next_hops.resolved(7, IP1, MAC1),
        *next_hops.tables(),
        *pipeline["answers"].takeovers(7, IP1, MAC1),
        *pipeline["answers"].quiet_remote(FAR),
        *pipeline["resolution"].own_address(7, IP1, MAC1, False),
        *pipeline["resolution"].answers_to_tunnels(),
    ]


def flooded(flooding: ModuleType) -> list[Flow | Group]:
    many = {f"10.1.{number >> 8}.{number & 255}": 9 for number in range(1000)}
    flooded = [
        flooding.local(7, [UNTAGGED]),
        flooding.replicated(7, {FAR: 9}, True),
        flooding.replicated(8, many, True),
        flooding.multicast(7, 3, MULTICAST, {FAR: 9}, False),
    ]
    each = [one for flows, groups in flooded for one in (*flows, *groups)]
    return [flooding.again(), *each]


def targets(each: Flow | Group) -> list[int]:
    """Return the tables that a flow or the buckets of a group lead to."""
    parts = [each.actions] if isinstance(each, Flow) else [one.actions for one in each.buckets]
    return [
        action.table
        for actions in parts
        for action in actions
        if isinstance(action, GoTo | Resubmit)
    ]


@pytest.mark.parametrize(
    ("way", "place", "table"), PAIRS, ids=[f"{way.name}-{table.name}" for way, _, table in PAIRS]
)
def test_a_table_that_is_added_to_a_way_gets_all_frames_of_the_way(
    way: Way, place: int, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is declared in WAYS and RULES, and nothing else is changed."""
    before = made(fresh_pipeline(monkeypatch))
    pipeline = fresh_pipeline(monkeypatch)
    layout, own = pipeline["layout"], pipeline["layout"].Way[way.name]
    layout.WAYS[own] = (*layout.WAYS[own][:place], ADDED, *layout.WAYS[own][place:])
    pipeline["rules"].RULES[ADDED] = pipeline["rules"].Rules()
    led_there = 0
    for one, other in zip(before, made(pipeline), strict=True):
        assert targets(other) == [ADDED if each == table else each for each in targets(one)]
        led_there += table in targets(one)
    assert led_there


def last_free_before(table: Table) -> Table:
    """Return a number for a made-up table, the last one before a table that no other has."""
    return cast(Table, max(set(range(table)) - set(Table)))


FREE_REGISTER = "reg16"
"""A made-up one: the pipeline uses all that there are."""
ON_THE_WAY_IN = last_free_before(Table.LEARNING)
ON_THE_WAY_OUT = last_free_before(Table.DELIVERY)
CARRIED = SetField(FREE_REGISTER, 5)
LAST_BUT_ONE = cast(Table, ON_THE_WAY_OUT - 1)


@pytest.fixture
def with_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add optional tables to a binding's way in and out."""
    for way, number, before in (
        (Way.FROM_BINDING, ON_THE_WAY_IN, Table.LEARNING),
        (Way.TO_BINDING, ON_THE_WAY_OUT, Table.DELIVERY),
    ):
        place = WAYS[way].index(before)
        monkeypatch.setitem(WAYS, way, (*WAYS[way][:place], number, *WAYS[way][place:]))
        rules = Rules(is_optional=True, carried=frozenset({FREE_REGISTER}))
        monkeypatch.setitem(RULES, number, rules)


def test_frames_of_a_binding_with_a_step_on_its_way_in_pass_an_optional_table(
    with_optional: None,
) -> None:
    step = Step(ON_THE_WAY_IN, (CARRIED,))
    for one in admission.bound(UNTAGGED, 7, [step]):
        assert one.actions[-2:] == (CARRIED, GoTo(ON_THE_WAY_IN))
    for one in admission.bound(UNTAGGED, 7):
        assert one.actions[-1] == GoTo(Table.LEARNING)
    assert onward(ON_THE_WAY_IN, Way.FROM_BINDING) == (GoTo(Table.LEARNING),)


def test_frames_of_a_binding_with_a_step_on_its_way_out_are_delivered_after_it(
    with_optional: None,
) -> None:
    step = Step(ON_THE_WAY_OUT, (CARRIED,))
    back, to_step, *delivered = egress.bound(UNTAGGED, 7, [step])
    assert back in egress.bound(UNTAGGED, 7)
    assert to_step.actions == (CARRIED, GoTo(ON_THE_WAY_OUT))
    assert dict(to_step.key.match) == {"metadata": 7, "reg1": 0x1000}
    _, *direct = egress.bound(UNTAGGED, 7)
    assert delivered == [one._replace(key=one.key._replace(table=Table.DELIVERY)) for one in direct]
    assert onward(ON_THE_WAY_OUT, Way.TO_BINDING) == (GoTo(Table.DELIVERY),)


def test_a_step_on_the_other_way_changes_nothing(with_optional: None) -> None:
    assert egress.bound(UNTAGGED, 7, [Step(ON_THE_WAY_IN)]) == egress.bound(UNTAGGED, 7)
    assert admission.bound(UNTAGGED, 7, [Step(ON_THE_WAY_OUT)]) == admission.bound(UNTAGGED, 7)


def test_a_step_carries_registers_of_its_table_alone(with_optional: None) -> None:
    with pytest.raises(ValueError, match="reg0"):
        Step(ON_THE_WAY_IN, (CARRIED, SetField("reg0", 5)))
    with pytest.raises(ValueError, match=FREE_REGISTER):
        Step(Table.DELIVERY, (CARRIED,))


def matched_by_others() -> set[str]:
    """Return registers that steps carry to one table, and that another one of its way matches."""
    return {
        field
        for tables in WAYS.values()
        for table in tables
        for other in tables
        if isinstance(table, Table | int) and isinstance(other, Table | int) and other != table
        for field in RULES[table].carried & (RULES[other].matches | RULES[other].carried)
    }


def test_what_a_step_carries_to_a_table_no_other_table_of_the_way_matches() -> None:
    """A frame passes optional tables for which it has no step: it carries nothing to them."""
    assert matched_by_others() == set()


def test_two_optional_tables_of_a_way_with_one_register_are_found(
    with_optional: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of two ways may share it: onward() sets it for all that a frame will pass."""
    assert matched_by_others() == set()
    way = Way.TO_BINDING
    monkeypatch.setitem(WAYS, way, (*WAYS[way][:1], LAST_BUT_ONE, *WAYS[way][1:]))
    monkeypatch.setitem(RULES, LAST_BUT_ONE, RULES[ON_THE_WAY_OUT])
    assert matched_by_others() == {FREE_REGISTER}


def test_a_frame_carries_nothing_to_an_optional_table_without_a_step_for_it(
    with_optional: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have passed tables of another way that used the register."""
    way = Way.TO_BINDING
    monkeypatch.setitem(WAYS, way, (*WAYS[way][:1], LAST_BUT_ONE, *WAYS[way][1:]))
    monkeypatch.setitem(RULES, LAST_BUT_ONE, Rules(is_optional=True))
    actions = onward(Table.EGRESS, way, [Step(LAST_BUT_ONE)])
    assert SetField(FREE_REGISTER, 0) in actions
    assert actions[-1] == GoTo(LAST_BUT_ONE)


# Group ids


WHOLE = [GroupKind.BRIDGE, GroupKind.LOCAL, GroupKind.REPLICATION, GroupKind.MULTICAST]
PARTS = [GroupKind.REPLICATION_PART, GroupKind.MULTICAST_PART]
PLACES = st.sampled_from([(kind, 0) for kind in WHOLE]) | st.tuples(
    st.sampled_from(PARTS), st.integers(0, CHUNKS - 1)
)


@given(PLACES, NUMBERS, PLACES, NUMBERS)
def test_group_ids_are_ours_and_tell_kind_part_and_number(
    place: tuple[GroupKind, int], number: int, other_place: tuple[GroupKind, int], other: int
) -> None:
    first, second = (
        group_id(kind, low, part) for (kind, part), low in ((place, number), (other_place, other))
    )
    assert first & GROUP_MASK == GROUP_BASE
    assert first < ofp.OFPG_MAX
    assert (first == second) == ((place, number) == (other_place, other))
    assert (kind_of_group(first), first & 0xFFFFFF) == (place[0], number)


def id_before_parts_were_kinds(kind: int, number: int, chunk: int) -> int:
    """Return the id that a group has on bridges of versions before GroupKind had five bits."""
    return 0xA << 28 | (kind + chunk) << 24 | number


@given(NUMBERS, st.integers(1, CHUNKS))
def test_groups_have_the_ids_that_they_have_on_bridges_already(number: int, chunk: int) -> None:
    """So that an upgrade changes no group, and two versions may be a pair."""
    for kind in WHOLE:
        assert group_id(kind, number) == id_before_parts_were_kinds(kind, number, 0)
    for part in PARTS:
        former = id_before_parts_were_kinds(part - 1, number, chunk)
        assert group_id(part, number, chunk - 1) == former


def test_there_is_room_for_new_kinds_of_groups() -> None:
    largest = group_id(GroupKind.MULTICAST_PART, (1 << 24) - 1, CHUNKS - 1)
    free = GROUP_BASE | 16 << 24
    assert largest < free
    assert free & GROUP_MASK == GROUP_BASE
    assert (free + (16 << 24) - 1) & GROUP_MASK == GROUP_BASE
