"""What README.md says of options, commands and log lines is so; no link leads nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from os_ken import cfg

from sim.__main__ import parser
from tests.docs.pages import (
    PAGES,
    ROOT,
    code,
    prose,
    raised_words,
    section,
    table,
    targets_named,
    targets_there,
)
from vtep_ofapp.commands.registry import COMMANDS
from vtep_ofapp.process.options import OPTIONS

README = ROOT / "README.md"


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as Git hosts make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.is_relative_to(ROOT), target
        assert file.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", prose(file), re.MULTILINE)
            assert fragment in map(anchor, headings), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, left = set(), [README]
    while left:
        page = left.pop()
        reached.add(page)
        targets = re.findall(r"\]\(([^):#\s]+\.md)", page.read_text())
        left += [
            file for each in targets if (file := (page.parent / each).resolve()) not in reached
        ]
    assert set(PAGES) <= reached


def test_options() -> None:
    said = {code(row["option"])[0]: row["default"].strip("`") for row in table(README, "Options")}
    there = {option.name: default_of(option) for option in OPTIONS}
    assert said == there


def default_of(option: cfg.Opt) -> str:
    """Return what the table says of an option: the sample has examples where there is none."""
    if option.default is None:
        return "none"
    return str(option.default if option.sample_default is None else option.sample_default)


def test_targets_of_make() -> None:
    assert {"demo", "test"} <= targets_named(README) <= targets_there()


def test_commands_of_the_lab() -> None:
    """Each line of the lab's commands is one that its parser takes."""
    text = section(README, "The lab")
    lines = re.findall(r"^\.venv/bin/python -m sim ([^#\n]+)", text, re.MULTILINE)
    lines += [name for name in ("fabric", "bench", "soak") if f"`{name}`" in text]
    assert len(lines) > 3
    for line in lines:
        parser().parse_args(line.split())


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
    lines = [line for row in table(README, "Troubleshooting") for line in code(row["line"])]
    assert len(lines) > 10
    for line in lines:
        # A reason may stand behind a colon: it is a string of its own.
        for part in re.split(r"…|: ", line):
            words = part.strip(" :;")
            assert words in texts or words in ("Connection refused", "No such file or directory")


def test_each_line_of_the_log_names_a_command_that_shows_it() -> None:
    there = {command.name for command in COMMANDS}
    for row in table(README, "Troubleshooting"):
        named = code(row["asked by"])
        assert [each.split()[0] for each in named if each.split()[0] in there] or (
            row["line"].startswith("`no command is answered") and row["asked by"] == "none"
        ), row["line"]


def test_faults() -> None:
    said = {code(row["entry"])[0] for row in table(README, "Faults")}
    assert said == raised_words()


def test_the_picture_is_readable_in_light_and_in_dark() -> None:
    picture = (ROOT / "docs" / "vtep.svg").read_text()
    light, dark = picture.split("@media (prefers-color-scheme: dark)")
    colours = set(re.findall(r"^ +\.([a-z]+) \{.*#", light, re.MULTILINE))
    assert colours == set(re.findall(r"^ +\.([a-z]+) \{.*#", dark, re.MULTILINE))
