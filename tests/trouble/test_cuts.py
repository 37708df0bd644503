"""Connections that are cut at any point: afterwards everything is as if nothing had happened."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import pytest

from sim.waiting import WaitFailed, wait_until
from sim.wire.proxy import Proxy, Trap, Way
from tests.switch.dummy import BROADCAST
from tests.switch.state import everything, wait_until_equal
from tests.trouble.proxied import ProxiedSwitch, proxied_switches

AT_A_TIME = 8
"""Switches that are worked on at the same time, because most of the time goes into waiting."""
PATIENCE = 60.0

SET_UP = (
    "bind-ls br0 p0 0 ls0",
    "bind-ls br0 p1 10 ls0",
    "bind-ls br0 p1 20 ls1",
    "add-mcast-remote ls0 unknown-dst 10.2.2.2",
    "add-mcast-remote ls0 unknown-dst 10.2.2.3",
    "add-mcast-remote ls1 unknown-dst 10.2.2.3",
    "add-mcast-remote ls1 unknown-dst 10.2.2.4",
    "add-mcast-remote ls0 01:00:5e:00:00:01 10.2.2.4",
    "add-ucast-remote ls0 00:00:00:00:00:99 10.2.2.4",
    "add-ucast-remote ls1 00:00:00:00:00:98 10.2.2.2",
)
TAKE_DOWN = (
    "unbind-ls br0 p0 0",
    "unbind-ls br0 p1 10",
    "unbind-ls br0 p1 20",
    "clear-remote-macs ls0",
    "clear-remote-macs ls1",
)
LATER = "00:00:00:00:00:97"

PARTS = 4
"""Places in the middle of messages, for each proxy and way."""

COMING_BACK = {"openflow": 7, "vtep_db": 5, "ovs_db": 4}
"""Messages each way, from the connection to the moment when all is read."""

STREAMS = tuple(itertools.product(("openflow", "vtep_db", "ovs_db"), Way))


@dataclass(frozen=True)
class Cut:
    """Where a connection ends: behind so many messages, or so many bytes, that go one way."""

    proxy: str
    way: Way
    messages: int = 0
    octets: int = 0

    def through(self, switch: ProxiedSwitch) -> Proxy:
        """Return the proxy that the connection goes through."""
        proxy = getattr(switch, self.proxy)
        assert isinstance(proxy, Proxy)
        return proxy

    def prepare(self, switch: ProxiedSwitch) -> Trap:
        """Let the connection be cut there, once."""
        where = {"messages": self.messages, "octets": self.octets}
        return self.through(switch).after(self.way, lambda link: link.cut(), **where)


class Scenario:
    """Logical switches that come and go on one switch, and what is there after each of it."""

    def __init__(self, switch: ProxiedSwitch) -> None:
        self.switch = switch
        switch.come_to_rest()
        self._empty = switch.picture()
        self.switch.do_all(*SET_UP)
        switch.wait(self._stations_are_known, "both stations")
        switch.come_to_rest()
        self._full = switch.picture()
        self.take_down()
        self.lengths = self._measure()

    def set_up(self) -> None:
        """Bind ports, place stations, let two be learned; return when all of it is there."""
        self.switch.do_all(*SET_UP)
        self._becomes(self._full, self._speak)

    def take_down(self) -> None:
        """Take all of it back; return when nothing of it is left."""
        self.switch.do_all(*TAKE_DOWN)
        self._becomes(self._empty)

    def change(self) -> None:
        """Place one more station and take it back; return when all is as before."""
        self.switch.do_all(f"add-ucast-remote ls0 {LATER} 10.2.2.4")
        self.switch.wait(lambda: LATER in "".join(self.switch.flows()), "its flow", PATIENCE)
        self.switch.do_all(f"del-ucast-remote ls0 {LATER}")
        self._becomes(self._full)

    def _measure(self) -> dict[tuple[str, Way], tuple[int, int]]:
        """Return how many messages and bytes go each way while all of it comes."""
        before = self._passed()
        self.set_up()
        after = self._passed()
        self.take_down()
        return {
            stream: (after[stream][0] - before[stream][0], after[stream][1] - before[stream][1])
            for stream in STREAMS
        }

    def _passed(self) -> dict[tuple[str, Way], tuple[int, int]]:
        passed = {stream: getattr(self.switch, stream[0]).passed[stream[1]] for stream in STREAMS}
        return {stream: (each.messages, each.bytes) for stream, each in passed.items()}

    def _speak(self) -> None:
        self.switch.receive("p0", "00:00:00:00:00:01", BROADCAST)
        self.switch.receive("p1", "00:00:00:00:00:02", BROADCAST, vlan=20)

    def _stations_are_known(self) -> bool:
        self._speak()
        return all(self.switch.local_macs(each) for each in ("ls0", "ls1"))

    def _becomes(
        self, expected: dict[str, list[Any]], meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        now: dict[str, list[Any]] = {}

        def has_become() -> bool:
            meanwhile()
            now.update(self.switch.picture())
            return now == expected

        what = "everything as in a clean run"
        try:
            # Not too often: a look takes processor time that other switches have better use for.
            wait_until(
                has_become, what, timeout=PATIENCE, interval=0.1, evidence=self.switch.evidence
            )
        except WaitFailed as failure:
            differ = [f"{key}: {now[key]}" for key in now if now[key] != expected[key]]
            raise WaitFailed("\n".join([failure.awaited, *differ]), failure.evidence) from None


@pytest.fixture(scope="module")
def scenarios() -> Iterator[list[Scenario]]:
    with proxied_switches(AT_A_TIME) as switches, ThreadPoolExecutor(AT_A_TIME) as pool:
        yield list(pool.map(Scenario, switches))


def cut_everywhere(
    scenarios: Sequence[Scenario],
    cuts: Sequence[Cut],
    survive: Callable[[Scenario, Cut], bool],
) -> None:
    """Let connections be cut at all these places, on several switches at a time.

    ``survive`` returns whether so much went that way that there was a cut. It has to be true
    of nearly all; how many messages there are depends a little on what comes at the same time.
    """
    free: SimpleQueue[Scenario] = SimpleQueue()
    for scenario in scenarios:
        free.put(scenario)

    def survived(cut: Cut) -> bool:
        scenario = free.get()
        try:
            return survive(scenario, cut)
        except AssertionError as failure:
            raise AssertionError(f"{cut}: {failure}") from None
        finally:
            free.put(scenario)

    with ThreadPoolExecutor(len(scenarios)) as pool:
        try:
            was_cut = list(pool.map(survived, cuts))
        except AssertionError:
            pool.shutdown(cancel_futures=True)
            raise
    missed = [cut for cut, was in zip(cuts, was_cut, strict=True) if not was]
    assert len(missed) <= len(cuts) / 10, f"{len(missed)} of {len(cuts)} places: {missed}"


def comes_and_goes(scenario: Scenario, cut: Cut) -> bool:
    """Cut the connection while all comes, and the next one while all goes."""
    coming = cut.prepare(scenario.switch)
    scenario.set_up()
    going = cut.prepare(scenario.switch)
    scenario.take_down()
    return coming.sprung.is_set() or going.sprung.is_set()


def test_everything_comes_and_goes_with_a_cut_behind_any_message(scenarios: list[Scenario]) -> None:
    cut_everywhere(
        scenarios,
        [
            Cut(*stream, messages=number)
            for stream, (messages, _) in scenarios[0].lengths.items()
            for number in range(1, messages + 1)
        ],
        comes_and_goes,
    )


def test_everything_comes_and_goes_with_a_cut_in_the_middle_of_messages(
    scenarios: list[Scenario],
) -> None:
    cut_everywhere(
        scenarios,
        [
            Cut(*stream, octets=octets * (2 * number + 1) // (2 * PARTS))
            for stream, (_, octets) in scenarios[0].lengths.items()
            for number in range(PARTS)
        ],
        comes_and_goes,
    )


def comes_back(scenario: Scenario, cut: Cut) -> bool:
    """Cut the connection twice, the second time while all is read again.

    What is there is right, and nobody touches it.
    """
    switch = scenario.switch
    before, ages = everything(switch, ("br0",)), switch.ages()
    trap = cut.prepare(switch)
    cut.through(switch).cut()
    switch.wait(trap.sprung.is_set, "the second cut", PATIENCE)
    scenario.change()
    wait_until_equal(switch, lambda: everything(switch, ("br0",)), before)
    later = switch.ages()
    assert not [flow for flow, age in ages.items() if later[flow] < age]
    return True


def test_a_connection_that_is_cut_while_it_comes_back_disturbs_nothing(
    scenarios: list[Scenario],
) -> None:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(Scenario.set_up, scenarios))
    cut_everywhere(
        scenarios,
        [
            Cut(proxy, way, messages=number)
            for proxy, messages in COMING_BACK.items()
            for way in Way
            for number in range(1, messages + 1)
        ],
        comes_back,
    )
