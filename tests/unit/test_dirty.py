"""Which owners are worked out in a turn, and in which order."""

from typing import NamedTuple

from vtep_ofapp.engine.dirty import Dirty, Pace


class Port(NamedTuple):
    name: str


class Station(NamedTuple):
    name: str


class Guest(NamedTuple):
    name: str


class Tunnel(NamedTuple):
    name: str


def dirty(*keys: NamedTuple) -> Dirty:
    paces: dict[type, Pace] = {
        Port: Pace.AT_ONCE,
        Station: Pace.IN_PARTS,
        Guest: Pace.IN_PARTS,
        Tunnel: Pace.LAST,
    }
    made = Dirty(paces, precedence=lambda tunnel: -ord(tunnel.name))
    for key in keys:
        made.add(key)
    return made


def taken(made: Dirty, room: int = 100) -> list[NamedTuple]:
    return list(made.take(room))


def test_stations_come_after_the_others_and_those_invalidated_last_come_first() -> None:
    made = dirty(Station("x"), Port("a"), Station("y"), Port("b"))
    assert taken(made) == [Port("a"), Port("b"), Station("y"), Station("x")]
    assert taken(made) == []


def test_what_has_no_room_is_left() -> None:
    made = dirty(*map(Station, "abc"))
    assert len(taken(made, room=2)) == 2
    assert made.is_behind
    assert taken(made, room=2) == [Station("a")]
    assert not made.is_behind


def test_what_is_added_meanwhile_comes_in_the_same_turn_and_before_what_has_no_room() -> None:
    made = dirty(Station("x"), Station("y"))
    found = []
    for key in made.take(1):
        found.append(key)
        if key == Station("y"):
            made.add(Port("a"))
    assert found == [Station("y"), Port("a")]


def test_tunnels_come_last_in_an_order_of_their_own() -> None:
    made = dirty(Tunnel("a"), Tunnel("b"), Port("a"))
    assert taken(made) == [Port("a")]
    assert made.take_last() == [Tunnel("b"), Tunnel("a")]
    assert made.take_last() == []


def test_equal_keys_of_two_types_are_two_owners() -> None:
    made = dirty(Station("x"), Guest("x"), Station("x"))
    assert sorted(type(key).__name__ for key in taken(made)) == ["Guest", "Station"]
