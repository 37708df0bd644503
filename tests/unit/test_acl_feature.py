"""Access lists of ports: which flows, steps and faults rows amount to, change by change."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from vtep_ofapp.engine.report import ManagedSwitches
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.engine.topics import FlowsRefused
from vtep_ofapp.features.acls import order
from vtep_ofapp.features.acls.bindings import PortAcls
from vtep_ofapp.features.acls.feature import FEATURE
from vtep_ofapp.features.acls.judging import AclRule, UsedAcl
from vtep_ofapp.features.acls.refusals import LONGEST_PAUSE
from vtep_ofapp.features.acls.rows import AclChanged, Acls, EntryChanged
from vtep_ofapp.pipeline.layout import ACL, ACL_OF_PORT, Cookie, Priority, Table, producer_of
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.acls import Acl, AclEntry
from vtep_ofapp.values.faults import FaultTable
from vtep_ofapp.values.flows import Flow
from vtep_ofapp.values.rows import Gone

from .acl_entries import entry, invalid
from .builders import BLUE, RED, logical_switch, physical_port, physical_switch, port, uuid, word_of
from .doubles import TimeDouble
from .world import World

X, Y = uuid(0xAC1), uuid(0xAC2)
TABLES = (Table.ACL_INGRESS_PORT, Table.ACL_INGRESS, Table.ACL_EGRESS_PORT, Table.ACL_EGRESS)


def acl(*entries: AclEntry, row: Any = X, **more: Any) -> tuple[Any, ...]:
    """Return the rows of an access list and of its entries."""
    more.setdefault("name", {X: "x", Y: "y"}.get(row))
    return (*entries, Acl(row, entries=frozenset(each.uuid for each in entries), **more))


def bound(world: World, **ports: dict[int, Any]) -> None:
    """Bind access lists to ports by their names: each has VLAN 0 in red and VLAN 10 in blue."""
    rows = (
        physical_port(name, {0: RED, 10: BLUE}, acl_bindings=acls) for name, acls in ports.items()
    )
    world.physical(physical_switch(*rows))
    world.settle()


def new_world(**settings: Any) -> World:
    time = TimeDouble()
    world = World(settings=Settings(**settings), clock=time.clock)
    world.time = time  # type: ignore[attr-defined]
    world.tell(logical_switch(RED, 5001), logical_switch(BLUE, 5002))
    world.bridge(port("p0", 1), port("p1", 2))
    bound(world, p0={}, p1={})
    return world


def try_again(world: World) -> None:
    """Wait for the next timer of the switch."""
    time: TimeDouble = world.time  # type: ignore[attr-defined]
    end = world.switch.next_due()
    assert end is not None
    time.wait(end - time.clock())
    world.switch.due()
    world.settle()


@pytest.fixture
def world() -> World:
    return new_world()


def number(world: World, row: Any = X) -> int:
    found = world.model[Acls].number(row)
    assert found is not None
    return found


def judging(world: World) -> list[tuple[Table, int, int, bool]]:
    """Return the table, number, priority below ACL_FIRST and goodwill of each access list's flow.

    Those for frames that no entry matches are left out.
    """
    return sorted(
        (
            Table(flow.key.table),
            _number(flow),
            Priority.ACL_FIRST - flow.key.priority,
            bool(flow[1]),
        )
        for flow in world.flow_values()
        if producer_of(flow.cookie) is Cookie.ACLS and flow.key.priority != Priority.MISS
    )


def _number(flow: Flow) -> int:
    fields = dict(flow.key.match)
    found = fields.get(ACL, fields.get(ACL_OF_PORT))
    assert isinstance(found, int)
    assert flow.cookie & 0xFFFFFFF == found
    return found


def misses(world: World) -> set[Table]:
    return {
        Table(flow.key.table)
        for flow in world.flow_values()
        if producer_of(flow.cookie) is Cookie.ACLS and flow.key.priority == Priority.MISS
    }


def way(world: World, table: Table, binding: int) -> str:
    """Return the actions of the flow by which frames of a binding leave a table."""
    field = "reg1" if table == Table.EGRESS else "reg0"
    what = f"set_field:{binding:#x}->{field}" if field == "reg0" else f"{field}={binding:#x}"
    (text,) = {
        flow.split(": ", 1)[1].split(f"->{field},")[-1].split("->metadata,")[-1]
        for flow in world.flows()
        if flow.startswith(f"{table.name} DEFAULT") and what in flow
    }
    return text


def words(world: World) -> set[tuple[str, str]]:
    """Return the tables and words of the fault columns of access lists."""
    found = {
        (fault.entry.row.table.value, word_of(fault)) for fault in world.faults() if fault.entry
    }
    return {(table, word) for table, word in found if word}


ALL_THREE = {
    ("ACL_entry", "invalid_acl_entry"),
    ("ACL", "invalid_acl"),
    ("Physical_Port", "invalid_ACL_binding"),
}


def test_an_access_list_that_is_bound_nowhere_costs_nothing(world: World) -> None:
    world.settle()
    before = world.summary()
    world.tell(*acl(entry(1), invalid(2)))
    world.settle()
    assert world.summary() == before
    assert misses(world) == set()
    assert world.switch.because(UsedAcl(X)) == ()
    assert world.switch.because(AclRule(X, entry(1).uuid)) == ()


def test_an_entry_judges_in_the_tables_that_are_in_use(world: World) -> None:
    world.tell(*acl(entry(1), entry(2, out=True, permits=True)))
    bound(world, p0={0: X}, p1={})
    x = number(world)
    assert judging(world) == [(Table.ACL_INGRESS, x, 10, False), (Table.ACL_EGRESS, x, 20, True)]
    assert misses(world) == set(TABLES)
    assert not world.complaints()
    assert way(world, Table.ADMISSION, 0x1000) == f"set_field:{x:#x}->reg7,goto ACL_INGRESS"
    assert way(world, Table.ADMISSION, 0x100A) == f"set_field:{x:#x}->reg7,goto ACL_INGRESS"
    assert way(world, Table.EGRESS, 0x1000) == f"set_field:{x:#x}->reg7,goto ACL_EGRESS"
    assert way(world, Table.ADMISSION, 0x2000) == "goto LEARNING"
    bound(world, p0={}, p1={})
    assert judging(world) == []
    assert misses(world) == set()


def test_a_direction_without_entries_has_no_step(world: World) -> None:
    world.tell(*acl(entry(1)))
    bound(world, p0={0: X})
    assert "reg7" in way(world, Table.ADMISSION, 0x1000)
    assert not any("ACL_EGRESS" in flow for flow in world.flows() if flow.startswith("EGRESS"))
    world.tell(*acl(entry(1, out=True)))
    world.settle()
    assert way(world, Table.ADMISSION, 0x1000) == "goto LEARNING"
    assert way(world, Table.EGRESS, 0x1000) == f"set_field:{number(world):#x}->reg7,goto ACL_EGRESS"
    assert judging(world) == [(Table.ACL_EGRESS, number(world), 10, False)]


def test_a_key_is_for_its_vlan_and_0_for_all(world: World) -> None:
    world.tell(*acl(entry(1)), *acl(entry(2), row=Y))
    x, y = number(world), number(world, Y)
    bound(world, p0={10: Y})
    assert way(world, Table.ADMISSION, 0x1000) == "goto LEARNING"
    assert way(world, Table.ADMISSION, 0x100A) == f"set_field:{y:#x}->reg7,goto ACL_INGRESS"
    bound(world, p0={0: X, 10: Y})
    both = f"set_field:{x:#x}->reg8,set_field:{y:#x}->reg7,goto ACL_INGRESS_PORT"
    assert way(world, Table.ADMISSION, 0x1000) == f"set_field:{x:#x}->reg7,goto ACL_INGRESS"
    assert way(world, Table.ADMISSION, 0x100A) == both
    assert judging(world) == [
        (Table.ACL_INGRESS_PORT, x, 10, False),
        *sorted([(Table.ACL_INGRESS, x, 10, False), (Table.ACL_INGRESS, y, 20, False)]),
    ]
    bound(world, p0={0: X, 10: X})
    assert way(world, Table.ADMISSION, 0x100A) == f"set_field:{x:#x}->reg7,goto ACL_INGRESS"
    assert judging(world) == [(Table.ACL_INGRESS, x, 10, False)]


def test_an_access_list_of_several_ports_costs_once(world: World) -> None:
    world.tell(*acl(entry(1)))
    bound(world, p0={0: X}, p1={10: X})
    assert len(judging(world)) == 1
    bound(world, p0={}, p1={10: X})
    assert len(judging(world)) == 1
    assert way(world, Table.ADMISSION, 0x1000) == "goto LEARNING"


def test_entries_may_be_shared_by_access_lists(world: World) -> None:
    world.tell(*acl(entry(1)), *acl(entry(1), entry(2), row=Y))
    bound(world, p0={0: X}, p1={0: Y})
    assert len(judging(world)) == 3
    world.tell(replace(entry(1), sequence=33))
    world.settle()
    assert [priority for _, _, priority, _ in judging(world)].count(33) == 2


def test_a_list_that_looks_at_ports_drops_first_fragments_without_them(world: World) -> None:
    world.tell(*acl(entry(1), entry(2, protocol=6, dest_ports=(22, 22)), entry(3, out=True)))
    bound(world, p0={0: X})
    cut = [(Table.ACL_INGRESS, number(world), -1, False)] * 2
    assert [each for each in judging(world) if each[2] == -1] == cut
    assert any("looks at ports" in each.text for each in world.switch.because(UsedAcl(X)))
    world.tell(entry(2, out=True, protocol=132, dest_ports=(22, 22)))
    world.settle()
    assert [each[0] for each in judging(world) if each[2] == -1] == [Table.ACL_EGRESS] * 2
    world.tell(entry(2))
    world.settle()
    assert not [each for each in judging(world) if each[2] == -1]


def test_a_changed_entry_costs_only_itself(world: World) -> None:
    world.tell(*acl(*(entry(each) for each in range(1, 9))))
    bound(world, p0={0: X})
    world.switch.flows.have_only(dict(world.switch.flows.wanted))
    world.tell(entry(4, permits=True))
    world.settle()
    assert [each.key.priority for each in world.switch.flows.differences()] == [60000 - 40]
    world.switch.flows.have_only(dict(world.switch.flows.wanted))
    world.tell(replace(entry(4), sequence=80))
    world.settle()
    assert world.switch.flows.count_differences() == 2, "the other one with 80 gives way"


def test_entries_without_a_row_cost_nothing_until_it_comes() -> None:
    acls, (acl, *entries) = Acls(), map(uuid, range(0xA00, 0xA04))
    named, row = Acl(acl, "x", frozenset(entries)), AclEntry(entries[0], 1, False, True)
    assert list(acls.row_changed(None, named)) == [AclChanged(acl)]
    assert list(acls.row_changed(None, row)) == [EntryChanged(acl, row.uuid), AclChanged(acl)]
    assert list(acls.row_changed(named, replace(named, entries=frozenset()))) == [
        EntryChanged(acl, row.uuid),
        AclChanged(acl),
    ]


def test_an_access_list_that_goes_costs_each_entry_once() -> None:
    """Where sequences are equal, an entry that goes moves others: not if all go."""
    acls, (acl, *entries) = Acls(), map(uuid, range(0xA00, 0xA04))
    named = Acl(acl, "x", frozenset(entries))
    list(acls.row_changed(None, named))
    for each in entries:
        list(acls.row_changed(None, AclEntry(each, 1, False, True)))
    for each in entries:
        acls.sides(acl)[0].order.priority(each)
    told = list(acls.row_changed(named, None))
    assert sorted(map(repr, told)) == sorted(
        map(repr, [*(EntryChanged(acl, each) for each in entries), AclChanged(acl)])
    )


def test_an_invalid_entry_drops_all_in_each_direction_and_mending_is_one_flow(
    world: World,
) -> None:
    world.tell(*acl(entry(1), entry(2), invalid(3), entry(4, out=True)))
    bound(world, p0={0: X})
    x = number(world)
    closed = [(Table.ACL_INGRESS, x, -1, False), (Table.ACL_EGRESS, x, -1, False)]
    assert set(closed) <= set(judging(world))
    assert words(world) == ALL_THREE
    world.switch.flows.have_only(dict(world.switch.flows.wanted))
    world.tell(entry(3))
    world.settle()
    assert {each.key.priority for each in world.switch.flows.differences()} == {60001, 60000 - 30}
    assert not words(world)
    world.tell(invalid(3, out=True), *acl(entry(1), invalid(3, out=True)))
    world.settle()
    assert set(closed) <= set(judging(world))


def test_faults_name_the_list_the_entry_the_column_and_what_to_type(world: World) -> None:
    world.tell(*acl(invalid(3)))
    bound(world, p0={0: X})
    row = invalid(3).uuid
    assert world.complaints() == {
        f"ACL_entry {row} (sequence 30) of ACL x: source_mask: ff:: is no mask; to mend it: "
        f"vtep-ctl clear ACL_entry {row} source_mask",
        "ACL x: an entry of it cannot be used; until that is mended, all frames in its direction "
        "ingress are dropped",
        "Physical_Port p0 of br0: acl_bindings: 0 is bound to ACL x, which has a fault",
    }
    world.tell(*acl(invalid(3), entry(4, out=True)))
    world.settle()
    both = "all frames in its directions ingress and egress are dropped"
    assert any(each.endswith(both) for each in world.complaints())
    world.tell(*acl(invalid(3), name="strict"))
    world.settle()
    assert not any("ACL x" in each for each in world.complaints())
    bound(world, p0={})
    assert not world.complaints()


def test_an_access_list_without_bound_vlans_has_faults_and_no_flows(world: World) -> None:
    world.tell(*acl(invalid(3)))
    world.physical(physical_switch(physical_port("p0", {}, acl_bindings={0: X})))
    world.settle()
    assert words(world) == ALL_THREE
    assert judging(world) == []
    world.physical(physical_switch(physical_port("p0", {0: RED}, acl_bindings={0: X})))
    world.settle()
    assert len(judging(world)) == 1


def test_vlan_4095_cannot_have_an_access_list(world: World) -> None:
    world.tell(*acl(entry(1)))
    bound(world, p0={4095: X})
    assert words(world) == {("Physical_Port", "invalid_ACL_binding")}
    assert judging(world) == []
    assert "vtep-ctl remove Physical_Port" in world.complaints().pop()


def test_a_vlan_that_is_not_bound_is_no_fault(world: World) -> None:
    world.tell(*acl(entry(1)))
    bound(world, p0={77: X})
    assert not world.complaints()
    assert judging(world) == []


def test_what_fails_open_leaves_out_what_is_invalid() -> None:
    world = new_world(acl_fails_open=True)
    world.tell(*acl(entry(1), invalid(2), invalid(3, out=True)))
    bound(world, p0={0: X})
    assert judging(world) == [(Table.ACL_INGRESS, number(world), 10, False)]
    assert words(world) == ALL_THREE
    assert not any("ACL_EGRESS" in flow for flow in world.flows() if flow.startswith("EGRESS"))


@pytest.mark.parametrize("fails_open", [False, True])
def test_the_largest_access_lists_are_refused_when_they_are_too_large(fails_open: bool) -> None:
    world = new_world(max_acl_flows=5, acl_fails_open=fails_open)
    world.tell(*acl(entry(1), entry(2)), *acl(*map(entry, (3, 4, 5)), row=Y))
    bound(world, p0={0: X}, p1={0: Y})
    x, y = number(world), number(world, Y)
    assert len(judging(world)) == 5
    world.tell(*acl(*map(entry, (3, 4, 5, 6)), row=Y))
    world.settle()
    closed = [] if fails_open else [(Table.ACL_INGRESS, y, -1, False)]
    assert [each for each in judging(world) if each[1] == y] == closed
    assert len([each for each in judging(world) if each[1] == x]) == 2
    assert words(world) == {
        ("ACL", "resource_shortage"),
        ("Physical_Port", "invalid_ACL_binding"),
    }
    assert (way(world, Table.ADMISSION, 0x2000) == "goto LEARNING") == fails_open
    world.tell(*acl(entry(1)))
    world.settle()
    assert len(judging(world)) == 5
    assert not words(world)


def test_a_list_with_more_entries_than_priorities_is_too_large(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "MOST_ENTRIES", 3)
    world.tell(*acl(*map(entry, (1, 2, 3, 4)), entry(5, out=True)), *acl(entry(6), row=Y))
    bound(world, p0={0: X}, p1={0: Y})
    assert ("ACL", "resource_shortage") in words(world)
    reason = "ACL x: it has more than 59,999 entries in one direction; until it is smaller, all"
    assert any(complaint.startswith(reason) for complaint in world.complaints())
    assert {each[2] for each in judging(world) if each[1] == number(world)} == {-1}
    assert {each[2] for each in judging(world) if each[1] == number(world, Y)} == {60}
    world.tell(*acl(*map(entry, (1, 2, 3)), entry(5, out=True)))
    world.settle()
    assert not words(world)
    assert len(judging(world)) == 5


def test_what_the_switch_refuses_is_dropped_and_tried_again_one_after_the_other(
    world: World,
) -> None:
    time: TimeDouble = world.time  # type: ignore[attr-defined]
    world.tell(*acl(entry(1), entry(2)), *acl(entry(3), row=Y))
    bound(world, p0={0: X}, p1={0: Y})
    x, y = number(world), number(world, Y)

    def refuse(*numbers: int) -> None:
        keys = (
            flow.key
            for flow in world.flow_values()
            if producer_of(flow.cookie) is Cookie.ACLS and flow.cookie & 0xFFFFFFF in numbers
        )
        world.switch.invalidate(FlowsRefused(frozenset(keys)))
        world.settle()

    whole = judging(world)
    refuse(x, y)
    closed = sorted((Table.ACL_INGRESS, each, -1, False) for each in (x, y))
    assert judging(world) == closed
    assert ("ACL", "resource_shortage") in words(world)
    refuse(x, y)
    assert judging(world) == closed, "the flow that drops all was refused"

    try_again(world)
    assert len({each[1] for each in judging(world) if each[2] > 0}) == 1
    tried = {each[1] for each in judging(world) if each[2] > 0}
    refuse(*tried)
    assert judging(world) == closed
    try_again(world)
    assert {each[1] for each in judging(world) if each[2] > 0} == {x, y} - tried
    for _ in range(10):
        if world.switch.next_due() is not None:
            try_again(world)
    assert judging(world) == whole
    assert not words(world)
    assert world.switch.next_due() is None
    refuse(x)
    end = world.switch.next_due()
    assert end is not None
    assert end - time.clock() <= LONGEST_PAUSE


def test_the_binding_drops_frames_if_the_flow_that_drops_all_is_refused(world: World) -> None:
    world.tell(*acl(entry(1)))
    bound(world, p0={0: X})

    def refuse(priority: int) -> None:
        keys = (each.key for each in world.flow_values() if each.key.priority == priority)
        world.switch.invalidate(FlowsRefused(frozenset(keys)))
        world.settle()

    refuse(60000 - 10)
    assert way(world, Table.ADMISSION, 0x1000).endswith("goto ACL_INGRESS")
    refuse(60001)
    assert "goto" not in way(world, Table.ADMISSION, 0x1000)
    try_again(world)
    assert [priority for _, _, priority, _ in judging(world)] == [10]
    assert "goto" not in way(world, Table.ADMISSION, 0x1000), "it is not accepted yet"
    try_again(world)
    assert way(world, Table.ADMISSION, 0x1000).endswith("goto ACL_INGRESS")


def test_a_list_whose_flow_for_first_fragments_is_refused_drops_all(world: World) -> None:
    world.tell(*acl(entry(1, protocol=6, dest_ports=(22, 22))))
    bound(world, p0={0: X})
    (cut, _) = (each.key for each in world.flow_values() if each.key.priority == 60001)
    world.switch.invalidate(FlowsRefused(frozenset({cut})))
    world.settle()
    assert judging(world) == [(Table.ACL_INGRESS, number(world), -1, False)]
    assert ("ACL", "resource_shortage") in words(world)


def test_of_what_fails_open_nothing_judges_until_the_switch_takes_all() -> None:
    world = new_world(acl_fails_open=True)
    world.tell(*acl(entry(1), entry(2)))
    bound(world, p0={0: X})
    (refused, *_) = (each.key for each in world.flow_values() if each.key.priority == 60000 - 20)
    world.switch.invalidate(FlowsRefused(frozenset({refused})))
    world.settle()
    assert judging(world) == []
    assert way(world, Table.ADMISSION, 0x1000) == "goto LEARNING"
    assert ("ACL", "resource_shortage") in words(world)
    assert any("until it takes them, it judges nothing" in each for each in world.complaints())


def test_it_says_why(world: World) -> None:
    world.tell(*acl(entry(1, permits=True), invalid(2)))
    bound(world, p0={0: X, 10: X})
    bound_to = "acl_bindings of Physical_Port p0 of br0 name ACL x at 0 and 10"
    (rule, port_of_rule) = world.switch.because(AclRule(X, entry(1).uuid))
    assert rule.text == "ACL x has an entry with sequence 10 that permits ingress"
    assert [row.uuid for row in rule.rows] == [X, entry(1).uuid]
    assert port_of_rule.text == bound_to
    assert [each.text for each in world.switch.because(UsedAcl(X))] == [
        "ACL x has a fault, and drops all that it would judge",
        bound_to,
    ]
    assert [each.text for each in world.switch.because(PortAcls("p0"))] == [
        "acl_bindings of Physical_Port p0 of br0 name ACL x"
    ]


def columns(world: World) -> dict[FaultTable, Iterable[Any]]:
    """Return the rows of access lists whose fault columns are ours."""
    managed = ManagedSwitches({"br0": world.switch.view}, {}, {})
    return {
        column.table: [
            row.uuid
            for row in world.rows.values()
            if isinstance(row, column.row_type) and column.is_ours(row, managed)
        ]
        for column in FEATURE.fault_columns
    }


def test_fault_columns_are_ours_but_for_lists_that_only_others_name(world: World) -> None:
    world.tell(*acl(entry(1)), *acl(entry(2), row=Y))
    others = physical_switch(physical_port("q0", {}, acl_bindings={0: X, 10: X, 20: Y}))
    others = replace(others, uuid=uuid(0x5E), name="elsewhere")
    every = {FaultTable.ACL: [X, Y], FaultTable.ACL_ENTRY: [entry(1).uuid, entry(2).uuid]}
    assert columns(world) == every, "no switch names them: what they hold is left from before"
    world.tell(others)
    assert columns(world) == {FaultTable.ACL: [], FaultTable.ACL_ENTRY: []}
    bound(world, p0={0: X})
    assert columns(world) == {FaultTable.ACL: [X], FaultTable.ACL_ENTRY: [entry(1).uuid]}
    bound(world, p0={})
    assert columns(world) == {FaultTable.ACL: [], FaultTable.ACL_ENTRY: []}
    world.tell(Gone(others.uuid))
    assert columns(world) == every


def test_lists_keep_their_numbers_apart_and_all_flows_follow(world: World) -> None:
    world.model[Acls].ids = StableIds(2)  # so few that each list that comes may move another
    lists = [uuid(0xAC10 + each) for each in range(2)]
    for row in lists:
        world.tell(*acl(entry(1), row=row, name=f"list {row.int}"))
        bound(world, p0={0: lists[0]}, p1={0: row})
        numbers = {number(world, each) for each in lists if world.model[Acls].get(each)}
        assert {each[1] for each in judging(world)} == numbers
    assert numbers == {1, 2}
    world.tell(Gone(lists[1]))
    bound(world, p0={0: lists[0]}, p1={})
    assert {each[1] for each in judging(world)} == {number(world, lists[0])}


def test_what_it_wants_is_what_a_new_process_wants(world: World) -> None:
    world.tell(*acl(entry(1), invalid(2), entry(3, out=True)), *acl(entry(4), row=Y))
    bound(world, p0={0: X, 10: Y}, p1={0: Y})
    world.calm_down()
    assert world.summary() == world.restarted_and_settled().summary()
    world.tell(*acl(entry(1), replace(entry(5), sequence=10), row=Y))
    world.tell(*acl(entry(3, out=True)))
    world.calm_down()
    assert world.summary() == world.restarted_and_settled().summary()
