"""The command line: `python -m sim COMMAND`. The folders declare the commands."""

from __future__ import annotations

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from pyroute2 import NetlinkError

from sim import progress
from sim.bench import commands as bench
from sim.command import Refused
from sim.demo import commands as demo
from sim.lab import commands as lab
from sim.lab.guide import PICTURE
from sim.lab.machine import check_machine
from sim.lab.namespaces import CommandFailed
from sim.lab.state import LabBusy
from sim.matrix import commands as matrix
from sim.nvc import commands as nvc
from sim.ovn import commands as ovn
from sim.picture import commands as picture
from sim.soak import commands as soak
from sim.status import commands as status
from sim.waiting import WaitFailed

COMMANDS = (
    *demo.COMMANDS,
    *bench.COMMANDS,
    *soak.COMMANDS,
    *lab.COMMANDS,
    *status.COMMANDS,
    *picture.COMMANDS,
    *nvc.COMMANDS,
    *ovn.COMMANDS,
    *matrix.COMMANDS,
)

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    # Each step is to show when it begins, in a pipe as on a terminal.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    for signum in ENDINGS:
        signal.signal(signum, _end)
    try:
        # `--check` reads a file alone.
        if options.command.is_about_lab and not getattr(options, "check", False):
            check_machine()
        with progress.shown():
            code: int = options.command.run(options)
        return code
    except Refused as error:
        print(error, file=sys.stderr)
        return error.code
    except NetlinkError as error:
        print(f"the kernel refuses what the lab needs: {error}", file=sys.stderr)
        return 1
    except (LabBusy, FileExistsError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except WaitFailed as error:
        print(f"{error.awaited}\n{error.evidence}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m sim",
        description="Labs for vtep_ofapp in network namespaces, with real Open vSwitch.",
        epilog=PICTURE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument(
        "--name", default="vtep", type=lab.lab_name, help="which lab (default: %(default)s)"
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        own = commands.add_parser(
            command.name,
            parents=[named] if command.is_about_lab else [],
            help=command.help,
            description=command.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(own)
        own.set_defaults(command=command)
    return top


def _end(signum: int, frame: FrameType | None) -> None:
    """Leave by way of every context manager, and let no further signal disturb that."""
    for each in ENDINGS:
        # Not SIG_IGN: of a signal that is already on its way, Python would complain.
        signal.signal(each, lambda *_: None)
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
