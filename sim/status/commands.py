"""The command `status`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from sim.command import Command
from sim.lab.commands import NO_LAB, existing
from sim.status import text
from sim.status.report import report


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs: all there is to say")


def _status(options: argparse.Namespace) -> int:
    lab = report(existing(options.name))
    if options.json:
        print(json.dumps(asdict(lab), indent=2))
    else:
        print("\n".join(text.lines(lab)))
    return 0


COMMANDS = (
    Command(
        "status",
        f"show what there is and what runs; exit code {NO_LAB} if there is no lab",
        _status,
        _add_arguments,
    ),
)
