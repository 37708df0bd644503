"""Changes of the databases, whole or in parts, in the order in which they were told."""

from vtep_ofapp.loop.change_queue import MAX_ROWS, ChangeQueue
from vtep_ofapp.values.events import Bridges, BridgesInSync, VtepInSync, VtepRows

from .builders import DATABASE, RED, logical_switch

ROW = logical_switch(RED)
PART, END = VtepRows([ROW], more=True), VtepRows([ROW])


def told(*parts) -> ChangeQueue:
    news = ChangeQueue()
    for part in parts:
        news.add(part)
    return news


def test_what_is_told_is_heard_in_its_order():
    parts = [PART, Bridges(DATABASE, {}), END, VtepInSync(frozenset())]
    news = told(*parts)
    assert news.wait
    assert list(news.hear()) == parts
    assert not news.wait


def test_a_change_is_partial_until_its_end_is_heard():
    news = told(PART, PART)
    list(news.hear())
    assert news.are_partial
    news.add(END)
    assert news.are_partial
    list(news.hear())
    assert not news.are_partial


def test_all_that_was_read_anew_is_one_change():
    news = told(PART, Bridges(DATABASE, {}, more=True))
    list(news.hear())
    news.add(VtepInSync(frozenset()))
    list(news.hear())
    assert news.are_partial
    news.add(BridgesInSync(DATABASE, frozenset()))
    list(news.hear())
    assert not news.are_partial


def test_each_database_has_changes_of_its_own():
    news = told(PART, Bridges(DATABASE, {}))
    list(news.hear())
    assert news.are_partial
    other = told(Bridges(DATABASE, {}, more=True), Bridges("other", {}), END)
    list(other.hear())
    assert other.are_partial


def test_so_many_rows_are_heard_at_once():
    some = VtepRows([ROW] * (MAX_ROWS // 2), more=True)
    news = told(some, some, some)
    assert list(news.hear()) == [some, some]
    assert list(news.hear()) == [some]
    very_many = VtepRows([ROW] * 10 * MAX_ROWS)
    news = told(very_many, END)
    assert list(news.hear()) == [very_many]
    assert news.wait
