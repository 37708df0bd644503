"""Wanted and actual: found differences, and what finding them costs."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.engine.desired_actual import DesiredActual, Difference, K, W

KEYS = st.sampled_from("abcde")
VALUES = st.none() | st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), KEYS, VALUES),
        st.tuples(st.just("have"), KEYS, VALUES),
        st.tuples(st.just("have_only"), st.dictionaries(KEYS, st.integers(0, 2))),
        st.tuples(st.just("settle")),
    ),
    max_size=30,
)


def found(reconciliation: DesiredActual[K, W]) -> dict[K, tuple[W | None, W | None]]:
    """Return the differences as a dict of (have, want); each key must come once."""
    pairs = [(each.key, (each.have, each.want)) for each in reconciliation.differences()]
    assert max(Counter(key for key, _ in pairs).values(), default=1) == 1
    return dict(pairs)


def put(mapping: dict[str, int], key: str, value: int | None) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


@given(STEPS)
def test_it_does_what_two_dicts_do(steps: list[tuple[Any, ...]]) -> None:
    wanted: dict[str, int] = {}
    actual: dict[str, int] = {}
    reconciliation = DesiredActual[str, int]()
    for name, *arguments in steps:
        if name == "want":
            put(wanted, *arguments)
            reconciliation.want(*arguments)
        elif name == "have":
            put(actual, *arguments)
            reconciliation.have(*arguments)
        elif name == "have_only":
            actual = dict(*arguments)
            reconciliation.have_only(dict(*arguments))
        else:
            expected = {
                key: (actual.get(key), wanted.get(key))
                for key in actual.keys() | wanted.keys()
                if actual.get(key) != wanted.get(key)
            }
            assert found(reconciliation) == expected
            assert reconciliation.settled() == (not expected)
        assert reconciliation.wanted == wanted
        assert reconciliation.actual == actual


@given(STEPS)
def test_making_the_differences_good_settles_it(steps: list[tuple[Any, ...]]) -> None:
    reconciliation = DesiredActual[str, int]()
    for name, *arguments in steps:
        if name != "settle":
            getattr(reconciliation, name)(*arguments)
    for each in list(reconciliation.differences()):
        reconciliation.have(each.key, each.want)
    assert reconciliation.settled()
    assert reconciliation.actual == reconciliation.wanted


def test_a_difference_says_what_is_there_and_what_is_wanted() -> None:
    reconciliation = DesiredActual[str, int]()
    reconciliation.have("a", 1)
    reconciliation.want("a", 2)
    assert list(reconciliation.differences()) == [Difference("a", have=1, want=2)]


def test_a_difference_is_told_until_it_is_made_good() -> None:
    reconciliation = DesiredActual[str, int]()
    reconciliation.want("a", 1)
    assert found(reconciliation) == {"a": (None, 1)}
    assert found(reconciliation) == {"a": (None, 1)}
    reconciliation.have("a", 1)
    assert found(reconciliation) == {}


def test_reading_back_forgets_what_was_there() -> None:
    reconciliation = DesiredActual[str, int]()
    reconciliation.have("gone", 1)
    reconciliation.want("lost", 2)
    reconciliation.have("lost", 2)
    assert found(reconciliation) == {"gone": (1, None)}
    reconciliation.have_only({"foreign": 3})
    assert found(reconciliation) == {"lost": (None, 2), "foreign": (3, None)}


class Counted:
    """A value that counts how often values like it are compared."""

    comparisons = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return isinstance(other, Counted) and self.number == other.number

    __hash__ = None  # type: ignore[assignment]  # as Python has it for what may change


class Key(str):
    """A key that is not the same object as one that is equal to it."""

    __slots__ = ()


def many(count: int) -> dict[int, Counted]:
    return {number: Counted(number) for number in range(count)}


def comparisons(action: Callable[[], object]) -> int:
    before = Counted.comparisons
    action()
    return Counted.comparisons - before


def test_a_value_is_compared_once_when_it_is_put() -> None:
    reconciliation = DesiredActual[int, Counted]()
    for key, value in many(1000).items():
        reconciliation.want(key, value)
    assert comparisons(lambda: reconciliation.have_only(many(1000))) == 1000
    assert comparisons(lambda: reconciliation.want(7, Counted(-7))) == 1
    assert comparisons(lambda: found(reconciliation)) == 0
    assert comparisons(lambda: reconciliation.have(7, Counted(-7))) == 1
    assert reconciliation.settled()


def test_what_is_equal_is_one_object_on_both_sides() -> None:
    """There may be very many flows, and the switch sends copies of them when it is read back."""
    reconciliation = DesiredActual[str, Counted]()
    read, wanted = [Counted(1), Counted(2)], [Counted(1), Counted(2)]
    reconciliation.have("read first", read[0])
    reconciliation.want("read first", wanted[0])
    reconciliation.want("wanted first", wanted[1])
    reconciliation.have("wanted first", read[1])
    assert [reconciliation.wanted[key] for key in reconciliation.wanted] == wanted
    for key, value in reconciliation.wanted.items():
        assert reconciliation.actual[key] is value
    reconciliation.want("read first", again := Counted(1))
    assert reconciliation.actual["read first"] is again


def test_what_is_wanted_later_brings_its_key() -> None:
    wanted, read = Key("a"), Key("a")
    reconciliation = DesiredActual[str, Counted]()
    reconciliation.have(read, Counted(1))
    reconciliation.want(wanted, Counted(1))
    assert next(iter(reconciliation.actual)) is wanted


def test_what_has_waited_for_longest_comes_first() -> None:
    reconciliation = DesiredActual[str, int]()
    for key in "abc":
        reconciliation.want(key, 1)
    reconciliation.have("a", 1)
    reconciliation.have("a", None)
    assert [each.key for each in reconciliation.differences()] == ["b", "c", "a"]


def test_asking_whether_it_is_settled_compares_nothing() -> None:
    reconciliation = DesiredActual[int, Counted]()
    for key, value in many(1000).items():
        reconciliation.want(key, value)
    assert comparisons(lambda: reconciliation.settled()) == 0
    assert not reconciliation.settled()
