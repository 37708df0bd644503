"""No link of a page leads nowhere, and each command of the lab is one that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sim.__main__ import parser
from tests.docs.pages import PAGES, ROOT, prose

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


def test_commands_of_the_lab() -> None:
    """Each line of a page that uses the lab is one that its parser takes."""
    texts = "\n".join(page.read_text() for page in PAGES)
    lines = re.findall(r"^(?:\$ )?\.venv/bin/python -m sim ([^#\n]+)", texts, re.MULTILINE)
    assert len(lines) > 3
    for line in lines:
        parser().parse_args(shlex.split(line))
