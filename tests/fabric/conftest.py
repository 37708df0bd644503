"""Labs in which BFD is spoken: one VTEP with two service nodes, and a fabric of VTEPs."""

from __future__ import annotations

import os
import shlex

import pytest

from sim.demo.fabric import Fabric
from sim.lab.network import EmptyLab
from sim.waiting import wait_until

BFD = "bfd_params:enable=true bfd_params:min_rx=300 bfd_params:min_tx=300"


def lab_name(suffix: str) -> str:
    """Return a lab name that no other test run on this machine has."""
    return f"t{os.getpid()}{suffix}"


class BfdLab(EmptyLab):
    """A VTEP with vm1 and vm2 in ls0, whose service nodes are two peers; no NVC but the test."""

    def configure(self, *commands: str) -> None:
        """Run commands of vtep-ctl, all in one transaction."""
        self.vtep.vtep_ctl(*shlex.split(" -- ".join(commands)))

    def wait(self, condition, what: str, timeout: float = 20.0):
        """Wait for a condition; show all there is to see if it does not come true."""
        return wait_until(condition, what, timeout=timeout, evidence=self.evidence)

    def tunnel(self, peer) -> dict | None:
        """Return the Tunnel row that leads to a peer."""
        return self.vtep.tunnels().get(peer.tunnel_ip)

    def set_bfd(self, peer, settings: str) -> None:
        """Set columns of the Tunnel row that leads to a peer, as vtep-ctl takes them."""
        row = self.wait(lambda: self.tunnel(peer), f"a Tunnel row for {peer.name}")
        self.configure(f"set Tunnel {row['_uuid']} {settings}")

    def await_bfd(self, *peers) -> None:
        """Wait until BFD between the VTEP and these peers is up, and at its final interval."""
        for peer in peers:
            self.wait(
                lambda peer=peer: (
                    is_settled(self.vtep.bfd_sessions().get(peer.tunnel_ip, {}))
                    and is_settled(peer.bfd_sessions().get(self.vtep.tunnel_ip, {}))
                ),
                f"BFD up between {self.vtep.name} and {peer.name}",
            )

    def _build(self) -> None:
        super()._build()
        self.vtep = self.add_vtep("vtep", tunnel_ip="10.2.2.1", management_ip="10.1.1.1")
        self.vm1 = self.add_vm("vm1", port="p0", ip="192.168.33.1")
        self.vm2 = self.add_vm("vm2", port="p1", ip="192.168.33.2")
        self.one = self.add_peer("one", "10.2.2.11")
        self.two = self.add_peer("two", "10.2.2.12")


def is_settled(session: dict[str, str]) -> bool:
    """Whether a session is up at both ends and no more at the slow pace that it begins with."""
    expected = {
        "Forwarding": "true",
        "Local Session State": "up",
        "Remote Session State": "up",
        "TX Interval": "Approx 300ms",
        "RX Interval": "Approx 300ms",
    }
    return expected.items() <= session.items()


@pytest.fixture(scope="module")
def lab():
    with BfdLab(lab_name("bfd")) as lab:
        lab.start()
        lab.configure(
            "add-ls ls0",
            "set Logical_Switch ls0 tunnel_key=33",
            "bind-ls br0 p0 0 ls0",
            "bind-ls br0 p1 0 ls0",
            *(f"add-mcast-remote ls0 unknown-dst {peer.tunnel_ip}" for peer in (lab.one, lab.two)),
        )
        for peer in (lab.one, lab.two):
            peer.add_tunnel(lab.vtep.tunnel_ip, min_rx=300, min_tx=300)
            lab.set_bfd(peer, BFD)
        lab.await_bfd(lab.one, lab.two)
        yield lab


@pytest.fixture(scope="module")
def fabric():
    with Fabric(lab_name("fabric"), vteps=3) as fabric:
        yield fabric
