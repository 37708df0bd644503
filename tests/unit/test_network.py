"""The NVC's rows: what they amount to, and what a change of one touches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine.network import (
    Network,
    OfAll,
    OfGroup,
    OfLogicalSwitch,
    OfPeer,
    OfRefused,
    OfRouter,
    OfStation,
)
from vtep_ofapp.engine.stable_ids import StableIds
from vtep_ofapp.values.rows import Gone

from .builders import (
    BLUE,
    FAR,
    FURTHER,
    FURTHEST,
    MAC1,
    MAC2,
    MULTICAST,
    RED,
    logical_router,
    logical_switch,
    refused,
    remote_group,
    remote_mac,
    unknown_dst,
    uuid,
)


@pytest.fixture
def network():
    return Network()


def told(*rows):
    network = Network()
    for row in rows:
        network.update(row)
    return network


# Logical switches


def test_a_new_logical_switch_touches_all_that_belongs_to_it(network):
    assert network.update(logical_switch(RED)) >= {OfAll(RED), OfLogicalSwitch(RED)}
    assert network.number(RED) == network.numbering.number(RED)
    assert network.name(RED) == "Logical_Switch red"


def test_a_logical_switch_without_a_row_has_no_number_and_no_key(network):
    assert network.number(RED) is None
    assert network.key(OfPeer(RED, FAR)) is None
    assert network.name(RED) == f"Logical_Switch {RED}"
    assert not network.source_node_replication(RED)
    assert network.replication(RED) == set()


def test_the_end_of_a_logical_switch_touches_all_that_belongs_to_it():
    network = told(logical_switch(RED), remote_mac(MAC1, FAR))
    assert network.update(Gone(RED)) >= {OfAll(RED), OfLogicalSwitch(RED), OfPeer(RED, FAR)}
    assert network.number(RED) is None


def test_a_new_key_touches_the_logical_switch_and_its_peers():
    network = told(logical_switch(RED), logical_switch(BLUE, 5002), remote_mac(MAC1, FAR))
    assert network.update(logical_switch(RED, 6001)) == {OfLogicalSwitch(RED), OfPeer(RED, FAR)}
    assert network.key(OfPeer(RED, FAR)) == 6001


def test_a_new_mode_of_replication_touches_the_logical_switch():
    network = told(logical_switch(RED))
    assert network.update(logical_switch(RED, source_node=True)) == {OfLogicalSwitch(RED)}
    assert network.source_node_replication(RED)


def test_a_new_name_touches_what_is_said_of_its_stations():
    network = told(logical_switch(RED))
    assert network.update(logical_switch(RED, name="rouge")) >= {OfAll(RED)}
    assert network.name(RED) == "Logical_Switch rouge"


def test_logical_switches_that_get_other_numbers_are_touched_altogether(network):
    network.numbering = StableIds(limit=3)
    rows = [uuid(number) for number in (30, 20, 10)]
    touched = [network.update(logical_switch(row, key=row.int)) for row in rows]
    before = {}
    for row, topics in zip(rows, touched, strict=True):
        renumbered = StableIds(limit=3)
        for each in (*before, row):
            renumbered.add(each)
        now = {each: renumbered.number(each) for each in (*before, row)}
        moved = {each for each, number in now.items() if before.get(each) != number}
        assert {topic.logical_switch for topic in topics if isinstance(topic, OfAll)} == moved
        before = now
    assert {row: network.number(row) for row in rows} == before


# Stations


def test_a_placed_station_touches_itself_and_a_new_peer():
    network = told(logical_switch(RED))
    assert network.update(remote_mac(MAC1, FAR)) == {OfStation(RED, MAC1), OfPeer(RED, FAR)}
    assert network.place(OfStation(RED, MAC1)) == FAR
    assert network.place(OfStation(BLUE, MAC1)) is None
    assert set(network.stations(RED)) == {OfStation(RED, MAC1)}
    assert set(network.peers(RED)) == {FAR}
    assert set(network.mentioning(FAR)) == {RED}


def test_a_second_station_behind_the_same_vtep_touches_itself_alone():
    network = told(logical_switch(RED), remote_mac(MAC1, FAR, row=uuid(100)))
    assert network.update(remote_mac(MAC2, FAR, row=uuid(101))) == {OfStation(RED, MAC2)}


def test_a_row_that_did_not_change_touches_nothing():
    network = told(logical_switch(RED), remote_mac(MAC1, FAR))
    assert network.update(remote_mac(MAC1, FAR)) == set()


def test_a_station_that_moves_touches_both_vteps():
    network = told(remote_mac(MAC1, FAR))
    assert network.update(remote_mac(MAC1, FURTHER)) == {
        OfStation(RED, MAC1),
        OfPeer(RED, FAR),
        OfPeer(RED, FURTHER),
    }
    assert network.place(OfStation(RED, MAC1)) == FURTHER
    assert set(network.mentioning(FAR)) == set()


def test_a_row_may_become_that_of_another_station():
    network = told(remote_mac(MAC1, FAR))
    touched = network.update(remote_mac(MAC2, FAR, of=BLUE))
    assert touched >= {OfStation(RED, MAC1), OfStation(BLUE, MAC2)}
    assert network.place(OfStation(RED, MAC1)) is None
    assert network.place(OfStation(BLUE, MAC2)) == FAR
    assert set(network.mentioning(FAR)) == {BLUE}


def test_the_end_of_a_station_touches_it_and_the_peer_that_nothing_names_any_more():
    network = told(remote_mac(MAC1, FAR, row=uuid(100)), remote_mac(MAC2, FAR, row=uuid(101)))
    assert network.update(Gone(uuid(100))) == {OfStation(RED, MAC1)}
    assert network.update(Gone(uuid(101))) == {OfStation(RED, MAC2), OfPeer(RED, FAR)}
    assert set(network.peers(RED)) == set()
    assert set(network.stations(RED)) == set()


@pytest.mark.parametrize("rows", [(100, 101), (101, 100)], ids=str)
def test_of_two_rows_for_a_station_the_first_by_uuid_counts(rows):
    network = Network()
    addresses = {100: FAR, 101: FURTHER}
    for row in rows:
        touched = network.update(remote_mac(MAC1, addresses[row], row=uuid(row)))
        assert OfStation(RED, MAC1) in touched
    assert network.place(OfStation(RED, MAC1)) == FAR
    assert network.rivals(OfStation(RED, MAC1)) == [uuid(101)]
    assert set(network.peers(RED)) == {FAR, FURTHER}


@pytest.mark.parametrize(
    ("gone", "left", "address"), [(100, 101, FURTHER), (101, 100, FAR)], ids=str
)
def test_of_two_rows_for_a_station_either_may_go(gone, left, address):
    network = told(remote_mac(MAC1, FAR, row=uuid(100)), remote_mac(MAC1, FURTHER, row=uuid(101)))
    assert OfStation(RED, MAC1) in network.update(Gone(uuid(gone)))
    assert network.place(OfStation(RED, MAC1)) == address
    assert network.rivals(OfStation(RED, MAC1)) == []
    assert set(network.peers(RED)) == {address}
    network.update(Gone(uuid(left)))
    assert network.place(OfStation(RED, MAC1)) is None
    assert set(network.stations(RED)) == set()


def test_of_three_rows_for_a_station_the_next_one_takes_over():
    network = told(
        remote_mac(MAC1, FURTHEST, row=uuid(102)),
        remote_mac(MAC1, FAR, row=uuid(100)),
        remote_mac(MAC1, FURTHER, row=uuid(101)),
    )
    assert network.rivals(OfStation(RED, MAC1)) == [uuid(101), uuid(102)]
    network.update(Gone(uuid(100)))
    assert network.place(OfStation(RED, MAC1)) == FURTHER
    assert network.rivals(OfStation(RED, MAC1)) == [uuid(102)]


def test_a_rival_that_moves_to_another_station_is_no_rival_any_more():
    network = told(remote_mac(MAC1, FAR, row=uuid(100)), remote_mac(MAC1, FURTHER, row=uuid(101)))
    network.update(remote_mac(MAC2, FURTHER, row=uuid(101)))
    assert network.rivals(OfStation(RED, MAC1)) == []
    assert network.place(OfStation(RED, MAC2)) == FURTHER


# Groups


def test_unknown_destinations_touch_the_logical_switch_and_new_peers():
    network = told(logical_switch(RED))
    assert network.update(unknown_dst(FAR, FURTHER)) == {
        OfLogicalSwitch(RED),
        OfPeer(RED, FAR),
        OfPeer(RED, FURTHER),
    }
    assert network.replication(RED) == {FAR, FURTHER}
    assert network.replication(BLUE) == set()


def test_a_new_set_of_locators_touches_those_that_come_and_go():
    network = told(logical_switch(RED), unknown_dst(FAR, FURTHER))
    touched = network.update(unknown_dst(FURTHER, FURTHEST))
    assert touched == {OfLogicalSwitch(RED), OfPeer(RED, FAR), OfPeer(RED, FURTHEST)}
    assert network.replication(RED) == {FURTHER, FURTHEST}
    assert set(network.peers(RED)) == {FURTHER, FURTHEST}


def test_two_rows_for_unknown_destinations_count_together():
    network = told(unknown_dst(FAR, row=uuid(200)), unknown_dst(FAR, FURTHER, row=uuid(201)))
    assert network.replication(RED) == {FAR, FURTHER}
    network.update(Gone(uuid(201)))
    assert network.replication(RED) == {FAR}
    assert set(network.peers(RED)) == {FAR}


def test_a_group_address_is_not_unknown_dst_but_names_its_peers():
    network = told(remote_group(MULTICAST, FAR))
    assert network.replication(RED) == set()
    assert network.replication(RED, MULTICAST) == {FAR}
    assert network.groups(RED) == {MULTICAST}
    assert set(network.peers(RED)) == {FAR}


def test_a_group_address_touches_itself_and_has_a_number_while_it_has_rows():
    network = told(logical_switch(RED))
    group = OfGroup(RED, MULTICAST)
    assert network.group_number(group) is None
    touched = network.update(remote_group(MULTICAST, FAR, row=uuid(200)))
    assert touched == {group, OfPeer(RED, FAR)}
    number = network.group_number(group)
    assert network.update(remote_group(MULTICAST, FURTHER, row=uuid(201))) >= {group}
    assert network.replication(RED, MULTICAST) == {FAR, FURTHER}
    network.update(Gone(uuid(200)))
    assert network.group_number(group) == number
    assert network.update(Gone(uuid(201))) >= {group}
    assert network.group_number(group) is None
    assert network.groups(RED) == set()


def test_group_addresses_have_numbers_of_their_own_in_each_logical_switch():
    network = told(
        remote_group(MULTICAST, FAR, row=uuid(200)),
        remote_group("01:00:5e:00:00:06", FAR, row=uuid(201)),
        remote_group(MULTICAST, FAR, of=BLUE, row=uuid(202)),
    )
    groups = [OfGroup(of, mac) for of in (RED, BLUE) for mac in network.groups(of)]
    assert len({network.group_number(group) for group in groups}) == 3


@given(st.permutations([f"01:00:5e:00:00:{number:02x}" for number in range(5)]))
def test_group_addresses_that_get_other_numbers_are_touched(macs):
    network = Network()
    network._group_numbering = StableIds(limit=5)
    before = {}
    for index, mac in enumerate([*macs, *macs]):
        is_new = index < len(macs)
        row = remote_group(mac, FAR, row=uuid(200 + macs.index(mac)))
        touched = network.update(row if is_new else Gone(row.uuid))
        groups = {OfGroup(RED, each) for each in network.groups(RED)}
        now = {group: network.group_number(group) for group in groups}
        assert {group for group in now if before.get(group) != now[group]} <= touched
        assert len(set(now.values())) == len(now)
        before = now


def test_a_row_may_turn_from_a_station_into_a_group():
    network = told(remote_mac(MAC1, FAR, row=uuid(100)))
    touched = network.update(unknown_dst(FURTHER, row=uuid(100)))
    assert touched >= {OfStation(RED, MAC1), OfLogicalSwitch(RED), OfPeer(RED, FAR)}
    assert network.place(OfStation(RED, MAC1)) is None
    assert network.replication(RED) == {FURTHER}


# Keys


def key_at(network, of, address=FAR):
    return network.key(OfPeer(of, address))


def test_the_key_of_a_logical_switch_holds_towards_every_vtep():
    network = told(logical_switch(RED, 5001), remote_mac(MAC1, FAR))
    assert key_at(network, RED) == 5001
    assert key_at(network, RED, FURTHER) is None


def test_without_one_the_key_of_the_locator_holds():
    network = told(logical_switch(RED, None), remote_mac(MAC1, FAR, key=7001))
    assert key_at(network, RED) == 7001


def test_the_key_of_a_logical_switch_comes_before_that_of_a_locator():
    network = told(logical_switch(RED, 5001), remote_mac(MAC1, FAR, key=7001))
    assert key_at(network, RED) == 5001


def test_of_several_keys_of_locators_the_least_holds():
    network = told(
        logical_switch(RED, None),
        remote_mac(MAC1, FAR, key=7002, row=uuid(100)),
        remote_mac(MAC2, FAR, key=7001, row=uuid(101)),
    )
    assert key_at(network, RED) == 7001
    assert network.update(Gone(uuid(101))) >= {OfPeer(RED, FAR)}
    assert key_at(network, RED) == 7002


def test_a_locator_whose_key_changes_is_another_locator():
    network = told(logical_switch(RED, None), remote_mac(MAC1, FAR, key=7001))
    assert network.update(remote_mac(MAC1, FAR, key=7002)) >= {OfPeer(RED, FAR)}
    assert key_at(network, RED) == 7002
    assert {each.tunnel_key for each in network.locators(OfPeer(RED, FAR))} == {7002}


# Routers


def test_a_router_touches_itself_and_is_found_by_its_logical_switches():
    network = told(logical_switch(RED), logical_switch(BLUE))
    router = logical_router(RED, BLUE)
    assert network.update(router) == {OfRouter(router.uuid)}
    assert list(network.routers_of(RED)) == list(network.routers_of(BLUE)) == [router.uuid]
    assert network.router(router.uuid) == router
    assert network.update(logical_router(RED)) == {OfRouter(router.uuid)}
    assert list(network.routers_of(BLUE)) == []
    assert network.update(Gone(router.uuid)) == {OfRouter(router.uuid)}
    assert network.router(router.uuid) is None
    assert list(network.routers_of(RED)) == []


# Rows that cannot be used


def test_a_refused_row_is_known_for_why():
    network = told(logical_switch(RED))
    assert network.update(refused(uuid(100))) == {OfRefused(uuid(100))}
    assert network.refused(uuid(100)) == refused(uuid(100))
    assert list(network.refused_in(RED)) == [uuid(100)]
    assert list(network.refused_in(BLUE)) == []


def test_a_row_that_turns_bad_loses_its_effect():
    network = told(remote_mac(MAC1, FAR, row=uuid(100)))
    touched = network.update(refused(uuid(100)))
    assert touched == {OfRefused(uuid(100)), OfStation(RED, MAC1), OfPeer(RED, FAR)}
    assert network.place(OfStation(RED, MAC1)) is None


def test_a_row_that_is_mended_takes_effect():
    network = told(refused(uuid(100)))
    touched = network.update(remote_mac(MAC1, FAR, row=uuid(100)))
    assert touched == {OfRefused(uuid(100)), OfStation(RED, MAC1), OfPeer(RED, FAR)}
    assert network.refused(uuid(100)) is None
    assert list(network.refused_in(RED)) == []


def test_the_end_of_a_refused_row_mends_it():
    network = told(refused(uuid(100)))
    assert network.update(Gone(uuid(100))) == {OfRefused(uuid(100))}
    assert network.refused(uuid(100)) is None


# Rows altogether


def test_it_knows_every_row_that_is_not_gone():
    network = told(
        logical_switch(RED),
        remote_mac(MAC1, FAR, row=uuid(100)),
        unknown_dst(FAR, row=uuid(200)),
        refused(uuid(300)),
        logical_router(RED, row=uuid(400)),
    )
    rows = {RED, uuid(100), uuid(200), uuid(300), uuid(400)}
    assert set(network.rows()) == rows
    for row in rows:
        network.update(Gone(row))
    assert set(network.rows()) == set()


def test_the_end_of_an_unknown_row_touches_nothing(network):
    assert network.update(Gone(uuid(100))) == set()


def test_stations_may_come_before_their_logical_switch():
    network = told(remote_mac(MAC1, FAR), unknown_dst(FURTHER))
    assert network.update(logical_switch(RED)) >= {OfAll(RED)}
    assert network.place(OfStation(RED, MAC1)) == FAR
    assert set(network.peers(RED)) == {FAR, FURTHER}
