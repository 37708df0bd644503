"""The lines of the log and the faults of docs/troubleshooting.md are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.docs.pages import ROOT, code, raised_words, table
from vtep_ofapp.commands.registry import COMMANDS

PAGE = ROOT / "docs" / "troubleshooting.md"


def literal_texts() -> Iterator[str]:
    """Return every string in the code of the application, with … where something is filled in."""
    for path in (ROOT / "vtep_ofapp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%\d*[a-z]", "…", node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…"
                    for part in node.values
                )


def test_lines_of_the_log() -> None:
    """Each line is there in the code, up to what is filled in, or a reason of the system."""
    texts = "\n".join(literal_texts())
    lines = [line for row in table(PAGE, "Lines of the log") for line in code(row["line"])]
    assert len(lines) > 10
    for line in lines:
        # A reason may stand behind a colon: it is a string of its own.
        for part in re.split(r"…|: ", line):
            words = part.strip(" :;")
            assert words in texts or words in ("Connection refused", "No such file or directory")


def test_each_line_of_the_log_names_a_command_that_shows_it() -> None:
    there = {command.name for command in COMMANDS}
    for row in table(PAGE, "Lines of the log"):
        named = code(row["asked by"])
        assert [each.split()[0] for each in named if each.split()[0] in there] or (
            row["line"].startswith("`no command is answered") and row["asked by"] == "none"
        ), row["line"]


def test_faults() -> None:
    said = {code(row["entry"])[0] for row in table(PAGE, "Faults")}
    assert said == raised_words()
