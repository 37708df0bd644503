"""The command that builds a lab with OVN."""

from __future__ import annotations

import argparse

from sim.command import Command, typed
from sim.lab.machine import check_tools
from sim.lab.state import LabState
from sim.ovn import lab as picture
from sim.ovn.lab import OvnLab

PACKAGES = {
    "ovn-northd": "ovn-central",
    "ovn-controller": "ovn-host",
    "ovn-controller-vtep": "ovn-controller-vtep",
}
"""Programs of OVN, and the Debian packages that have them."""


def _ovn(options: argparse.Namespace) -> int:
    check_tools(PACKAGES)
    with OvnLab(options.name) as lab:
        lab.start()
        lab.keep()
    sim, named = typed(), "" if options.name == "vtep" else f" --name {options.name}"
    print(
        f"""\
Lab {options.name} is up; its files and logs are in {LabState(options.name).folder}.
docs/ovn.md has the commands that let VTEPs join; here they are typed as
    {sim} shell{named} central         ovn-nbctl, ovn-sbctl
    {sim} shell{named} vtep            vtep-ctl, ovs-appctl, ovn-controller-vtep
    {sim} shell{named} hv1             ovs-vsctl
    {sim} shell{named} vm2 ping {lab.vm1.ip}
    {sim} down{named}"""
    )
    return 0


COMMANDS = (
    Command(
        "ovn",
        "build a lab with OVN as the NVC, and leave it running",
        _ovn,
        description=picture.__doc__,
    ),
)
