"""The command `matrix`: run the tests on other versions."""

from __future__ import annotations

import argparse

from sim.command import Command
from sim.debian.release import check_machine
from sim.matrix.legs import CHECKS, LEGS
from sim.matrix.results import PAGE, differences, with_results
from sim.matrix.run import run_leg, say

DESCRIPTION = f"""\
Runs {", ".join(CHECKS)} in each leg: a Debian release, which mmdebstrap unpacks into .trees, with
libraries of its own or of PyPI. docs/versions.md has what was run."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    names = [leg.name for leg in LEGS]
    parser.add_argument(
        "--only",
        metavar="LEG",
        nargs="+",
        choices=names,
        default=names,
        help=f"run these legs: {', '.join(names)} (default: all)",
    )
    parser.add_argument("--list", action="store_true", help="list the legs, and run none")
    parser.add_argument(
        "--write", action="store_true", help="write the legs that pass into docs/versions.md"
    )


def _matrix(options: argparse.Namespace) -> int:
    legs = [leg for leg in LEGS if leg.name in options.only]
    if options.list:
        for leg in legs:
            print(f"{leg.name:<12} Debian {leg.number} ({leg.release}), {leg.libraries}")
        return 0
    check_machine()
    failed = []
    for leg in legs:
        result = run_leg(leg)
        for line in differences(PAGE.read_text(), result):
            say(leg, line)
        if not result.is_ok:
            failed.append(leg.name)
        elif options.write:
            order = [each.name for each in LEGS]
            PAGE.write_text(with_results(PAGE.read_text(), [result], order))
    print(f"matrix: {len(legs) - len(failed)} of {len(legs)} legs passed", *failed)
    return 1 if failed else 0


COMMANDS = (
    Command(
        "matrix",
        "run tests on other Debian releases and versions of the libraries",
        _matrix,
        _add_arguments,
        DESCRIPTION,
        is_about_lab=False,
    ),
)
