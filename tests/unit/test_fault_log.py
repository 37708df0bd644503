"""What is wrong is said once, shown while it lasts, and said to be mended once."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.loop.fault_log import FaultLog, Standing
from vtep_ofapp.values.faults import Fault, FaultRow, FaultTable, FaultWord

from .builders import fault, uuid, word_of
from .doubles import TimeDouble

ROW, OTHER_ROW = (FaultRow(FaultTable.PHYSICAL_PORT, uuid(number)) for number in (1, 2))
LOST = fault("it is lost", entry=ROW.shows(FaultWord.UNSPECIFIED))
BROKEN = fault("it is broken", entry=ROW.shows(FaultWord.UNSPECIFIED))
CONFUSED = fault("it is confused", entry=ROW.shows(FaultWord.INVALID_VLAN_MAP))
AWAY = fault("it is away", subject="Port p1", entry=OTHER_ROW.shows(FaultWord.UNSPECIFIED))
QUIET = fault("it is early")
EARLY = fault("it is early", patience=5.0)

Lines = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Lines:
    """Return a function that returns what was logged since it was last asked, with levels."""
    caplog.set_level(logging.INFO, "vtep_ofapp")

    def take() -> list[tuple[str, str]]:
        records = [(record.levelname, record.getMessage()) for record in caplog.records]
        caplog.clear()
        return records

    return take


def test_a_fault_is_said_once_and_mended_once(said: Lines) -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("port", [LOST])
    assert said() == [("WARNING", "Port p0: it is lost")]
    faults.put("port", [LOST])
    assert said() == []
    faults.put("port", [])
    assert said() == [("INFO", "resolved: Port p0: it is lost")]
    faults.put("port", [])
    assert said() == []


def test_a_fault_of_two_sources_is_mended_with_the_second(said: Lines) -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("one", [LOST])
    faults.put("other", [LOST])
    assert said() == [("WARNING", "Port p0: it is lost")]
    faults.put("one", [])
    assert said() == []
    assert faults.entries(ROW) == {"unspecified_fault"}
    faults.put("other", [])
    assert said() == [("INFO", "resolved: Port p0: it is lost")]
    assert faults.entries(ROW) == set()


def test_a_fault_that_passes_from_one_source_to_another_lasts(said: Lines) -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("one", [LOST])
    said()
    faults.find("one", [])
    faults.find("other", [LOST, CONFUSED])
    assert said() == []
    faults.put_found()
    assert said() == [("WARNING", "Port p0: it is confused")]
    assert faults.entries(ROW) == {"unspecified_fault", "invalid_vlan_map"}
    faults.put("other", [])
    assert len(said()) == 2
    assert faults.entries(ROW) == set()


def test_a_fault_that_changes_is_mended_and_said(said: Lines) -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("port", [LOST])
    said()
    faults.put("port", [BROKEN])
    assert sorted(said()) == [
        ("INFO", "resolved: Port p0: it is lost"),
        ("WARNING", "Port p0: it is broken"),
    ]


def test_a_fault_that_comes_back_is_said_again(said: Lines) -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("port", [LOST])
    faults.put("port", [])
    said()
    faults.put("port", [LOST])
    assert said() == [("WARNING", "Port p0: it is lost")]


def test_a_column_holds_the_words_of_all_its_faults() -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("port", [LOST, BROKEN, CONFUSED])
    faults.put("other", [AWAY])
    assert faults.entries(ROW) == {"unspecified_fault", "invalid_vlan_map"}
    assert faults.entries(OTHER_ROW) == {"unspecified_fault"}
    faults.put("port", [BROKEN])
    assert faults.entries(ROW) == {"unspecified_fault"}
    faults.put("port", [])
    assert faults.entries(ROW) == set()
    assert faults.entries(OTHER_ROW) == {"unspecified_fault"}


def test_some_faults_are_for_the_log_alone(said: Lines) -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("switch", [QUIET])
    assert said() == [("WARNING", "Port p0: it is early")]
    assert faults.take_changed() == set()


def test_changed_columns_are_told_once() -> None:
    faults = FaultLog(TimeDouble().timers())
    faults.put("port", [LOST, QUIET])
    faults.put("other", [AWAY])
    assert faults.take_changed() == {ROW, OTHER_ROW}
    assert faults.take_changed() == set()
    faults.put("port", [])
    assert faults.take_changed() == {ROW}


PATIENT = fault("it is late", patience=5.0)


def test_a_patient_fault_is_said_once_it_has_lasted(said: Lines) -> None:
    time = TimeDouble()
    faults = FaultLog(time.timers())
    faults.put("port", [PATIENT])
    time.wait(4.0)
    faults.put("other", [PATIENT])
    assert said() == []
    time.wait(1.0)
    assert said() == [("WARNING", "Port p0: it is late")]
    faults.put("port", [])
    time.wait(100.0)
    assert said() == []
    faults.put("other", [])
    assert said() == [("INFO", "resolved: Port p0: it is late")]


def test_a_patient_fault_that_ends_before_is_never_said(said: Lines) -> None:
    time = TimeDouble()
    faults = FaultLog(time.timers())
    faults.put("port", [PATIENT])
    faults.put("port", [])
    time.wait(100.0)
    faults.put("port", [PATIENT])
    time.wait(4.0)
    assert said() == []
    time.wait(1.0)
    assert said() == [("WARNING", "Port p0: it is late")]


ALL = [LOST, BROKEN, CONFUSED, AWAY, QUIET]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.sampled_from(ALL)))))
def test_columns_are_what_the_sources_last_said(steps: list[tuple[str, set[Fault]]]) -> None:
    faults = FaultLog(TimeDouble().timers())
    model: dict[str, set[Fault]] = {}
    changed: set[FaultRow] = set()
    before: Counter[Fault] = Counter()
    for source, found in steps:
        faults.put(source, found)
        model[source] = found
        lasting = Counter(each for one in model.values() for each in one)
        for row in (ROW, OTHER_ROW):
            words = {word_of(each) for each in lasting if each.entry and each.entry.row == row}
            assert faults.entries(row) == words
        changed |= {
            each.entry.row
            for each in lasting.keys() | before.keys()
            if lasting[each] != before[each] and each.entry
        }
        before = lasting
    assert faults.take_changed() == changed


def test_it_tells_since_when_each_fault_stands() -> None:
    time = TimeDouble()
    faults = FaultLog(time.timers())
    faults.put("port", [LOST])
    time.wait(3)
    faults.put("row", [EARLY, LOST])
    assert faults.standing() == [
        Standing(EARLY, time.now, is_early=True),
        Standing(LOST, time.now - 3, is_early=False),
    ]
    time.wait(10)
    faults.put("port", [])
    assert faults.standing() == [
        Standing(EARLY, time.now - 10, is_early=False),
        Standing(LOST, time.now - 13, is_early=False),
    ]
    faults.put("row", [])
    assert faults.standing() == []
    faults.put("port", [LOST])
    assert faults.standing() == [Standing(LOST, time.now, is_early=False)]


def test_the_same_words_about_two_rows_stand_twice() -> None:
    faults = FaultLog(TimeDouble().timers())
    elsewhere = replace(LOST, entry=OTHER_ROW.shows(FaultWord.UNSPECIFIED))
    faults.put("one", [LOST])
    faults.put("other", [elsewhere])
    assert [each.fault for each in faults.standing()] == [LOST, elsewhere]


def test_a_fault_is_one_line_whatever_the_columns_hold() -> None:
    fault = Fault("ACL x\n2026-01-01 a forged line", f"{'f' * 100_000!r} is no number\x1b[2J")
    line = str(fault)
    assert line.startswith("ACL x\\n2026-01-01 a forged line: 'fff")
    assert line.endswith("fff' is no number\\x1b[2J")
    assert len(line) < 1100
