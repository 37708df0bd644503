"""Durations in buckets."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.values.histogram import BOUNDS, Histogram


def filled(*durations: float) -> Histogram:
    histogram = Histogram()
    for seconds in durations:
        histogram.add(seconds)
    return histogram


def test_without_durations() -> None:
    empty = Histogram()
    assert (empty.count, empty.total, empty.greatest, empty.last) == (0, 0.0, 0.0, None)
    assert empty.quantile(0.5) is None
    assert list(empty.buckets())[-1] == (inf, 0)


def test_a_bucket_has_its_bound_and_all_below() -> None:
    histogram = filled(0.001, 0.0011, 0.2, 61.0)
    counts = dict(histogram.buckets())
    assert (counts[0.001], counts[0.0025], counts[0.25], counts[60.0], counts[inf]) == (
        (1, 2, 3, 3, 4)
    )
    assert (histogram.count, histogram.greatest, histogram.last) == (4, 61.0, 61.0)
    assert histogram.total == pytest.approx(61.2021)


@pytest.mark.parametrize(
    ("part", "bound"), [(0.0, 0.005), (0.5, 0.005), (0.75, 0.1), (0.9, 70.0), (1.0, 70.0)]
)
def test_a_quantile_is_a_bound(part: float, bound: float) -> None:
    assert filled(0.004, 0.003, 0.06, 70.0).quantile(part) == bound


def test_a_quantile_is_never_greater_than_the_greatest() -> None:
    assert filled(0.06).quantile(0.99) == 0.06


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_at_least_that_part_does_not_exceed_a_quantile(durations: list[float], part: float) -> None:
    histogram = filled(*durations)
    bound = histogram.quantile(part)
    assert bound is not None
    assert sum(each <= bound for each in durations) >= part * len(durations)
    assert bound in (*BOUNDS, max(durations))
