"""The command `nvc`."""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

from sim.command import Command
from sim.nvc import plan, reading


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the YAML file")
    parser.add_argument("--check", action="store_true", help="only say whether the file is right")


def _nvc(options: argparse.Namespace) -> int:
    planned = reading.read_file(options.file, plan.parse)
    if not options.check:
        _run(planned)
    return 0


def _run(planned: plan.Plan) -> None:
    # The ovs library tries to import eventlet, and eventlet warns that it is deprecated. The other
    # commands do without the library.
    warnings.filterwarnings("ignore", "\nEventlet is deprecated")
    from sim.nvc.controller import Nvc

    form = "%(asctime)s.%(msecs)03d %(levelname)s %(message)s"
    logging.basicConfig(format=form, datefmt="%H:%M:%S", level=logging.INFO)
    Nvc(planned).run()


COMMANDS = (
    Command(
        "nvc",
        "run a small NVC: configure VTEP databases, distribute what they learn",
        _nvc,
        _add_arguments,
        plan.__doc__,
        is_about_lab=False,
    ),
)
