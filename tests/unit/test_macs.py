"""Learned stations: each is in one place, and goes with its place."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.learning.stations import LearnedMacs, Place

from .builders import BLUE, MAC1, MAC2, MAC3, RED

HERE = Place(switch="br0", port="p0", binding=0x1000, logical_switch=RED)
THERE = Place(switch="br0", port="p1", binding=0x2000, logical_switch=RED)
ELSEWHERE = Place(switch="br1", port="p0", binding=0x1000, logical_switch=RED)
IN_BLUE = Place(switch="br0", port="p0", binding=0x100A, logical_switch=BLUE)
PLACES = [HERE, THERE, ELSEWHERE, IN_BLUE]


def test_a_station_is_where_it_was_seen() -> None:
    macs = LearnedMacs()
    assert macs.learn(MAC1, HERE)
    assert macs.place(RED, MAC1) == HERE
    assert macs.place(BLUE, MAC1) is None
    assert set(macs.all()) == {(RED, MAC1)}
    assert set(macs.stations(RED)) == {MAC1}
    assert set(macs.stations(BLUE)) == set()


def test_seeing_it_again_is_no_news() -> None:
    macs = LearnedMacs()
    macs.learn(MAC1, HERE)
    macs.take_changed()
    assert not macs.learn(MAC1, HERE)
    assert macs.take_changed() == set()


def test_a_station_moves_even_to_another_switch() -> None:
    macs = LearnedMacs()
    macs.learn(MAC1, HERE)
    assert macs.learn(MAC1, ELSEWHERE)
    assert macs.place(RED, MAC1) == ELSEWHERE
    assert len(macs.all()) == 1
    macs.forget_place(HERE)
    assert macs.place(RED, MAC1) == ELSEWHERE


def test_the_same_address_in_two_logical_switches_is_two_stations() -> None:
    macs = LearnedMacs()
    macs.learn(MAC1, HERE)
    macs.learn(MAC1, IN_BLUE)
    assert macs.place(RED, MAC1) == HERE
    assert macs.place(BLUE, MAC1) == IN_BLUE


def test_a_forgotten_station_is_gone() -> None:
    macs = LearnedMacs()
    macs.learn(MAC1, HERE)
    assert macs.forget(RED, MAC1)
    assert macs.place(RED, MAC1) is None
    assert not macs.forget(RED, MAC1)


def test_stations_go_with_their_place() -> None:
    macs = LearnedMacs()
    macs.learn(MAC1, HERE)
    macs.learn(MAC2, THERE)
    macs.take_changed()
    macs.forget_place(HERE)
    assert set(macs.all()) == {(RED, MAC2)}
    assert macs.take_changed() == {(RED, MAC1)}


def test_changes_are_told_once() -> None:
    macs = LearnedMacs()
    macs.learn(MAC1, HERE)
    assert macs.take_changed() == {(RED, MAC1)}
    assert macs.take_changed() == set()


def test_stations_are_counted_by_port() -> None:
    macs = LearnedMacs()
    for mac, place in [(MAC1, HERE), (MAC2, HERE), (MAC3, THERE), (MAC1, IN_BLUE)]:
        macs.learn(mac, place)
    assert macs.count_at("br0", "p0") == 3
    assert macs.count_at("br0", "p1") == 1
    assert macs.count_at("br1", "p0") == 0
    macs.learn(MAC1, ELSEWHERE)
    assert macs.count_at("br0", "p0") == 2
    assert macs.count_at("br1", "p0") == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["learn", "forget", "forget_place"]),
        st.sampled_from([MAC1, MAC2]),
        st.sampled_from(PLACES),
    )
)


@given(STEPS)
def test_it_does_what_one_dict_does(steps: list[tuple[Any, ...]]) -> None:
    macs = LearnedMacs()
    model: dict[tuple[UUID, str], Place] = {}
    changed: set[tuple[UUID, str]] = set()
    for name, mac, place in steps:
        before = dict(model)
        logical_switch = place.logical_switch
        if name == "learn":
            model[logical_switch, mac] = place
            assert macs.learn(mac, place) == (before != model)
        elif name == "forget":
            known = model.pop((logical_switch, mac), None) is not None
            assert macs.forget(logical_switch, mac) == known
        else:
            model = {key: where for key, where in model.items() if where != place}
            macs.forget_place(place)
        changed |= {
            key for key in before.keys() | model.keys() if before.get(key) != model.get(key)
        }
        assert set(macs.all()) == set(model)
        assert all(macs.place(*key) == where for key, where in model.items())
        for switch, port in {(each.switch, each.port) for each in PLACES}:
            there = [each for each in model.values() if (each.switch, each.port) == (switch, port)]
            assert macs.count_at(switch, port) == len(there)
        for each in (RED, BLUE):
            assert set(macs.stations(each)) == {mac for of, mac in model if of == each}
    assert macs.take_changed() == changed
