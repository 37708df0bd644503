"""Access lists of routers: which packets of which interfaces they judge, and what is a fault."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from vtep_ofapp.engine.topics import FlowsRefused
from vtep_ofapp.features.acls.interfaces import RouterAcls, acl_binding
from vtep_ofapp.features.acls.judging import AclRule, UsedAcl
from vtep_ofapp.features.acls.limits import AclLimit
from vtep_ofapp.features.acls.rows import Acls
from vtep_ofapp.features.routers.here import RouterPackets
from vtep_ofapp.pipeline.layout import ACL_OF_INTERFACE, Cookie, Priority, Table, producer_of
from vtep_ofapp.pipeline.ways import Step
from vtep_ofapp.process.settings import Settings
from vtep_ofapp.values.acls import Acl, AclEntry
from vtep_ofapp.values.flows import Flow, SetField
from vtep_ofapp.values.routers import LogicalRouter, parse_interface
from vtep_ofapp.values.rows import Gone

from .acl_entries import entry, invalid
from .builders import (
    BLUE,
    GREEN,
    RED,
    logical_router,
    logical_switch,
    physical_port,
    physical_switch,
    port,
    uuid,
    word_of,
)
from .doubles import TimeDouble
from .world import World

X, Y, R1 = uuid(0xAC1), uuid(0xAC2), uuid(0x9001)
OF_INTERFACES = Table.ACL_ROUTER_INGRESS, Table.ACL_ROUTER_EGRESS
KEYS = {
    RED: ("192.168.1.1/24", "192.168.3.1/24", "2001:db8:1::1/64", "fe80::1/64", "192.168.4.0/24"),
    BLUE: ("192.168.2.1/24",),
    GREEN: ("192.168.9.1/24",),
}


def router(acls: Mapping[str, UUID], row: UUID = R1, name: str = "r1") -> LogicalRouter:
    """Return a router that joins red, blue and green."""
    interfaces = {where: tuple(map(parse_interface, keys)) for where, keys in KEYS.items()}
    mac = "02:76:00:00:00:01"
    return LogicalRouter(
        row, name, mac, interfaces, acls=acls, logical_switches=frozenset(interfaces)
    )


def acl(*entries: AclEntry, row: UUID = X, name: str = "x") -> tuple[Any, ...]:
    """Return the rows of an access list and of its entries."""
    return (*entries, Acl(row, name, frozenset(each.uuid for each in entries)))


def new_world(**settings: Any) -> World:
    """Return a switch that binds red and blue, and has time that stands still."""
    time = TimeDouble()
    world = World(settings=Settings(**settings), clock=time.clock)
    world.time = time  # type: ignore[attr-defined]
    world.tell(*(logical_switch(each) for each in (RED, BLUE, GREEN)))
    world.bridge(port("p0", 1))
    bind(world, RED, BLUE)
    return world


def bind(world: World, *logical_switches: UUID, acls: Mapping[int, UUID] | None = None) -> None:
    vlans = dict(enumerate(logical_switches))
    world.physical(physical_switch(physical_port("p0", vlans, acl_bindings=dict(acls or {}))))
    world.settle()


@pytest.fixture
def world() -> World:
    return new_world()


def tell(world: World, *rows: Any) -> None:
    world.tell(*rows)
    world.settle()


def packets(where: UUID, *, ipv6: bool = False) -> RouterPackets:
    return RouterPackets(R1, where, ipv6)


def steps(world: World, where: UUID, *, ipv6: bool = False) -> tuple[Step, ...]:
    return world.switch.view.steps(packets(where, ipv6=ipv6))


def step(world: World, table: Table, row: UUID = X, *, is_shut: bool = False) -> Step:
    number = world.model[Acls].number(row)
    assert number is not None
    return Step(table, (SetField(ACL_OF_INTERFACE, number),), is_shut)


def judging(world: World) -> list[Flow]:
    """Return the flows of access lists, without those for packets that no entry matches."""
    return [
        flow
        for flow in world.flow_values()
        if producer_of(flow.cookie) is Cookie.ACLS and flow.key.priority != Priority.MISS
    ]


def tables(world: World) -> list[Table]:
    return sorted(Table(flow.key.table) for flow in judging(world))


def words(world: World) -> set[tuple[str, str | None]]:
    """Return the tables and words of the fault columns of routers and access lists."""
    return {
        (fault.entry.row.table.value, word_of(fault))
        for fault in world.faults()
        if fault.entry and fault.entry.row.table.value != "Physical_Switch"
    }


def assert_a_new_process_wants_the_same(world: World) -> None:
    world.calm_down()
    assert world.summary() == world.restarted_and_settled().summary()


# What acl_binding says


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("192.168.1.1", {packets(RED)}),
        ("192.168.1.1/24", {packets(RED)}),
        ("192.168.2.1", {packets(BLUE)}),
        ("2001:DB8:1::0:1", {packets(RED, ipv6=True)}),
        ("2001:db8:1::1/64", {packets(RED, ipv6=True)}),
        ("fe80::1", {packets(RED, ipv6=True)}),
    ],
)
def test_a_key_names_the_packets_of_its_family_at_its_interface(
    key: str, named: set[RouterPackets]
) -> None:
    found = acl_binding(router({key: X}))
    assert found.judging == dict.fromkeys(named, X)
    assert found.refused == ()


def test_a_link_local_address_may_be_that_of_several_interfaces() -> None:
    addresses = (parse_interface("10.0.0.1/24"), parse_interface("fe80::1/64"))
    row = replace(router({"fe80::1": X}), interfaces=dict.fromkeys((RED, BLUE), addresses))
    found = acl_binding(row)
    assert found.judging == {packets(RED, ipv6=True): X, packets(BLUE, ipv6=True): X}


@pytest.mark.parametrize(
    "key",
    [
        "192.168.1.77",
        "192.168.1.1/16",
        "192.168.1.1/",
        "192.168.4.0/24",
        "192.168.4.0",
        "0.0.0.0",
        "ls-a",
        "",
        "192.168.1.1/24/24",
        "2001:db8:1::1%p0",
    ],
)
def test_a_key_that_is_no_address_of_the_router_is_refused(key: str) -> None:
    found = acl_binding(router({key: X, "192.168.2.1": Y}))
    assert [each.key for each in found.refused] == [key]
    assert found.judging == {packets(BLUE): Y}


def test_of_two_keys_of_an_interface_the_least_address_counts() -> None:
    found = acl_binding(router({"192.168.3.1": X, "192.168.1.1/24": Y, "2001:db8:1::1": X}))
    assert found.judging == {packets(RED): Y, packets(RED, ipv6=True): X}
    assert [each.key for each in found.refused] == ["192.168.3.1"]
    spelt_twice = acl_binding(router({"192.168.1.1/24": X, "192.168.1.1": Y}))
    assert spelt_twice.judging == {packets(RED): Y}
    assert [each.key for each in spelt_twice.refused] == ["192.168.1.1/24"]


# Steps, flows and faults


def test_a_router_without_access_lists_has_none(world: World) -> None:
    tell(world, router({}), *acl(entry(1)))
    assert steps(world, RED) == steps(world, RED, ipv6=True) == ()
    assert judging(world) == []


def test_a_list_judges_packets_of_one_interface_and_family(world: World) -> None:
    tell(world, *acl(entry(1), entry(2, out=True)), router({"192.168.1.1": X}))
    both = tuple(step(world, each) for each in OF_INTERFACES)
    assert steps(world, RED) == both
    assert steps(world, RED, ipv6=True) == steps(world, BLUE) == ()
    assert tables(world) == [*OF_INTERFACES]
    assert not words(world)
    tell(world, router({"192.168.1.1/24": X, "2001:db8:1::1": X, "192.168.2.1": X}))
    assert steps(world, RED) == steps(world, RED, ipv6=True) == steps(world, BLUE) == both
    assert tables(world) == [*OF_INTERFACES], "it costs once"
    tell(world, router({"192.168.2.1": X}))
    assert steps(world, RED) == ()
    assert steps(world, BLUE) == both
    tell(world, router({}))
    assert steps(world, BLUE) == ()
    assert judging(world) == []


def test_a_direction_without_entries_has_no_step(world: World) -> None:
    tell(world, *acl(entry(1, out=True)), router({"192.168.1.1": X}))
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_EGRESS),)
    assert tables(world) == [Table.ACL_ROUTER_EGRESS]
    tell(world, *acl(entry(1)))
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_INGRESS),)


def test_a_list_of_ports_and_routers_has_flows_in_the_tables_of_both(world: World) -> None:
    tell(world, *acl(entry(1), entry(2, out=True)), router({"192.168.1.1": X}))
    bind(world, RED, BLUE, acls={0: X})
    of_bindings = [Table.ACL_INGRESS, Table.ACL_EGRESS]
    assert tables(world) == sorted([*of_bindings, *OF_INTERFACES])
    assert world.switch.view[AclLimit].flows(X) == 4
    tell(world, router({}))
    assert tables(world) == of_bindings


def test_an_interface_is_filtered_where_the_router_is(world: World) -> None:
    tell(world, *acl(entry(1)), router({"192.168.9.1": X, "192.168.1.1": X}))
    assert steps(world, GREEN) == (step(world, Table.ACL_ROUTER_INGRESS),)
    bind(world)
    assert steps(world, GREEN) == steps(world, RED) == ()
    assert judging(world) == []
    assert world.switch.because(UsedAcl(X)) == ()
    bind(world, GREEN)
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_INGRESS),)
    assert len(judging(world)) == 1


def test_the_interface_whose_packets_other_lists_judge_is_invalid(world: World) -> None:
    tell(world, *acl(entry(1)), *acl(entry(2), row=Y, name="y"), router({"192.168.1.1": X}))
    before = world.summary()
    tell(world, router({"192.168.1.1": Y}))
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_INGRESS, Y),)
    tell(world, router({"192.168.1.1": X}))
    assert world.summary() == before
    assert_a_new_process_wants_the_same(world)


def test_a_key_that_is_refused_is_said_with_what_to_type(world: World) -> None:
    tell(world, *acl(entry(1)), router({"192.168.1.77": X, "192.168.2.1": X}))
    assert steps(world, RED) == ()
    assert steps(world, BLUE) != ()
    assert words(world) == {("Logical_Router", "invalid_ACL_binding")}
    (said,) = (each for each in world.complaints() if "acl_binding" in each)
    assert said == (
        "Logical_Router r1: acl_binding: 192.168.1.77 is no address of an interface of the "
        f"router; to remove it: vtep-ctl remove Logical_Router {R1} acl_binding "
        """'"192.168.1.77"'"""
    )
    tell(world, router({"192.168.2.1": X}))
    assert not words(world)


def test_of_very_many_keys_that_are_refused_the_first_have_a_line(world: World) -> None:
    tell(world, *acl(invalid(1)), router({f"192.168.7.{each}": X for each in range(100, 250)}))
    said = {each for each in world.complaints() if "acl_binding" in each}
    assert len(said) == 2 * 11
    assert "Logical_Router r1: acl_binding: more keys than 10 cannot be used" in said
    text = "acl_binding: more keys than 10 are bound to access lists with a fault"
    assert f"Logical_Router r1: {text}" in said


def test_a_list_with_a_fault_drops_all_in_its_direction_and_the_router_says_so(
    world: World,
) -> None:
    tell(world, *acl(entry(1), invalid(2, out=True)), router({"192.168.1.1": X}))
    assert words(world) == {
        ("ACL_entry", "invalid_acl_entry"),
        ("ACL", "invalid_acl"),
        ("Logical_Router", "invalid_ACL_binding"),
    }
    said = "acl_binding: 192.168.1.1 is bound to ACL x, which has a fault"
    assert f"Logical_Router r1: {said}" in world.complaints()
    closed = [flow for flow in judging(world) if flow.key.priority == Priority.ACL_CLOSED]
    assert sorted(flow.key.table for flow in closed) == [*OF_INTERFACES]
    assert not any(flow.actions for flow in closed)
    tell(world, entry(2, out=True))
    assert not words(world)
    tell(world, invalid(2))
    bind(world)
    assert not words(world), "the router is not here"


def test_a_list_that_fails_open_judges_by_its_other_entries() -> None:
    world = new_world(acl_fails_open=True)
    tell(world, *acl(entry(1), invalid(2, out=True)), router({"192.168.1.1": X}))
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_INGRESS),)
    assert tables(world) == [Table.ACL_ROUTER_INGRESS]
    assert ("Logical_Router", "invalid_ACL_binding") in words(world)


def test_lists_of_routers_share_the_limit_with_those_of_ports() -> None:
    world = new_world(max_acl_flows=3)
    rows = *acl(entry(1)), *acl(*map(entry, (2, 3, 4)), row=Y, name="y")
    tell(world, *rows, router({"192.168.1.1": Y}))
    bind(world, RED, BLUE, acls={0: X})
    assert words(world) == {
        ("ACL", "resource_shortage"),
        ("Logical_Router", "invalid_ACL_binding"),
    }
    (closed,) = (flow for flow in judging(world) if flow.key.table == Table.ACL_ROUTER_INGRESS)
    assert (closed.key.priority, closed.actions) == (Priority.ACL_CLOSED, ())
    bind(world, RED, BLUE)
    assert not words(world)
    assert len(judging(world)) == 3


def test_packets_are_dropped_before_a_table_that_refuses_to_drop_them(world: World) -> None:
    tell(world, *acl(entry(1)), router({"192.168.1.1": X}))
    for priority in (Priority.ACL_FIRST - 10, Priority.ACL_CLOSED):
        refused = (flow.key for flow in judging(world) if flow.key.priority == priority)
        world.switch.invalidate(FlowsRefused(frozenset(refused)))
        world.settle()
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_INGRESS, is_shut=True),)
    assert ("Logical_Router", "invalid_ACL_binding") in words(world)
    time: TimeDouble = world.time  # type: ignore[attr-defined]
    for _ in range(2):  # it is tried, and then accepted
        end = world.switch.next_due()
        assert end is not None
        time.wait(end - time.clock())
        world.switch.due()
        world.settle()
    assert steps(world, RED) == (step(world, Table.ACL_ROUTER_INGRESS),)
    assert not words(world)


def test_first_fragments_without_all_ports_are_dropped_at_interfaces_too(world: World) -> None:
    rows = acl(entry(1, protocol=6, dest_ports=(22, 22)))
    tell(world, *rows, router({"192.168.1.1": X}))
    closed = [flow for flow in judging(world) if flow.key.priority == Priority.ACL_CLOSED]
    assert [flow.key.table for flow in closed] == [Table.ACL_ROUTER_INGRESS] * 2
    assert all(("ip_frag", 1) in flow.key.match for flow in closed)


def test_it_says_why(world: World) -> None:
    tell(world, *acl(entry(1)), router({"192.168.1.1": X, "2001:db8:1::1": X}))
    rule, bound = world.switch.because(AclRule(X, entry(1).uuid))
    assert rule.text == "ACL x has an entry with sequence 10 that denies ingress"
    keys = "192.168.1.1 and 2001:db8:1::1"
    assert bound.text == f"acl_binding of Logical_Router r1 names ACL x at {keys}"
    assert [row.uuid for row in bound.rows] == [R1, X]
    (named,) = world.switch.because(RouterAcls(R1))
    assert named.text == "acl_binding of Logical_Router r1 names ACL x"


def test_what_it_wants_is_what_a_new_process_wants(world: World) -> None:
    tell(world, *acl(entry(1), invalid(2)), *acl(entry(3, out=True), row=Y, name="y"))
    tell(world, router({"192.168.1.1": X, "192.168.2.1": Y, "192.168.1.9": X}))
    tell(world, logical_router(BLUE, row=uuid(0x9002), name="r2", acls={"10.0.1.1": Y}))
    bind(world, RED, acls={0: Y})
    assert_a_new_process_wants_the_same(world)
    tell(world, router({"192.168.1.1": Y}), entry(2))
    tell(world, Gone(uuid(0x9002)))
    bind(world, BLUE)
    assert_a_new_process_wants_the_same(world)
