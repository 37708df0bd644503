"""The command line: `python -m sim up | demo | shell | status | down | fabric | soak | ...`."""

from __future__ import annotations

import argparse
import io
import logging
import os
import random
import shutil
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from pyroute2 import NetlinkError

from sim import bench as bench_module
from sim import soak as soak_module
from sim.bench.plan import MOST_MACS, MOST_REPEATS, QUICK, Plan
from sim.demo import fabric as fabric_module
from sim.demo import steps, walkthrough
from sim.demo.fabric import MOST_VTEPS, Fabric
from sim.demo.fabric_tour import TOUR
from sim.lab import openvswitch
from sim.lab.guide import Lab
from sim.lab.namespaces import CommandFailed
from sim.lab.state import LabBusy, LabState
from sim.nvc import plan
from sim.waiting import WaitFailed

NO_LAB = 3
"""Exit code of a command that needs a lab which is not there (as of a service that is down)."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PACKAGES = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "ping": "iputils-ping",
    "ovsdb-tool": "openvswitch-common",
    "ovs-vswitchd": "openvswitch-switch",
    "vtep-ctl": "openvswitch-vtep",
}

PICTURE = """\
    vm1 -- p0 +                          +-- service-node 10.2.2.2
              + br0 -- vtep -- 10.2.2.1 -+
    vm2 -- p1 +          |               +-- hypervisor   10.2.2.3
                         +-- nvc 10.1.1.2

Each of vtep, vm1, vm2, service-node, hypervisor and nvc is a network namespace."""


class Refused(Exception):
    """The command cannot be done; the message says why in one line."""

    def __init__(self, message: str, code: int = 1) -> None:
        """Keep the exit code with the message."""
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = parser().parse_args(arguments)
    # Each step is to show when it begins, in a pipe as on a terminal.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    for signum in ENDINGS:
        signal.signal(signum, _end)
    try:
        if options.needs_lab:
            _check_machine()
        code: int = options.command(options)
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
        "--name", default="vtep", type=_lab_name, help="which lab (default: %(default)s)"
    )
    top.set_defaults(needs_lab=True)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser(
        "up", parents=[named], help="build a lab, do the guide's Startup, and leave it running"
    )
    up.add_argument(
        "--configured", action="store_true", help="do the guide's part Simulating an NVC, too"
    )
    up.set_defaults(command=_up)

    demo = commands.add_parser(
        "demo",
        parents=[named],
        help="do and prove every step of the guide in a lab of its own, then remove it",
    )
    demo.set_defaults(command=_demo)

    fabric = commands.add_parser(
        "fabric",
        parents=[named],
        help="let several VTEPs work together by an NVC and prove it, then remove them",
        description=fabric_module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fabric.add_argument(
        "--vteps",
        metavar="N",
        type=int,
        choices=range(2, MOST_VTEPS + 1),
        default=2,
        help=f"how many VTEPs, 2 to {MOST_VTEPS} (default: %(default)s)",
    )
    fabric.add_argument("--keep", action="store_true", help="leave the lab running at the end")
    fabric.set_defaults(command=_fabric)

    bench = commands.add_parser(
        "bench",
        parents=[named],
        help="measure how fast the application is, beside Open vSwitch's emulator and tools",
        description=bench_module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_argument(
        "--quick", action="store_true", help="small sizes: whether all can be measured"
    )
    bench.add_argument(
        "--sizes",
        metavar="N,N...",
        type=_sizes,
        help=f"numbers of remote MACs (default: {','.join(map(str, Plan.sizes))})",
    )
    bench.add_argument(
        "--repeat",
        metavar="N",
        type=int,
        choices=range(1, MOST_REPEATS + 1),
        help=f"how often each reaction is measured, up to {MOST_REPEATS} (default: {Plan.repeat})",
    )
    bench.add_argument(
        "--only",
        metavar="NAME",
        nargs="+",
        choices=[kind.name for kind in bench_module.KINDS],
        default=[],
        help="measure nothing but these; the table has the names",
    )
    bench.add_argument("--output", metavar="FILE", type=Path, help="write the table there, too")
    bench.add_argument("--json", metavar="FILE", type=Path, help="write every sample there")
    bench.add_argument(
        "--plot", metavar="FILE", type=Path, help="draw time against size there, as PNG"
    )
    bench.set_defaults(command=_bench)

    soak = commands.add_parser(
        "soak",
        parents=[named],
        help="let random things happen under traffic, for minutes or hours; nothing may be lost",
        description=soak_module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    soak.add_argument(
        "--minutes", metavar="N", type=_minutes, default=5.0, help="how long (default: %(default)g)"
    )
    soak.add_argument("--seed", metavar="N", type=int, help="make the choices of an earlier run")
    soak.set_defaults(command=_soak)

    shell = commands.add_parser(
        "shell", parents=[named], help="open a shell on a host of a lab, or run one command there"
    )
    shell.add_argument("host", metavar="HOST", help="such as vtep or vm1; `status` lists them")
    shell.add_argument(
        "argv", metavar="CMD", nargs=argparse.REMAINDER, help="a command instead of a shell"
    )
    shell.set_defaults(command=_shell)

    status = commands.add_parser(
        "status", parents=[named], help=f"show what runs; exit code {NO_LAB} if there is no lab"
    )
    status.set_defaults(command=_status)

    down = commands.add_parser(
        "down", parents=[named], help="remove a lab, or what a lab that died has left"
    )
    down.set_defaults(command=_down)

    nvc = commands.add_parser(
        "nvc",
        help="run a small NVC: configure VTEP databases, distribute what they learn",
        description=plan.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    nvc.add_argument("file", metavar="FILE", type=Path, help="the YAML file")
    nvc.add_argument("--check", action="store_true", help="only say whether the file is right")
    nvc.set_defaults(command=_nvc, needs_lab=False)
    return top


def _up(options: argparse.Namespace) -> int:
    parts = [walkthrough.STARTUP]
    if options.configured:
        parts.append(walkthrough.NVC)
    with Lab(options.name) as lab:
        steps.perform(lab, *parts)
        lab.keep()
    named = "" if options.name == "vtep" else f" --name {options.name}"
    shell = f"python -m sim shell{named}"
    print(
        f"""
{PICTURE}

