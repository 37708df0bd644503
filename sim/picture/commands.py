"""The command `picture`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.command import Command, Refused
from sim.lab.commands import existing
from sim.picture import svg
from sim.picture.cards import scene
from sim.picture.layout import draw
from sim.status.report import report


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write it there (default: NAME.svg in this folder)",
    )


def _picture(options: argparse.Namespace) -> int:
    text = svg.write(draw(scene(report(existing(options.name)))))
    file = options.output or Path(f"{options.name}.svg")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from None
    print(f"{file} has the picture of lab {options.name}")
    return 0


COMMANDS = (
    Command(
        "picture",
        "draw a lab as it is now, as SVG",
        _picture,
        _add_arguments,
    ),
)
