"""Next hops that answered: when they are asked again, and when they are gone."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vtep_ofapp.features.next_hops.questions import Questions
from vtep_ofapp.features.next_hops.upkeep import FIRST, MOST_AT_ONCE, REFRESH, Upkeep


def test_three_requests_a_second_apart_then_it_is_gone() -> None:
    upkeep: Upkeep[str] = Upkeep()
    upkeep.answered("x", 0.0)
    assert upkeep.due(199.0).asks == []
    for second in range(3):
        assert upkeep.next_end() == REFRESH + second
        assert upkeep.due(REFRESH + second).asks == ["x"]
        assert upkeep.is_asked("x")
    assert upkeep.due(REFRESH + 3).unanswered == ["x"]
    assert upkeep.next_end() is None


def test_an_answer_puts_the_next_request_off() -> None:
    upkeep: Upkeep[str] = Upkeep()
    upkeep.answered("x", 0.0)
    upkeep.due(REFRESH)
    upkeep.answered("x", REFRESH + 0.5)
    assert not upkeep.is_asked("x")
    assert upkeep.due(2 * REFRESH).asks == []
    assert upkeep.due(2 * REFRESH + 0.5).asks == ["x"]


def test_those_that_were_read_back_are_not_asked_all_at_once() -> None:
    upkeep: Upkeep[int] = Upkeep()
    for each in range(65536):
        upkeep.found(each, 0.0)
    assert upkeep.due(FIRST).asks == []
    assert 600 < sum(len(upkeep.due(FIRST + 1.0).asks) for _ in range(100)) < 700
    assert upkeep.is_asked(0)


def test_one_turn_asks_no_more_than_some() -> None:
    upkeep: Upkeep[int] = Upkeep()
    for each in range(MOST_AT_ONCE + 1):
        upkeep.answered(each, 0.0)
    assert len(upkeep.due(REFRESH).asks) == MOST_AT_ONCE
    assert upkeep.due(REFRESH).asks == [MOST_AT_ONCE]


def test_one_request_and_three_seconds_for_what_was_idle() -> None:
    questions: Questions[str] = Questions(requests=1)
    questions.begin("x", 0.0)
    assert questions.due(2.9).unanswered == []
    due = questions.due(3.0)
    assert (due.asks, due.unanswered) == ([], ["x"])
    questions.begin("x", 4.0)
    assert questions.end("x")
    assert not questions.end("x")
    assert questions.due(10.0).unanswered == []


@dataclass
class Answered:
    """What the reference knows of a next hop: when it is asked first, and how often it was."""

    at: float
    asked: int = 0


KEYS = st.sampled_from("abcde")


class Sequences(RuleBasedStateMachine):
    """A punctual caller, and a reference that looks at every next hop each time."""

    def __init__(self) -> None:
        super().__init__()
        self.upkeep: Upkeep[str] = Upkeep()
        self.known: dict[str, Answered] = {}
        self.now = 0.0

    @rule(key=KEYS)
    def answers(self, key: str) -> None:
        self.upkeep.answered(key, self.now)
        self.known[key] = Answered(self.now + REFRESH)

    @rule(key=KEYS)
    def is_forgotten(self, key: str) -> None:
        self.upkeep.forget(key)
        self.known.pop(key, None)

    @rule(seconds=st.integers(1, 250))
    def time_passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            due = self.upkeep.due(self.now)
            asked = [key for key, each in self.known.items() if self.is_due(each)]
            gone = [key for key, each in self.known.items() if self.now == each.at + 3]
            assert (sorted(due.asks), sorted(due.unanswered)) == (sorted(asked), sorted(gone))
            for key in asked:
                self.known[key].asked += 1
            for key in gone:
                assert self.known.pop(key).asked == 3

    def is_due(self, each: Answered) -> bool:
        return self.now in (each.at, each.at + 1, each.at + 2)

    @invariant()
    def agree(self) -> None:
        for key in "abcde":
            each = self.known.get(key)
            assert self.upkeep.is_asked(key) == (each is not None and each.asked > 0)
        assert (self.upkeep.next_end() is None) == (not self.known)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(stateful_step_count=30)
