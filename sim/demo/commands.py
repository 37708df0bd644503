"""The commands that build a lab and go through steps in it: `up`, `demo` and `fabric`."""

from __future__ import annotations

import argparse

from sim.command import Command, typed
from sim.demo import fabric, walkthrough
from sim.demo.fabric_tour import TOUR
from sim.demo.steps import demonstrate, perform
from sim.lab.guide import PICTURE, Lab
from sim.lab.state import LabState


def _add_up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configured", action="store_true", help="do the guide's part Simulating an NVC, too"
    )


def _up(options: argparse.Namespace) -> int:
    parts = [walkthrough.STARTUP]
    if options.configured:
        parts.append(walkthrough.NVC)
    with Lab(options.name) as lab:
        perform(lab, *parts)
        lab.keep()
    named = "" if options.name == "vtep" else f" --name {options.name}"
    sim = typed()
    shell = f"{sim} shell{named}"
    print(
        f"""
{PICTURE}

Lab {options.name} is up; its files and logs are in {LabState(options.name).folder}.
    {shell} vtep                  vtep-ctl, ovs-vsctl, ovs-ofctl work as in the guide
    {shell} vm1 ping {lab.vm2.ip}
    {sim} status{named}
    {sim} down{named}"""
    )
    return 0


def _demo(options: argparse.Namespace) -> int:
    with Lab(options.name) as lab:
        parts = walkthrough.STARTUP, walkthrough.NVC
        return 0 if demonstrate(lab, "steps of the guide", *parts) else 1


def _add_fabric_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vteps",
        metavar="N",
        type=int,
        choices=range(2, fabric.MAX_VTEPS + 1),
        default=2,
        help=f"how many VTEPs, 2 to {fabric.MAX_VTEPS} (default: %(default)s)",
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab running at the end")


def _fabric(options: argparse.Namespace) -> int:
    with fabric.Fabric(options.name, options.vteps) as lab:
        is_ok = demonstrate(lab, "steps", TOUR)
        if options.keep:
            lab.keep()
            print(f"\nLab {options.name} is up; `{typed()} down --name {options.name}` ends it")
    return 0 if is_ok else 1


COMMANDS = (
    Command(
        "up",
        "build a lab, do the guide's Startup, and leave it running",
        _up,
        _add_up_arguments,
    ),
    Command(
        "demo", "do and prove every step of the guide in a lab of its own, then remove it", _demo
    ),
    Command(
        "fabric",
        "let several VTEPs work together by an NVC and prove it, then remove them",
        _fabric,
        _add_fabric_arguments,
        fabric.__doc__,
    ),
)
