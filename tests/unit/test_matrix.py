"""The matrix of versions: its legs fit the bounds, its results become the table of the page."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sim.__main__ import main
from sim.lab.process import CHECKOUT
from sim.matrix.legs import CHECKS, LEGS, LIBRARIES
from sim.matrix.results import (
    HEAD,
    PAGE,
    VERSIONS,
    Outcome,
    Result,
    closing_line,
    differences,
    not_passed,
    passed,
    row,
    rows_of,
    with_results,
)

ORDER = [leg.name for leg in LEGS]
RESULT = Result(
    "13",
    {name: f"{number}.0" for number, name in enumerate(VERSIONS)},
    {"guide": Outcome(True, 11.0, "12 of 12 steps of the guide ok in 9 s: all steps ok")},
    "2026-11-26",
)
EMPTY = f"# Versions\n\n| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}\n\nText.\n"


ROWS = rows_of(PAGE.read_text())
"""What the page says, by leg."""


def bounds(library: str) -> Requirement:
    """Return what setup.py allows, or requirements.txt, which it reads."""
    texts = "".join((CHECKOUT / name).read_text() for name in ("setup.py", "requirements.txt"))
    found = re.search(rf"^(?:OS_KEN = \")?({library}[<>=.,\d]+)", texts, re.MULTILINE)
    assert found
    return Requirement(found[1])


def test_pinned_versions_are_allowed_and_the_lowest_are_the_bounds() -> None:
    for leg in LEGS:
        for library, version in leg.pinned.items():
            assert bounds(library).specifier.contains(version), leg.name
    (lowest,) = (leg for leg in LEGS if leg.name == "12-lowest")
    assert lowest.pinned.keys() == LIBRARIES.keys()
    for library, version in lowest.pinned.items():
        [bound] = [each for each in bounds(library).specifier if each.operator == ">="]
        assert re.fullmatch(rf"{re.escape(bound.version)}(\.0)*", version)


def test_every_check_has_its_files() -> None:
    for argv in CHECKS.values():
        for pattern in (word for word in argv if word.startswith("tests/")):
            assert list(CHECKOUT.glob(pattern)), pattern


def test_the_line_that_counts() -> None:
    assert closing_line("...\n=== 3 failed, 422 passed in 9.00s ===\nleft\n") == (
        "3 failed, 422 passed in 9.00s"
    )
    assert closing_line("ok 1\n12 of 12 steps of the guide ok in 9 s: all steps ok\n") == (
        "12 of 12 steps of the guide ok in 9 s: all steps ok"
    )
    assert closing_line("Traceback\n") == "no line says what was done"


def test_the_tests_that_did_not_pass_are_named() -> None:
    summary = (
        "== summary ==\nFAILED tests/a.py::test_b - assert 0\nERROR tests/c.py::test_d\n2 failed"
    )
    assert not_passed(summary) == ["tests/a.py::test_b", "tests/c.py::test_d"]


def test_how_many_passed() -> None:
    assert passed(RESULT.outcomes["guide"]) == "12"
    assert passed(Outcome(True, 1.0, "425 passed, 2 warnings in 9.0s")) == "425"
    assert passed(Outcome(False, 1.0, "11 of 12 steps of the guide ok")) == "?"


def test_a_row_comes_into_the_table_and_is_replaced() -> None:
    page = with_results(EMPTY, [RESULT], ORDER)
    assert rows_of(page).keys() == {"13"}
    assert rows_of(page)["13"]["passed"] == "guide 12"
    assert page == EMPTY.replace("\n\nText", f"\n{row(RESULT)}\n\nText")
    newer = replace(RESULT, date="2026-11-27")
    lowest = replace(RESULT, leg="12-lowest")
    page = with_results(page, [newer, lowest], ORDER)
    assert list(rows_of(page)) == ["12-lowest", "13"]
    assert rows_of(page)["13"]["run on"] == "2026-11-27"
    assert page.endswith("\n\nText.\n")


def test_versions_that_moved_are_said() -> None:
    page = with_results(EMPTY, [RESULT], ORDER)
    assert differences(page, RESULT) == []
    moved = replace(RESULT, versions={**RESULT.versions, "OVN": "99"})
    assert differences(page, moved) == ["OVN 99, where docs/versions.md has 6.0"]
    assert len(differences(EMPTY, RESULT)) == len(VERSIONS)


def test_the_page_has_a_row_for_each_leg_in_which_all_was_run() -> None:
    assert list(ROWS) == [name for name in ORDER if name in ROWS]
    for leg in (each for each in LEGS if each.name in ROWS):
        assert ROWS[leg.name]["Debian"] == leg.number
        for library, version in leg.pinned.items():
            assert ROWS[leg.name][library] == version
        for library in LIBRARIES:
            assert bounds(library).specifier.contains(ROWS[leg.name][library])
        counts = re.findall(r"(\w+) (\d+)", ROWS[leg.name]["passed"])
        assert [name for name, _ in counts] == list(CHECKS)
        assert all(int(number) for _, number in counts)


def test_legs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ORDER


def test_a_leg_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["matrix", "--only", "14"])
    assert ended.value.code == 2
    assert "14" in capsys.readouterr().err.splitlines()[-1]


def test_without_mmdebstrap_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["matrix"]) == 1
    said = capsys.readouterr().err
    assert said == "mmdebstrap is missing; install the Debian package mmdebstrap\n"


def test_the_pythons_of_the_package_are_those_that_are_checked() -> None:
    setup, settings, targets = (
        (CHECKOUT / name).read_text() for name in ("setup.py", "pyproject.toml", "Makefile")
    )
    [listed] = re.findall(r"^PYTHONS = (\(.+\))$", setup, re.MULTILINE)
    lowest, *_, highest = pythons = ast.literal_eval(listed)
    assert f'python_requires=">={lowest}"' in setup
    assert f'target-version = "py{lowest.replace(".", "")}"' in settings
    assert f'python_version = "{lowest}"' in settings
    assert f"--python-version {highest} " in targets
    assert {".".join(row["Python"].split(".")[:2]) for row in ROWS.values()} <= {*pythons}
