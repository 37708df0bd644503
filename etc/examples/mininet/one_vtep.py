"""A topology for Mininet's command `mn`: one VTEP, the switch s1, and its hosts h1, h2, ...

    mn --custom one_vtep.py --topo vtep --controller remote

`--topo vtep,3` makes three hosts. vtep_ofapp runs already, and the VTEP database has a
Physical_Switch s1; docs/mininet.md says how.
"""

from pathlib import Path

from mininet.node import Host, OVSSwitch
from mininet.topo import Topo

DATAPATH = "kernel" if Path("/sys/module/openvswitch").exists() else "user"
"""Open vSwitch's datapath: its userspace one where the kernel has no module of it."""


class VtepHost(Host):
    """A host that finishes the checksums of its packets: the userspace datapath needs that."""

    def config(self, **params):
        """Configure the host as Mininet does, then turn checksum offloading off."""
        super().config(**params)
        for interface in self.intfList():
            self.cmd("ethtool -K", interface, "tx off")


class OneVtep(Topo):
    """The switch s1, whose port s1-ethN leads to the host hN."""

    def build(self, hosts=2):
        """Make the switch, and so many hosts."""
        switch = self.addSwitch(
            "s1",
            cls=OVSSwitch,
            datapath=DATAPATH,
            protocols="OpenFlow13",
            failMode="secure",
        )
        for number in range(1, hosts + 1):
            self.addLink(self.addHost(f"h{number}", cls=VtepHost), switch)


topos = {"vtep": OneVtep}
