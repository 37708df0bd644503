"""Numbers derived from row UUIDs: nothing counts but the set of rows."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine.stable_ids import StableIds

KEYS = st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number))


@st.composite
def cramped(draw: st.DrawFn) -> tuple[list[UUID], int]:
    """Draw some keys, and a limit that leaves them so little room that they collide."""
    keys = draw(st.sets(KEYS, min_size=1, max_size=12))
    return sorted(keys), len(keys) + draw(st.integers(0, 4))


CHANGES = st.lists(st.integers(0, 11), min_size=1, max_size=30)
"""Which key is added, or removed if it is there, after all of them have been added."""


def numbers(keys: Iterable[UUID], limit: int) -> dict[UUID, int]:
    numbering = StableIds(limit)
    for key in keys:
        numbering.add(key)
    return {key: numbering.number(key) for key in keys}


def apply(
    numbering: StableIds, keys: Sequence[UUID], changes: list[int]
) -> Iterator[tuple[set[UUID], dict[UUID, int], dict[UUID, int], set[UUID]]]:
    """Make the changes, and yield what each of them returned and did."""
    there: set[UUID] = set()
    for key in [*keys, *(keys[change % len(keys)] for change in changes)]:
        before = {each: numbering.number(each) for each in there}
        changed = numbering.remove(key) if key in there else numbering.add(key)
        there ^= {key}
        after = {each: numbering.number(each) for each in there}
        yield there, before, after, changed


@given(st.data(), cramped())
def test_the_order_of_adding_does_not_matter(
    data: st.DataObject, room: tuple[list[UUID], int]
) -> None:
    keys, limit = room
    some_order = data.draw(st.permutations(keys))
    assert numbers(some_order, limit) == numbers(keys, limit)


@given(cramped(), CHANGES)
def test_the_same_set_has_the_same_numbers_whatever_happened_before(
    room: tuple[list[UUID], int], changes: list[int]
) -> None:
    keys, limit = room
    for there, _, after, _ in apply(StableIds(limit), keys, changes):
        assert after == numbers(there, limit)


@given(cramped(), CHANGES)
def test_a_change_returns_exactly_the_keys_with_other_numbers(
    room: tuple[list[UUID], int], changes: list[int]
) -> None:
    keys, limit = room
    for there, before, after, changed in apply(StableIds(limit), keys, changes):
        assert changed == {key for key in there if before.get(key) != after[key]}


@given(cramped(), CHANGES)
def test_no_two_keys_share_a_number_and_numbers_lead_back_to_keys(
    room: tuple[list[UUID], int], changes: list[int]
) -> None:
    keys, limit = room
    numbering = StableIds(limit)
    for there, _, after, _ in apply(numbering, keys, changes):
        assert len(set(after.values())) == len(there)
        assert all(1 <= number <= limit for number in after.values())
        for number in range(1, limit + 1):
            key = numbering.key(number)
            assert (key in there and after[key] == number) if key else number not in after.values()


@given(cramped())
def test_no_key_gives_way_to_a_greater_one(room: tuple[list[UUID], int]) -> None:
    keys, limit = room
    for count in range(1, len(keys) + 1):
        some = numbers(keys[:count], limit)
        assert {key: numbers(keys, limit)[key] for key in some} == some


def test_as_many_keys_as_numbers_find_room() -> None:
    keys = [UUID(int=number) for number in range(5)]
    assert sorted(numbers(keys, limit=5).values()) == [1, 2, 3, 4, 5]


def test_numbers_of_this_release_are_those_of_the_next() -> None:
    """A new process, and a new release, must find the numbers that the switch already uses."""
    keys = [UUID(int=number) for number in (1, 2, 3)]
    assert list(numbers(keys, limit=(1 << 24) - 1).values()) == NUMBERS_OF_1_2_3


NUMBERS_OF_1_2_3 = [2145035, 6503028, 4594755]


def test_a_key_that_was_not_added_has_no_number() -> None:
    with pytest.raises(KeyError):
        StableIds().number(UUID(int=1))
    assert StableIds().key(1) is None


def test_a_removed_key_has_no_number() -> None:
    numbering = StableIds()
    numbering.add(UUID(int=1))
    number = numbering.number(UUID(int=1))
    numbering.remove(UUID(int=1))
    assert numbering.key(number) is None
    with pytest.raises(KeyError):
        numbering.number(UUID(int=1))


def test_adding_to_many_moves_hardly_anything() -> None:
    numbering = StableIds()
    moved = sum(len(numbering.add(UUID(int=number)) - {UUID(int=number)}) for number in range(500))
    assert moved == 0
