"""The answers on docs/operating.md: found on the page, asked of a real scene, and written there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.switch.dummy import DummySwitch

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"

_BLOCK = re.compile(r"^```\n\$ ([^\n]+)\n(.*?)^```$", re.M | re.S)
_OUTAGES = "## Five outages\n"
_ASKING = (["ovs-appctl", "-t", "vtep_ofapp"], ["vtep-ofapp"])
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"0x[0-9a-f]+"), "HEX"),
    (re.compile(r"^(vtep_ofapp:?|version:) \d+\.\d+\.\d+$", re.MULTILINE), r"\1 VERSION"),
    (re.compile(r"tunneling from [0-9a-f:]{17}"), "tunneling from MAC"),
    (re.compile(r"tcp:127\.0\.0\.1:\d+"), "tcp:127.0.0.1:6653"),
    (re.compile(r"(?<![\w.:/-])\d+(?:\.\d+)?(?![\w:]|\.\d)"), "N"),
    (re.compile(r"vtep_ofapp\.\d+\.ctl"), "vtep_ofapp.PID.ctl"),
    (re.compile(r" {2,}|-{2,}"), " "),
)
"""What differs from one run to the next, and what stands for it when answers are compared."""


class Shown(NamedTuple):
    """A command on the page with the answer that follows it."""

    command: tuple[str, ...]
    answer: str

    @property
    def asked(self) -> tuple[str, ...] | None:
        """What the application is asked; None for a command of another program."""
        for program in _ASKING:
            if list(self.command[: len(program)]) == program:
                return self.command[len(program) :]
        return None


def shown(text: str) -> Iterator[Shown]:
    """Yield the commands of a page with their answers, in their order."""
    for command, answer in _BLOCK.findall(text):
        yield Shown(tuple(shlex.split(command)), answer)


def wait_for_answer(vtep: DummySwitch, example: Shown, ask: Callable[[Shown], str]) -> None:
    """Wait until a command has the answer of the page: what it tells of may be under way."""
    vtep.wait(
        lambda: alike(ask(example)) == alike(example.answer),
        f"{' '.join(example.command)} to answer\n{example.answer}",
    )


def in_its_place(answer: str) -> str:
    """Return an answer with Open vSwitch's own folder in place of that of a test."""
    return re.sub(r"/[^ ]*/vtep-\w+(?=/)", "/var/run/openvswitch", answer)


def alike(answer: str) -> list[str]:
    """Return the lines of an answer with words in place of what differs from run to run."""
    answer = in_its_place(answer)
    for pattern, word in _VARYING:
        answer = pattern.sub(word, answer)
    return [line.strip() for line in answer.splitlines()]


def rewrite(text: str, answer: Callable[[Shown], str], page: Path = PAGE) -> None:
    """Write the answers that are given now into a part of a page, where they are not alike."""

    def block(found: re.Match[str]) -> str:
        now = in_its_place(answer(Shown(tuple(shlex.split(found[1])), found[2])))
        if alike(now) == alike(found[2]):
            return found[0]
        start, end = found.start(2) - found.start(), found.end(2) - found.start()
        return found[0][:start] + now + found[0][end:]

    page.write_text(page.read_text().replace(text, _BLOCK.sub(block, text)))


def everyday() -> str:
    """Return the part of the page that shows each command."""
    return PAGE.read_text().partition(_OUTAGES)[0]


def outages() -> dict[str, str]:
    """Return the outages of the page: what is told of each, by its heading."""
    parts = re.split(r"^### (.+)\n", PAGE.read_text().partition(_OUTAGES)[2], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
