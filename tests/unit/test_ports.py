"""Rows of Physical_Port matched with the ports of the bridge."""

from collections.abc import Iterable

from vtep_ofapp.features.bindings.ports import Ports, Rematch, VlanBinding
from vtep_ofapp.values.rows import Binding, BindingStats, BridgePort, PhysicalPort

from .builders import BLUE, RED, physical_port, port, uuid

UNTAGGED, TAGGED = VlanBinding("p0", 0), VlanBinding("p0", 10)


def matched(rows: Iterable[PhysicalPort], *there: BridgePort) -> Ports:
    """Return Ports that know the rows and the ports."""
    ports = Ports()
    ports.match(rows, {each.name: each for each in there})
    return ports


def bound(ports: Ports, key: VlanBinding) -> Binding:
    """Return a binding, which is there."""
    found = ports.binding(key)
    assert found is not None
    return found


def rematch(ports: Ports, rows: Iterable[PhysicalPort], *there: BridgePort) -> Rematch:
    return ports.match(rows, {each.name: each for each in there})


P0 = physical_port("p0", {0: RED, 10: BLUE})


def test_a_row_and_a_port_of_its_name_make_bindings() -> None:
    ports = matched([P0], port("p0", 3))
    assert bound(ports, UNTAGGED).number == 0x3000
    assert bound(ports, TAGGED).number == 0x300A
    assert ports.numbered(0x300A) == ports.binding(TAGGED)
    assert ports.numbered(0x3001) is None
    assert set(ports.bound()) == {RED, BLUE}
    assert ports.bindings_of(RED) == [ports.binding(UNTAGGED)]
    assert set(ports.keys_of(BLUE)) == {TAGGED}
    assert set(ports.keys_at("p0")) == {UNTAGGED, TAGGED}


def test_a_row_without_a_port_binds_but_is_of_no_use() -> None:
    ports = matched([P0])
    assert ports.is_bound(RED)
    assert ports.binding(UNTAGGED) is None
    assert ports.bindings_of(RED) == []
    assert set(ports.keys_of(RED)) == {UNTAGGED}


def test_a_port_without_a_row_binds_nothing() -> None:
    ports = matched([], port("p0", 3))
    assert set(ports.bound()) == set()
    assert ports.keys_at("p0") == []
    assert ports.row("p0") is None


def test_of_two_rows_with_one_name_that_with_the_least_uuid_counts() -> None:
    rows = [
        physical_port("p0", {0: BLUE}, uuid=uuid(2)),
        physical_port("p0", {0: RED}, uuid=uuid(1)),
    ]
    for order in (rows, rows[::-1]):
        assert set(matched(order, port("p0", 1)).bound()) == {RED}


def test_the_first_match_turns_all_logical_switches() -> None:
    change = rematch(Ports(), [P0], port("p0", 3))
    assert change.turned == change.logical_switches == {RED, BLUE}
    assert change.bindings == {UNTAGGED, TAGGED}
    assert change.gone == []


def test_the_same_again_changes_nothing() -> None:
    ports = matched([P0], port("p0", 3))
    change = rematch(ports, [P0], port("p0", 3))
    assert (change.bindings, change.logical_switches, change.turned) == (set(), set(), set())
    assert change.gone == []


def test_another_port_changes_nothing() -> None:
    ports = matched([P0], port("p0", 3))
    change = rematch(ports, [P0], port("p0", 3), port("p1", 4))
    assert (change.bindings, change.logical_switches, change.gone) == (set(), set(), [])


def test_a_port_that_goes_takes_its_bindings_along() -> None:
    ports = matched([P0], port("p0", 3))
    former = [ports.binding(UNTAGGED), ports.binding(TAGGED)]
    change = rematch(ports, [P0])
    assert sorted(change.gone, key=lambda each: each.vlan) == former
    assert change.bindings == {UNTAGGED, TAGGED}
    assert change.turned == set()


def test_a_renumbered_port_has_other_bindings() -> None:
    ports = matched([P0], port("p0", 3))
    former = ports.binding(UNTAGGED)
    change = rematch(ports, [P0], port("p0", 4))
    assert former in change.gone
    assert bound(ports, UNTAGGED).number == 0x4000


def test_a_vlan_that_moves_to_another_logical_switch() -> None:
    ports = matched([physical_port("p0", {0: RED})], port("p0", 3))
    former = ports.binding(UNTAGGED)
    change = rematch(ports, [physical_port("p0", {0: BLUE})], port("p0", 3))
    assert change.gone == [former]
    assert change.turned == {RED, BLUE}


def test_a_bond_that_changes_its_members_keeps_its_number() -> None:
    ports = matched([P0], port("p0", 3, members=(3, 4)))
    change = rematch(ports, [P0], port("p0", 3, members=(4,)))
    assert change.gone == []
    assert change.bindings == {UNTAGGED, TAGGED}
    assert bound(ports, UNTAGGED).members == (4,)


def test_a_link_that_goes_down_is_as_good_as_gone_for_stations_once() -> None:
    ports = matched([P0], port("p0", 3))
    former = ports.binding(UNTAGGED)
    change = rematch(ports, [P0], port("p0", 3, is_up=False))
    assert former in change.gone
    assert ports.binding(UNTAGGED) == former
    assert change.bindings == set()
    assert rematch(ports, [P0], port("p0", 3, is_up=False)).gone == []
    assert rematch(ports, [P0], port("p0", 3)).gone == []


def test_statistics_in_a_row_change_no_binding() -> None:
    ports = matched([P0], port("p0", 3))
    counted = physical_port("p0", {0: RED, 10: BLUE}, vlan_stats={0: BindingStats(1, 60)})
    assert rematch(ports, [counted], port("p0", 3)) == Rematch()
    assert ports.row("p0") is counted
    assert set(ports.bound()) == {RED, BLUE}


def test_another_row_with_the_same_bindings_is_matched_again() -> None:
    ports = matched([P0])
    other = physical_port("p0", {0: RED, 10: BLUE}, uuid=uuid(77))
    assert rematch(ports, [other]).bindings == {UNTAGGED, TAGGED}
