"""The commands that build a lab and go through steps in it: `up`, `demo` and `fabric`."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

from sim.command import Command, Refused, typed
from sim.demo import fabric, routed, routing_tour, walkthrough
from sim.demo.fabric_tour import TOUR
from sim.demo.steps import demonstrate, perform
from sim.fabric import plan
from sim.fabric.lab import Lab
from sim.lab import guide
from sim.lab.guide import PICTURE
from sim.lab.network import EmptyLab
from sim.lab.state import LabState
from sim.nvc import reading

_USAGE = 2
"""Exit code for arguments that do not go together, as argparse has it."""


def _add_up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configured", action="store_true", help="do the guide's part Simulating an NVC, too"
    )


def _up(options: argparse.Namespace) -> int:
    parts = [walkthrough.STARTUP]
    if options.configured:
        parts.append(walkthrough.NVC)
    with guide.Lab(options.name) as lab:
        perform(lab, *parts)
        lab.keep()
    print(f"\n{PICTURE}")
    vtep = "vtep                  vtep-ctl, ovs-vsctl, ovs-ofctl work as in the guide"
    _show_up(options.name, vtep, f"vm1 ping {lab.vm2.ip}")
    return 0


def _add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--routing",
        action="store_true",
        help="instead, join two logical switches by a router: on one VTEP, and then on two",
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab running at the end")


def _demo(options: argparse.Namespace) -> int:
    if options.routing:
        with routed.RoutedLab(options.name) as routed_lab:
            steps = routing_tour.ALONE, routing_tour.DISTRIBUTED
            is_ok = demonstrate(routed_lab, "steps", *steps)
            _keep_if_wanted(routed_lab, options)
        return 0 if is_ok else 1
    with guide.Lab(options.name) as lab:
        parts = walkthrough.STARTUP, walkthrough.NVC
        is_ok = demonstrate(lab, "steps of the guide", *parts)
        _keep_if_wanted(lab, options)
    return 0 if is_ok else 1


def _add_fabric_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--vteps",
        metavar="N",
        type=int,
        choices=range(2, fabric.MAX_VTEPS + 1),
        default=2,
        help=f"how many VTEPs, 2 to {fabric.MAX_VTEPS} (default: %(default)s)",
    )
    what.add_argument(
        "--plan",
        metavar="FILE",
        type=Path,
        help="instead, build what a YAML file says, and leave it running",
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab running at the end")
    parser.add_argument(
        "--check", action="store_true", help="only say whether the file of --plan is right"
    )


def _fabric(options: argparse.Namespace) -> int:
    if options.plan:
        return _planned(options)
    if options.check:
        raise Refused("--check is about the file of --plan FILE", _USAGE)
    with fabric.Fabric(options.name, options.vteps) as lab:
        is_ok = demonstrate(lab, "steps", TOUR)
        _keep_if_wanted(lab, options)
    return 0 if is_ok else 1


def _keep_if_wanted(lab: EmptyLab, options: argparse.Namespace) -> None:
    if options.keep:
        lab.keep()
        print(f"\nLab {options.name} is up; `{typed()} down --name {options.name}` ends it")


def _planned(options: argparse.Namespace) -> int:
    topology = reading.read_file(options.plan, plan.parse)
    if options.check:
        return 0
    with Lab(options.name, bfd=topology.bfd) as lab:
        plan.build(lab, topology)
        lab.start()
        lab.keep()
    pings = []
    for switch in topology.logical_switches.values():
        members = topology.members(switch.name)
        hosts = ", ".join(f"{name} {ip}" for name, ip in members)
        print(f"{switch.name}, VNI {switch.vni}: {hosts or 'no host'}")
        pings += [f"{here} ping {ip}" for (here, _), (_, ip) in pairwise(members)]
    _show_up(options.name, *pings[:1])
    return 0


def _show_up(name: str, *commands: str) -> None:
    """Print that a lab is up, and what can be typed for it; the commands are those of `shell`."""
    named = "" if name == "vtep" else f" --name {name}"
    print(f"\nLab {name} is up; its files and logs are in {LabState(name).folder}.")
    for line in (*(f"shell{named} {each}" for each in commands), f"status{named}", f"down{named}"):
        print(f"    {typed()} {line}")


COMMANDS = (
    Command(
        "up",
        "build a lab, do the guide's Startup, and leave it running",
        _up,
        _add_up_arguments,
    ),
    Command(
        "demo",
        "do and prove every step of the guide in a lab of its own, then remove it",
        _demo,
        _add_demo_arguments,
        f"With --routing: {routed.__doc__}",
    ),
    Command(
        "fabric",
        "let several VTEPs work together by an NVC and prove it, or build a fabric of one's own",
        _fabric,
        _add_fabric_arguments,
        f"{fabric.__doc__}\nWith --plan: {plan.__doc__}",
    ),
)
