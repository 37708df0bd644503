"""The command `bench`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from sim import bench
from sim.bench.kinds import KINDS
from sim.bench.plan import MAX_MACS, MAX_REPEATS, QUICK, Plan
from sim.bench.run import run
from sim.command import Command, Refused


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: whether all can be measured"
    )
    parser.add_argument(
        "--sizes",
        metavar="N,N...",
        type=_sizes,
        help=f"numbers of remote MACs (default: {','.join(map(str, Plan.sizes))})",
    )
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=int,
        choices=range(1, MAX_REPEATS + 1),
        help=f"how often each reaction is measured, up to {MAX_REPEATS} (default: {Plan.repeat})",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        nargs="+",
        choices=[kind.name for kind in KINDS],
        default=[],
        help="measure nothing but these; the table has the names",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the table there, too")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every sample there")
    parser.add_argument(
        "--plot",
        metavar="FILE",
        type=Path,
        help="draw time against size there, as PNG, and for dark pages in NAME-dark.png",
    )


def _sizes(text: str) -> tuple[int, ...]:
    sizes = sorted({int(each) for each in text.split(",")})
    if sizes[0] < 1 or sizes[-1] > MAX_MACS:
        raise argparse.ArgumentTypeError(f"sizes are 1 to {MAX_MACS}")
    return tuple(sizes)


def _bench(options: argparse.Namespace) -> int:
    if options.plot and find_spec("matplotlib") is None:
        raise Refused("--plot needs matplotlib: pip install '.[bench]'")
    given = {name: getattr(options, name) for name in ("sizes", "repeat")}
    plan = replace(
        QUICK if options.quick else Plan(),
        **{name: value for name, value in given.items() if value is not None},
    )
    return run(
        options.name,
        plan,
        options.only,
        output=options.output,
        json_file=options.json,
        plot_file=options.plot,
    )


COMMANDS = (
    Command(
        "bench",
        "measure how fast the application is, beside Open vSwitch's emulator and tools",
        _bench,
        _add_arguments,
        bench.__doc__,
    ),
)
