"""Make before break: with which tunnels owners are worked out, and which tunnels are wanted."""

from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine.needs import NO_TUNNELS, Choice, TunnelUsers, in_force
from vtep_ofapp.values.addresses import only


@dataclass
class States:
    """Tunnels by what became of them: "up", "pending", "given up" or "own"."""

    of: dict[str, str] = field(default_factory=dict)

    def is_up(self, address: str) -> bool:
        return self.of.get(address) == "up"

    def is_pending(self, address: str) -> bool:
        return self.of.get(address, "pending") == "pending"

    def is_own(self, address: str) -> bool:
        return self.of.get(address) == "own"


def tunnels(**states: str) -> States:
    return States({name: state.replace("_", " ") for name, state in states.items()})


@pytest.mark.parametrize(
    ("needs", "former", "states", "used"),
    [
        ("", "a", {}, ""),
        ("b", "a", {"a": "up"}, "a"),
        ("b", "a", {"a": "up", "b": "up"}, "b"),
        ("b", "a", {"a": "up", "b": "given_up"}, "b"),
        ("b", "", {}, ""),
        ("b", "b", {}, "b"),
        ("bc", "a", {"a": "up", "c": "up"}, "c"),
        ("bc", "a", {"a": "up", "c": "given_up"}, "a"),
        ("bc", "a", {"b": "given_up", "c": "given_up"}, "bc"),
        ("c", "ab", {"a": "own", "b": "up"}, "b"),
    ],
)
def test_the_former_tunnels_are_used_while_none_is_up_and_one_is_pending(
    needs: str, former: str, states: dict[str, str], used: str
) -> None:
    found = in_force(frozenset(needs), frozenset(former), tunnels(**states))
    assert found == frozenset(used)


def test_a_choice_remembers_what_was_needed() -> None:
    choice = Choice(only("a"), tunnels(a="up"))
    assert choice.needs == NO_TUNNELS
    assert choice(only("b")) == only("a")
    assert choice.needs == only("b")


class One(NamedTuple):
    name: str


class Other(NamedTuple):
    name: str


def test_owners_whose_keys_are_equal_but_of_two_types_are_two() -> None:
    users = TunnelUsers()
    users.put(One("x"), NO_TUNNELS, only("a"), only("b"))
    users.put(Other("x"), NO_TUNNELS, only("a"), only("b"))
    assert [type(each) for each in users.take_waiting("b")] == [One, Other]
    users.put(One("x"), only("a"), NO_TUNNELS, NO_TUNNELS)
    assert users.wanted() == {"a", "b"}
    users.put(Other("x"), only("a"), NO_TUNNELS, NO_TUNNELS)
    assert users.wanted() == set()


def test_while_it_waits_what_it_uses_concerns_it() -> None:
    users = TunnelUsers()
    users.put(One("x"), NO_TUNNELS, only("a"), only("b"))
    assert list(users.take_waiting("a")) == [One("x")]
    assert list(users.take_waiting("b")) == [One("x")]
    assert list(users.take_waiting("b")) == []


def test_what_passes_from_one_to_another_has_not_changed() -> None:
    users = TunnelUsers()
    users.put(One("x"), NO_TUNNELS, only("a"), only("a"))
    assert users.take_changed() == {"a"}
    users.put(One("x"), only("a"), NO_TUNNELS, NO_TUNNELS)
    users.put(One("y"), NO_TUNNELS, only("a"), only("a"))
    assert users.take_changed() == set()


ADDRESSES = st.sets(st.sampled_from("abc")).map(frozenset)
STATES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["up", "pending", "given up"]))


@given(st.lists(st.tuples(st.sampled_from("xyz"), ADDRESSES, STATES), max_size=20))
def test_the_tunnels_wanted_are_those_in_use_and_those_needed(
    steps: list[tuple[str, frozenset[str], dict[str, str]]],
) -> None:
    users = TunnelUsers()
    uses: dict[str, frozenset[str]] = {}
    needs: dict[str, frozenset[str]] = {}
    wanted: set[str] = set()
    for name, needed, states in steps:
        former = uses.get(name, NO_TUNNELS)
        uses[name], needs[name] = in_force(needed, former, States(states)), needed
        users.put(One(name), former, uses[name], needed)
        union = frozenset().union(*uses.values(), *needs.values())
        assert users.wanted() == union
        assert users.take_changed() == wanted ^ union
        wanted = set(union)
    for address in "abc":
        waiting = {name for name in uses if address in needs[name] - uses[name]}
        assert {One(name) for name in waiting} <= set(users.take_waiting(address))
