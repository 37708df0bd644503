import pytest

from sim.waiting import WaitFailed, wait_until


def test_the_first_true_result_is_returned() -> None:
    results = iter([0, "", "seen", "later"])
    assert wait_until(lambda: next(results), "a result", interval=0) == "seen"


def test_a_failure_says_what_was_awaited_and_shows_the_evidence() -> None:
    with pytest.raises(WaitFailed) as failure:
        wait_until(lambda: False, "the impossible", timeout=0, evidence=lambda: "flows: none")
    assert failure.value.awaited == "waited 0 s in vain for: the impossible"
    assert str(failure.value) == f"{failure.value.awaited}\nflows: none"


def test_the_evidence_is_not_asked_for_when_all_is_well() -> None:
    wait_until(lambda: True, "the obvious", evidence=lambda: pytest.fail("asked"))
