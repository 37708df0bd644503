"""What labs need of the machine: root, and tools."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from sim.command import Refused

PACKAGES = {
    "ip": "iproute2",
    "ethtool": "ethtool",
    "ping": "iputils-ping",
    "ovsdb-tool": "openvswitch-common",
    "ovs-vswitchd": "openvswitch-switch",
    "vtep-ctl": "openvswitch-vtep",
}
"""Tools, and the Debian packages that have them."""


def check_machine() -> None:
    """Raise Refused, with the reason, if labs cannot be built here."""
    if os.geteuid() != 0:
        raise Refused("a lab is made of network namespaces, which only root can make: use sudo")
    check_tools(PACKAGES)


def check_tools(packages: Mapping[str, str]) -> None:
    """Raise Refused if one of the tools is missing; `packages` has the Debian package of each."""
    missing = dict.fromkeys(name for tool, name in packages.items() if not shutil.which(tool))
    if missing:
        raise Refused(f"tools are missing; install the Debian packages {' '.join(missing)}")
