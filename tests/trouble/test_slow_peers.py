"""A switch or a database that does not read for twenty seconds delays nobody but itself."""

from __future__ import annotations

import contextlib
import itertools
import time
from concurrent.futures import ThreadPoolExecutor

from sim.wire.proxy import Way
from tests.switch.dummy import BROADCAST
from tests.trouble.conftest import Measured
from tests.trouble.proxied import ProxiedSwitch, proxied_switch, small_buffers

SLOW = 20.0
"""Seconds for which the peer does not read."""
MANY = 2500
PATIENCE = 60.0


class Other:
    """A second bridge of the same application, br1, whose work goes on."""

    def __init__(self, switch: ProxiedSwitch) -> None:
        self.switch = switch
        self.worst = 0.0
        self._numbers = itertools.count(1)
        switch.add_bridge("br1", ports=("q0", "q1"))
        switch.add_physical_switch("br1", "127.0.0.2")
        switch.ovs_vsctl("set-controller", "br1", f"tcp:127.0.0.1:{switch.app.port}")
        switch.wait(lambda: switch.port_rows("br1") == ["q0", "q1"], "the ports of br1")
        switch.do_all("bind-ls br0 p0 0 ls0", "bind-ls br1 q0 0 ls1")
        switch.do_all("add-ucast-remote ls1 00:00:00:00:00:98 10.2.2.3")
        self._until_flow("00:00:00:00:00:98")
        switch.come_to_rest()

    def works(self) -> None:
        """Return when the NVC's row for one station and the frame of another had their effect."""
        number = next(self._numbers).to_bytes(2, "big").hex(":")
        placed, learned = f"00:00:01:00:{number}", f"00:00:02:00:{number}"
        for mac, happen in (
            (placed, lambda: self.switch.do_all(f"add-ucast-remote ls1 {placed} 10.2.2.3")),
            (learned, lambda: self.switch.receive("q0", learned, BROADCAST)),
        ):
            started = time.monotonic()
            happen()
            self._until_flow(mac)
            self.worst = max(self.worst, time.monotonic() - started)

    def reports(self) -> None:
        """Return when the NVC was told of all stations that were learned."""
        expected = {flow.split("dl_src=")[1].split()[0] for flow in self._learned()}
        self.switch.wait(
            lambda: {row["MAC"] for row in self.switch.rows("Ucast_Macs_Local")} >= expected,
            "the rows of all stations",
            PATIENCE,
        )

    def _learned(self) -> list[str]:
        return [flow for flow in self.switch.flows("br1") if "dl_src=00:00:02" in flow]

    def _until_flow(self, mac: str) -> None:
        there = lambda: f"dl_dst={mac}" in "\n".join(self.switch.flows("br1"))  # noqa: E731
        self.switch.wait(there, f"the flow for {mac} on br1", PATIENCE)

    def works_while(self, peer_is_slow: float) -> None:
        """Go on working for that many seconds."""
        end = time.monotonic() + peer_is_slow
        while time.monotonic() < end:
            self.works()


def place_many(switch: ProxiedSwitch) -> None:
    """Place many stations behind a remote VTEP of br0."""
    switch.do_all("add-mcast-remote ls0 unknown-dst 10.2.2.2")
    (locator,) = (row for row in switch.rows("Physical_Locator") if row["dst_ip"] == "10.2.2.2")
    row = {
        "locator": ["uuid", str(locator["_uuid"])],
        "logical_switch": switch.logical_switch("ls0"),
    }
    stations = [f"00:00:03:00:{number.to_bytes(2, 'big').hex(':')}" for number in range(MANY)]
    for first in range(0, MANY, 500):
        switch.transact(
            *(
                {"op": "insert", "table": "Ucast_Macs_Remote", "row": {"MAC": mac, **row}}
                for mac in stations[first : first + 500]
            )
        )
    switch.wait(lambda: len(switch.flows()) > MANY, "the flows of all of them", PATIENCE)


def slow_switch(switch: ProxiedSwitch) -> float:
    """Let the switch stop reading when it has begun to get a large bundle.

    A switch that hangs does not probe the connection, either.
    """
    other = Other(switch)
    place_many(switch)
    switch.ovs_vsctl("set", "controller", "br0", "inactivity_probe=0")
    switch.come_to_rest()
    before = switch.flows()
    stop = lambda link: switch.openflow.stop_reading(Way.FROM_SERVER)  # noqa: E731
    trap = switch.openflow.after(Way.FROM_SERVER, stop, messages=10)
    switch.ofctl("del-flows", "br0")
    switch.wait(trap.sprung.is_set, "the bundle")
    other.works_while(SLOW)
    assert len(switch.flows()) < MANY
    switch.openflow.read_on()
    switch.wait(lambda: switch.flows() == before, "the flows of br0 as they were", PATIENCE)
    other.reports()
    return other.worst


def slow_hardware_vtep(switch: ProxiedSwitch) -> float:
    """Let the server stop reading what we write to hardware_vtep."""
    other = Other(switch)
    switch.vtep_db.stop_reading(Way.FROM_CLIENT)
    other.works_while(SLOW)
    assert switch.rows("Ucast_Macs_Local") == []
    switch.vtep_db.read_on()
    other.reports()
    return other.worst


def slow_open_vswitch(switch: ProxiedSwitch) -> float:
    """Let the server stop reading what we write to Open_vSwitch: a new tunnel has to wait."""
    other = Other(switch)
    switch.ovs_db.stop_reading(Way.FROM_CLIENT)
    switch.do_all("add-ucast-remote ls0 00:00:00:00:00:99 10.2.2.5")
    other.works_while(SLOW)
    assert "10.2.2.5" not in {remote for remote, _ in switch.tunnel_ports()}
    switch.ovs_db.read_on()
    way = lambda: switch.sends("p0", "00:00:00:00:00:99")  # noqa: E731
    switch.wait(lambda: way() == ["10.2.2.5 vni 33"], "the new tunnel", PATIENCE)
    other.reports()
    return other.worst


CASES = {
    "a switch that does not read": slow_switch,
    "a switch that does not read, small buffers": slow_switch,
    "hardware_vtep's server does not read": slow_hardware_vtep,
    "Open_vSwitch's server does not read": slow_open_vswitch,
}


def test_a_peer_that_does_not_read_delays_nobody_and_all_converges_afterwards(
    measured: Measured,
) -> None:
    # All at the same time, because each takes a while in which little happens.
    with contextlib.ExitStack() as stack:
        small = stack.enter_context(small_buffers())
        switches = [
            stack.enter_context(proxied_switch(small if "small" in name else None))
            for name in CASES
        ]
        pool = stack.enter_context(ThreadPoolExecutor(len(CASES)))
        worst = list(pool.map(lambda case, switch: case(switch), CASES.values(), switches))
    for name, seconds in zip(CASES, worst, strict=True):
        measured(f"{name}: longest reaction of another switch meanwhile", seconds)
