"""Wanted and actual: found differences, and what finding them costs."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.reconciliation import Difference, Reconciliation

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


def found(reconciliation):
    """Return the differences as a dict of (have, want); each key must come once."""
    pairs = [(each.key, (each.have, each.want)) for each in reconciliation.differences()]
    assert max(Counter(key for key, _ in pairs).values(), default=1) == 1
    return dict(pairs)


def put(mapping, key, value):
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


@given(STEPS)
def test_it_does_what_two_dicts_do(steps):
    wanted, actual, reconciliation = {}, {}, Reconciliation()
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
def test_making_the_differences_good_settles_it(steps):
    reconciliation = Reconciliation()
    for name, *arguments in steps:
        if name != "settle":
            getattr(reconciliation, name)(*arguments)
    for each in list(reconciliation.differences()):
        reconciliation.have(each.key, each.want)
    assert reconciliation.settled()
    assert reconciliation.actual == reconciliation.wanted


def test_a_difference_says_what_is_there_and_what_is_wanted():
    reconciliation = Reconciliation()
    reconciliation.have("a", 1)
    reconciliation.want("a", 2)
    assert list(reconciliation.differences()) == [Difference("a", have=1, want=2)]


def test_a_difference_is_told_until_it_is_made_good():
    reconciliation = Reconciliation()
    reconciliation.want("a", 1)
    assert found(reconciliation) == {"a": (None, 1)}
    assert found(reconciliation) == {"a": (None, 1)}
    reconciliation.have("a", 1)
    assert found(reconciliation) == {}


def test_reading_back_forgets_what_was_there():
    reconciliation = Reconciliation()
    reconciliation.have("gone", 1)
    reconciliation.want("lost", 2)
    reconciliation.have("lost", 2)
    assert found(reconciliation) == {"gone": (1, None)}
    reconciliation.have_only({"foreign": 3})
    assert found(reconciliation) == {"lost": (None, 2), "foreign": (3, None)}


class Counted:
    """A value that counts how often values like it are compared."""

    comparisons = 0

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        Counted.comparisons += 1
        return isinstance(other, Counted) and self.number == other.number

    __hash__ = None


def many(count):
    return {number: Counted(number) for number in range(count)}


def comparisons(action):
    before = Counted.comparisons
    action()
    return Counted.comparisons - before


def test_a_change_costs_what_it_touches_and_not_what_is_there():
    reconciliation = Reconciliation()
    for key, value in many(1000).items():
        reconciliation.want(key, value)
    reconciliation.have_only(many(1000))
    assert comparisons(lambda: found(reconciliation)) >= 1000
    assert comparisons(lambda: found(reconciliation)) == 0
    reconciliation.want(7, Counted(-7))
    assert comparisons(lambda: found(reconciliation)) == 1
    reconciliation.have(7, Counted(-7))
    assert comparisons(lambda: found(reconciliation)) == 1
    assert comparisons(lambda: found(reconciliation)) == 0


def test_repeating_what_is_known_touches_nothing():
    reconciliation = Reconciliation()
    reconciliation.want("a", Counted(1))
    reconciliation.have("a", Counted(1))
    assert found(reconciliation) == {}
    reconciliation.want("a", Counted(1))
    reconciliation.have("a", Counted(1))
    assert comparisons(lambda: found(reconciliation)) == 0


def test_asking_whether_it_is_settled_stops_at_the_first_difference():
    reconciliation = Reconciliation()
    for key, value in many(1000).items():
        reconciliation.want(key, value)
    assert comparisons(lambda: reconciliation.settled()) <= 1
