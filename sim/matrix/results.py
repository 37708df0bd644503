"""What was found and done in a leg, and the table of docs/versions.md that shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "versions.md"

VERSIONS = ("Debian", "Python", "os-ken", "ovs", "eventlet", "Open vSwitch", "OVN")
"""What has a version in a leg, as the table's columns name it."""

HEAD = ("leg", *VERSIONS, "run on", "passed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended."""

    is_ok: bool
    seconds: float
    closing: str
    """The line that says what it did: of pytest, or of the guide."""


@dataclass(frozen=True, slots=True)
class Result:
    """A leg that was run."""

    leg: str
    versions: Mapping[str, str]
    outcomes: Mapping[str, Outcome]
    date: str
    """As 2026-11-26."""

    @property
    def is_ok(self) -> bool:
        """Whether all that was run has passed."""
        return all(outcome.is_ok for outcome in self.outcomes.values())


def closing_line(output: str) -> str:
    """Return the last line that counts tests or steps, without its decoration."""
    counts = re.compile(r"\d+ (?:passed|failed|errors?)\b|\d+ of \d+ steps")
    lines = [line.strip(" =") for line in output.splitlines() if counts.search(line)]
    return lines[-1] if lines else "no line says what was done"


def not_passed(output: str) -> list[str]:
    """Return the tests that failed or broke off, from the summary of pytest."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)


def passed(outcome: Outcome) -> str:
    """Return how many passed, from the closing line."""
    found = re.search(r"(\d+)(?: passed| of \1 steps)", outcome.closing)
    return found[1] if found else "?"


def row(result: Result) -> str:
    """Return the line of the table for a leg."""
    counts = ", ".join(f"{name} {passed(each)}" for name, each in result.outcomes.items())
    versions = [result.versions[name] for name in VERSIONS]
    return _line([f"`{result.leg}`", *versions, result.date, counts])


def rows_of(page: str) -> dict[str, dict[str, str]]:
    """Return the rows of the table in a page, by leg and column."""
    found = re.findall(r"^\| `([\w-]+)` (\|.*\|)$", page, re.MULTILINE)
    cells = {leg: [cell.strip() for cell in rest.strip("|").split("|")] for leg, rest in found}
    return {leg: dict(zip(HEAD[1:], row, strict=True)) for leg, row in cells.items()}


def with_results(page: str, results: Sequence[Result], order: Sequence[str]) -> str:
    """Return a page with the rows of these results; other legs keep theirs, in this order."""
    lines = {leg: _line([f"`{leg}`", *cells.values()]) for leg, cells in rows_of(page).items()}
    lines.update({result.leg: row(result) for result in results})
    head = [_line(HEAD), _line(["---"] * len(HEAD))]
    table = [*head, *(lines[leg] for leg in order if leg in lines)]
    return re.sub(
        rf"^{re.escape(head[0])}\n(?:\|.*\n)*",
        lambda _: "\n".join(table) + "\n",
        page,
        count=1,
        flags=re.MULTILINE,
    )


def differences(page: str, result: Result) -> list[str]:
    """Return, for each version that is another than the page says, a line about it."""
    said = rows_of(page).get(result.leg, {})
    return [
        f"{name} {version}, where docs/versions.md has {said.get(name, 'nothing')}"
        for name, version in result.versions.items()
        if said.get(name) != version
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
