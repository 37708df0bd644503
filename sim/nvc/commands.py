"""The command `nvc`."""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pyroute2 import netns

from sim.command import Command, Refused
from sim.lab.commands import existing, lab_name
from sim.lab.machine import check_machine
from sim.lab.state import LabState
from sim.nvc import plan, reading
from sim.status import kernel

HOST = "nvc"
"""The host of a lab that NVCs run on."""

NAME = "sim nvc"
"""How `status` names a process that runs this command."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the YAML file")
    parser.add_argument("--check", action="store_true", help="only say whether the file is right")
    parser.add_argument(
        "--name",
        type=lab_name,
        help="be the NVC of that lab, whose VTEPs the file names without remotes",
    )


def _nvc(options: argparse.Namespace) -> int:
    state = None
    parse = plan.parse
    if options.name is not None:
        check_machine()
        state = existing(options.name)
        parse = partial(plan.parse, lab=_remotes(state))
    if options.check:
        reading.read_file(options.file, parse)
        return 0
    if state is not None:
        _enter(state)
    _run(options.file, parse)
    return 0


def _remotes(state: LabState) -> dict[str, str]:
    """Return where the databases of a lab's VTEPs are, which every namespace can reach."""
    folders = {name: state.folder / name for name in state.hosts()}
    return {
        name: f"unix:{folder}/db.sock"
        for name, folder in folders.items()
        if (folder / "vtep.db").exists()
    }


def _enter(state: LabState) -> None:
    """Go on in the namespace of the lab's NVC. Raises Refused if there is none, or an NVC in it."""
    namespace = state.namespace(HOST)
    if not namespace.exists:
        raise Refused(f"lab {state.name} has no host {HOST} for an NVC to run on")
    for process in kernel.processes({HOST: namespace})[HOST]:
        if process.name == NAME:
            raise Refused(
                f"an NVC runs in lab {state.name} already: `kill {process.pid}` ends it, "
                f"or change its file ({process.command})"
            )
    netns.setns(namespace.name, flags=0)


def _run(file: Path, parse: Callable[[str], plan.Plan]) -> None:
    # The ovs library tries to import eventlet, and eventlet warns that it is deprecated. The other
    # commands do without the library.
    warnings.filterwarnings("ignore", "\nEventlet is deprecated")
    from sim.nvc.controller import Nvc
    from sim.nvc.file import PlanFile

    form = "%(asctime)s.%(msecs)03d %(levelname)s %(message)s"
    logging.basicConfig(format=form, datefmt="%H:%M:%S", level=logging.INFO)
    Nvc(PlanFile(file, parse)).run()


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
