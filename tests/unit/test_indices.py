"""The NVC's rows as features look at them: their indices, and the topics of a change."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine.model import Model
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.engine.topics import Topic
from vtep_ofapp.features.logical_switches.rows import (
    LogicalSwitchChanged,
    LogicalSwitches,
    WholeLogicalSwitch,
)
from vtep_ofapp.features.peers import Peer, PeerChanged, Peers
from vtep_ofapp.features.refused_rows import RefusedRow, RefusedRows
from vtep_ofapp.features.registry import FEATURES
from vtep_ofapp.features.replication import McastSets, Multicast, Replication
from vtep_ofapp.features.routers.rows import RouterChanged, Routers
from vtep_ofapp.features.unicast import Placed, PlacedMacs
from vtep_ofapp.values.faults import Fault
from vtep_ofapp.values.rows import Gone, VtepRow

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    FURTHEST,
    MAC1,
    MAC2,
    MULTICAST,
    OWN,
    RED,
    local_mac,
    logical_router,
    logical_switch,
    refused,
    remote_group,
    remote_mac,
    unknown_dst,
    uuid,
)


@pytest.fixture
def model() -> Model:
    return Model(FEATURES)


def told(*rows: VtepRow) -> Model:
    model = Model(FEATURES)
    for row in rows:
        model.update(row)
    return model


def update(model: Model, row: VtepRow) -> set[Topic]:
    """Return the topics of a changed row as a set; owners of different types must differ."""
    topics = model.update(row)
    assert len(set(topics)) == len({(type(topic), topic) for topic in topics})
    return set(topics)


def changed(logical_switch: UUID, address: str) -> PeerChanged:
    return PeerChanged(Peer(logical_switch, address))


# Logical switches


def test_a_new_logical_switch_invalidates_all_that_belongs_to_it(model: Model) -> None:
    assert update(model, logical_switch(RED)) >= {
        WholeLogicalSwitch(RED),
        LogicalSwitchChanged(RED),
    }
    assert model[LogicalSwitches].number(RED) == model[LogicalSwitches].ids.number(RED)
    assert model[LogicalSwitches].name(RED) == "Logical_Switch red"


def test_a_logical_switch_without_a_row_has_no_number_and_no_key(model: Model) -> None:
    assert model[LogicalSwitches].number(RED) is None
    assert model[LogicalSwitches].name(RED) == f"Logical_Switch {RED}"
    assert not model[LogicalSwitches].source_node_replication(RED)
    assert model[McastSets].addresses(RED) == set()


def test_the_end_of_a_logical_switch_invalidates_all_that_belongs_to_it() -> None:
    model = told(logical_switch(RED), remote_mac(MAC1, FAR))
    assert update(model, Gone(RED)) >= {WholeLogicalSwitch(RED), LogicalSwitchChanged(RED)}
    assert model[LogicalSwitches].number(RED) is None


def test_a_new_key_invalidates_the_logical_switch() -> None:
    model = told(logical_switch(RED), logical_switch(BLUE, 5002), remote_mac(MAC1, FAR))
    assert update(model, logical_switch(RED, 6001)) == {LogicalSwitchChanged(RED)}


def test_a_new_mode_of_replication_invalidates_the_logical_switch() -> None:
    model = told(logical_switch(RED))
    assert update(model, logical_switch(RED, source_node=True)) == {LogicalSwitchChanged(RED)}
    assert model[LogicalSwitches].source_node_replication(RED)


def test_a_new_name_invalidates_what_is_said_of_its_stations() -> None:
    model = told(logical_switch(RED))
    assert update(model, logical_switch(RED, name="rouge")) >= {WholeLogicalSwitch(RED)}
    assert model[LogicalSwitches].name(RED) == "Logical_Switch rouge"


def test_logical_switches_that_get_other_numbers_are_invalidated_as_a_whole(model: Model) -> None:
    model[LogicalSwitches].ids = StableIds(limit=3)
    rows = [uuid(number) for number in (30, 20, 10)]
    invalidated = [update(model, logical_switch(row, key=row.int)) for row in rows]
    before: dict[UUID, int] = {}
    for row, topics in zip(rows, invalidated, strict=True):
        renumbered = StableIds(limit=3)
        for each in (*before, row):
            renumbered.add(each)
        now = {each: renumbered.number(each) for each in (*before, row)}
        moved = {each for each, number in now.items() if before.get(each) != number}
        assert {
            topic.logical_switch for topic in topics if isinstance(topic, WholeLogicalSwitch)
        } == moved
        before = now
    assert {row: model[LogicalSwitches].number(row) for row in rows} == before


# Stations


def test_a_placed_station_invalidates_itself_and_a_new_peer() -> None:
    model = told(logical_switch(RED))
    assert update(model, remote_mac(MAC1, FAR)) == {Placed(RED, MAC1), changed(RED, FAR)}
    assert model[PlacedMacs].address(Placed(RED, MAC1)) == FAR
    assert model[PlacedMacs].address(Placed(BLUE, MAC1)) is None
    assert set(model[PlacedMacs].stations(RED)) == {Placed(RED, MAC1)}
    assert set(model[Peers].addresses(RED)) == {FAR}
    assert set(model[Peers].naming(FAR)) == {RED}


def test_a_second_station_behind_the_same_vtep_invalidates_itself_alone() -> None:
    model = told(logical_switch(RED), remote_mac(MAC1, FAR, row=uuid(100)))
    assert update(model, remote_mac(MAC2, FAR, row=uuid(101))) == {Placed(RED, MAC2)}


def test_a_row_that_did_not_change_invalidates_nothing() -> None:
    model = told(logical_switch(RED), remote_mac(MAC1, FAR))
    assert update(model, remote_mac(MAC1, FAR)) == set()


def test_a_station_that_moves_invalidates_both_vteps() -> None:
    model = told(remote_mac(MAC1, FAR))
    assert update(model, remote_mac(MAC1, FURTHER)) == {
        Placed(RED, MAC1),
        changed(RED, FAR),
        changed(RED, FURTHER),
    }
    assert model[PlacedMacs].address(Placed(RED, MAC1)) == FURTHER
    assert set(model[Peers].naming(FAR)) == set()


def test_a_row_may_become_that_of_another_station() -> None:
    model = told(remote_mac(MAC1, FAR))
    topics = update(model, remote_mac(MAC2, FAR, of=BLUE))
    assert topics >= {Placed(RED, MAC1), Placed(BLUE, MAC2)}
    assert model[PlacedMacs].address(Placed(RED, MAC1)) is None
    assert model[PlacedMacs].address(Placed(BLUE, MAC2)) == FAR
    assert set(model[Peers].naming(FAR)) == {BLUE}


def test_the_end_of_a_station_invalidates_it_and_the_peer_that_nothing_names_any_more() -> None:
    model = told(remote_mac(MAC1, FAR, row=uuid(100)), remote_mac(MAC2, FAR, row=uuid(101)))
    assert update(model, Gone(uuid(100))) == {Placed(RED, MAC1)}
    assert update(model, Gone(uuid(101))) == {Placed(RED, MAC2), changed(RED, FAR)}
    assert set(model[Peers].addresses(RED)) == set()
    assert set(model[PlacedMacs].stations(RED)) == set()


@pytest.mark.parametrize("rows", [(100, 101), (101, 100)], ids=str)
def test_of_two_rows_for_a_station_the_first_by_uuid_counts(rows: tuple[int, int]) -> None:
    model = Model(FEATURES)
    addresses = {100: FAR, 101: FURTHER}
    for row in rows:
        topics = update(model, remote_mac(MAC1, addresses[row], row=uuid(row)))
        assert Placed(RED, MAC1) in topics
    assert model[PlacedMacs].address(Placed(RED, MAC1)) == FAR
    assert [row.uuid for row in model[PlacedMacs].rivals(Placed(RED, MAC1))] == [uuid(101)]
    assert set(model[Peers].addresses(RED)) == {FAR, FURTHER}


@pytest.mark.parametrize(
    ("gone", "left", "address"), [(100, 101, FURTHER), (101, 100, FAR)], ids=str
)
def test_of_two_rows_for_a_station_either_may_go(gone: int, left: int, address: str) -> None:
    model = told(remote_mac(MAC1, FAR, row=uuid(100)), remote_mac(MAC1, FURTHER, row=uuid(101)))
    assert Placed(RED, MAC1) in update(model, Gone(uuid(gone)))
    assert model[PlacedMacs].address(Placed(RED, MAC1)) == address
    assert [row.uuid for row in model[PlacedMacs].rivals(Placed(RED, MAC1))] == []
    assert set(model[Peers].addresses(RED)) == {address}
    update(model, Gone(uuid(left)))
    assert model[PlacedMacs].address(Placed(RED, MAC1)) is None
    assert set(model[PlacedMacs].stations(RED)) == set()


def test_of_three_rows_for_a_station_the_next_one_takes_over() -> None:
    model = told(
        remote_mac(MAC1, FURTHEST, row=uuid(102)),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC1, FURTHER, row=uuid(101)),
    )
    assert [row.uuid for row in model[PlacedMacs].rivals(Placed(RED, MAC1))] == [
        uuid(101),
        uuid(102),
    ]
    update(model, Gone(uuid(100)))
    assert model[PlacedMacs].address(Placed(RED, MAC1)) == FURTHER
    assert [row.uuid for row in model[PlacedMacs].rivals(Placed(RED, MAC1))] == [uuid(102)]


def test_a_rival_that_moves_to_another_station_is_no_rival_any_more() -> None:
    model = told(remote_mac(MAC1, FAR, row=uuid(100)), remote_mac(MAC1, FURTHER, row=uuid(101)))
    update(model, remote_mac(MAC2, FURTHER, row=uuid(101)))
    assert [row.uuid for row in model[PlacedMacs].rivals(Placed(RED, MAC1))] == []
    assert model[PlacedMacs].address(Placed(RED, MAC2)) == FURTHER


# Groups


def names(model: Model, logical_switch: UUID) -> set[str]:
    return {each.mac for each in model[McastSets].multicasts(logical_switch)}


def test_unknown_destinations_invalidate_the_logical_switch_and_new_peers() -> None:
    model = told(logical_switch(RED))
    assert update(model, unknown_dst(FAR, FURTHER)) == {
        Replication(RED),
        changed(RED, FAR),
        changed(RED, FURTHER),
    }
    assert model[McastSets].addresses(RED) == {FAR, FURTHER}
    assert model[McastSets].addresses(BLUE) == set()


def test_a_new_set_of_locators_invalidates_those_that_come_and_go() -> None:
    model = told(logical_switch(RED), unknown_dst(FAR, FURTHER))
    topics = update(model, unknown_dst(FURTHER, FURTHEST))
    assert topics == {Replication(RED), changed(RED, FAR), changed(RED, FURTHEST)}
    assert model[McastSets].addresses(RED) == {FURTHER, FURTHEST}
    assert set(model[Peers].addresses(RED)) == {FURTHER, FURTHEST}


def test_two_rows_for_unknown_destinations_count_together() -> None:
    model = told(unknown_dst(FAR, row=uuid(200)), unknown_dst(FAR, FURTHER, row=uuid(201)))
    assert model[McastSets].addresses(RED) == {FAR, FURTHER}
    update(model, Gone(uuid(201)))
    assert model[McastSets].addresses(RED) == {FAR}
    assert set(model[Peers].addresses(RED)) == {FAR}


def test_a_group_address_is_not_unknown_dst_but_names_its_peers() -> None:
    model = told(remote_group(MULTICAST, FAR))
    assert model[McastSets].addresses(RED) == set()
    assert model[McastSets].addresses(RED, MULTICAST) == {FAR}
    assert names(model, RED) == {MULTICAST}
    assert set(model[Peers].addresses(RED)) == {FAR}


def test_a_group_address_invalidates_itself_and_has_a_number_while_it_has_rows() -> None:
    model = told(logical_switch(RED))
    group = Multicast(RED, MULTICAST)
    assert model[McastSets].number(group) is None
    topics = update(model, remote_group(MULTICAST, FAR, row=uuid(200)))
    assert topics == {group, changed(RED, FAR)}
    number = model[McastSets].number(group)
    assert update(model, remote_group(MULTICAST, FURTHER, row=uuid(201))) >= {group}
    assert model[McastSets].addresses(RED, MULTICAST) == {FAR, FURTHER}
    update(model, Gone(uuid(200)))
    assert model[McastSets].number(group) == number
    assert update(model, Gone(uuid(201))) >= {group}
    assert model[McastSets].number(group) is None
    assert names(model, RED) == set()


def test_group_addresses_have_numbers_of_their_own_in_each_logical_switch() -> None:
    model = told(
        remote_group(MULTICAST, FAR, row=uuid(200)),
        remote_group("01:00:5e:00:00:06", FAR, row=uuid(201)),
        remote_group(MULTICAST, FAR, of=BLUE, row=uuid(202)),
    )
    groups = [Multicast(of, mac) for of in (RED, BLUE) for mac in names(model, of)]
    assert len({model[McastSets].number(group) for group in groups}) == 3


@given(st.permutations([f"01:00:5e:00:00:{number:02x}" for number in range(5)]))
def test_group_addresses_that_get_other_numbers_are_invalidated(macs: list[str]) -> None:
    model = Model(FEATURES)
    model[McastSets].ids = StableIds(limit=5)
    before: dict[Multicast, int | None] = {}
    for index, mac in enumerate([*macs, *macs]):
        is_new = index < len(macs)
        row = remote_group(mac, FAR, row=uuid(200 + macs.index(mac)))
        topics = update(model, row if is_new else Gone(row.uuid))
        groups = {Multicast(RED, each) for each in names(model, RED)}
        now = {group: model[McastSets].number(group) for group in groups}
        assert {group for group in now if before.get(group) != now[group]} <= topics
        assert len(set(now.values())) == len(now)
        before = now


def test_a_row_may_turn_from_a_station_into_a_group() -> None:
    model = told(remote_mac(MAC1, FAR, row=uuid(100)))
    topics = update(model, unknown_dst(FURTHER, row=uuid(100)))
    assert topics >= {Placed(RED, MAC1), Replication(RED), changed(RED, FAR)}
    assert model[PlacedMacs].address(Placed(RED, MAC1)) is None
    assert model[McastSets].addresses(RED) == {FURTHER}


# Routers


def test_a_router_invalidates_itself_and_is_found_by_its_logical_switches() -> None:
    model = told(logical_switch(RED), logical_switch(BLUE))
    router = logical_router(RED, BLUE)
    assert routers(update(model, router)) == {router.uuid}
    assert list(model[Routers].joining(RED)) == list(model[Routers].joining(BLUE)) == [router.uuid]
    assert model[Routers].row(router.uuid) == router
    assert routers(update(model, logical_router(RED))) == {router.uuid}
    assert list(model[Routers].joining(BLUE)) == []
    assert routers(update(model, Gone(router.uuid))) == {router.uuid}
    assert model[Routers].row(router.uuid) is None
    assert list(model[Routers].joining(RED)) == []


def routers(topics: set[Topic]) -> set[UUID]:
    return {topic.router for topic in topics if isinstance(topic, RouterChanged)}


# Rows that cannot be used


def test_a_refused_row_is_known_for_why() -> None:
    model = told(logical_switch(RED))
    assert update(model, refused(uuid(100))) == {RefusedRow(uuid(100))}
    assert model[RefusedRows].get(uuid(100)) == refused(uuid(100))
    assert list(model[RefusedRows].in_logical_switch(RED)) == [uuid(100)]
    assert list(model[RefusedRows].in_logical_switch(BLUE)) == []


def test_the_faults_of_refused_rows_are_returned_once_after_each_change() -> None:
    model = told(refused(uuid(100)))
    row, rows = refused(uuid(100)), model[RefusedRows]
    assert rows.take_changed() == {RefusedRow(row.uuid): [Fault(row.subject, row.reason)]}
    assert rows.take_changed() == {}
    update(model, Gone(row.uuid))
    assert rows.take_changed() == {RefusedRow(row.uuid): []}


def test_a_row_that_turns_bad_loses_its_effect() -> None:
    model = told(remote_mac(MAC1, FAR, row=uuid(100)))
    topics = update(model, refused(uuid(100)))
    assert topics == {RefusedRow(uuid(100)), Placed(RED, MAC1), changed(RED, FAR)}
    assert model[PlacedMacs].address(Placed(RED, MAC1)) is None


def test_a_row_that_is_mended_takes_effect() -> None:
    model = told(refused(uuid(100)))
    topics = update(model, remote_mac(MAC1, FAR, row=uuid(100)))
    assert topics == {RefusedRow(uuid(100)), Placed(RED, MAC1), changed(RED, FAR)}
    assert model[RefusedRows].get(uuid(100)) is None
    assert list(model[RefusedRows].in_logical_switch(RED)) == []


def test_the_end_of_a_refused_row_mends_it() -> None:
    model = told(refused(uuid(100)))
    assert update(model, Gone(uuid(100))) == {RefusedRow(uuid(100))}
    assert model[RefusedRows].get(uuid(100)) is None


# Rows altogether


def test_it_knows_every_row_that_is_not_gone() -> None:
    model = told(
        logical_switch(RED),
        remote_mac(MAC1, FAR, row=uuid(100)),
        unknown_dst(FAR, row=uuid(200)),
        refused(uuid(300)),
        logical_router(RED, row=uuid(400)),
    )
    rows = {RED, uuid(100), uuid(200), uuid(300), uuid(400)}
    assert set(model.rows()) == rows
    for row in rows:
        update(model, Gone(row))
    assert set(model.rows()) == set()


def test_a_row_of_a_type_that_no_index_has_is_not_kept() -> None:
    model = told(local_mac(MAC1, OWN))
    assert set(model.rows()) == set()
    former = remote_mac(MAC1, FAR, row=uuid(100))
    update(model, former)
    assert update(model, local_mac(MAC1, OWN, row=uuid(100))) == update(
        told(former), Gone(uuid(100))
    )
    assert set(model.rows()) == set()


def test_the_end_of_an_unknown_row_invalidates_nothing(model: Model) -> None:
    assert update(model, Gone(uuid(100))) == set()


def test_stations_may_come_before_their_logical_switch() -> None:
    model = told(remote_mac(MAC1, FAR), unknown_dst(FURTHER))
    assert update(model, logical_switch(RED)) >= {WholeLogicalSwitch(RED)}
    assert model[PlacedMacs].address(Placed(RED, MAC1)) == FAR
    assert set(model[Peers].addresses(RED)) == {FAR, FURTHER}
