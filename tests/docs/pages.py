"""What the pages say, for tests to compare with the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from vtep_ofapp.values.faults import FaultWord

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def section(page: Path, heading: str) -> str:
    """Return the text under a heading of the second level."""
    parts = re.split(r"^## (.+)\n", page.read_text(), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return sections[heading]


def table(page: Path, heading: str) -> list[dict[str, str]]:
    """Return the rows of the first table under a heading, each a dict by column."""
    lines = section(page, heading).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]
    head, _, *body = cells
    return [dict(zip(head, row, strict=True)) for row in body]


def named_tests(page: Path) -> list[tuple[str, str]]:
    """Return the tests that a page names: the file, and the function if it names one."""
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text())))


def is_there(path: str, name: str) -> bool:
    """Whether a test that a page names exists; without a name, whether the file has any."""
    tree = ast.parse((ROOT / path).read_text())
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return name in tests if name else any(test.startswith("test_") for test in tests)


def code(cell: str) -> list[str]:
    """Return what stands in a cell in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def raised_words() -> set[str]:
    """Return the words that the application's code may put into a fault column."""
    name = re.compile(r"\bFaultWord\.([A-Z_]+)")
    files = (path for path in (ROOT / "vtep_ofapp").rglob("*.py") if path.name != "faults.py")
    names = {each for path in files for each in name.findall(path.read_text())}
    return {FaultWord[each].value for each in names}


def targets_named(page: Path) -> set[str]:
    """Return the targets of make that a page names."""
    return set(
        re.findall(r"\bmake ([a-z]+)\b(?=[`\s]* *(?:#|`|$))", page.read_text(), re.MULTILINE)
    )


def targets_there() -> set[str]:
    """Return the targets that there are."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
