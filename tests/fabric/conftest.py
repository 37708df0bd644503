"""Labs in which BFD is spoken: one VTEP with two service nodes, and a fabric of VTEPs."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest

from sim.demo.fabric import Fabric
from sim.lab.network import EmptyLab
from sim.lab.peer import Peer
from sim.waiting import wait_until
from tests.lab.trial import ForkedApp, new_lab_name, standing

T = TypeVar("T")

BFD = "bfd_params:enable=true bfd_params:min_rx=300 bfd_params:min_tx=300"


class BfdLab(EmptyLab):
    """A VTEP with vm1 and vm2 in ls0, whose service nodes are two peers; no NVC but the test."""

    def configure(self, *commands: str) -> None:
        """Run commands of vtep-ctl, all in one transaction."""
        self.vtep.vtep_ctl(*shlex.split(" -- ".join(commands)))

    def wait(self, condition: Callable[[], T | None], what: str, timeout: float = 60.0) -> T:
        """Wait for a condition; show all there is to see if it does not come true."""
        result = wait_until(condition, what, timeout=timeout, evidence=self.evidence)
        assert result is not None
        return result

    def tunnel(self, peer: Peer) -> dict[str, Any]:
        """Return the Tunnel row that leads to a peer."""
        return self.vtep.tunnels()[peer.tunnel_ip]

    def set_bfd(self, peer: Peer, settings: str) -> None:
        """Set columns of the Tunnel row that leads to a peer, as vtep-ctl takes them."""
        self.wait(lambda: peer.tunnel_ip in self.vtep.tunnels(), f"a Tunnel row for {peer.name}")
        self.configure(f"set Tunnel {self.tunnel(peer)['_uuid']} {settings}")

    def await_bfd(self, *peers: Peer) -> None:
        """Wait until BFD between the VTEP and these peers is up, and at its final interval."""
        for peer in peers:
            what = f"BFD up between {self.vtep.name} and {peer.name}"
            self.wait(partial(self._is_settled, peer), what)

    def _is_settled(self, peer: Peer) -> bool:
        return is_settled(self.vtep.bfd_sessions().get(peer.tunnel_ip, {})) and is_settled(
            peer.bfd_sessions().get(self.vtep.tunnel_ip, {})
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
def lab() -> Iterator[BfdLab]:
    with standing(BfdLab(new_lab_name(), ForkedApp)) as lab:
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
def fabric() -> Iterator[Fabric]:
    with standing(Fabric(new_lab_name(), 3, ForkedApp)) as fabric:
        yield fabric
