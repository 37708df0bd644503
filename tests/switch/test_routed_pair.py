"""Two processes for a switch with a router: one asks and answers, the other one takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import ARP
from scapy.packet import Packet

from tests.switch.conftest import described
from tests.switch.dummy import DummyApp
from tests.switch.routed import HA, HB, R3, RoutedSwitch
from tests.switch.test_next_hops import (
    BEYOND,
    BEYOND_MAC,
    NOBODY,
    OUR_SOURCE,
    all_out,
    carries,
    is_request,
    is_unreachable,
    reply,
    sends,
)
from tests.switch.test_pair import IN_CHARGE, STANDING_BY


class RoutedPair(RoutedSwitch):
    """br0 with a router and two controllers: the application, and a second one that stands by."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.other = DummyApp(self, "other")

    def prepare(self, **options: str) -> None:
        """Make all of it, and let the other process stand by."""
        super().prepare(**options)
        for host in (HA, HB):
            self.host_speaks(host)
        self.other.start()
        self.other.wait_to_say(STANDING_BY)
        self.ovs_vsctl("set-controller", "br0", self.app.target, self.other.target)
        self.wait(self.other.is_connected, "the connection of the other")
        self.wait(lambda: self.roles() == ["master", "slave"], "master and slave")

    def roles(self) -> list[str]:
        """Return the roles of the controllers that are connected."""
        rows = self.rows("Controller", "Open_vSwitch")
        return sorted(row["role"] for row in rows if row["is_connected"])

    def routing(self) -> set[str]:
        """Return the flows of NEXT_HOPS, and those that show or answer what hosts state."""
        tables = ("table=35", "table=40", "table=45", "table=50", "table=52", "table=54")
        return {flow for flow in self.flows() if any(f"{table}," in flow for table in tables)}

    def stop(self) -> None:
        self.other.kill()
        super().stop()


@pytest.fixture
def pair() -> Iterator[RoutedPair]:
    with described(RoutedPair) as pair:
        pair.start()
        pair.prepare()
        yield pair


def is_announcement(frame: Packet) -> bool:
    return ARP in frame and bool(frame[ARP].psrc == frame[ARP].pdst)


def waits(pair: RoutedPair, fits: Callable[[Packet], bool], where: str) -> None:
    pair.wait(lambda: where in all_out(pair, fits), f"a frame at {where}")


def test_one_that_stands_by_sends_no_frame(pair: RoutedPair) -> None:
    """Invariant 7: requests, errors and announcements are those of one process."""
    pair.forget_frames()
    sends(pair, NOBODY[0])
    pair.waits_for("p0", is_unreachable, "the error")
    mac = "02:00:00:00:00:fe"
    pair.vtep_ctl("set", "Logical_Router", "r1", f'other_config:router_mac="{mac}"')
    pair.waits_for("p1", is_announcement, "the announcement")
    pair.come_to_rest()
    assert len([frame for frame in pair.out("p1") if is_request(NOBODY[0])(frame)]) == 3
    assert len([frame for frame in pair.out("p0") if is_unreachable(frame)]) == 1
    for port in ("p0", "p1"):
        assert len([frame for frame in pair.out(port) if is_announcement(frame)]) == 1


def test_the_one_that_takes_over_knows_the_next_hops(pair: RoutedPair) -> None:
    """Invariant 7: those of stations and those that answered; nobody is asked again."""
    target = BEYOND[0]
    sends(pair, target)
    waits(pair, is_request(target), f"{R3} 5002")
    pair.tunnels_in(R3, 5002, reply(BEYOND_MAC, target, OUR_SOURCE))
    waits(pair, carries(), f"{R3} 5002")
    pair.wait(lambda: pair.is_next_hop(target, BEYOND_MAC), "the next hop")
    pair.come_to_rest()
    flows = pair.routing()
    pair.app.kill()
    pair.other.wait_to_say(IN_CHARGE)
    pair.wait(lambda: pair.roles() == ["master"], "one master")
    pair.come_to_rest()
    assert pair.routing() == flows
    pair.forget_frames()
    sends(pair, target, 2)
    sends(pair, "192.168.2.11", 3)
    waits(pair, carries(2), f"{R3} 5002")
    waits(pair, carries(3), "p1")
    pair.come_to_rest()
    assert all_out(pair, lambda frame: ARP in frame and frame[ARP].op == 1) == []
    # It has the answer as its own: what is said elsewhere is followed.
    pair.tunnels_in(R3, 5002, reply("00:00:00:00:00:97", target, OUR_SOURCE))
    pair.wait(lambda: pair.is_next_hop(target, "00:00:00:00:00:97"), "the next hop that moved")
