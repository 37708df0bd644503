"""The commands for a lab that is there: `shell` and `down`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sim.command import Command, Refused, typed
from sim.lab import openvswitch
from sim.lab.state import LabState
from sim.progress import doing

NO_LAB = 3
"""Exit code of a command that needs a lab which is not there (as of a service that is down)."""


def _add_shell_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", metavar="HOST", help="such as vtep or vm1; `status` lists them")
    parser.add_argument(
        "argv", metavar="CMD", nargs=argparse.REMAINDER, help="a command instead of a shell"
    )


def _shell(options: argparse.Namespace) -> int:
    if options.argv and options.argv[0].startswith("--name"):
        raise Refused("--name has to stand before HOST; what follows HOST is the command")
    state = existing(options.name)
    if options.host not in state.hosts():
        raise Refused(f"no host {options.host} in lab {state.name}: {', '.join(state.hosts())}")
    # vtep-ofapp and osken-manager stand beside the interpreter: its environment may not be active.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PS1": f"[{state.name} {options.host}] \\w \\$ "}
    node_folder = state.folder / options.host
    if node_folder.is_dir():
        env.update(openvswitch.environment(node_folder))
    # Without --norc, the user's own files would set another prompt.
    argv = options.argv or ["bash", "--norc", "-i"]
    command = state.namespace(options.host).command(argv)
    os.execvpe(command[0], command, env)


def _down(options: argparse.Namespace) -> int:
    state = LabState(options.name)
    if not state.exists:
        print(f"there is no lab {state.name}")
        return 0
    state.claim()
    try:
        with doing(f"taking lab {state.name} down"):
            state.remove()
    finally:
        state.release()
    print(f"lab {state.name} is down")
    return 0


def lab_name(text: str) -> str:
    """Return the name of a lab that an argument is. Raises argparse's error."""
    try:
        return LabState(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def existing(name: str) -> LabState:
    """Return the lab of that name, complete or in part. Raises Refused if there is none."""
    state = LabState(name)
    if not state.exists:
        raise Refused(f"there is no lab {name}; `{typed()} up --name {name}` builds it", NO_LAB)
    return state


COMMANDS = (
    Command(
        "shell",
        "open a shell on a host of a lab, or run one command there",
        _shell,
        _add_shell_arguments,
    ),
    Command("down", "remove a lab, or what a lab that died has left", _down),
)
