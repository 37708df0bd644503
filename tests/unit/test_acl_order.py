"""The priorities of entries as they change one by one are those of all entries together."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.features.acls.order import Order
from vtep_ofapp.pipeline.acls import MOST_ENTRIES, priorities
from vtep_ofapp.pipeline.layout import Priority
from vtep_ofapp.values.acls import AclEntry

from .builders import uuid


def entry(number: int, sequence: int, permits: bool = False) -> AclEntry:
    return AclEntry(uuid(number), sequence, False, permits)


SEQUENCES = st.one_of(st.integers(0, 6), st.sampled_from([-1, 59_999, 60_000, 1 << 62, -(1 << 63)]))
CHANGES = st.lists(
    st.tuples(st.integers(1, 6), st.none() | st.tuples(SEQUENCES, st.booleans()), st.booleans()),
    max_size=30,
)


@given(CHANGES)
def test_they_are_those_of_all_entries_and_whose_change_is_told(
    changes: list[tuple[int, tuple[int, bool] | None, bool]],
) -> None:
    order = Order()
    entries: dict[UUID, AclEntry] = {}
    known: dict[UUID, int] = {}
    dirty: set[UUID] = set()
    for number, place, looks in changes:
        row = uuid(number)
        former, new = entries.pop(row, None), entry(number, *place) if place else None
        if new is not None:
            entries[row] = new
        dirty |= {*order.change(former, new), row}
        assert len(order) == len(entries)
        if looks:
            wanted = priorities(entries.values())
            assert wanted is not None
            assert {each for each in entries if known.get(each) != wanted[each]} <= dirty
            known |= {each: order.priority(each) for each in dirty & entries.keys()}
            assert all(known[each] == wanted[each] for each in entries)
            dirty.clear()


def test_an_entry_with_a_sequence_of_its_own_touches_no_other() -> None:
    order = Order()
    for number in range(1, 5):
        assert not order.change(None, entry(number, 10 * number))
    assert not order.change(entry(2, 20), entry(2, 25))
    assert not order.change(None, entry(9, 0))
    assert order.priority(uuid(2)) == Priority.ACL_FIRST - 25


def test_where_sequences_are_equal_those_that_move_are_told() -> None:
    order = Order()
    for number, sequence in enumerate((10, 10, 12, 30), 1):
        order.change(None, entry(number, sequence))
    assert order.priority(uuid(2)) == Priority.ACL_FIRST - 11
    assert not {uuid(1), uuid(2), uuid(3)} & {*order.change(entry(4, 30), entry(4, 40))}
    order.priority(uuid(2))
    assert {*order.change(None, entry(5, 10))} - {uuid(5)} == {uuid(3)}
    assert {*order.change(None, entry(6, 0))} == {uuid(number) for number in range(1, 7)}
    assert not order.change(None, entry(7, 0)), "all have been told"
    assert order.priority(uuid(3)) == Priority.ACL_FIRST - 13


def test_there_are_only_so_many_priorities() -> None:
    order = Order()
    for number in range(MOST_ENTRIES):
        order.change(None, entry(number, number))
    assert not order.is_too_long
    assert order.priority(uuid(MOST_ENTRIES - 1)) > Priority.MISS
    order.change(None, entry(MOST_ENTRIES, MOST_ENTRIES))
    assert order.is_too_long
