"""docs/contributing.md and the decision records name what is there."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, code, section, table, targets_named, targets_there
from vtep_ofapp.pipeline.layout import Cookie, GroupKind, Priority, Table, cookie_of

CONTRIBUTING = ROOT / "docs" / "contributing.md"
INDEX = ROOT / "docs" / "decisions" / "README.md"
RECORDS = sorted(INDEX.parent.glob("[0-9]*.md"))


def test_every_target_of_make_that_is_named_exists() -> None:
    for page in PAGES:
        assert targets_named(page) <= targets_there(), page.name
    said = {code(row["command"])[0] for row in table(CONTRIBUTING, "Run tests")}
    assert said <= {f"make {target}" for target in targets_there()}


def test_the_folders_of_the_tests() -> None:
    said = {code(row["folder"])[0] for row in table(CONTRIBUTING, "Where tests are")}
    there = {file.parent.relative_to(ROOT).as_posix() for file in ROOT.glob("tests/*/test_*.py")}
    assert said == there


def test_the_lines_that_run_one_test_find_it() -> None:
    lines = re.findall(
        r"^\.venv/bin/python -m pytest (.+)$", CONTRIBUTING.read_text(), re.MULTILINE
    )
    assert len(lines) == 3
    for line in lines:
        path, *option = line.split()
        text = (ROOT / path).read_text()
        if option:
            assert option[0] == "-k"
            assert re.search(rf"^def test_\w*{option[1]}", text, re.MULTILINE)


def test_the_options_for_labs_exist(pytestconfig: pytest.Config) -> None:
    named = re.findall(r"`(--[a-z-]+)", section(CONTRIBUTING, "Run tests"))
    assert {"--shell-on-error", "--pcap"} == set(named)
    for option in named:
        pytestconfig.getoption(option.strip("-").replace("-", "_"))


@pytest.mark.parametrize("page", [CONTRIBUTING, *RECORDS], ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    for path in re.findall(r"`((?:tests|sim|vtep_ofapp|docs)/[\w./]*)`", page.read_text()):
        assert (ROOT / path).exists(), path


def test_each_decision_is_in_the_index_with_its_title() -> None:
    titles = dict(re.findall(r"^\| \[(\d+)\]\([\w-]+\.md\) \| (.+) \|$", INDEX.read_text(), re.M))
    links = re.findall(r"^\| \[\d+\]\(([\w-]+\.md)\)", INDEX.read_text(), re.MULTILINE)
    assert links == [record.name for record in RECORDS]
    for number, record in enumerate(RECORDS, 1):
        assert record.name.startswith(f"{number:02}-")
        assert record.read_text().startswith(f"# {number:02}. {titles[f'{number:02}']}\n")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_decision_has_its_parts_and_fits_on_a_page(record: Path) -> None:
    parts = re.findall(r"^\*\*(.+?)\.\*\*", record.read_text(), re.MULTILINE)
    assert parts == ["Context", "Decision", "Instead", "Consequences"]
    assert len(record.read_text().splitlines()) <= 50


def test_numbers_of_the_changelog_are_those_of_the_code() -> None:
    """What is not released yet is; what was released may have changed since."""
    lines = (ROOT / "CHANGELOG.md").read_text().partition("\n## ")[2].partition("\n## ")[0]
    there = {(each.name, each.value) for kind in (Table, Priority, GroupKind) for each in kind}
    said = {(name, int(number)) for name, number in re.findall(r"`([A-Z_]+)` (\d+)", lines)}
    assert said <= there
    cookies = {(each.name, f"{cookie_of(each):#x}") for each in Cookie}
    assert set(re.findall(r"`([A-Z_]+)` `(0x[0-9a-f]+)`", lines)) <= cookies
