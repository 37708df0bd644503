"""The command `soak`."""

from __future__ import annotations

import argparse
import random

from sim import soak
from sim.command import Command
from sim.soak.run import run


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes", metavar="N", type=_minutes, default=5.0, help="how long (default: %(default)g)"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="make the choices of an earlier run")


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError("minutes are more than 0")
    return minutes


def _soak(options: argparse.Namespace) -> int:
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    return run(options.name, options.minutes, seed)


COMMANDS = (
    Command(
        "soak",
        "let random things happen under traffic, for minutes or hours; nothing may be lost",
        _soak,
        _add_arguments,
        soak.__doc__,
    ),
)