Lab {options.name} is up; its files and logs are in {LabState(options.name).folder}.
    {shell} vtep                  vtep-ctl, ovs-vsctl, ovs-ofctl work as in the guide
    {shell} vm1 ping {lab.vm2.ip}
    python -m sim status{named}
    python -m sim down{named}"""
    )
    return 0


def _demo(options: argparse.Namespace) -> int:
    with Lab(options.name) as lab:
        parts = walkthrough.STARTUP, walkthrough.NVC
        return 0 if steps.demonstrate(lab, "steps of the guide", *parts) else 1


def _fabric(options: argparse.Namespace) -> int:
    with Fabric(options.name, options.vteps) as lab:
        is_ok = steps.demonstrate(lab, "steps", TOUR)
        if options.keep:
            lab.keep()
            print(f"\nLab {options.name} is up; `python -m sim down --name {options.name}` ends it")
    return 0 if is_ok else 1


def _bench(options: argparse.Namespace) -> int:
    if options.plot and find_spec("matplotlib") is None:
        raise Refused("--plot needs matplotlib: pip install '.[bench]'")
    given = {name: getattr(options, name) for name in ("sizes", "repeat")}
    plan = replace(
        QUICK if options.quick else Plan(),
        **{name: value for name, value in given.items() if value is not None},
    )
    return bench_module.run(
        options.name,
        plan,
        options.only,
        output=options.output,
        json_file=options.json,
        plot_file=options.plot,
    )


def _soak(options: argparse.Namespace) -> int:
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    return soak_module.run(options.name, options.minutes, seed)


def _shell(options: argparse.Namespace) -> int:
    state = _existing(options.name)
    if options.host not in state.hosts():
        raise Refused(f"no host {options.host} in lab {state.name}: {', '.join(state.hosts())}")
    env = {**os.environ, "PS1": f"[{state.name} {options.host}] \\w \\$ "}
    node_folder = state.folder / options.host
    if node_folder.is_dir():
        env.update(openvswitch.environment(node_folder))
    # Without --norc, the user's own files would set another prompt.
    argv = options.argv or ["bash", "--norc", "-i"]
    command = state.namespace(options.host).command(argv)
    os.execvpe(command[0], command, env)


def _status(options: argparse.Namespace) -> int:
    state = _existing(options.name)
    condition = "up" if state.is_up else "not up (being built, or left by a process that died)"
    print(f"lab {state.name} is {condition}; files in {state.folder}")
    for host in state.hosts():
        namespace = state.namespace(host)
        running = [f"{_program(pid)} ({pid})" for pid in namespace.processes()]
        here = ", ".join(running) if namespace.exists else "no namespace"
        print(f"    {host:<14} {here}".rstrip())
    return 0


def _down(options: argparse.Namespace) -> int:
    state = LabState(options.name)
    if not state.exists:
        print(f"there is no lab {state.name}")
        return 0
    state.claim()
    try:
        state.remove()
    finally:
        state.release()
    print(f"lab {state.name} is down")
    return 0


def _nvc(options: argparse.Namespace) -> int:
    try:
        planned = plan.parse(options.file.read_text())
    except OSError as error:
        raise Refused(f"{options.file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{options.file}: this is no text in UTF-8") from None
    except plan.BadPlan as error:
        raise Refused("\n".join(f"{options.file}: {each}" for each in error.problems)) from None
    if not options.check:
        # The ovs library looks whether eventlet is in use, and eventlet complains of its age.
        warnings.filterwarnings("ignore", "\nEventlet is deprecated")
        from sim.nvc.controller import Nvc

        form = "%(asctime)s.%(msecs)03d %(levelname)s %(message)s"
        logging.basicConfig(format=form, datefmt="%H:%M:%S", level=logging.INFO)
        Nvc(planned).run()
    return 0


def _sizes(text: str) -> tuple[int, ...]:
    sizes = sorted({int(each) for each in text.split(",")})
    if sizes[0] < 1 or sizes[-1] > MOST_MACS:
        raise argparse.ArgumentTypeError(f"sizes are 1 to {MOST_MACS}")
    return tuple(sizes)


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError("minutes are more than 0")
    return minutes


def _lab_name(text: str) -> str:
    try:
        return LabState(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _existing(name: str) -> LabState:
    state = LabState(name)
    if not state.exists:
        raise Refused(f"there is no lab {name}; `python -m sim up --name {name}` builds it", NO_LAB)
    return state


def _program(pid: int) -> str:
    """Return the name of the program that a process runs, without the interpreter's."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return "ended"
    names = [Path(word).name for word in argv if word]
    if len(names) > 1 and names[0].startswith("python"):
        return " ".join(names[2:4]) if names[1] == "-m" else names[1]
    return names[0] if names else "ended"


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise Refused("a lab is made of network namespaces, which only root can make: use sudo")
    missing = [package for tool, package in PACKAGES.items() if not shutil.which(tool)]
    if missing:
        raise Refused(f"tools are missing; install the Debian packages {' '.join(missing)}")


def _end(signum: int, frame: FrameType | None) -> None:
    """Leave by way of every context manager, and let no further signal disturb that."""
    for each in ENDINGS:
        # Not SIG_IGN: of a signal that is already on its way, Python would complain.
        signal.signal(each, lambda *_: None)
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
