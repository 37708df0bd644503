"""Changes of the databases, whole or in parts, in the order in which they arrived."""

from vtep_ofapp.loop.change_queue import MAX_ROWS, ChangeQueue, Part
from vtep_ofapp.values.events import Bridges, BridgesInSync, VtepInSync, VtepRows

from .builders import DATABASE, RED, logical_switch

ROW = logical_switch(RED)
PART, END = VtepRows([ROW], more=True), VtepRows([ROW])


def queue_of(*parts: Part) -> ChangeQueue:
    queue = ChangeQueue()
    for part in parts:
        queue.add(part)
    return queue


def test_parts_are_taken_in_the_order_in_which_they_arrived() -> None:
    parts: list[Part] = [PART, Bridges(DATABASE, {}), END, VtepInSync(frozenset())]
    queue = queue_of(*parts)
    assert queue.are_waiting
    assert list(queue.take()) == parts
    assert not queue.are_waiting


def test_a_change_is_partial_until_its_end_is_taken() -> None:
    queue = queue_of(PART, PART)
    list(queue.take())
    assert queue.are_partial
    queue.add(END)
    assert queue.are_partial
    list(queue.take())
    assert not queue.are_partial


def test_all_that_was_read_again_is_one_change() -> None:
    queue = queue_of(PART, Bridges(DATABASE, {}, more=True))
    list(queue.take())
    queue.add(VtepInSync(frozenset()))
    list(queue.take())
    assert queue.are_partial
    queue.add(BridgesInSync(DATABASE, frozenset()))
    list(queue.take())
    assert not queue.are_partial


def test_each_database_has_changes_of_its_own() -> None:
    queue = queue_of(PART, Bridges(DATABASE, {}))
    list(queue.take())
    assert queue.are_partial
    other = queue_of(Bridges(DATABASE, {}, more=True), Bridges("other", {}), END)
    list(other.take())
    assert other.are_partial


def test_so_many_rows_are_taken_at_once() -> None:
    some = VtepRows([ROW] * (MAX_ROWS // 2), more=True)
    queue = queue_of(some, some, some)
    assert list(queue.take()) == [some, some]
    assert list(queue.take()) == [some]
    very_many = VtepRows([ROW] * 10 * MAX_ROWS)
    queue = queue_of(very_many, END)
    assert list(queue.take()) == [very_many]
    assert queue.are_waiting
