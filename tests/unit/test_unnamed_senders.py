"""Drops of frames that no row lets in, as the log tells of them."""

import logging

import pytest

from vtep_ofapp.features.bursts import QUIET
from vtep_ofapp.features.tunnels.unnamed_senders import Unnamed
from vtep_ofapp.pipeline import tunnels
from vtep_ofapp.values.counters import Counter
from vtep_ofapp.values.flows import FlowKey, match

NAMES = {33: "red", 44: "blue"}


class Bench:
    """Counters of the flows of red and blue, and a clock."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 0.0
        self.unnamed = Unnamed("br0", NAMES.__getitem__, lambda: self.now)
        self.caplog = caplog

    def count(self, **packets: int) -> list[str]:
        """Return what is said of these counts."""
        counters = {}
        for name, number in packets.items():
            (vni,) = (vni for vni, each in NAMES.items() if each == name)
            flow = tunnels.unnamed(vni)
            counters[flow.key] = Counter(flow.cookie, number, 60 * number)
        self.caplog.clear()
        self.unnamed.count(counters)
        return [record.getMessage().split(" were")[0] for record in self.caplog.records]


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.INFO, "vtep_ofapp")
    return Bench(caplog)


def test_the_first_drops_are_said_and_those_after_them_are_not(bench: Bench) -> None:
    assert bench.count(red=0, blue=0) == []
    assert bench.count(red=3, blue=0) == ["br0: 3 frames with VNI 33"]
    assert bench.count(red=5, blue=0) == []
    assert bench.count(red=9, blue=1) == ["br0: 1 frames with VNI 44"]


def test_those_that_came_lately(bench: Bench) -> None:
    bench.count(red=3, blue=0)
    assert list(bench.unnamed.recent()) == [(33, 3)]
    bench.now += QUIET
    assert list(bench.unnamed.recent()) == []


def test_what_a_former_process_counted_is_said(bench: Bench) -> None:
    assert bench.count(red=7) == ["br0: 7 frames with VNI 33"]


def test_after_a_quiet_time_they_are_said_again(bench: Bench) -> None:
    bench.count(red=1)
    for number in range(2, 9):
        bench.now += QUIET - 1
        assert bench.count(red=number) == []
    bench.now += QUIET
    assert bench.count(red=8) == []
    assert bench.count(red=9) == ["br0: 1 frames with VNI 33"]


def test_a_switch_that_lost_its_flows_counts_from_zero(bench: Bench) -> None:
    bench.count(red=5)
    bench.now += QUIET
    assert bench.count(red=2) == ["br0: 2 frames with VNI 33"]


def test_a_flow_that_went_is_forgotten(bench: Bench) -> None:
    bench.count(red=5)
    assert bench.count() == []
    assert bench.count(red=5) == ["br0: 5 frames with VNI 33"]


def test_flows_that_let_frames_in_are_not_meant(bench: Bench) -> None:
    let_in = tunnels.decapsulation_from_anyone(33, 7)
    bench.unnamed.count({let_in.key: Counter(let_in.cookie, 5, 300)})
    bench.unnamed.count({FlowKey(0, 100, match({"in_port": 1})): Counter(0, 5, 300)})
    assert bench.caplog.records == []
