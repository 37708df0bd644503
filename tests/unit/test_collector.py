"""Python's cyclic garbage collector rests while a start makes what stays."""

import gc
from collections.abc import Callable, Iterator

import pytest

from vtep_ofapp.process import collector


@pytest.fixture
def restored() -> Iterator[None]:
    was_enabled, thresholds = gc.isenabled(), gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.usefixtures("restored")
def test_it_rests_until_the_start_is_over() -> None:
    due: dict[float, Callable[[], None]] = {}
    gc.enable()
    collector.install(due.__setitem__)
    assert not gc.isenabled()
    (then,) = due.values()
    assert [*due] == [collector.START]
    before = gc.get_freeze_count()
    then()
    assert gc.isenabled()
    assert gc.get_threshold() == collector.THRESHOLDS
    assert gc.get_freeze_count() > before


@pytest.mark.usefixtures("restored")
def test_garbage_of_later_is_found() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    collector.collect_from_now_on()
    alive = len(_circles(Circle))
    for _ in range(2 * collector.THRESHOLDS[0]):
        Circle()
    assert alive == 0
    assert len(_circles(Circle)) < 2 * collector.THRESHOLDS[0]


def _circles(kind: type) -> list[object]:
    return [each for each in gc.get_objects() if type(each) is kind]
