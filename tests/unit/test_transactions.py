"""One transaction at a time, and pauses that grow while a database refuses."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from vtep_ofapp.loop.measures import Measures
from vtep_ofapp.loop.transactions import FIRST_PAUSE, LONGEST_PAUSE, MAX_WRITES, Transactions
from vtep_ofapp.values.events import ServerConnection

from .doubles import TimeDouble


class Recorder:
    """A database and a clock that only take notes."""

    def __init__(self) -> None:
        self.committed: list[list[Any]] = []
        self.time = TimeDouble()
        self.lacks: tuple[str, ...] = ()
        self.connection: ServerConnection | None = None
        self.unusable: dict[str, str] = {}

    @property
    def pause(self) -> float | None:
        """The seconds until the next attempt, None if none is awaited."""
        return self.time.calls[0].due - self.time.now if self.time.calls else None

    def resume(self) -> None:
        """Let the pause pass."""
        self.time.wait(LONGEST_PAUSE)

    def takes(self, write: str) -> bool:
        return write not in self.lacks

    def commit(self, writes: Sequence[str]) -> None:
        self.committed.append(list(writes))


@pytest.fixture
def there() -> Recorder:
    return Recorder()


@pytest.fixture
def transactions(there: Recorder) -> Transactions:
    return Transactions("some_db", there, there.time.timers(), Measures())


def test_writes_go_into_one_transaction(there: Recorder, transactions: Transactions) -> None:
    transactions.commit(iter("ab"))
    assert there.committed == [["a", "b"]]


def test_nothing_to_write_is_no_transaction(there: Recorder, transactions: Transactions) -> None:
    transactions.commit([])
    assert there.committed == []


def test_one_transaction_is_in_flight(there: Recorder, transactions: Transactions) -> None:
    transactions.commit(["a"])
    transactions.commit(["b"])
    assert there.committed == [["a"]]
    transactions.committed(None)
    transactions.commit(["b"])
    assert there.committed == [["a"], ["b"]]


def test_writes_are_not_even_worked_out_while_one_is_in_flight(transactions: Transactions) -> None:
    def writes() -> Iterator[str]:
        pytest.fail("nobody needs them")
        yield

    transactions.commit(["a"])
    transactions.commit(writes())


def test_many_writes_take_several_transactions(there: Recorder, transactions: Transactions) -> None:
    transactions.commit(iter(range(MAX_WRITES + 1)))
    assert there.committed == [list(range(MAX_WRITES))]


def test_a_failure_is_said_and_followed_by_a_pause(
    there: Recorder, transactions: Transactions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "vtep_ofapp")
    transactions.commit(["a"])
    transactions.committed("no space")
    transactions.commit(["a"])
    assert there.committed == [["a"]]
    assert there.pause == pytest.approx(FIRST_PAUSE)
    assert [record.getMessage() for record in caplog.records] == [
        "some_db: no space; trying again in 0.1 s"
    ]


def test_after_the_pause_the_same_writes_are_tried_again(
    there: Recorder, transactions: Transactions
) -> None:
    transactions.commit(["a"])
    transactions.committed("no space")
    there.resume()
    transactions.commit(["a"])
    assert there.committed == [["a"], ["a"]]


def test_pauses_double_up_to_a_limit(there: Recorder, transactions: Transactions) -> None:
    pauses = []
    for _ in range(12):
        transactions.commit(["a"])
        transactions.committed("no space")
        pauses.append(there.pause)
        there.resume()
    doubled = [FIRST_PAUSE * 2**power for power in range(12)]
    assert pauses == pytest.approx([min(each, LONGEST_PAUSE) for each in doubled])


def test_other_writes_begin_with_a_short_pause(there: Recorder, transactions: Transactions) -> None:
    pauses = []
    for writes in ("a", "a", "a", "b", "b"):
        transactions.commit(writes)
        transactions.committed("no space")
        pauses.append(there.pause)
        there.resume()
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.1, 0.2])


def test_pauses_double_as_well_while_success_changes_nothing(
    there: Recorder, transactions: Transactions
) -> None:
    pauses = []
    for _ in range(24):
        transactions.commit(["a"])
        transactions.committed(None)
        transactions.commit(["a"])
        pauses.append(there.pause)
        there.resume()
    doubled = [FIRST_PAUSE * 2**power for power in range(24)]
    assert pauses == pytest.approx([min(each, LONGEST_PAUSE) for each in doubled])


def test_writes_that_changed_nothing_are_not_repeated_at_once(
    there: Recorder, transactions: Transactions, caplog: pytest.LogCaptureFixture
) -> None:
    transactions.commit(["a"])
    transactions.committed(None)
    transactions.commit(["a"])
    assert there.committed == [["a"]]
    assert there.pause == pytest.approx(FIRST_PAUSE)
    assert "what the last transaction wrote is not there; trying again in 0.1 s" in caplog.text
    there.resume()
    transactions.commit(["a"])
    assert there.committed == [["a"], ["a"]]


def test_writes_that_others_undo_are_repeated_at_once_and_then_after_pauses(
    there: Recorder, transactions: Transactions
) -> None:
    pauses = []
    for _ in range(5):
        transactions.commit(["a"])
        transactions.changed()
        transactions.committed(None)
        transactions.commit(["a"])
        pauses.append(there.pause)
        transactions.changed()
        transactions.committed(None)
        there.resume()
    assert pauses[0] is None
    assert pauses[1:] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert len(there.committed) == 5


def test_rows_that_changed_before_the_writes_do_not_repeat_them(
    there: Recorder, transactions: Transactions
) -> None:
    transactions.changed()
    transactions.commit(["a"])
    transactions.committed(None)
    transactions.commit(["a"])
    assert there.committed == [["a"]]


def test_the_same_writes_may_come_again_after_there_was_nothing_to_write(
    there: Recorder, transactions: Transactions
) -> None:
    transactions.commit(["a"])
    transactions.committed(None)
    transactions.commit([])
    transactions.commit(["a"])
    assert there.committed == [["a"], ["a"]]
    assert there.pause is None


def test_a_database_that_comes_back_ends_the_pause(
    there: Recorder, transactions: Transactions
) -> None:
    transactions.commit(["a"])
    transactions.committed("constraint violation")
    transactions.commit(["b"])
    assert there.committed == [["a"]]
    transactions.back()
    transactions.commit(["b"])
    assert there.committed == [["a"], ["b"]]


def test_a_database_that_is_away_is_neither_written_nor_complained_of(
    there: Recorder, transactions: Transactions, caplog: pytest.LogCaptureFixture
) -> None:
    transactions.commit(["a"])
    transactions.away()
    transactions.committed("the connection ended")
    there.resume()
    transactions.commit(["a"])
    assert there.committed == [["a"]]
    assert there.pause is None
    assert caplog.text == ""
    transactions.back()
    transactions.commit(["a"])
    assert there.committed == [["a"], ["a"]]


def test_what_the_schema_has_no_columns_for_is_not_written(
    there: Recorder, transactions: Transactions
) -> None:
    there.lacks = ("b",)
    transactions.commit("abc")
    assert there.committed == [["a", "c"]]


def test_the_end_of_a_pause_does_not_end_a_transaction(
    there: Recorder, transactions: Transactions
) -> None:
    transactions.commit(["a"])
    there.resume()
    transactions.commit(["b"])
    assert there.committed == [["a"]]
