"""The VLAN devices of a host, as a process of its own."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.lab import links
from sim.lab.hosts import Host
from sim.lab.openvswitch import tail
from sim.lab.process import CHECKOUT, Process
from sim.waiting import wait_until


class VlanDevices(Process):
    """Devices such as eth0.10, each with the host's MAC address, that tag what is sent by them."""

    def __init__(self, host: Host, folder: Path, vlans: Sequence[int]) -> None:
        """Describe the process; its log is in the folder."""
        self.NAME = f"{host.name}-vlans"
        super().__init__(host.namespace, folder)
        self._host = host
        self._vlans = vlans

    def command(self) -> list[str]:
        """Return the command line."""
        vlans = map(str, self._vlans)
        return [sys.executable, "-m", "sim.lab.tagging", self._host.interface, *vlans]

    def environment(self) -> Mapping[str, str]:
        """Return where this checkout is: the process runs in the folder of its log."""
        return {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}

    def start(self) -> None:
        """Start the process; the devices are up when this returns. Raises WaitFailed."""
        super().start()
        space = self._host.namespace
        # Otherwise the kernel would answer ARP for the address of one VLAN in all of them.
        space.set_kernel_option("net/ipv4/conf/all/arp_ignore", "1")
        for vlan in self._vlans:
            device = self._host.device(vlan)
            wait_until(
                functools.partial(links.has_link, space, device),
                f"{device} of {self._host.name}",
                evidence=lambda: tail(self.log),
            )
            links.set_mac(space, device, self._host.mac)
            links.set_up(space, device)
