"""Pending next hops: what is asked and when, what waits, and who gives way to whom."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vtep_ofapp.features.next_hops.resolver import MOST_HELD, MOST_HOLDING, MOST_OCTETS, Resolver
from vtep_ofapp.features.next_hops.shares import Asker

A, B = Asker("p0", "10.0.0.1"), Asker("p1", "10.0.0.2")


def asks(resolver: Resolver[str, int], until: float) -> list[tuple[float, str]]:
    """Let time pass punctually; return what is asked, and when."""
    found = []
    while (end := resolver.next_end()) is not None and end <= until:
        found += [(end, key) for key in resolver.due(end).asks]
    return found


def test_three_requests_then_an_error_for_what_waits_then_silence() -> None:
    """R11."""
    resolver: Resolver[str, int] = Resolver(10)
    assert resolver.take("x", A, 1, 0.0).asks
    taken = [resolver.take("x", A, packet, 0.5) for packet in range(2, 7)]
    assert [each.is_held for each in taken] == [True, True, True, False, False]
    assert not any(each.asks for each in taken)
    assert asks(resolver, 2.9) == [(1.0, "x"), (2.0, "x")]
    assert resolver.due(3.0).failed == [("x", [1, 2, 3, 4])]
    assert not resolver.is_asked("x")
    late = resolver.take("x", A, 7, 7.9)
    assert not late.asks
    assert not late.is_held
    assert resolver.due(7.9).over == []
    assert resolver.due(8.0).over == ["x"]
    assert resolver.take("x", A, 8, 8.0).asks


def test_after_a_long_turn_requests_do_not_follow_each_other_faster() -> None:
    resolver: Resolver[str, int] = Resolver(10)
    resolver.take("x", A, 1, 0.0)
    assert resolver.due(60.0).asks == ["x"]
    assert resolver.next_end() == 61.0
    assert resolver.due(61.0).asks == ["x"]
    assert resolver.due(61.9).failed == []
    assert resolver.due(62.0).failed == [("x", [1])]


def test_an_answer_lets_go_what_waits_in_its_order() -> None:
    resolver: Resolver[str, int] = Resolver(10)
    for packet in (1, 2):
        resolver.take("x", A, packet, 0.0)
    assert resolver.resolved("x") == [1, 2]
    assert resolver.resolved("x") == []
    assert asks(resolver, 100.0) == []
    assert len(resolver) == 0


def test_packets_wait_for_so_many_next_hops_alone() -> None:
    resolver: Resolver[str, int] = Resolver(MOST_HOLDING + 1)
    taken = [resolver.take(str(each), A, 1, 0.0) for each in range(MOST_HOLDING + 1)]
    assert [each.is_held for each in taken] == [True] * MOST_HOLDING + [False]
    assert all(each.asks for each in taken)
    resolver.resolved("0")
    assert resolver.take(str(MOST_HOLDING), A, 2, 0.0).is_held


def test_the_first_packet_waits_and_others_as_far_as_all_of_them_are_not_too_long() -> None:
    half = MOST_OCTETS // 2
    resolver: Resolver[str, int] = Resolver(10, lambda packet: half)
    held = {key: [resolver.take(key, A, packet, 0.0).is_held for packet in (1, 2)] for key in "xyz"}
    assert held == {"x": [True, True], "y": [True, False], "z": [True, False]}
    assert (resolver.resolved("x"), resolver.resolved("z")) == ([1, 2], [1])
    assert resolver.take("y", A, 3, 0.0).is_held
    assert not resolver.take("y", A, 4, 0.0).is_held
    resolver.forget("y")
    assert [resolver.take("x", A, packet, 0.0).is_held for packet in (5, 6, 7)] == [
        True,
        True,
        False,
    ]


def test_who_scans_leaves_room_for_others() -> None:
    resolver: Resolver[str, int] = Resolver(4)
    for each in range(10):
        resolver.take(f"scan{each}", A, 1, 0.0)
    assert list(resolver) == ["scan0", "scan1", "scan2", "scan3"]
    taken = resolver.take("wanted", B, 1, 0.0)
    assert (taken.asks, taken.gone) == (True, "scan0")
    assert resolver.take("second", B, 1, 0.0).gone == "scan1"
    assert not resolver.take("third", B, 1, 0.0).asks
    assert not resolver.take("scan10", A, 1, 0.0).asks


def test_a_host_behind_the_same_binding_takes_from_the_one_that_scans() -> None:
    resolver: Resolver[str, int] = Resolver(4)
    for each in range(4):
        resolver.take(f"scan{each}", A, 1, 0.0)
    other = Asker("p0", "10.0.0.9")
    assert resolver.take("wanted", other, 1, 0.0).gone == "scan0"
    for each in range(100):
        spoofed = resolver.take(f"spoofed{each}", Asker("p0", f"host{each}"), 1, 0.0)
        assert spoofed.gone in (None, "scan1", "scan2")
    assert "wanted" in resolver


@pytest.mark.parametrize("most", [0, 1])
def test_a_table_with_hardly_any_room(most: int) -> None:
    resolver: Resolver[str, int] = Resolver(most)
    assert resolver.take("x", A, 1, 0.0).asks == (most == 1)
    assert not resolver.take("y", B, 1, 0.0).asks


@dataclass
class Waiting:
    """What the reference knows of a pending next hop."""

    since: float
    asker: Asker
    held: list[int] = field(default_factory=list)

    def asks_at(self) -> Iterable[float]:
        return self.since + 1, self.since + 2


MOST = 5
KEYS = st.sampled_from("abcdefghij")
ASKERS = st.builds(Asker, st.sampled_from(["p0", "p1", "r3"]), st.sampled_from([1, 2, 3]))


class Sequences(RuleBasedStateMachine):
    """A punctual caller, and a reference that looks at every pending next hop each time."""

    def __init__(self) -> None:
        super().__init__()
        self.resolver: Resolver[str, int] = Resolver(MOST)
        self.pending: dict[str, Waiting] = {}
        self.now = 0.0
        self.packets = 0

    @rule(key=KEYS, asker=ASKERS)
    def packet(self, key: str, asker: Asker) -> None:
        self.packets += 1
        before = dict(self.pending)
        taken = self.resolver.take(key, asker, self.packets, self.now)
        if key in before:
            waiting = before[key]
            is_held = self.now < waiting.since + 3 and len(waiting.held) < MOST_HELD
            assert (taken.asks, taken.is_held, taken.gone) == (False, is_held, None)
            waiting.held += [self.packets] if is_held else []
        elif taken.asks:
            assert taken.is_held
            if taken.gone is not None:
                self.check_gives_way(before.pop(taken.gone).asker, asker)
                del self.pending[taken.gone]
            self.pending[key] = Waiting(self.now, asker, [self.packets])
        else:
            assert len(before) == MOST
            places, hosts = self.counts()
            assert places[asker.where] + 1 >= max(places.values())
            of_place = [many for each, many in hosts.items() if each.where == asker.where]
            assert hosts[asker] + 1 >= max(of_place, default=0)

    def counts(self) -> tuple[Counter[object], Counter[Asker]]:
        askers = [each.asker for each in self.pending.values()]
        return Counter(each.where for each in askers), Counter(askers)

    def check_gives_way(self, loser: Asker, winner: Asker) -> None:
        """Who gives way has more than the other will have."""
        places, hosts = self.counts()
        assert len(self.pending) == MOST
        if loser.where != winner.where:
            assert places[loser.where] == max(places.values()) > places[winner.where] + 1
        else:
            assert hosts[loser] > hosts[winner] + 1

    @rule(key=KEYS)
    def answer(self, key: str) -> None:
        waiting = self.pending.pop(key, None)
        is_waiting = waiting is not None and self.now < waiting.since + 3
        assert self.resolver.resolved(key) == (waiting.held if waiting and is_waiting else [])

    @rule(key=KEYS)
    def forget(self, key: str) -> None:
        self.pending.pop(key, None)
        self.resolver.forget(key)

    @rule(ticks=st.integers(1, 14))
    def time_passes(self, ticks: int) -> None:
        """Time is in halves of a second, so that all of it is exact."""
        for _ in range(ticks):
            self.now += 0.5
            due = self.resolver.due(self.now)
            all_of = self.pending.items()
            assert sorted(due.asks) == [
                key for key, each in sorted(all_of) if self.now in each.asks_at()
            ]
            failed = {key: each.held for key, each in all_of if self.now == each.since + 3}
            assert dict(due.failed) == failed
            over = [key for key, each in all_of if self.now == each.since + 8]
            assert sorted(due.over) == sorted(over)
            for key in over:
                del self.pending[key]

    @invariant()
    def agree(self) -> None:
        assert set(self.resolver) == self.pending.keys()
        assert len(self.resolver) == len(self.pending) <= MOST
        for key, each in self.pending.items():
            assert self.resolver.is_asked(key) == (self.now < each.since + 3)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(stateful_step_count=40)
