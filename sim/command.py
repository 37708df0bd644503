"""What a command of `python -m sim` is; each folder declares its own."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def typed() -> str:
    """Return what to type here for `python -m sim` with this interpreter.

    Debian has no `python`; that of `.venv` is found only where the environment is active.
    """
    python, here = Path(sys.executable), Path.cwd()
    if shutil.which("python") == sys.executable:
        return "python -m sim"
    return f"{python.relative_to(here) if python.is_relative_to(here) else python} -m sim"


class Refused(Exception):
    """The command cannot be done; the message says why in one line."""

    def __init__(self, message: str, code: int = 1) -> None:
        """Keep the exit code with the message."""
        super().__init__(message)
        self.code = code


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Leave the parser as it is: the command takes no arguments of its own."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what its help says, which arguments it takes, and what it does."""

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    """Does the command and returns its exit code. Raises Refused."""
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments
    description: str | None = None
    """What `--help` of the command says first."""
    is_about_lab: bool = True
    """Whether it takes the name of a lab, and needs a machine that labs can be built on."""
