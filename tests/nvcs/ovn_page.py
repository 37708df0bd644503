"""The commands of docs/ovn.md, found on the page and run on the hosts that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sim.lab.node import TunnelNode
from sim.ovn.central import Central
from sim.ovn.lab import OvnLab
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "ovn.md"

_BLOCK = re.compile(r"^```\n# ([^\n]+)\n(.*?)^```$", re.M | re.S)
_FILE = re.compile(r"^```ini\n(.*?)^```$", re.M | re.S)
_NUMBER = re.compile(r"\b\d+\b")


class Shown(NamedTuple):
    """A command of the page with the answer that follows it."""

    where: str
    command: str
    answer: list[str]

    def is_answered_by(self, output: str) -> bool:
        """Whether all lines of the page are in the output, where N stands for any number."""
        return {_counted(line) for line in self.answer} <= set(map(_counted, output.splitlines()))


def commands() -> Iterator[tuple[str, str]]:
    """Yield the blocks of commands: where the page has them typed, and their lines."""
    for where, text in _BLOCK.findall(PAGE.read_text()):
        if not text.startswith("$ "):
            yield where, text


def shown() -> Iterator[Shown]:
    """Yield the commands of which the page shows the answer."""
    for where, text in _BLOCK.findall(PAGE.read_text()):
        if text.startswith("$ "):
            command, *answer = text.splitlines()
            yield Shown(where, command.removeprefix("$ "), [line for line in answer if line])


def files() -> list[str]:
    """Return the pieces of files: of the service's unit, and of the application's."""
    return _FILE.findall(PAGE.read_text())


def run(lab: OvnLab, where: str, text: str) -> str:
    """Run lines of the shell where the page says, and return their output."""
    places: dict[str, Sequence[Central | TunnelNode]] = {
        "with OVN's databases": [lab.central],
        "at each hypervisor": list(lab.hypervisors.values()),
        "at the VTEP": [lab.vtep],
        "at the other VTEP": [lab.vtep2],
    }
    argv = ["bash", "-e", "-c", text]
    nodes = places[where.partition(",")[0]]
    return "".join(node.namespace.run(argv, env=node.env) for node in nodes)


def _counted(line: str) -> str:
    """Return a line with N for each number that is none of an address, and one blank for many."""
    if "WARN" in line:
        line = _NUMBER.sub("N", line)
    return " ".join(line.split())
